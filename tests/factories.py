"""Small pieces of a world, made in the staff scope; every text of somebody carries a mark of its own.

`tests.canaries` knows the marks and fails the test in which one reaches somebody else.
"""

import functools
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from django.contrib.auth.hashers import make_password

from incidents.choices import CompanyState, EntrySource, IncidentKind, Severity, UpdateKind
from incidents.models import AffectedComponent, Component, DataCenter, Incident, Placement, Service
from incidents.operations import incidents, recoveries
from tenants import scope
from tenants.actor import SYSTEM, Actor, CompanyName
from tenants.models import Company, Membership, User
from tenants.permissions import Role
from tests.canaries import marks, owners

STARTED_AT = datetime(2026, 2, 4, 12, 45, tzinfo=UTC)
"""The start of most incidents here: 13:45 CET."""
PASSWORD = "correct horse battery staple"


def company(slug: str, *, name: str = "", consents: bool = False, zone: str = "Europe/Paris") -> Company:
    """A company. A name that is given is its own mark, another gets one."""
    made = Company(slug=slug, name=name, consents_to_be_named=consents, time_zone=zone)
    if not name:
        mark = marks.in_force.word(owners.of_company(made), "the name", is_name=True)
        made.name = f"{slug.capitalize()} {mark}"
    with scope.as_staff():
        made.save()
    return made


def person(email: str, *, name: str = "", is_staff: bool = False) -> User:
    """Somebody who signs in with PASSWORD; staff are superusers of the admin."""
    made = User(email=email, password=_hash_of_password(), is_staff=is_staff, is_superuser=is_staff)
    first_name = name or email.split("@", maxsplit=1)[0].capitalize()
    made.name = f"{first_name} {marks.in_force.word(owners.of_person(made), 'the name')}"
    with scope.as_staff():
        made.save()
    return made


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
    return Actor(
        user_id=user.pk,
        name=user.name,
        email=user.email,
        time_zone="",
        company=of.acting,
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
    """An incident that staff alone know of. Its title gets a mark."""
    incident = Incident(kind=kind, severity=Severity.MAJOR, started_at=started_at, **fields)
    incident.title = f"{title} {marks.in_force.word(owners.of_incident(incident), 'the title')}"
    with scope.as_staff():
        incident.save()
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


def resolve(within: Incident, *, by: User, now: datetime) -> None:
    """Post "resolved" for everyone; everybody must be restored."""
    with scope.as_staff():
        incidents.post_update(
            actor(by),
            incident_id=within.pk,
            kind=UpdateKind.RESOLVED,
            body_markdown="All is well again.",
            now=now,
        )


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
