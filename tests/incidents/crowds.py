"""Many companies at once, for cohorts and for pages that must cost the same at any size."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from incidents.choices import CompanyState, EntrySource
from incidents.models import Component, Incident, Placement
from incidents.operations import recoveries
from tenants import scope
from tenants.actor import SYSTEM
from tenants.models import Company


def companies(
    count: int, *components: Component, consenting: int = 0, prefix: str = "crowd"
) -> list[Company]:
    """`count` companies on the components; the first `consenting` of them agree to be named."""
    with scope.as_staff():
        made = Company.objects.bulk_create(
            Company(
                slug=f"{prefix}-{number:04}",
                name=f"{prefix.capitalize()} {number:04}",
                time_zone="UTC",
                consents_to_be_named=number < consenting,
            )
            for number in range(count)
        )
        Placement.objects.bulk_create(
            Placement(company=company, component=component) for company in made for component in components
        )
    return made


def restore(within: Incident, component: Component, minutes: Mapping[UUID, float], *, now: datetime) -> None:
    """Record when each company (by id) was restored, in minutes after the start."""
    record(
        within,
        [
            recoveries.Fact(
                company_id=company_id,
                component_id=component.pk,
                state=CompanyState.RESTORED,
                at=within.started_at + timedelta(minutes=each),
            )
            for company_id, each in minutes.items()
        ],
        now=now,
    )


def record(within: Incident, facts: Sequence[recoveries.Fact], *, now: datetime) -> None:
    with scope.as_staff():
        if facts:
            recoveries.record_facts(
                SYSTEM, incident_id=within.pk, facts=facts, now=now, source=EntrySource.IMPORT
            )
        within.refresh_from_db()
