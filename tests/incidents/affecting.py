"""Components put into an incident and taken out of it, and what that makes of its companies."""

from datetime import datetime, timedelta
from typing import Any

from incidents.choices import CompanyState
from incidents.models import (
    AffectedComponent,
    AffectedPlacement,
    Component,
    Incident,
    Recovery,
    RecoveryEntry,
)
from incidents.operations import components, recoveries
from tenants import scope
from tenants.models import AuditEvent, Company
from tests import factories
from tests.conftest import World

START = factories.STARTED_AT
NOW = START + timedelta(hours=12)


def at(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


def add(
    world: World,
    incident: Incident,
    component: Component,
    state: CompanyState = CompanyState.OUTAGE,
    minutes: float = 0,
    **more: Any,
) -> int:
    with scope.as_staff():
        count = components.add(
            factories.actor(world.sam),
            incident_id=incident.pk,
            component_id=component.pk,
            state=state,
            at=at(minutes),
            now=NOW,
            **more,
        )
        incident.refresh_from_db()
    return count


def remove(world: World, incident: Incident, component: Component) -> int:
    with scope.as_staff():
        count = components.remove(
            factories.actor(world.sam), incident_id=incident.pk, component_id=component.pk, now=NOW
        )
        incident.refresh_from_db()
    return count


def restore(world: World, incident: Incident, component: Component, minutes: float) -> None:
    """Acme's account on one component."""
    with scope.as_staff():
        recoveries.record_recovery(
            factories.actor(world.sam),
            incident_id=incident.pk,
            company_ids=[world.acme.pk],
            component_ids=[component.pk],
            state=CompanyState.RESTORED,
            at=at(minutes),
            now=NOW,
        )


def of(incident: Incident, company: Company) -> Recovery | None:
    with scope.as_staff():
        return Recovery.objects.filter(incident=incident, company=company).first()


def state_of(incident: Incident, company: Company) -> str:
    found = of(incident, company)
    return found.state if found else "not affected"


def content(incident: Incident) -> list[Any]:
    """All that a refusal must leave as it is."""
    with scope.as_staff():
        incident.refresh_from_db()
        return [
            incident.version,
            *(
                list(model.objects.filter(incident=incident).order_by("pk").values())
                for model in (AffectedComponent, AffectedPlacement, Recovery, RecoveryEntry)
            ),
            AuditEvent.objects.filter(action__startswith="incident.component").count(),
        ]
