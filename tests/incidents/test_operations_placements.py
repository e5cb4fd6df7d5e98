"""What a company ran on at publication is what an incident is about, whatever it runs on later."""

from datetime import datetime, timedelta

import pytest

from incidents.choices import CompanyState
from incidents.models import AffectedPlacement, Component, Incident, Placement, Recovery
from incidents.operations import recoveries
from tenants import scope
from tenants.actor import SYSTEM
from tenants.models import Company
from tests import factories
from tests.conftest import World, make_world

START = factories.STARTED_AT
NOW = START + timedelta(hours=12)


def at(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


def record(
    within: Incident,
    company: Company,
    *components: Component,
    minutes: float,
    state: CompanyState = CompanyState.RESTORED,
) -> int:
    with scope.as_staff():
        return recoveries.record_recovery(
            SYSTEM,
            incident_id=within.pk,
            company_ids=[company.pk],
            component_ids=[each.pk for each in components] or None,
            state=state,
            at=at(minutes),
            now=NOW,
        )


def of(within: Incident, company: Company) -> Recovery:
    with scope.as_staff():
        return Recovery.objects.get(incident=within, company=company)


@pytest.fixture
def both(world: World) -> Incident:
    return factories.incident(world.api, world.reports, title="Both")


def test_publication_keeps_what_each_company_runs_on_of_the_components(world: World, both: Incident) -> None:
    with scope.as_staff():
        kept = AffectedPlacement.objects.filter(incident=both)
        assert set(kept.values_list("company_id", "component_id")) == {
            (world.acme.pk, world.api.pk),
            (world.acme.pk, world.reports.pk),
            (world.globex.pk, world.api.pk),
        }
    with scope.as_company(world.globex.pk):
        assert {each.company_id for each in AffectedPlacement.objects.all()} == {world.globex.pk}


def test_what_a_company_stopped_running_still_counts_in_the_past(world: World, both: Incident) -> None:
    record(both, world.acme, world.api, minutes=60)
    record(both, world.acme, world.reports, minutes=300)
    with scope.as_staff():
        Placement.objects.filter(company=world.acme, component=world.reports).delete()
    record(both, world.acme, minutes=30, state=CompanyState.DEGRADED)
    assert of(both, world.acme).restored_at == at(300)


def test_what_a_company_runs_since_does_not_open_the_past_again(world: World, both: Incident) -> None:
    factories.place(world.globex, world.reports)
    assert record(both, world.globex, minutes=60) == 1, "on the one component that it ran on"
    assert of(both, world.globex).state == "restored"


def test_a_component_of_which_nothing_is_known_stays_unknown(world: World) -> None:
    both = factories.incident(world.api, world.reports, title="Both", state=CompanyState.UNKNOWN)
    record(both, world.acme, world.api, minutes=60)
    assert of(both, world.acme).state == "unknown"
    record(both, world.acme, world.reports, minutes=70)
    assert (of(both, world.acme).state, of(both, world.acme).restored_at) == ("restored", at(70))


def test_a_company_that_left_the_component_can_still_relapse(world: World) -> None:
    record(world.incident, world.globex, minutes=60)
    with scope.as_staff():
        Placement.objects.filter(company=world.globex).delete()
    assert record(world.incident, world.globex, minutes=90, state=CompanyState.DEGRADED) == 1
    assert of(world.incident, world.globex).state == "degraded"


def test_no_placement_can_tie_a_company_to_an_incident_that_is_not_its_own(committed: None) -> None:
    world = make_world()
    stranger = factories.company("hooli")
    with pytest.raises(Exception, match="affectedplacement_same_company"), scope.as_staff():
        AffectedPlacement.objects.create(company=stranger, incident=world.incident, component=world.api)
