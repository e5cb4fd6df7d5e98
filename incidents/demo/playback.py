"""Plays an incident in the order of its own clock, through the operations that staff use."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from incidents.choices import (
    CompanyState,
    EntrySource,
    IncidentKind,
    IncidentState,
    RequestPolicy,
    Severity,
    UpdateKind,
)
from incidents.demo import world
from incidents.models import AffectedComponent, Incident
from incidents.operations import incidents, recoveries
from incidents.operations.recoveries import Fact
from tenants.actor import SYSTEM

ZONE_OF_TEXTS = "Europe/Paris"
"""In which the texts name clocks."""


@dataclass(frozen=True, kw_only=True)
class Announcement:
    """A public text and when it was posted; `override_reason` where the record contradicts it."""

    at: datetime
    kind: UpdateKind
    body: str
    next_update_at: datetime | None = None
    override_reason: str = ""


def draft(
    reference: str,
    *,
    title: str,
    severity: Severity,
    started_at: datetime,
    components: Sequence[str],
    detected_at: datetime | None = None,
    planned_end_at: datetime | None = None,
) -> Incident:
    """Write a draft on these components (public names); a maintenance when it has a planned end."""
    is_planned = planned_end_at is not None
    incident = Incident.objects.create(
        id=world.key("incident", reference),
        reference=reference,
        title=title,
        kind=IncidentKind.MAINTENANCE if is_planned else IncidentKind.INCIDENT,
        state=IncidentState.SCHEDULED if is_planned else IncidentState.INVESTIGATING,
        severity=severity,
        started_at=started_at,
        detected_at=detected_at,
        planned_end_at=planned_end_at,
        request_policy=RequestPolicy.CLOSED if is_planned else RequestPolicy.APPROVAL,
    )
    AffectedComponent.objects.bulk_create(
        AffectedComponent(incident=incident, component_id=world.component_id(name)) for name in components
    )
    return incident


def play(
    incident_id: UUID,
    *,
    published_at: datetime,
    announcements: Sequence[Announcement],
    facts: Sequence[Fact] = (),
    state: CompanyState = CompanyState.UNKNOWN,
    recorded_ats: Sequence[datetime] = (),
) -> None:
    """Publish a draft in `state`; then, instant by instant, record what was known and post what was said.

    The facts up to an announcement are recorded before it, the others at the instants of
    `recorded_ats`; none may be later than the last instant. Staff scope.
    """
    incidents.publish(SYSTEM, incident_id=incident_id, now=published_at, state=state, source=EntrySource.DEMO)
    said = {announcement.at: announcement for announcement in announcements}
    recorded_until: datetime | None = None
    for now in sorted({*said, *recorded_ats}):
        due = [
            fact for fact in facts if fact.at <= now and (recorded_until is None or fact.at > recorded_until)
        ]
        if due:
            record(incident_id, facts=due, now=now)
        recorded_until = now
        if now in said:
            _post(incident_id, said[now])


def record(incident_id: UUID, *, facts: Sequence[Fact], now: datetime) -> None:
    """Record facts as they were known at `now`. Staff scope."""
    recoveries.record_facts(SYSTEM, incident_id=incident_id, facts=facts, now=now, source=EntrySource.DEMO)


def _post(incident_id: UUID, announcement: Announcement) -> None:
    incidents.post_update(
        SYSTEM,
        incident_id=incident_id,
        kind=announcement.kind,
        body_markdown=announcement.body,
        now=announcement.at,
        next_update_at=announcement.next_update_at,
        override_reason=announcement.override_reason,
        zone=ZONE_OF_TEXTS,
    )
