"""Write down who did what to whose record."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Model

from tenants.actor import Actor
from tenants.models import AuditEvent


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

    `detail` holds ids, states and counts, never texts that somebody typed.
    """
    AuditEvent.objects.create(
        company_id=company_id,
        actor_id=actor.user_id,
        actor_name=actor.email or actor.name,
        action=action,
        object_type=subject._meta.label_lower,  # noqa: SLF001 - Django's documented way
        object_id=str(subject.pk),
        detail=detail,
        at=now,
    )
