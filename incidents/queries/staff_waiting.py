"""Texts that staff have sent off and that have not left, or did not: for staff."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.utils.text import Truncator

from incidents import clocks
from incidents.choices import Audience, UpdateKind, WaitingState
from incidents.models import Incident, WaitingUpdate

MOST_ROWS = 12
LATE_AFTER = timedelta(seconds=15)
"""A worker looks every two seconds: what is due for longer than this has none."""


@dataclass(frozen=True, kw_only=True, slots=True)
class WaitingText:
    """One text on its way, or one that was sent back or stopped and waits for its author."""

    id: UUID
    incident_id: UUID
    reference: str
    kind: UpdateKind
    audience: Audience
    state: WaitingState
    author: str
    written_at: datetime
    due_at: datetime | None
    seconds_left: int
    is_late: bool
    reason: str
    beginning: str
    again_on: Incident | None
    """Where it can be written again, see `again_on`."""

    @property
    def needs_approval(self) -> bool:
        return self.state is WaitingState.AWAITING

    @property
    def is_about_to_leave(self) -> bool:
        return self.state is WaitingState.WAITING

    @property
    def was_stopped(self) -> bool:
        return self.state is WaitingState.STOPPED


def unsettled(*, now: datetime, incident_id: UUID | None = None) -> tuple[WaitingText, ...]:
    """Of one incident or of all, the oldest first. One statement. Staff scope."""
    rows: QuerySet[Any] = WaitingUpdate.objects.filter(state__in=WaitingState.unsettled())
    if incident_id is not None:
        rows = rows.filter(incident_id=incident_id)
    found = rows.select_related("incident__merged_into", "author").order_by("written_at", "pk")[:MOST_ROWS]
    return tuple(_text(each, now=now) for each in found)


def again_on(waiting: WaitingUpdate) -> Incident | None:
    """The incident that takes the text if it is written again: of two that are one the one that goes on.

    None where the text's incident was set aside otherwise.
    """
    return waiting.incident.merged_into if waiting.incident.is_set_aside else waiting.incident


def seconds_left(waiting: WaitingUpdate, *, now: datetime) -> int:
    """Until it leaves; 0 where it is due, or where nothing says when."""
    return max(0, clocks.seconds_between(now, waiting.due_at)) if waiting.due_at else 0


def is_late(waiting: WaitingUpdate, *, now: datetime) -> bool:
    """Whether it should have left by now, which no worker sees to."""
    if waiting.state != WaitingState.WAITING or waiting.due_at is None:
        return False
    return now - waiting.due_at > LATE_AFTER


def _text(waiting: WaitingUpdate, *, now: datetime) -> WaitingText:
    return WaitingText(
        id=waiting.pk,
        incident_id=waiting.incident_id,
        reference=waiting.incident.reference,
        kind=UpdateKind(waiting.kind),
        audience=Audience(waiting.audience),
        state=WaitingState(waiting.state),
        author=waiting.author.name,
        written_at=waiting.written_at,
        due_at=waiting.due_at,
        seconds_left=seconds_left(waiting, now=now),
        is_late=is_late(waiting, now=now),
        reason=waiting.reason,
        beginning=Truncator(waiting.body_markdown).words(24),
        again_on=again_on(waiting),
    )
