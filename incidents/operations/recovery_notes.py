"""Write why the recovery of companies takes long: for staff, without any consequence for clients."""

from collections.abc import Collection
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from incidents import errors
from incidents.choices import RecoveryReason
from incidents.models import Recovery, RecoveryNote
from incidents.operations import published_incident
from tenants import audit
from tenants.actor import Actor

MOST = 20_000
"""So many at once: more is no list that somebody has looked at."""
NAMED = 100
"""So many companies are named in the audit, the others counted."""
_BATCH = 5_000


def write(
    actor: Actor,
    *,
    incident_id: UUID,
    company_ids: Collection[UUID],
    reason: RecoveryReason,
    text: str | None,
    now: datetime,
) -> int:
    """Give recoveries a reason and a note; returns for how many that changed anything.

    `text` None leaves each note as it is. Neither the incident's version nor anything that a client
    could see changes. Raises NothingSelected, TooManySelected, NotAffected, IncidentNotFound and
    NotPublished.
    """
    if not company_ids:
        raise errors.NothingSelected
    if len(company_ids) > MOST:
        raise errors.TooManySelected
    with transaction.atomic():
        incident = published_incident.locked(incident_id)
        affected = Recovery.objects.filter(incident=incident, company_id__in=company_ids)
        if affected.count() != len(set(company_ids)):
            raise errors.NotAffected
        written: dict[str, Any] = {"reason": reason} if text is None else {"reason": reason, "text": text}
        same = RecoveryNote.objects.filter(incident=incident, company_id__in=company_ids, **written)
        changed = set(company_ids) - set(same.values_list("company_id", flat=True))
        if not changed:
            return 0
        RecoveryNote.objects.bulk_create(
            [
                RecoveryNote(
                    company_id=company_id,
                    incident=incident,
                    written_at=now,
                    written_by_id=actor.user_id,
                    **written,
                )
                for company_id in sorted(changed)
            ],
            batch_size=_BATCH,
            update_conflicts=True,
            unique_fields=["company", "incident"],
            update_fields=[*written, "written_at", "written_by"],
        )
        audit.record(
            actor,
            "recovery.note_written",
            incident,
            now=now,
            reason=str(reason),
            companies=[str(company_id) for company_id in sorted(changed)[:NAMED]],
            count=len(changed),
        )
    return len(changed)
