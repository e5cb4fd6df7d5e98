"""Small pieces of a world, made in the staff scope; every text of a company carries its own name."""

import functools
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from django.contrib.auth.hashers import make_password

from incidents.choices import CompanyState, EntrySource, IncidentKind, Severity
from incidents.models import AffectedComponent, Component, DataCenter, Incident, Placement, Service
from incidents.operations import incidents, recoveries
from tenants import scope
from tenants.actor import SYSTEM, ActingCompany, Actor, CompanyName
from tenants.models import Company, Membership, User
from tenants.permissions import Role

STARTED_AT = datetime(2026, 2, 4, 12, 45, tzinfo=UTC)
"""The start of most incidents here: 13:45 CET."""
PASSWORD = "correct horse battery staple"


def company(slug: str, *, name: str = "", consents: bool = False, zone: str = "Europe/Paris") -> Company:
    with scope.as_staff():
        return Company.objects.create(
            slug=slug, name=name or slug.capitalize(), consents_to_be_named=consents, time_zone=zone
        )


def person(email: str, *, name: str = "", is_staff: bool = False) -> User:
    """Somebody who signs in with PASSWORD; staff are superusers of the admin."""
    with scope.as_staff():
        return User.objects.create(
            email=email,
            password=_hash_of_password(),
            name=name or email.split("@", maxsplit=1)[0].capitalize(),
            is_staff=is_staff,
            is_superuser=is_staff,
        )


@functools.cache
def _hash_of_password() -> str:
    """Hashed once: it is slow on purpose."""
    return make_password(PASSWORD)


def member(user: User, of: Company, role: Role = Role.READER) -> Membership:
    with scope.as_staff():
        return Membership.objects.create(user=user, company=of, role=role)


def actor(user: User, of: Company | None = None, role: Role = Role.OWNER) -> Actor:
    """The actor that the door would make of this person."""
    if of is None:
        return Actor(user_id=user.pk, name=user.name, email=user.email, time_zone="")
    acting = ActingCompany(
        id=of.pk,
        slug=of.slug,
        name=of.name,
        time_zone=of.time_zone,
        consents_to_be_named=of.consents_to_be_named,
    )
    return Actor(
        user_id=user.pk,
        name=user.name,
        email=user.email,
        time_zone="",
        company=acting,
        role=role,
        companies=(CompanyName(slug=of.slug, name=of.name),),
    )


def component(service: str, center: str) -> Component:
    with scope.as_staff():
        data_center, _ = DataCenter.objects.get_or_create(
            code=center, defaults={"name": f"Data center {center}"}
        )
        found, _ = Service.objects.get_or_create(name=service)
        return Component.objects.get_or_create(
            service=found, data_center=data_center, defaults={"name": f"{service} ({center})"}
        )[0]


def place(of: Company, *components: Component) -> None:
    with scope.as_staff():
        Placement.objects.bulk_create(Placement(company=of, component=each) for each in components)


def draft(
    *components: Component,
    title: str = "System outage",
    kind: IncidentKind = IncidentKind.INCIDENT,
    started_at: datetime = STARTED_AT,
    **fields: object,
) -> Incident:
    with scope.as_staff():
        incident = Incident.objects.create(
            title=title, kind=kind, severity=Severity.MAJOR, started_at=started_at, **fields
        )
        AffectedComponent.objects.bulk_create(
            AffectedComponent(incident=incident, component=each) for each in components
        )
    return incident


def incident(*components: Component, state: CompanyState = CompanyState.OUTAGE, **fields: object) -> Incident:
    """A published incident; every company on the components is in `state` from its start."""
    made = draft(*components, **fields)  # type: ignore[arg-type]
    with scope.as_staff():
        incidents.publish(
            SYSTEM, incident_id=made.pk, now=made.started_at + timedelta(minutes=12), state=state
        )
        made.refresh_from_db()
    return made


def restore(
    of: Sequence[Company] | Company,
    within: Incident,
    *,
    minutes: int,
    state: CompanyState = CompanyState.RESTORED,
) -> None:
    """Record that companies were in `state` so many minutes after the incident's start."""
    companies = [of] if isinstance(of, Company) else of
    at = within.started_at + timedelta(minutes=minutes)
    with scope.as_staff():
        recoveries.record_recovery(
            SYSTEM,
            incident_id=within.pk,
            company_ids=[each.pk for each in companies],
            state=state,
            at=at,
            now=at,
            source=EntrySource.STAFF,
        )
        within.refresh_from_db()
