"""Promises of a next update, where staff and clients see what became of them."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from incidents.audiences import Readers
from incidents.choices import Audience, UpdateKind
from incidents.promises import Tally
from incidents.queries import incident_lists, overviews, staff_board, staff_promises
from tenants import scope
from tenants.models import Company, User
from tests import factories
from tests.conftest import World
from tests.incidents.reading import instant, post, read

SignIn = Callable[[User], Client]


def to(*companies: Company) -> Readers:
    return Readers(audience=Audience.COMPANIES, company_ids=[each.pk for each in companies])


def tally(world: World, now: datetime) -> Tally:
    with scope.as_staff():
        return staff_promises.tallies([world.incident.pk], now=now)[world.incident.pk]


def test_a_client_reads_what_became_of_each_promise(world: World, signed_in: SignIn) -> None:
    post(world, UpdateKind.INVESTIGATING, 10, next_update_at=instant(30))
    post(world, UpdateKind.IDENTIFIED, 28, next_update_at=instant(75))
    post(world, UpdateKind.UPDATE, 87)
    shown = read(world, now=instant(90))
    _, late, kept = shown.updates
    assert late.promise is not None
    assert (late.promise.is_kept, late.promise.late_seconds) == (False, 720)
    assert kept.promise is not None
    assert kept.promise.is_kept
    assert shown.promises == Tally(kept=1, missed=1)
    words = signed_in(world.ada).get(f"/acme/incidents/{world.incident.reference}/").content.decode()
    assert "<strong>12 min late</strong>" in words
    assert "kept, it came" in words
    assert "Promised updates: 1 kept, 1 missed" in words


def test_while_it_is_late_the_head_of_the_page_says_by_how_much(world: World, signed_in: SignIn) -> None:
    post(world, UpdateKind.INVESTIGATING, 10, next_update_at=instant(30))
    early, late = read(world, now=instant(30)), read(world, now=instant(42))
    assert (early.incident.next_update_at, early.incident.next_update_is_late) == (instant(30), False)
    assert (late.incident.next_update_at, late.incident.next_update_is_late) == (instant(30), True)
    words = signed_in(world.ada).get(f"/acme/incidents/{world.incident.reference}/").content.decode()
    assert "The next update is late:" in words
    assert "so far</strong>" in words


def test_a_promise_to_some_counts_for_its_readers_only(world: World) -> None:
    post(world, UpdateKind.INVESTIGATING, 10, next_update_at=instant(120))
    post(world, UpdateKind.UPDATE, 20, next_update_at=instant(40), readers=to(world.acme))
    acme, globex = read(world, now=instant(50)), read(world, world.globex, now=instant(50))
    assert (acme.incident.next_update_at, acme.incident.next_update_is_late) == (instant(40), True)
    assert acme.promises == Tally(kept=1, missed=1, late_due_at=instant(40))
    assert (globex.incident.next_update_at, globex.incident.next_update_is_late) == (instant(120), False)
    assert globex.promises == Tally()


@pytest.mark.parametrize("is_to_both", [False, True])
def test_staff_count_a_promise_to_some_as_kept_when_all_of_them_were_told(
    world: World, *, is_to_both: bool
) -> None:
    post(world, UpdateKind.UPDATE, 10, next_update_at=instant(40), readers=to(world.acme, world.globex))
    told = (world.acme, world.globex) if is_to_both else (world.acme,)
    post(world, UpdateKind.UPDATE, 30, readers=to(*told))
    found = tally(world, instant(50))
    assert (found.kept, found.missed) == ((1, 0) if is_to_both else (0, 1))
    post(world, UpdateKind.UPDATE, 60)
    assert tally(world, instant(70)).late_due_at is None


def test_a_note_of_staff_keeps_no_promise_and_makes_none(world: World) -> None:
    post(world, UpdateKind.UPDATE, 10, next_update_at=instant(40))
    post(world, UpdateKind.UPDATE, 20, next_update_at=instant(25), readers=Readers(audience=Audience.STAFF))
    assert tally(world, instant(50)) == Tally(kept=0, missed=1, late_due_at=instant(40))


def test_the_console_the_list_and_the_incident_say_what_was_missed(world: World, signed_in: SignIn) -> None:
    post(world, UpdateKind.UPDATE, 10, next_update_at=instant(40))
    post(world, UpdateKind.UPDATE, 60, next_update_at=timezone.now() + timedelta(hours=1))
    post(world, UpdateKind.UPDATE, 70, next_update_at=instant(80), readers=to(world.acme))
    with scope.as_staff():
        (row,) = staff_board.board(now=timezone.now()).incidents
    assert (row.promises.missed, row.is_late, row.next_update_at) == (2, True, instant(80))
    client = signed_in(world.sam)
    of_incident = f"/admin/incidents/incident/{world.incident.pk}/change/"
    for place in ("/admin/", "/admin/incidents/incident/", of_incident):
        words = client.get(place).content.decode()
        assert "0 kept, 2 missed" in words, place
        assert 'class="late"' in words, place


def test_overview_and_list_say_what_the_incident_page_promises_to_this_company(world: World) -> None:
    """Of a promise to some, one to all, a note of staff, and the end; in as many statements as without."""

    def promised(company: Company, minutes: float) -> tuple[datetime | None, bool]:
        now = instant(minutes)
        header = read(world, company, now=now).incident
        with scope.as_company(company.pk, read_only=True), CaptureQueriesContext(connection) as asked:
            (listed,) = incident_lists.incident_list(search="", kind="", page_number=1, now=now).rows
            of_list = len(asked)
            page = overviews.overview(zone="UTC", now=now)
        counts.add((of_list, len(asked) - of_list, len(page.open_incidents)))
        for row in (listed, *page.open_incidents, *page.recent_incidents):
            assert (row.next_update_at, row.next_update_is_late) == (
                header.next_update_at,
                header.next_update_is_late,
            )
        return header.next_update_at, header.next_update_is_late

    counts: set[tuple[int, int, int]] = set()
    post(world, UpdateKind.INVESTIGATING, 10, next_update_at=instant(120))
    assert promised(world.acme, 15) == promised(world.globex, 15) == (instant(120), False)
    post(world, UpdateKind.UPDATE, 20, next_update_at=instant(40), readers=to(world.acme))
    post(world, UpdateKind.UPDATE, 25, next_update_at=instant(30), readers=Readers(audience=Audience.STAFF))
    assert promised(world.acme, 35) == (instant(40), False)
    assert promised(world.acme, 50) == (instant(40), True)
    assert promised(world.globex, 50) == (instant(120), False)
    post(world, UpdateKind.UPDATE, 55, readers=to(world.acme))
    assert promised(world.acme, 60) == (None, False)
    assert promised(world.globex, 130) == (instant(120), True)
    assert counts == {(2, 5, 1)}
    post(world, UpdateKind.UPDATE, 131, next_update_at=instant(200), readers=to(world.globex))
    factories.restore([world.acme, world.globex], world.incident, minutes=140)
    factories.resolve(world.incident, by=world.sam, now=instant(150))
    assert promised(world.globex, 210) == (None, False)
