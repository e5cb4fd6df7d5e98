"""What the database adds up and ranks is what the words and the Python of `cohort` say, entry by entry."""

import random
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

import pytest
from django.db import IntegrityError, connection, transaction

from incidents import cohort, standings
from incidents.choices import CompanyState, EntrySource
from incidents.models import AffectedPlacement, Component, Incident, Placement, Recovery, RecoveryEntry
from tenants import scope
from tenants.models import Company
from tests import factories
from tests.conftest import World
from tests.incidents import crowds

NOW = factories.STARTED_AT + timedelta(minutes=40)
LATER = NOW + timedelta(days=1)
STATES = tuple(CompanyState)


def scene(dice: random.Random) -> Incident:
    """Companies on one to three components, with entries of every kind, none at all for some."""
    components = [factories.component(f"Service {number}", "NA") for number in range(3)]
    made = crowds.companies(dice.choice([3, 19, 20, 47]), components[0])
    with scope.as_staff():
        Placement.objects.bulk_create(
            Placement(company=company, component=component)
            for company in made
            for component in components[1:]
            if dice.random() < 0.5
        )
    incident = factories.incident(
        *components,
        state=dice.choice([CompanyState.UNKNOWN, CompanyState.OUTAGE]),
        tail_percent=dice.choice([5, 5, 20]),
    )
    with scope.as_staff():
        for company_id, component_id in placements(incident):
            record(dice, incident, company_id, component_id)
    return incident


def placements(incident: Incident) -> list[tuple[UUID, UUID]]:
    rows = AffectedPlacement.objects.filter(incident=incident).order_by("company", "component")
    return list(rows.values_list("company_id", "component_id"))


def record(dice: random.Random, incident: Incident, company_id: UUID, component_id: UUID) -> None:
    """Entries at few instants, so that many meet; some later than now, some superseded."""
    recorded: list[RecoveryEntry] = []
    for number in range(dice.choice([0, 1, 1, 2, 3, 6])):
        superseded = dice.choice(recorded) if recorded and dice.random() < 0.2 else None
        is_end = dice.random() < 0.5
        recorded.append(
            RecoveryEntry.objects.create(
                company_id=company_id,
                incident=incident,
                component_id=component_id,
                state=CompanyState.RESTORED if is_end else dice.choice(STATES),
                at=factories.STARTED_AT
                + timedelta(minutes=dice.randint(0, 45), microseconds=dice.randint(0, 9)),
                source=EntrySource.OPS,
                recorded_at=NOW + timedelta(seconds=dice.randint(0, 2)),
                idempotency_key=f"{component_id}:{number}",
                supersedes=superseded,
            )
        )


def added_up(incident: Incident, company_id: UUID) -> cohort.OwnRecovery:
    facts = [
        RecoveryEntry.fact(tuple(row))
        for row in RecoveryEntry.objects.filter(incident=incident, company_id=company_id).values_list(
            *RecoveryEntry.FACTS
        )
    ]
    return cohort.own_recovery(
        facts,
        components=frozenset(
            component_id for placed, component_id in placements(incident) if placed == company_id
        ),
        now=max([NOW, *(fact.at for fact in cohort.entries_in_effect(facts, now=LATER))]),
    )


def written(row: Recovery) -> tuple[object, ...]:
    return (
        row.state,
        row.impacted_at,
        row.restored_at,
        row.outage_seconds,
        row.degraded_seconds,
        row.rank,
        row.percentile,
        row.in_tail,
    )


def expected(incident: Incident, company_ids: Sequence[UUID]) -> dict[UUID, tuple[object, ...]]:
    own = {company_id: added_up(incident, company_id) for company_id in company_ids}
    places = cohort.standings(
        [
            cohort.CompanyRecovery(company_id=company_id, restored_at=each.restored_at)
            for company_id, each in own.items()
        ],
        tail_percent=incident.tail_percent,
    )
    is_shown = len(company_ids) >= standings.SMALLEST_SHOWN_COHORT
    return {
        place.company_id: (
            str(own[place.company_id].state),
            own[place.company_id].impacted_at,
            own[place.company_id].restored_at,
            own[place.company_id].outage_seconds,
            own[place.company_id].degraded_seconds,
            place.rank if is_shown else None,
            place.percentile if is_shown else None,
            place.in_tail if is_shown else False,
        )
        for place in places.standings
    }


@pytest.mark.parametrize("seed", range(16))
def test_every_row_is_what_the_arithmetic_says(world: World, seed: int) -> None:
    incident = scene(random.Random(seed))
    with scope.as_staff():
        standings.settle(incident, None, now=NOW)
        rows = {row.company_id: written(row) for row in Recovery.objects.filter(incident=incident)}
        assert rows == expected(incident, list(rows))
        stored, version = row_versions(incident), incident.version
        standings.settle(incident, None, now=NOW)
        assert row_versions(incident) == stored
        assert incident.version == version + 1


def row_versions(incident: Incident) -> list[str]:
    """Where the database has stored each recovery: a new place for each time that it is written."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select ctid::text from incidents_recovery where incident_id = %s order by company_id",
            [incident.pk],
        )
        return [place for (place,) in cursor.fetchall()]


@pytest.mark.parametrize("seed", range(100, 106))
def test_adding_up_some_leaves_the_own_part_of_the_others_alone(world: World, seed: int) -> None:
    """And everybody's place follows."""
    dice = random.Random(seed)
    incident = scene(dice)
    with scope.as_staff():
        before = {row.company_id: row for row in Recovery.objects.filter(incident=incident)}
        some = set(dice.sample(sorted(before), len(before) // 2))
        standings.settle(incident, some, now=NOW)
        after = {row.company_id: row for row in Recovery.objects.filter(incident=incident)}
        places = {
            place.company_id: place
            for place in cohort.standings(
                [
                    cohort.CompanyRecovery(company_id=company_id, restored_at=row.restored_at)
                    for company_id, row in after.items()
                ],
                tail_percent=incident.tail_percent,
            ).standings
        }
        wanted = expected(incident, list(after))
    for company_id, row in after.items():
        if company_id in some:
            assert written(row)[:5] == wanted[company_id][:5]
        else:
            assert written(row)[:5] == written(before[company_id])[:5]
        if len(after) >= standings.SMALLEST_SHOWN_COHORT:
            place = places[company_id]
            assert (row.rank, row.percentile, row.in_tail) == (place.rank, place.percentile, place.in_tail)


def test_a_component_without_an_entry_keeps_the_company_unknown(world: World) -> None:
    first, second = factories.component("Left", "NA"), factories.component("Right", "NA")
    (company,) = crowds.companies(1, first, second)
    incident = factories.incident(first, second, state=CompanyState.UNKNOWN)
    crowds.restore(incident, first, {company.pk: 5.0}, now=NOW)
    with scope.as_staff():
        row = Recovery.objects.get(incident=incident)
    assert (row.state, row.restored_at) == (CompanyState.UNKNOWN, None)
    crowds.restore(incident, second, {company.pk: 3.0}, now=NOW)
    with scope.as_staff():
        row = Recovery.objects.get(incident=incident)
    assert (row.state, row.restored_at) == (
        CompanyState.RESTORED,
        factories.STARTED_AT + timedelta(minutes=5),
    )


def test_nothing_is_recorded_of_a_component_on_which_the_company_does_not_run(world: World) -> None:
    run_on: Component = factories.component("Run on", "NA")
    other = factories.component("Other", "NA")
    (company,) = crowds.companies(1, run_on)
    crowds.companies(1, other, prefix="other")
    incident = factories.incident(run_on, other)
    crowds.restore(incident, run_on, {company.pk: 5.0}, now=NOW)
    with (
        scope.as_staff(),
        pytest.raises(IntegrityError, match="recoveryentry_same_company"),
        transaction.atomic(),
    ):
        record_and_look(company, incident, other)


def record_and_look(company: Company, incident: Incident, component: Component) -> None:
    RecoveryEntry.objects.create(
        company=company,
        incident=incident,
        component=component,
        state=CompanyState.OUTAGE,
        at=NOW,
        source=EntrySource.OPS,
        recorded_at=NOW,
        idempotency_key="elsewhere",
    )
    connection.check_constraints()
