"""Read the incident page as a company, and say and enter what it shows, in minutes after the start."""

from datetime import datetime, timedelta

from incidents.choices import CompanyState, EntrySource, UpdateKind
from incidents.models import Component, Incident
from incidents.operations import incidents, recoveries
from incidents.queries import incident_pages, shapes
from tenants import scope
from tenants.models import Company
from tests import factories
from tests.conftest import World

NOW = factories.STARTED_AT + timedelta(hours=12)


def instant(minutes: float) -> datetime:
    return factories.STARTED_AT + timedelta(minutes=minutes)


def read(
    world: World, company: Company | None = None, *, now: datetime = NOW, incident: Incident | None = None
) -> shapes.IncidentPage:
    asking = company or world.acme
    with scope.as_company(asking.pk, read_only=True):
        return incident_pages.incident_page(
            (incident or world.incident).reference,
            company_name=asking.name,
            consents=asking.consents_to_be_named,
            may_request=True,
            now=now,
        )


def post(world: World, kind: UpdateKind, minutes: float, **more: object) -> None:
    with scope.as_staff():
        incidents.post_update(
            factories.actor(world.sam),
            incident_id=world.incident.pk,
            kind=kind,
            body_markdown=f"Said after {minutes} minutes.",
            now=instant(minutes),
            **more,  # type: ignore[arg-type]
        )


def enter(
    world: World,
    company: Company,
    component: Component,
    state: CompanyState,
    minutes: float,
    **more: EntrySource,
) -> None:
    with scope.as_staff():
        recoveries.record_facts(
            factories.actor(world.sam),
            incident_id=world.incident.pk,
            facts=[
                recoveries.Fact(
                    company_id=company.pk, component_id=component.pk, state=state, at=instant(minutes)
                )
            ],
            now=NOW,
            source=more.get("source", EntrySource.STAFF),
        )
