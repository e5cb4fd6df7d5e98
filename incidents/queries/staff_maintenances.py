"""Planned work that is not over, for staff: what overran its window, what is going on, what starts next."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from incidents.choices import IncidentKind, IncidentState
from incidents.models import Cohort, Incident


@dataclass(frozen=True, kw_only=True, slots=True)
class PlannedWork:
    """A published maintenance that nobody has said to be completed; its state goes by the clock."""

    id: UUID
    reference: str
    title: str
    state: IncidentState
    started_at: datetime
    planned_end_at: datetime | None
    affected_count: int
    next_update_at: datetime | None
    update_is_late: bool
    remind_at: datetime | None
    """When the reminder is due that has not been posted yet; None where none will be."""

    @property
    def is_overrun(self) -> bool:
        """Whether its planned end has passed."""
        return self.state is IncidentState.VERIFYING


def planned_work(*, most: int, now: datetime) -> tuple[PlannedWork, ...]:
    """At most so many: what overran first, then what goes on, then by start. One statement. Staff scope."""
    rows = (
        Incident.objects.filter(kind=IncidentKind.MAINTENANCE, published_at__isnull=False)
        .exclude(state__in=IncidentState.over())
        .select_related("cohort")
        .order_by("started_at", "pk")[:most]
    )
    found = [_planned(incident, now) for incident in rows]
    return tuple(sorted(found, key=lambda each: (not each.is_overrun, each.started_at)))


def _planned(incident: Incident, now: datetime) -> PlannedWork:
    counts: Cohort | None = getattr(incident, "cohort", None)
    next_update_at = incident.next_update_at
    return PlannedWork(
        id=incident.pk,
        reference=incident.reference,
        title=incident.title,
        state=incident.state_at(now),
        started_at=incident.started_at,
        planned_end_at=incident.planned_end_at,
        affected_count=counts.affected_count if counts else 0,
        next_update_at=next_update_at,
        update_is_late=next_update_at is not None and next_update_at < now,
        remind_at=incident.remind_at if incident.awaits_reminder(now) else None,
    )
