"""What a row of a file of recoveries says: which company, component, state and instant, or why nothing."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from incidents import import_files
from incidents.choices import CompanyState, RowKind
from incidents.import_files import Line
from incidents.models import AffectedPlacement, Component, Incident
from incidents.operations.recoveries import EARLIEST_BEFORE_START
from tenants.models import Company

_LONGEST_TYPED = 300


@dataclass(frozen=True, kw_only=True, slots=True)
class ReadRow:
    """One row to keep: a fact of a component, or a problem with what was typed."""

    line: int
    problem: str = ""
    typed: str = ""
    company_id: UUID | None = None
    component_id: UUID | None = None
    state: str = ""
    at: datetime | None = None


class Reader:
    """Reads the rows of one file against one incident as it is known now."""

    def __init__(self, incident: Incident, mapping: dict[str, Any], *, now: datetime) -> None:
        self._mapping = mapping
        self._now = now
        self._earliest = incident.started_at - EARLIEST_BEFORE_START
        self._zone = ZoneInfo(mapping["zone"])
        of_all = mapping["state_of_all"]
        self._state_of_all = CompanyState(of_all) if of_all else None
        self._placed: dict[UUID, list[UUID]] = defaultdict(list)
        placements = AffectedPlacement.objects.filter(incident=incident).order_by("company", "component")
        for company_id, component_id in placements.values_list("company_id", "component_id"):
            self._placed[company_id].append(component_id)
        self._companies = _by_word(Company.objects.values_list("pk", "slug", "name"))
        self._components = {
            name.casefold(): key
            for key, name in Component.objects.filter(incidents=incident).values_list("pk", "name")
        }

    def read(self, line: Line) -> list[ReadRow]:
        """The facts of a row, one for each component; or the first problem with it, alone."""
        cells = line.cells
        if cells is None:
            return [ReadRow(line=line.number, problem=RowKind.MALFORMED)]
        found = self._facts(line.number, cells)
        if isinstance(found, list):
            return found
        typed = " | ".join(cells).replace("\0", "�")
        return [ReadRow(line=line.number, problem=found, typed=typed[:_LONGEST_TYPED])]

    def _facts(self, number: int, cells: list[str]) -> list[ReadRow] | RowKind:
        try:
            company, at = cells[self._mapping["company"]], cells[self._mapping["at"]]
            component, state = self._cell(cells, "component"), self._cell(cells, "state")
        except IndexError:
            return RowKind.MALFORMED
        if any("\0" in cell for cell in cells):
            return RowKind.MALFORMED
        places = self._places(company, component)
        if isinstance(places, RowKind):
            return places
        read_state = self._state_of_all or import_files.read_state(state)
        if read_state is None:
            return RowKind.BAD_STATE
        instant = self._instant(at)
        if isinstance(instant, RowKind):
            return instant
        company_id, component_ids = places
        return [
            ReadRow(
                line=number,
                company_id=company_id,
                component_id=component_id,
                state=str(read_state),
                at=instant,
            )
            for component_id in component_ids
        ]

    def _cell(self, cells: list[str], name: str) -> str:
        column = self._mapping[name]
        return "" if column is None else cells[column]

    def _places(self, company: str, component: str) -> tuple[UUID, list[UUID]] | RowKind:
        known = self._companies.get(company.strip().casefold())
        if known is None:
            return RowKind.UNKNOWN_COMPANY
        if len(known) > 1:
            return RowKind.AMBIGUOUS_COMPANY
        placed = self._placed.get(known[0])
        if placed is None:
            return RowKind.NOT_AFFECTED
        word = component.strip().casefold()
        if not word:
            return known[0], placed
        component_id = self._components.get(word)
        if component_id is None:
            return RowKind.UNKNOWN_COMPONENT
        return (known[0], [component_id]) if component_id in placed else RowKind.NOT_AFFECTED

    def _instant(self, typed: str) -> datetime | RowKind:
        instant = import_files.read_instant(typed, self._zone)
        if instant is None:
            return RowKind.BAD_TIME
        if instant > self._now:
            return RowKind.IN_FUTURE
        return RowKind.BEFORE_START if instant < self._earliest else instant


def _by_word(companies: Iterable[tuple[UUID, str, str]]) -> dict[str, list[UUID]]:
    """Companies by short name, and by name where that is nobody's short name."""
    named = defaultdict(list)
    short = {}
    for key, slug, name in companies:
        short[slug.casefold()] = [key]
        named[name.strip().casefold()].append(key)
    return {**named, **short}
