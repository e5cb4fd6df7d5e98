"""A second incident beside the world's, recorded in and merged: times in minutes after the world's start."""

from datetime import timedelta

from incidents.choices import CompanyState
from incidents.models import Component, Incident
from incidents.operations import merging, recoveries
from tenants import scope
from tenants.actor import SYSTEM
from tenants.models import Company
from tests import factories
from tests.conftest import World

START = factories.STARTED_AT
AT = START + timedelta(hours=2)


def twin(world: World, *components: Component, **fields: object) -> Incident:
    """A second incident; by default of Reports (EU), which Acme alone runs, half an hour earlier."""
    return factories.incident(
        *(components or (world.reports,)),
        **{"title": "Reports fail", "started_at": START - timedelta(minutes=30), **fields},  # type: ignore[arg-type]
    )


def merge(world: World, incident: Incident, into: Incident) -> int:
    with scope.as_staff():
        return merging.merge(factories.actor(world.sam), incident_id=incident.pk, into_id=into.pk, now=AT)


def record(
    incident: Incident, company: Company, state: CompanyState, minutes: int, *components: Component
) -> None:
    with scope.as_staff():
        recoveries.record_recovery(
            SYSTEM,
            incident_id=incident.pk,
            company_ids=[company.pk],
            component_ids=[each.pk for each in components] or None,
            state=state,
            at=START + timedelta(minutes=minutes),
            now=AT,
        )
