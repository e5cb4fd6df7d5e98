"""Stored standings: the same as the arithmetic says, and nothing in them that a client must not read."""

import math
import random
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection

from incidents import standings
from incidents.choices import RosterPolicy
from incidents.models import Cohort, Incident, Recovery, RosterEntry
from tenants import scope
from tenants.models import Company
from tests import factories
from tests.conftest import World, make_world
from tests.incidents import crowds
from tests.threads import at_once

NOW = factories.STARTED_AT + timedelta(hours=12)


def scene(
    world: World, count: int, minutes: Sequence[float | None], *, consenting: int = 0, **fields: Any
) -> tuple[Incident, list[Company]]:
    """An incident of `count` companies; `minutes` say when each was restored, None not at all."""
    component = factories.component("Payment Processing", "NA")
    made = crowds.companies(count, component, consenting=consenting)
    incident = factories.incident(component, **fields)
    known = {company.pk: at for company, at in zip(made, minutes, strict=True) if at is not None}
    crowds.restore(incident, component, known, now=NOW)
    return incident, made


def instant(minutes: float) -> datetime:
    return factories.STARTED_AT + timedelta(minutes=minutes)


@pytest.mark.parametrize("seed", range(12))
def test_stored_rows_are_what_the_definitions_say(world: World, seed: int) -> None:
    """Counted here anew, from the words of the definitions, and without the module under test."""
    dice = random.Random(seed)
    count = dice.choice([1, 2, 19, 20, 21, 39, 40, 41, 60])
    percent = dice.choice([5, 5, 10, 25])
    minutes: list[float | None] = [
        None if dice.random() < 0.04 else float(dice.randint(1, dice.choice([5, 50, 400])))
        for _ in range(count)
    ]
    incident, made = scene(world, count, minutes, tail_percent=percent)

    known = sorted(each for each in minutes if each is not None)
    needed = math.ceil(count * (100 - percent) / 100)
    share_at = known[needed - 1] if 0 < needed <= len(known) else None
    with scope.as_staff():
        rows = {row.company_id: row for row in Recovery.objects.filter(incident=incident)}
        stored = Cohort.objects.get(incident=incident)
    assert len(rows) == count
    tail = 0
    for company, at in zip(made, minutes, strict=True):
        row = rows[company.pk]
        if at is None or count < standings.SMALLEST_SHOWN_COHORT:
            assert (row.rank, row.percentile) == (None, None)
            assert row.restored_at == (None if at is None else instant(at))
        else:
            assert row.rank == 1 + sum(each < at for each in known)
            assert row.percentile == pytest.approx(100 * sum(each <= at for each in known) / count)
            assert row.restored_at == instant(at)
        if count < standings.SMALLEST_SHOWN_COHORT:
            assert row.in_tail is False
            continue
        is_tail = None if share_at is None else at is None or at > share_at
        assert row.in_tail is is_tail
        tail += is_tail is True
    assert tail <= count * percent / 100
    assert (stored.affected_count, stored.restored_count) == (count, len(known))
    if count < standings.SMALLEST_SHOWN_COHORT:
        assert stored.tail_count is None
    else:
        assert stored.tail_count == (None if share_at is None else tail)
    if count >= standings.SMALLEST_SHOWN_COHORT:
        assert stored.restored_share_at == (None if share_at is None else instant(share_at))
        assert stored.all_restored_at == (instant(known[-1]) if len(known) == count else None)
        assert len(stored.curve) <= 200


def test_the_founding_numbers_come_out_of_the_database_exactly(world: World) -> None:
    """240 companies: the 228th at 18:10, 4 h 25 after the start; the last at 20:15, after 6 h 30."""
    minutes = [38 + place for place in range(228)] + [280 + 10 * place for place in range(12)]
    incident, made = scene(world, 240, minutes)
    with scope.as_staff():
        stored = Cohort.objects.get(incident=incident)
        last = Recovery.objects.get(incident=incident, company=made[-1])
    assert stored.restored_share_at == datetime.fromisoformat("2026-02-04T18:10:00+01:00")
    assert stored.all_restored_at == datetime.fromisoformat("2026-02-04T20:15:00+01:00")
    assert (stored.tail_count, last.rank, last.percentile, last.in_tail) == (12, 240, 100.0, True)


def test_below_twenty_companies_no_instant_and_no_curve_is_stored(world: World) -> None:
    incident, _ = scene(world, 19, [float(place) for place in range(1, 20)])
    with scope.as_staff():
        stored = Cohort.objects.get(incident=incident)
    assert (stored.affected_count, stored.restored_count) == (19, 19)
    assert (stored.restored_half_at, stored.restored_share_at, stored.all_restored_at) == (None, None, None)
    assert stored.curve == []
    assert stored.tail_count is None


@pytest.mark.parametrize("percent", [5, 50])
def test_below_twenty_companies_nobody_has_a_place_or_is_in_a_tail(world: World, percent: int) -> None:
    minutes: list[float | None] = [float(place) for place in range(1, 19)]
    incident, made = scene(world, 19, [*minutes, None], consenting=19, tail_percent=percent)
    with scope.as_staff():
        assert RosterEntry.objects.filter(incident=incident).count() == 0
        assert Cohort.objects.get(incident=incident).tail_count is None
    with scope.as_company(made[1].pk):
        own = Recovery.objects.get(incident=incident)
        assert (own.rank, own.percentile, own.in_tail) == (None, None, False)
        assert Cohort.objects.get(incident=incident).restored_count == 18


def test_from_twenty_on_they_are_stored(world: World) -> None:
    incident, made = scene(world, 20, [float(place) for place in range(1, 21)])
    with scope.as_staff():
        stored = Cohort.objects.get(incident=incident)
        tail = list(Recovery.objects.filter(incident=incident, in_tail=True))
    assert stored.restored_half_at == instant(10)
    assert stored.restored_share_at == instant(19)
    assert stored.all_restored_at == instant(20)
    assert stored.curve[-1][1] == 1.0
    assert [each.company_id for each in tail] == [made[-1].pk]


def in_tail_order(count: int = 100, tail: int = 5) -> list[float | None]:
    """The first `tail` companies come back last, so that `consenting` counts from the tail."""
    return [
        *(500.0 + place for place in range(tail)),
        *(float(place) for place in range(1, count - tail + 1)),
    ]


def test_the_roster_holds_the_names_of_the_tail_that_agreed_and_nothing_else(world: World) -> None:
    incident, made = scene(world, 100, in_tail_order(), consenting=3)
    with scope.as_staff():
        stored = Cohort.objects.get(incident=incident)
        roster = list(RosterEntry.objects.filter(incident=incident).order_by("name"))
    assert stored.tail_count == 5
    assert [(each.name, each.restored_at) for each in roster] == [
        (made[place].name, instant(500 + place)) for place in range(3)
    ]


def test_who_agreed_but_is_not_in_the_tail_is_not_named(world: World) -> None:
    incident, made = scene(world, 100, in_tail_order(), consenting=100)
    with scope.as_staff():
        assert {each.company_id for each in RosterEntry.objects.filter(incident=incident)} == {
            each.pk for each in made[:5]
        }


def test_a_company_that_is_still_down_is_in_the_tail_without_a_time(world: World) -> None:
    minutes = in_tail_order()
    minutes[0] = None
    incident, made = scene(world, 100, minutes, consenting=1)
    with scope.as_staff():
        (entry,) = RosterEntry.objects.filter(incident=incident)
    assert (entry.company_id, entry.restored_at) == (made[0].pk, None)


@pytest.mark.parametrize(
    ("policy", "tail_count", "names"),
    [(RosterPolicy.HIDDEN, None, 0), (RosterPolicy.COUNTS, 5, 0), (RosterPolicy.NAMES, 5, 5)],
)
def test_what_is_published_of_the_tail_is_what_the_policy_says(
    world: World, policy: RosterPolicy, tail_count: int | None, names: int
) -> None:
    incident, _ = scene(world, 100, in_tail_order(), consenting=100, roster_policy=policy)
    with scope.as_staff():
        assert Cohort.objects.get(incident=incident).tail_count == tail_count
        assert RosterEntry.objects.filter(incident=incident).count() == names


def test_a_client_cannot_ask_the_database_who_is_behind_a_name_or_who_is_not_named(world: World) -> None:
    incident, made = scene(world, 100, in_tail_order(), consenting=3)
    with scope.as_company(made[50].pk), connection.cursor() as cursor:
        cursor.execute("select name from incidents_rosterentry where incident_id = %s", [incident.pk])
        assert len(cursor.fetchall()) == 3
        cursor.execute("select company_id from incidents_recovery")
        assert cursor.fetchall() == [(made[50].pk,)]
    for column in ("company_id", "*"):
        with (
            pytest.raises(Exception, match="permission denied"),
            scope.as_company(made[50].pk),
            connection.cursor() as cursor,
        ):
            cursor.execute(f"select {column} from incidents_rosterentry")


def test_a_company_outside_of_the_incident_reads_no_roster_and_no_cohort(world: World) -> None:
    scene(world, 100, in_tail_order(), consenting=3)
    with scope.as_company(world.acme.pk):
        assert RosterEntry.objects.count() == 0
        assert [each.incident_id for each in Cohort.objects.all()] == [world.incident.pk]


def test_each_refresh_makes_a_new_version_and_the_same_rows(world: World) -> None:
    incident, _ = scene(world, 40, [float(place) for place in range(1, 41)])
    with scope.as_staff():
        before = list(Recovery.objects.filter(incident=incident).order_by("pk").values())
        version = incident.version
        standings.refresh(Incident.objects.select_for_update().get(pk=incident.pk), now=NOW)
        assert list(Recovery.objects.filter(incident=incident).order_by("pk").values()) == before
        assert Incident.objects.get(pk=incident.pk).version == version + 1


def large_scene(world: World, monkeypatch: pytest.MonkeyPatch) -> tuple[Incident, list[Company]]:
    """40 companies, the first still down, in a deployment to which 30 are many."""
    minutes: list[float | None] = [None, *(float(minute) for minute in range(1, 40))]
    incident, made = scene(world, 40, minutes, consenting=40)
    monkeypatch.setattr(standings, "LARGEST_AT_ONCE", 30)
    return incident, made


def stored_of(incident: Incident) -> tuple[Cohort, dict[Any, tuple[Any, ...]]]:
    with scope.as_staff():
        rows = Recovery.objects.filter(incident=incident)
        return Cohort.objects.get(incident=incident), {
            row.company_id: (row.state, row.restored_at, row.rank, row.in_tail) for row in rows
        }


def test_in_a_large_cohort_a_recording_is_written_at_once_and_everybody_is_counted_a_little_later(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    incident, made = large_scene(world, monkeypatch)
    before, rows_before = stored_of(incident)
    version = incident.version
    crowds.restore(incident, factories.component("Payment Processing", "NA"), {made[0].pk: 50.0}, now=NOW)
    waiting, rows = stored_of(incident)
    assert rows[made[0].pk] == ("restored", instant(50), None, None)
    assert {key: row for key, row in rows.items() if key != made[0].pk} == {
        key: row for key, row in rows_before.items() if key != made[0].pk
    }
    assert (waiting.stale_since, waiting.restored_count) == (NOW, before.restored_count)
    assert incident.version > version

    with scope.as_staff():
        assert standings.count_again(now=NOW) == 1
        assert standings.count_again(now=NOW) == 0
    counted, rows = stored_of(incident)
    assert rows[made[0].pk] == ("restored", instant(50), 40, True)
    assert (counted.stale_since, counted.restored_count, counted.all_restored_at) == (None, 40, instant(50))


def test_what_is_recorded_in_a_large_cohort_by_several_at_once_is_counted_as_a_whole(
    committed: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two people record while the recount runs again and again; in the end everybody has a place."""
    world = make_world()
    incident, made = large_scene(world, monkeypatch)
    component = factories.component("Payment Processing", "NA")

    def recordings(some: Sequence[Company], shift: float) -> None:
        for number, company in enumerate(some):
            crowds.restore(incident_of(), component, {company.pk: 60 + shift + number}, now=NOW)

    def incident_of() -> Incident:
        with scope.as_staff():
            return Incident.objects.get(pk=incident.pk)

    def recounts() -> None:
        for _ in range(12):
            with scope.as_staff():
                standings.count_again(now=NOW)

    ended = at_once(lambda: recordings(made[:10], 0.0), lambda: recordings(made[10:20], 0.5), recounts)
    assert ended == [None, None, None]
    with scope.as_staff():
        standings.count_again(now=NOW)
    cohort, rows = stored_of(incident)
    assert (cohort.stale_since, cohort.restored_count) == (None, 40)
    later = sorted(row[1] for row in rows.values())
    assert {key: row[2] for key, row in rows.items()} == {
        key: 1 + sum(each < row[1] for each in later) for key, row in rows.items()
    }
