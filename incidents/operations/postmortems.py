"""Ask for a post-mortem, accept or decline the request."""

from collections.abc import Collection
from datetime import date, datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction

from incidents import due_dates, errors
from incidents.choices import RequestPolicy, RequestState
from incidents.models import Incident, PostMortemRequest
from incidents.operations.own_incident import own_incident
from tenants import audit
from tenants.actor import Actor
from tenants.permissions import Permission


def request(
    actor: Actor,
    *,
    reference: str,
    purpose: str,
    now: datetime,
    needed_by_on: date | None = None,
) -> tuple[PostMortemRequest, bool]:
    """Ask for the report on an incident for the actor's company; returns (request, is new).

    There is one per company and incident: asking twice, or two colleagues at once, gives the
    first. Under an automatic policy it is accepted at once. Runs in the client scope. Raises
    NotPermitted, IncidentNotFound and RequestsClosed.
    """
    with transaction.atomic():
        company, incident = own_incident(actor, Permission.REQUEST_POST_MORTEM, reference)
        existing = PostMortemRequest.objects.filter(incident=incident).first()
        if existing is not None:
            return existing, False
        if incident.request_policy == RequestPolicy.CLOSED:
            raise errors.RequestsClosed
        is_automatic = incident.request_policy == RequestPolicy.AUTOMATIC
        preliminary_due_at, final_due_at = _report_due(incident, now) if is_automatic else (None, None)
        wanted = PostMortemRequest(
            company_id=company.id,
            incident=incident,
            state=RequestState.ACCEPTED if is_automatic else RequestState.REQUESTED,
            requested_by_id=actor.user_id,
            requested_by_name=actor.name,
            purpose=purpose.strip(),
            needed_by_on=needed_by_on,
            requested_at=now,
            answer_due_at=due_dates.after_business_days(now, settings.POST_MORTEM_ANSWER_BUSINESS_DAYS),
            answered_at=now if is_automatic else None,
            preliminary_due_at=preliminary_due_at,
            final_due_at=final_due_at,
        )
        PostMortemRequest.objects.bulk_create([wanted], ignore_conflicts=True)
        stored = PostMortemRequest.objects.get(incident=incident)
        if stored.pk == wanted.pk:
            audit.record(
                actor,
                "post_mortem.requested",
                stored,
                now=now,
                company_id=company.id,
                incident=str(incident.pk),
            )
        return stored, stored.pk == wanted.pk


def accept(actor: Actor, *, request_ids: Collection[UUID], now: datetime) -> int:
    """Accept requests, with the due dates of the report; returns how many.

    Raises NothingSelected, and WrongState when one of them was answered already: then none is.
    """
    with transaction.atomic():
        requests = _unanswered(request_ids)
        for each in requests:
            each.state = RequestState.ACCEPTED
            each.answered_at = now
            each.preliminary_due_at, each.final_due_at = _report_due(each.incident, now)
            each.save(update_fields=["state", "answered_at", "preliminary_due_at", "final_due_at"])
        _audit(actor, requests, "post_mortem.accepted", now=now)
    return len(requests)


def decline(actor: Actor, *, request_ids: Collection[UUID], reason: str, now: datetime) -> int:
    """Decline requests with a reason that the client reads; returns how many.

    Raises NothingSelected, ReasonMissing, and WrongState when one was answered already.
    """
    if not reason.strip():
        raise errors.ReasonMissing
    with transaction.atomic():
        requests = _unanswered(request_ids)
        for each in requests:
            each.state = RequestState.DECLINED
            each.answered_at = now
            each.decline_reason = reason.strip()
            each.save(update_fields=["state", "answered_at", "decline_reason"])
        _audit(actor, requests, "post_mortem.declined", now=now)
    return len(requests)


def _unanswered(request_ids: Collection[UUID]) -> list[PostMortemRequest]:
    if not request_ids:
        raise errors.NothingSelected
    requests = list(
        PostMortemRequest.objects.select_for_update(of=("self",))
        .select_related("incident")
        .filter(pk__in=request_ids)
        .order_by("requested_at")
    )
    if any(each.state != RequestState.REQUESTED for each in requests):
        raise errors.WrongState
    return requests


def _audit(actor: Actor, requests: list[PostMortemRequest], action: str, *, now: datetime) -> None:
    for each in requests:
        audit.record(actor, action, each, now=now, company_id=each.company_id, incident=str(each.incident_id))


def _report_due(incident: Incident, now: datetime) -> tuple[datetime, datetime]:
    """When the preliminary and the final report are due.

    Counted from the resolution; for an incident that is open, or was resolved so long ago that
    the day has passed, from `now`, so that a promise is never late when it is made.
    """
    dues = []
    for length in (
        timedelta(hours=settings.POST_MORTEM_PRELIMINARY_HOURS),
        timedelta(days=settings.POST_MORTEM_FINAL_DAYS),
    ):
        from_resolution = (incident.resolved_at or now) + length
        dues.append(from_resolution if from_resolution > now else now + length)
    return dues[0], dues[1]
