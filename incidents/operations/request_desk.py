"""What staff keep of requests for post-mortems among themselves: who works on each, and a note.

Their audit rows name no company, so that no client reads of them.
"""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from django.db import transaction

from incidents import errors
from incidents.models import PostMortemRequest, RequestDesk
from incidents.operations.portions import portions
from incidents.queries import request_queue
from tenants import audit
from tenants.actor import Actor


def assign(actor: Actor, *, request_ids: Collection[UUID], to: UUID | None, now: datetime) -> int:
    """Give requests to one of staff who may answer them, or back to nobody; returns how many changed.

    Set-based. Staff scope. Raises NothingSelected and NotOfStaff.
    """
    if not request_ids:
        raise errors.NothingSelected
    _refuse_unless_of_staff(to)
    with transaction.atomic():
        rows = [
            row
            for some in portions(sorted(request_ids))
            for row in PostMortemRequest.objects.select_for_update(of=("self",), no_key=True)
            .filter(pk__in=some)
            .order_by("pk")
            .values_list("pk", "company_id", "desk__assignee")
        ]
        changed = [(key, company_id) for key, company_id, before in rows if before != to]
        RequestDesk.objects.bulk_create(
            [RequestDesk(request_id=key, company_id=company, assignee_id=to) for key, company in changed],
            update_conflicts=True,
            unique_fields=["request"],
            update_fields=["assignee"],
            batch_size=5_000,
        )
        audit.record_all(
            actor,
            "post_mortem.assigned",
            PostMortemRequest,
            [(key, None) for key, _company in changed],
            now=now,
            assignee=str(to) if to else None,
        )
    return len(changed)


def keep(actor: Actor, *, request_id: UUID, assignee: UUID | None, note: str, now: datetime) -> None:
    """Say who works on one request, and keep a note for staff alone; an empty one takes it away.

    Staff scope. Raises NothingSelected and NotOfStaff.
    """
    with transaction.atomic():
        wanted = PostMortemRequest.objects.select_for_update(no_key=True).filter(pk=request_id).first()
        if wanted is None:
            raise errors.NothingSelected
        assign(actor, request_ids=[request_id], to=assignee, now=now)
        desk, _ = RequestDesk.objects.get_or_create(
            request=wanted, defaults={"company_id": wanted.company_id}
        )
        if desk.note != note.strip():
            desk.note = note.strip()
            desk.save(update_fields=["note"])
            audit.record(actor, "post_mortem.noted", wanted, now=now, incident=str(wanted.incident_id))


def _refuse_unless_of_staff(person: UUID | None) -> None:
    if person is not None and not request_queue.people_who_answer().filter(pk=person).exists():
        raise errors.NotOfStaff
