"""What the rows of a file of recoveries say, as far as no record is needed to read them."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from incidents import import_files
from incidents.choices import CompanyState, RowKind
from incidents.import_files import Line
from incidents.models import Incident
from incidents.operations.recoveries import EARLIEST_BEFORE_START

SEPARATOR = "\x1f"
"""Stands between the values of a column on their way to the database; in no name."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Columns:
    """Rows that can be read, column by column; the nth of each column is of one row.

    A row says the words for a company and a component, a state and an instant, or has a problem with
    the last two. Instants are seconds since 1970. The other rows are lines of which only the number is
    known.
    """

    lines: list[int] = field(default_factory=list)
    companies: list[str] = field(default_factory=list)
    components: list[str] = field(default_factory=list)
    states: list[str] = field(default_factory=list)
    instants: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    malformed: list[int] = field(default_factory=list)

    def joined(self) -> dict[str, str]:
        """Each column as one text, which the database takes apart faster than it is sent a list."""
        return {
            "lines": SEPARATOR.join(map(str, self.lines)),
            "companies": SEPARATOR.join(self.companies),
            "components": SEPARATOR.join(self.components),
            "states": SEPARATOR.join(self.states),
            "instants": SEPARATOR.join(self.instants),
            "problems": SEPARATOR.join(self.problems),
        }


class Reader:
    """Reads the rows of one file about one incident."""

    def __init__(self, incident: Incident, mapping: dict[str, Any], *, now: datetime) -> None:
        self._mapping = mapping
        self._now = now
        self._earliest = incident.started_at - EARLIEST_BEFORE_START
        self._zone = ZoneInfo(mapping["zone"])
        of_all = mapping["state_of_all"]
        self._state_of_all = CompanyState(of_all) if of_all else None

    def read(self, lines: Iterable[Line]) -> Columns:
        """What each line says; of a line with several problems the first."""
        found = Columns()
        for number, cells in lines:
            typed = self._typed(cells)
            if typed is None:
                found.malformed.append(number)
                continue
            company, component, typed_state, typed_instant = typed
            state = self._state_of_all or import_files.read_state(typed_state)
            instant = import_files.read_instant(typed_instant, self._zone)
            found.lines.append(number)
            found.companies.append(company)
            found.components.append(component)
            found.states.append(state or "")
            found.instants.append("" if instant is None else str(instant.timestamp()))
            found.problems.append(self._problem(state, instant))
        return found

    def _typed(self, cells: list[str] | None) -> tuple[str, str, str, str] | None:
        """The words for company, component, state and instant; None where the row cannot be read."""
        if cells is None:
            return None
        component_at, state_at = self._mapping["component"], self._mapping["state"]
        try:
            company = cells[self._mapping["company"]].strip()
            component = "" if component_at is None else cells[component_at].strip()
            state = "" if state_at is None else cells[state_at]
            instant = cells[self._mapping["at"]]
        except IndexError:
            return None
        words = company + component
        return None if "\0" in words or SEPARATOR in words else (company, component, state, instant)

    def _problem(self, state: CompanyState | None, instant: datetime | None) -> str:
        if state is None:
            return RowKind.BAD_STATE
        if instant is None:
            return RowKind.BAD_TIME
        if instant > self._now:
            return RowKind.IN_FUTURE
        return RowKind.BEFORE_START if instant < self._earliest else ""
