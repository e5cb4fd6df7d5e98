"""Planned work: begun and verified by the clock, announced again, moved, extended, cancelled, ended early."""

from datetime import datetime
from uuid import UUID

from django.db import transaction

from incidents import errors, standings
from incidents.choices import IncidentKind, IncidentState, UpdateKind
from incidents.models import Incident
from incidents.operations import announcing, set_aside
from incidents.operations.announcing import Words
from tenants import audit
from tenants.actor import Actor

REMINDER = (
    "Reminder: this maintenance is planned to start {{ started_at }} and to end {{ planned_end_at }}.",
    "Reminder: this maintenance is planned to start {{ started_at }}.",
)
"""What everyone affected reads before the start, with a planned end and without."""

MOVED = (
    "The maintenance was moved: it is planned to start {{ started_at }} and to end {{ planned_end_at }}.",
    "The maintenance was moved: it is planned to start {{ started_at }}.",
)
"""What everyone affected reads of a new window, with a planned end and without."""


def advance(actor: Actor, *, now: datetime) -> int:
    """Start, verify and announce again what is due by the clock; returns how many incidents changed.

    Whoever came late changes the same: pages go by the clock anyway (`Incident.state_at`). A reminder is
    posted once, in one transaction with the note that it was, and never after the start.
    """
    planned = Incident.objects.select_for_update(skip_locked=True, no_key=True).filter(
        kind=IncidentKind.MAINTENANCE, published_at__isnull=False
    )
    changed = 0
    waiting = planned.filter(
        state=IncidentState.SCHEDULED, remind_minutes__isnull=False, reminded_at__isnull=True
    )
    for incident in waiting:
        changed += _remind(actor, incident, now=now)
    for incident in planned.filter(state__in=(IncidentState.SCHEDULED, IncidentState.IN_PROGRESS)):
        state = incident.state_at(now)
        if state != incident.state:
            incident.state = state
            incident.save(update_fields=["state"])
            standings.bump(incident)
            audit.record(actor, "maintenance.advanced", incident, now=now, state=str(state))
            changed += 1
    return changed


def extend(actor: Actor, *, incident_id: UUID, planned_end_at: datetime, words: Words, now: datetime) -> None:
    """Move the planned end, and post the new one with a word to everyone affected.

    What was being verified goes on. Raises ReasonMissing, EndNotLater (also for who clicks twice), and what
    `_planned` and `incidents.post_update` raise.
    """
    with transaction.atomic():
        word = words.required()
        incident = _planned(incident_id)
        before = incident.planned_end_at
        if planned_end_at <= now or planned_end_at <= incident.started_at:
            raise errors.EndNotLater
        if before is not None and planned_end_at <= before:
            raise errors.EndNotLater
        incident.planned_end_at = planned_end_at
        if incident.state == IncidentState.VERIFYING:
            incident.state = IncidentState.IN_PROGRESS
        incident.save(update_fields=["planned_end_at", "state"])
        text = f"{word}\n\nThe new planned end is {{{{ planned_end_at }}}}."
        announcing.announce(actor, incident, text, words=words, now=now)
        audit.record(
            actor,
            "maintenance.extended",
            incident,
            now=now,
            planned_end_at=planned_end_at.isoformat(),
            before=before.isoformat() if before else "",
        )


def move(
    actor: Actor,
    *,
    incident_id: UUID,
    started_at: datetime,
    planned_end_at: datetime | None,
    words: Words,
    now: datetime,
) -> None:
    """Move what has not begun to another window, and post it with a word to everyone affected.

    A reminder that was posted for the old start is posted again for the new one, unless it would be due
    already: then this text is it. Raises ReasonMissing, BegunAlready, StartNotAhead, EndNotAfterStart,
    WindowUnchanged (also for who clicks twice), and what `_planned` and `incidents.post_update` raise.
    """
    with transaction.atomic():
        word = words.required()
        incident = _planned(incident_id)
        before = (incident.started_at, incident.planned_end_at)
        if incident.state_at(now) is not IncidentState.SCHEDULED:
            raise errors.BegunAlready
        if started_at <= now:
            raise errors.StartNotAhead
        if planned_end_at is not None and planned_end_at <= started_at:
            raise errors.EndNotAfterStart
        if (started_at, planned_end_at) == before:
            raise errors.WindowUnchanged
        incident.started_at, incident.planned_end_at = started_at, planned_end_at
        is_due = incident.remind_at is not None and incident.remind_at <= now
        incident.reminded_at = now if is_due else None
        incident.save(update_fields=["started_at", "planned_end_at", "reminded_at"])
        text = f"{word}\n\n{MOVED[0 if planned_end_at else 1]}"
        announcing.announce(actor, incident, text, words=words, now=now)
        audit.record(
            actor,
            "maintenance.moved",
            incident,
            now=now,
            started_at=started_at.isoformat(),
            planned_end_at=planned_end_at.isoformat() if planned_end_at else "",
            started_at_before=before[0].isoformat(),
            planned_end_at_before=before[1].isoformat() if before[1] else "",
        )


def cancel(actor: Actor, *, incident_id: UUID, words: Words, now: datetime) -> None:
    """Cancel what has not begun, with a reason that everyone affected reads. It cannot be taken back.

    Raises ReasonMissing, BegunAlready, and what `_planned` and `incidents.post_update` raise.
    """
    with transaction.atomic():
        reason = words.required()
        incident = _planned(incident_id)
        if incident.state_at(now) is not IncidentState.SCHEDULED:
            raise errors.BegunAlready
        text = f"This maintenance is cancelled.\n\n{reason}"
        announcing.announce(actor, incident, text, words=words, is_last=True, now=now)
        set_aside.put(incident, IncidentState.CANCELLED, reason=reason, now=now)
        audit.record(actor, "maintenance.cancelled", incident, now=now)


def end_early(actor: Actor, *, incident_id: UUID, words: Words, now: datetime) -> None:
    """Complete what has begun, before its time, with a reason that everyone affected reads.

    Raises ReasonMissing, and what `_planned` and `incidents.post_update` raise: NotBegun among them.
    """
    with transaction.atomic():
        reason = words.required()
        incident = _planned(incident_id)
        text = f"This maintenance was ended early.\n\n{reason}"
        announcing.announce(
            actor, incident, text, words=words, kind=UpdateKind.RESOLVED, is_last=True, now=now
        )
        audit.record(actor, "maintenance.ended_early", incident, now=now)


def _planned(incident_id: UUID) -> Incident:
    """A published maintenance that is not over, locked. Raises IncidentNotFound, SetAside, NotPublished,
    NotMaintenance and OverAlready."""
    incident = set_aside.published(incident_id)
    if not incident.is_maintenance:
        raise errors.NotMaintenance
    if incident.is_over:
        raise errors.OverAlready
    return incident


def _remind(actor: Actor, incident: Incident, *, now: datetime) -> int:
    """Post the reminder of a locked maintenance if it is due; 1 if it was."""
    if incident.remind_at is None or now < incident.remind_at or not incident.awaits_reminder(now):
        return 0
    announcing.announce(actor, incident, REMINDER[0 if incident.planned_end_at else 1], now=now)
    incident.reminded_at = now
    incident.save(update_fields=["reminded_at"])
    audit.record(actor, "maintenance.reminded", incident, now=now)
    return 1
