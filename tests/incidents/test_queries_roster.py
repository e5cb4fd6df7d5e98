"""What the incident page tells of the others: names by consent, counts, and little of a small cohort."""

from typing import Any

import pytest

from incidents.choices import RosterPolicy
from incidents.models import Incident
from incidents.operations import disclosure
from tenants import scope
from tenants.models import Company
from tests import factories
from tests.conftest import World
from tests.incidents import crowds
from tests.incidents.reading import NOW, instant, read


def tail_of_five(world: World, *, consenting: int, **fields: Any) -> tuple[Incident, list[Company]]:
    component = factories.component("Payment Processing", "NA")
    made = crowds.companies(100, component, consenting=consenting)
    incident = factories.incident(component, **fields)
    minutes = [500.0 + place for place in range(5)] + [float(place) for place in range(1, 96)]
    crowds.restore(
        incident,
        component,
        {company.pk: at for company, at in zip(made, minutes, strict=True)},
        now=NOW,
    )
    return incident, made


def test_the_roster_names_who_agreed_and_counts_the_rest(world: World) -> None:
    incident, made = tail_of_five(world, consenting=2)
    roster = read(world, made[1], incident=incident).roster
    assert (roster.tail_count, roster.unnamed_count, roster.you_consent) == (5, 3, True)
    assert [(row.name, row.restored_at, row.is_you) for row in roster.names] == [
        ("Crowd 0000", instant(500), False),
        ("Crowd 0001", instant(501), True),
    ]


def test_who_did_not_agree_finds_no_trace_of_itself(world: World) -> None:
    incident, made = tail_of_five(world, consenting=2)
    page = read(world, made[4], incident=incident)
    assert (page.recovery.in_tail, page.recovery.rank) == (True, 100)
    assert not any(row.is_you for row in page.roster.names)
    assert page.roster.you_consent is False


def test_another_company_of_the_same_name_is_not_you(world: World) -> None:
    incident, made = tail_of_five(world, consenting=2)
    with scope.as_staff():
        Company.objects.filter(pk__in=[made[1].pk, made[4].pk]).update(name="Twin")
    for each in (made[1], made[4]):
        each.refresh_from_db(fields=["name"])
    with scope.as_staff():
        disclosure.set_consent(
            factories.actor(world.sam), company_id=made[0].pk, consents=False, now=NOW
        )  # writes the roster anew
    agreed, silent = (read(world, each, incident=incident).roster for each in (made[1], made[4]))
    assert [(row.name, row.restored_at, row.is_you) for row in agreed.names] == [("Twin", instant(501), True)]
    assert [(row.name, row.restored_at, row.is_you) for row in silent.names] == [
        ("Twin", instant(501), False)
    ]
    with scope.as_staff():
        disclosure.set_consent(factories.actor(world.sam), company_id=made[4].pk, consents=True, now=NOW)
    made[4].refresh_from_db(fields=["consents_to_be_named"])
    both = read(world, made[4], incident=incident).roster
    assert {row.restored_at: row.is_you for row in both.names} == {instant(501): False, instant(504): True}


@pytest.mark.parametrize(
    ("policy", "count", "names", "unnamed"),
    [(RosterPolicy.HIDDEN, None, 0, 0), (RosterPolicy.COUNTS, 5, 0, 5), (RosterPolicy.NAMES, 5, 5, 0)],
)
def test_the_policy_decides_what_is_shown(
    world: World, policy: RosterPolicy, count: int | None, names: int, unnamed: int
) -> None:
    incident, made = tail_of_five(world, consenting=5, roster_policy=policy)
    roster = read(world, made[50], incident=incident).roster
    assert (roster.tail_count, len(roster.names), roster.unnamed_count) == (count, names, unnamed)


def test_a_small_cohort_shows_no_instant_and_no_curve(world: World) -> None:
    factories.restore([world.acme, world.globex], world.incident, minutes=60)
    cohort = read(world).cohort
    assert cohort is not None
    assert (cohort.is_too_small, cohort.curve, cohort.all_restored_at) == (True, (), None)
    assert (cohort.affected_count, cohort.restored_percent) == (2, 100.0)
