"""Write down who did what to whose record, and who looked at it."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Model

from tenants.actor import Actor
from tenants.models import AuditEvent
from tenants.models.audit import READ, ActorKind

_LONGEST_NAME = 36
"""Of an incident: its id in text. A reference is shorter, and what is longer names none."""


def record(
    actor: Actor,
    action: str,
    subject: Model,
    *,
    now: datetime,
    company_id: UUID | None = None,
    **detail: Any,
) -> None:
    """Add one event in the scope in force, in the transaction of what it tells of.

    `detail` holds ids, states and counts, never texts that somebody typed, but for why staff look.
    With `incident`, an id or a reference, or a subject that belongs to one, the company's own people read
    which incident it is about.
    """
    _event(actor, action, subject, now=now, company_id=company_id, detail=detail).save(force_insert=True)


def record_all(
    actor: Actor,
    action: str,
    table: type[Model],
    rows: Iterable[tuple[UUID, UUID | None]],
    *,
    now: datetime,
    **detail: Any,
) -> None:
    """Add one event for each (id, company) of `table`, a thousand in a statement."""
    AuditEvent.objects.bulk_create(
        [
            _event(actor, action, table(pk=key), now=now, company_id=company_id, detail=detail)
            for key, company_id in rows
        ],
        batch_size=1_000,
    )


def record_read(
    actor: Actor, subject: Model, *, company_ids: Collection[UUID], now: datetime, page: str
) -> None:
    """Add that staff looked at `subject`, which is about these companies; `page` names the address.

    One statement in the transaction of the page: a page that cannot write it is not shown. Within one
    hour (UTC) the same person and object are written down once, whoever asks at once. Staff scope.
    """
    _record_reads(
        [
            _event(actor, READ, subject, now=now, company_id=company_id, detail={"page": page})
            for company_id in sorted(company_ids)
        ]
    )


def record_list_read(actor: Actor, table: type[Model], *, now: datetime, page: str) -> None:
    """Add that staff looked through a table with rows of many companies; once an hour as well."""
    event = _event(actor, READ, table(), now=now, company_id=None, detail={"page": page})
    event.object_id = ""
    _record_reads([event])


def _record_reads(events: Sequence[AuditEvent]) -> None:
    AuditEvent.objects.bulk_create(events, ignore_conflicts=True)


def _event(
    actor: Actor,
    action: str,
    subject: Model,
    *,
    now: datetime,
    company_id: UUID | None,
    detail: dict[str, Any],
) -> AuditEvent:
    return AuditEvent(
        company_id=company_id,
        actor_id=actor.user_id,
        actor_kind=_kind(actor),
        actor_name=actor.email or actor.name,
        shown_name=actor.name if actor.company and actor.company.id == company_id else "",
        action=action,
        object_type=subject._meta.label_lower,  # noqa: SLF001 - Django's documented way
        object_id=str(subject.pk),
        about=str(detail.get("incident") or getattr(subject, "incident_id", None) or "")[:_LONGEST_NAME],
        detail=detail,
        at=now,
    )


def _kind(actor: Actor) -> ActorKind:
    if actor.user_id is None:
        return ActorKind.PORTAL
    return ActorKind.STAFF if actor.is_staff else ActorKind.CLIENT
