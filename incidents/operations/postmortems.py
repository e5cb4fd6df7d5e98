"""A company's request for a post-mortem from its asking to its report: ask, withdraw, answer, deliver."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import groupby
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Q

from incidents import due_dates, errors, standings
from incidents.choices import PostMortemKind, RequestPolicy, RequestState
from incidents.models import Incident, PostMortemRequest
from incidents.models.postmortem import MOST_REQUESTS
from incidents.operations import request_parts
from incidents.operations.own_incident import own_incident
from incidents.operations.portions import portions
from tenants import audit
from tenants.actor import SYSTEM, Actor
from tenants.permissions import Permission

_DELIVER = """
update incidents_postmortemrequest
set state = %(state)s,
    preliminary_delivered_at = case when %(is_final)s then preliminary_delivered_at else %(now)s end,
    final_delivered_at = case when %(is_final)s then %(now)s::timestamptz end
where incident_id = %(incident)s and state = any (%(moves)s)
returning id, company_id
"""


@dataclass(frozen=True, kw_only=True)
class NotAnswered:
    """A request that an answer passed over, and where it stands instead."""

    company: str
    state: RequestState


@dataclass(frozen=True, kw_only=True)
class Answered:
    """How many requests were answered, and which were not because they do not wait for it any more."""

    count: int
    passed_over: tuple[NotAnswered, ...] = ()


def request(
    actor: Actor,
    *,
    reference: str,
    purpose: str,
    now: datetime,
    needed_by_on: date | None = None,
    questions: Sequence[str] = (),
    recipients: Collection[UUID] = (),
) -> tuple[PostMortemRequest, bool]:
    """Ask for the report on an incident for the actor's company; returns (request, is new).

    There is one per company and incident: who asks twice, or at once with a colleague, joins the
    first, and of what they say only that they want it is kept. It is for the actor and `recipients`
    (people of the company). Under an automatic policy it is accepted at once, and stands where the
    report that is out has brought the others. Runs in the client scope. Raises NotPermitted,
    IncidentNotFound, RequestsClosed, TooManyRequests, TooManyQuestions and NotYourColleague.
    """
    with transaction.atomic():
        company, incident = own_incident(actor, Permission.REQUEST_POST_MORTEM, reference)
        existing = request_parts.standing_request(incident)
        if existing is not None:
            request_parts.join_request(actor, existing, now=now)
            return existing, False
        if incident.request_policy == RequestPolicy.CLOSED:
            raise errors.RequestsClosed
        if PostMortemRequest.objects.filter(incident=incident).count() >= MOST_REQUESTS:
            raise errors.TooManyRequests
        wanted = PostMortemRequest(
            company_id=company.id,
            incident=incident,
            requested_by_id=actor.user_id,
            requested_by_name=actor.name,
            purpose=purpose.strip(),
            needed_by_on=needed_by_on,
            requested_at=now,
            answer_due_at=due_dates.after_business_days(
                now, settings.POST_MORTEM_ANSWER_BUSINESS_DAYS, settings.BUSINESS_CALENDAR
            ),
        )
        if incident.request_policy == RequestPolicy.AUTOMATIC:
            _accept_by_itself(wanted, incident, now=now)
        # A colleague who is just asking is waited for; then this row is left out.
        PostMortemRequest.objects.bulk_create([wanted], ignore_conflicts=True)
        stored = PostMortemRequest.objects.get(incident=incident, state__in=RequestState.standing())
        is_new = stored.pk == wanted.pk
        if is_new:
            audit.record(
                actor,
                "post_mortem.requested",
                stored,
                now=now,
                company_id=company.id,
                incident=str(incident.pk),
            )
            request_parts.ask_questions(actor, stored, questions, now=now)
            request_parts.write_recipients(actor, stored, {*recipients, actor.user_id}, now=now)
        else:
            request_parts.join_request(actor, stored, now=now)
        return stored, is_new


def withdraw(actor: Actor, *, reference: str, now: datetime) -> None:
    """Take the company's request back; it stays on record, and the company can ask again.

    Runs in the client scope. Raises NotPermitted, IncidentNotFound, RequestNotFound, and WrongState
    once it was declined or something was delivered.
    """
    with transaction.atomic():
        wanted = request_parts.own_request(actor, reference)
        changed = PostMortemRequest.objects.filter(
            pk=wanted.pk, state__in=RequestState.withdrawable()
        ).update(
            state=RequestState.WITHDRAWN,
            withdrawn_at=now,
            withdrawn_by_id=actor.user_id,
            withdrawn_by_name=actor.name,
        )
        if not changed:
            raise errors.WrongState
        request_parts.audit_request(actor, wanted, "post_mortem.withdrawn", now=now)


def accept(actor: Actor, *, request_ids: Collection[UUID], now: datetime) -> Answered:
    """Accept requests, with the due dates of the report; what is out already is delivered at once.

    Set-based, for thousands. Those that do not wait for an answer any more are passed over and
    named. Staff scope. Raises NothingSelected, NoReportComes where one waits for the report on what was
    set aside, and WrongState when none of them waits.
    """
    with transaction.atomic():
        answered, waiting = _waiting(request_ids)
        for incident, ids in waiting:
            if incident.is_set_aside:
                raise errors.NoReportComes(incident.reference)
            preliminary_due_at, final_due_at = _report_due(incident, now)
            for some in portions(ids):
                PostMortemRequest.objects.filter(pk__in=[key for key, _ in some]).update(
                    state=RequestState.ACCEPTED,
                    answered_at=now,
                    preliminary_due_at=preliminary_due_at,
                    final_due_at=final_due_at,
                )
            _audit(actor, "post_mortem.accepted", incident, ids, now=now)
            if incident.published_report:
                _deliver(actor, incident, PostMortemKind(incident.published_report), now=now)
    return answered


def decline(actor: Actor, *, request_ids: Collection[UUID], reason: str, now: datetime) -> Answered:
    """Decline requests with a reason that the client reads; set-based like `accept`.

    Those on what was set aside can be declined after they were accepted, too: no report comes. Staff
    scope. Raises NothingSelected, ReasonMissing, and WrongState when none of them waits.
    """
    if not reason.strip():
        raise errors.ReasonMissing
    with transaction.atomic():
        answered, waiting = _waiting(request_ids)
        for incident, ids in waiting:
            for some in portions(ids):
                PostMortemRequest.objects.filter(pk__in=[key for key, _ in some]).update(
                    state=RequestState.DECLINED, answered_at=now, decline_reason=reason.strip()
                )
            _audit(actor, "post_mortem.declined", incident, ids, now=now)
    return answered


def deliver(incident: Incident, *, kind: PostMortemKind, now: datetime, actor: Actor = SYSTEM) -> int:
    """One publication serves all accepted requests of the incident; returns how many.

    Called when a report is published, and again without harm. The final one also serves those that
    have the preliminary. From now on a request that is accepted gets it at once. Staff scope.
    """
    with transaction.atomic():
        locked = Incident.objects.select_for_update(no_key=True).get(pk=incident.pk)
        if locked.published_report not in {kind, PostMortemKind.FINAL}:
            locked.published_report = kind
            locked.save(update_fields=["published_report"])
            standings.bump(locked)
        return _deliver(actor, locked, kind, now=now)


def deliver_published(*, now: datetime) -> int:
    """Deliver what is out to requests that were accepted by themselves while it was being published."""
    is_behind = Q(requests__state=RequestState.ACCEPTED) | Q(
        requests__state=RequestState.PRELIMINARY_DELIVERED, published_report=PostMortemKind.FINAL
    )
    behind = Incident.objects.filter(is_behind).exclude(published_report="").distinct()
    return sum(deliver(each, kind=PostMortemKind(each.published_report), now=now) for each in behind)


def change_policy(actor: Actor, *, incident: Incident, policy: RequestPolicy, now: datetime) -> int:
    """Say how requests are answered from now on; returns how many that waited were accepted by it.

    The caller holds the incident's row lock, in the staff scope.
    """
    incident.request_policy = policy
    incident.save(update_fields=["request_policy"])
    standings.bump(incident)
    audit.record(actor, "incident.request_policy_changed", incident, now=now, policy=str(policy))
    if policy is not RequestPolicy.AUTOMATIC:
        return 0
    waiting = PostMortemRequest.objects.filter(incident=incident, state=RequestState.REQUESTED)
    ids = list(waiting.values_list("pk", flat=True))
    return accept(actor, request_ids=ids, now=now).count if ids else 0


def _accept_by_itself(wanted: PostMortemRequest, incident: Incident, *, now: datetime) -> None:
    """Where every request is accepted: accepted, or where what is out has brought the others."""
    wanted.state = RequestState.ACCEPTED
    wanted.answered_at = now
    wanted.preliminary_due_at, wanted.final_due_at = _report_due(incident, now)
    if incident.published_report:
        kind = PostMortemKind(incident.published_report)
        wanted.state = kind.delivered
        setattr(wanted, f"{kind}_delivered_at", now)


def _waiting(
    request_ids: Collection[UUID],
) -> tuple[Answered, list[tuple[Incident, list[tuple[UUID, UUID]]]]]:
    """Lock the chosen requests: what will have been answered, and the waiting ones by their incident."""
    if not request_ids:
        raise errors.NothingSelected
    chosen = list(portions(sorted(request_ids)))
    of_chosen = {
        key
        for some in chosen
        for key in PostMortemRequest.objects.filter(pk__in=some).values_list("incident_id", flat=True)
    }
    locked = Incident.objects.select_for_update(no_key=True).filter(pk__in=of_chosen).order_by("pk")
    incidents = {incident.pk: incident for incident in locked}
    rows = [
        row
        for some in chosen
        for row in PostMortemRequest.objects.select_for_update(of=("self",), no_key=True)
        .filter(pk__in=some)
        .order_by("pk")
        .values_list("pk", "company_id", "incident_id", "state", "company__name")
    ]
    if any(row[2] not in incidents for row in rows):  # moved by a merge in between
        raise errors.WrongState

    def is_waiting(incident_id: UUID, state: str) -> bool:
        return state in RequestState.answerable(is_set_aside=incidents[incident_id].is_set_aside)

    waiting = sorted((row for row in rows if is_waiting(row[2], row[3])), key=lambda row: row[2])
    passed_over = tuple(
        NotAnswered(company=name, state=RequestState(state))
        for _key, _company_id, incident_id, state, name in sorted(rows, key=lambda row: str(row[4]))
        if not is_waiting(incident_id, state)
    )
    if passed_over and not waiting:
        raise errors.WrongState
    return Answered(count=len(waiting), passed_over=passed_over), [
        (incidents[incident_id], [(key, company_id) for key, company_id, *_ in group])
        for incident_id, group in groupby(waiting, key=lambda row: row[2])
    ]


def _deliver(actor: Actor, incident: Incident, kind: PostMortemKind, *, now: datetime) -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            _DELIVER,
            {
                "state": str(kind.delivered),
                "is_final": kind is PostMortemKind.FINAL,
                "now": now,
                "incident": incident.pk,
                "moves": [str(state) for state in kind.moves],
            },
        )
        served = cursor.fetchall()
    _audit(actor, "post_mortem.delivered", incident, served, now=now, kind=str(kind))
    return len(served)


def _audit(
    actor: Actor,
    action: str,
    incident: Incident,
    ids: Sequence[tuple[UUID, UUID]],
    *,
    now: datetime,
    **detail: str,
) -> None:
    audit.record_all(actor, action, PostMortemRequest, ids, now=now, incident=str(incident.pk), **detail)


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
