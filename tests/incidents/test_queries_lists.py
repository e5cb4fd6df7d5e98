"""The list of a company's incidents: search, kinds and pages; nothing of others at any page."""

from datetime import timedelta

import pytest

from incidents.choices import CompanyState, IncidentKind
from incidents.models import Incident
from incidents.queries import incident_lists, shapes
from tenants import scope
from tenants.models import Company
from tests import factories
from tests.conftest import World

NOW = factories.STARTED_AT + timedelta(days=60)


def read(
    world: World, company: Company | None = None, *, search: str = "", kind: str = "", page_number: int = 1
) -> shapes.IncidentList:
    with scope.as_company((company or world.acme).pk, read_only=True):
        return incident_lists.incident_list(search=search, kind=kind, page_number=page_number, now=NOW)


def several(world: World, count: int) -> list[Incident]:
    """Besides the one of the world: incidents of Acme alone, an hour apart, the newest last."""
    return [
        factories.incident(
            world.reports,
            title=f"Reports are late, case {number}",
            started_at=factories.STARTED_AT + timedelta(hours=1 + number),
        )
        for number in range(count)
    ]


def test_incidents_come_newest_start_first_and_only_the_companys_own(world: World) -> None:
    made = several(world, 3)
    page = read(world)
    assert [row.reference for row in page.rows] == [
        *(each.reference for each in reversed(made)),
        world.incident.reference,
    ]
    assert (page.total_count, page.has_next, page.page_number) == (4, False, 1)
    assert [row.reference for row in read(world, world.globex).rows] == [world.incident.reference]


def test_drafts_are_in_no_list(world: World) -> None:
    factories.draft(world.api, title="Being written")
    assert read(world).total_count == 1
    assert read(world, search="Being written").total_count == 0


def test_a_row_says_what_the_own_record_says(world: World) -> None:
    factories.restore(world.acme, world.incident, minutes=60)
    (own,), (other,) = read(world).rows, read(world, world.globex).rows
    assert (own.your_state, own.is_open_for_you, own.outage_seconds) == (CompanyState.RESTORED, False, 3600)
    assert (other.your_state, other.is_open_for_you) == (CompanyState.OUTAGE, True)
    assert other.outage_seconds == 60 * 24 * 3600, "a state that holds is counted up to now"


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("late", 3),
        ("LATE", 3),
        ("case 1", 1),
        ("System", 1),
        ("nothing like it", 0),
        ("%", 0),
        ("_", 0),
        ("\\", 0),
        ("'; drop table incidents_incident; --", 0),
        ("Globex", 0),
        ("é" * 100, 0),
        ("\ud83d\ude00".encode("utf-16", "surrogatepass").decode("utf-16"), 0),
    ],
)
def test_the_search_takes_words_literally(world: World, search: str, found: int) -> None:
    several(world, 3)
    page = read(world, search=search)
    assert (page.total_count, len(page.rows), page.search) == (found, found, search)


def test_a_reference_is_found_and_only_an_own_one(world: World) -> None:
    (alone,) = several(world, 1)
    assert [row.reference for row in read(world, search=alone.reference[4:].lower()).rows] == [
        alone.reference
    ]
    assert read(world, world.globex, search=alone.reference).total_count == 0


def test_kinds_are_told_apart_and_an_unknown_kind_is_no_filter(world: World) -> None:
    work = factories.incident(world.api, title="Planned work", kind=IncidentKind.MAINTENANCE)
    assert [row.reference for row in read(world, kind="maintenance").rows] == [work.reference]
    assert [row.reference for row in read(world, kind="incident").rows] == [world.incident.reference]
    for nonsense in ("party", "MAINTENANCE", "' or 1=1 --"):
        page = read(world, kind=nonsense)
        assert (page.total_count, page.kind) == (2, "")
    assert read(world, kind="maintenance", search="System").total_count == 0


def test_pages_hold_25_each_without_gap_or_repeat(world: World) -> None:
    several(world, 59)
    pages = [read(world, page_number=number) for number in (1, 2, 3)]
    assert [len(page.rows) for page in pages] == [25, 25, 10]
    assert [page.has_next for page in pages] == [True, True, False]
    references = [row.reference for page in pages for row in page.rows]
    assert len(set(references)) == 60
    starts = [row.started_at for page in pages for row in page.rows]
    assert starts == sorted(starts, reverse=True)


@pytest.mark.parametrize(("asked", "given"), [(-5, 1), (0, 1), (2, 2), (3, 2), (10**9, 2), (10**30, 2)])
def test_a_page_out_of_range_is_the_nearest(world: World, asked: int, given: int) -> None:
    several(world, 29)
    page = read(world, page_number=asked)
    assert (page.page_number, len(page.rows)) == (given, 25 if given == 1 else 5)


def test_an_empty_list_is_one_empty_page(world: World) -> None:
    page = read(world, factories.company("hooli"), page_number=7)
    assert (page.rows, page.total_count, page.page_number, page.has_next) == ((), 0, 1, False)
