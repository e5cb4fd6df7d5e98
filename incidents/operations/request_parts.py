"""What belongs to a request for a post-mortem: for whom the report is, and questions of both sides."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import Max

from incidents import errors
from incidents.choices import RequestState
from incidents.models import Incident, PostMortemRequest, RequestQuestion, RequestRecipient
from incidents.models.postmortem import MOST_ASKED_BACK, MOST_QUESTIONS
from incidents.operations.own_incident import own_incident
from tenants import audit
from tenants.actor import Actor
from tenants.models import Membership
from tenants.permissions import Permission

# What a company's people do, in the client scope. A client may not read who of the vendor asked or
# answered, so its questions are always read by column.


def join(actor: Actor, *, reference: str, now: datetime) -> bool:
    """Put the actor among those whom the report is for; returns whether that is new.

    Raises NotPermitted, IncidentNotFound and RequestNotFound.
    """
    with transaction.atomic():
        return join_request(actor, own_request(actor, reference), now=now)


def choose_recipients(
    actor: Actor, *, reference: str, recipients: Collection[UUID], now: datetime
) -> tuple[int, int]:
    """Make the report for exactly these people of the company; returns how many were (added, taken out).

    Raises NotPermitted, IncidentNotFound, RequestNotFound, NobodyChosen and NotYourColleague.
    """
    if not recipients:
        raise errors.NobodyChosen
    with transaction.atomic():
        wanted = own_request(actor, reference)
        leaving = RequestRecipient.objects.filter(request=wanted).exclude(person__in=recipients)
        taken_out, _ = leaving.delete()
        added = write_recipients(actor, wanted, recipients, now=now)
        if added or taken_out:
            audit_request(
                actor, wanted, "post_mortem.recipients_changed", now=now, added=added, taken_out=taken_out
            )
    return added, taken_out


def ask(actor: Actor, *, reference: str, text: str, now: datetime) -> None:
    """Add a question to the company's request, which the vendor answers on its own.

    Raises NotPermitted, IncidentNotFound, RequestNotFound, WrongState once the request is closed,
    and TooManyQuestions.
    """
    with transaction.atomic():
        wanted = own_request(actor, reference)
        if wanted.state not in RequestState.open():
            raise errors.WrongState
        ask_questions(actor, wanted, [text], now=now)
        audit_request(actor, wanted, "post_mortem.question_asked", now=now)


def reply(actor: Actor, *, reference: str, number: int, text: str, now: datetime) -> None:
    """Answer a question of the vendor, once.

    Raises NotPermitted, IncidentNotFound, RequestNotFound, EmptyAnswer, and WrongState when there is
    no such question or a colleague was faster.
    """
    if not text.strip():
        raise errors.EmptyAnswer
    with transaction.atomic():
        wanted = own_request(actor, reference)
        changed = RequestQuestion.objects.filter(
            request=wanted, from_vendor=True, number=number, answered_at=None
        ).update(
            answer=text.strip(), answered_at=now, answered_by_id=actor.user_id, answered_by_name=actor.name
        )
        if not changed:
            raise errors.WrongState
        audit_request(actor, wanted, "post_mortem.replied", now=now, number=number)


def standing_request(incident: Incident) -> PostMortemRequest | None:
    """The company's request that was not withdrawn, if any. Client scope."""
    return PostMortemRequest.objects.filter(incident=incident, state__in=RequestState.standing()).first()


def own_request(actor: Actor, reference: str) -> PostMortemRequest:
    """The request that the actor may change. Raises NotPermitted, IncidentNotFound, RequestNotFound."""
    _company, incident = own_incident(actor, Permission.REQUEST_POST_MORTEM, reference)
    found = standing_request(incident)
    if found is None:
        raise errors.RequestNotFound
    return found


def join_request(actor: Actor, wanted: PostMortemRequest, *, now: datetime) -> bool:
    """Put the actor among the recipients of `wanted`; whether that is new."""
    is_new = write_recipients(actor, wanted, {actor.user_id}, now=now) > 0
    if is_new:
        audit_request(actor, wanted, "post_mortem.joined", now=now)
    return is_new


def ask_questions(actor: Actor, wanted: PostMortemRequest, texts: Sequence[str], *, now: datetime) -> None:
    """Add questions of the company after those that it has asked; empty ones are left out."""
    asked = [text.strip() for text in texts if text.strip()]
    own = RequestQuestion.objects.filter(request=wanted, from_vendor=False)
    first = (own.aggregate(last=Max("number"))["last"] or 0) + 1
    if first + len(asked) - 1 > MOST_QUESTIONS:
        raise errors.TooManyQuestions
    questions = [
        RequestQuestion(
            company_id=wanted.company_id,
            request=wanted,
            number=number,
            text=text,
            asked_at=now,
            asked_by_id=actor.user_id,
            asked_by_name=actor.name,
        )
        for number, text in enumerate(asked, start=first)
    ]
    RequestQuestion.objects.bulk_create(questions, ignore_conflicts=True)
    if own.filter(pk__in=[each.pk for each in questions]).count() != len(questions):
        raise errors.AskedMeanwhile


def write_recipients(
    actor: Actor, wanted: PostMortemRequest, people: Collection[UUID | None], *, now: datetime
) -> int:
    """Add people of the company to the recipients; returns how many are new.

    Raises NotYourColleague, also where nobody acts: a recipient is always added by somebody.
    """
    if actor.user_id is None:
        raise errors.NotYourColleague
    chosen = {person for person in people if person}
    known = RequestRecipient.objects.filter(request=wanted, person__in=chosen)
    new = chosen - set(known.values_list("person_id", flat=True))
    names = dict(
        Membership.objects.filter(
            company_id=wanted.company_id, user_id__in=new, user__is_active=True
        ).values_list("user_id", "user__name")
    )
    if names.keys() != new:
        raise errors.NotYourColleague
    RequestRecipient.objects.bulk_create(
        [
            RequestRecipient(
                company_id=wanted.company_id,
                request=wanted,
                person_id=person,
                person_name=name,
                added_by_id=actor.user_id,
                added_at=now,
            )
            for person, name in names.items()
        ],
        ignore_conflicts=True,
    )
    return len(new)


# What staff do, in the staff scope.


def answer(actor: Actor, *, request_id: UUID, question_id: UUID, text: str, now: datetime) -> None:
    """Answer one question of a company's request; it reads the answer at once.

    Raises EmptyAnswer, and WrongState when it was answered, its request was withdrawn, or there is none.
    """
    if not text.strip():
        raise errors.EmptyAnswer
    with transaction.atomic():
        asked = (
            RequestQuestion.objects.select_for_update(of=("request", "self"), no_key=True)
            .select_related("request")
            .filter(pk=question_id, request=request_id, from_vendor=False, answered_at=None)
            .exclude(request__state=RequestState.WITHDRAWN)
            .first()
        )
        if asked is None:
            raise errors.WrongState
        asked.answer = text.strip()
        asked.answered_at = now
        asked.answered_by_id = actor.user_id
        asked.save(update_fields=["answer", "answered_at", "answered_by"])
        audit_request(actor, asked.request, "post_mortem.question_answered", now=now, number=asked.number)


def ask_back(actor: Actor, *, request_id: UUID, text: str, now: datetime) -> None:
    """Ask the company something; until it answers, its request waits for the client.

    Raises EmptyQuestion, TooManyQuestions, WrongState once nothing is owed to the request, and SetAside
    where nothing more comes.
    """
    if not text.strip():
        raise errors.EmptyQuestion
    with transaction.atomic():
        wanted = (
            PostMortemRequest.objects.select_for_update(of=("self",), no_key=True)
            .select_related("incident")
            .filter(pk=request_id, state__in=RequestState.open())
            .first()
        )
        if wanted is None:
            raise errors.WrongState
        if wanted.incident.is_set_aside:
            raise errors.SetAside
        own = RequestQuestion.objects.filter(request=wanted, from_vendor=True)
        number = (own.aggregate(last=Max("number"))["last"] or 0) + 1
        if number > MOST_ASKED_BACK:
            raise errors.TooManyQuestions
        RequestQuestion.objects.create(
            company_id=wanted.company_id,
            request=wanted,
            from_vendor=True,
            number=number,
            text=text.strip(),
            asked_at=now,
            asked_by_id=actor.user_id,
        )
        audit_request(actor, wanted, "post_mortem.asked_back", now=now, number=number)


def audit_request(
    actor: Actor, wanted: PostMortemRequest, action: str, *, now: datetime, **detail: int
) -> None:
    audit.record(
        actor,
        action,
        wanted,
        now=now,
        company_id=wanted.company_id,
        incident=str(wanted.incident_id),
        **detail,
    )
