"""The requests for post-mortems as staff work through them: what is owed, by when, by whom."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Case, Count, Exists, F, OuterRef, Q, QuerySet, When

from incidents.choices import Choice, IncidentState, RequestState
from incidents.models import PostMortemRequest, RequestQuestion
from tenants.models import User

DUE_SOON = timedelta(hours=48)
"""So long before it is due, what is owed counts as due soon."""
_OWED = {
    RequestState.REQUESTED: "Answer",
    RequestState.ACCEPTED: "Preliminary report",
    RequestState.PRELIMINARY_DELIVERED: "Final report",
}
_OWED_OF_SET_ASIDE = {
    RequestState.REQUESTED: "Word that no report comes",
    RequestState.ACCEPTED: "Word that no report comes",
}
_NO_FINAL_COMES = Q(state=RequestState.PRELIMINARY_DELIVERED, incident__state__in=IncidentState.set_aside())
IS_OWED = Q(state__in=RequestState.open()) & ~_NO_FINAL_COMES
"""The requests to which something is owed: after the preliminary report of what was set aside nothing is."""
_DONE_WITH = (RequestState.DECLINED, RequestState.WITHDRAWN)
ASKS = Q(has_questions=True) & ~Q(state__in=_DONE_WITH)
"""The requests of `queue` with a question of the client that staff have not answered, whatever else came."""
_DUE = Case(
    When(state=RequestState.REQUESTED, then=F("answer_due_at")),
    When(state=RequestState.ACCEPTED, then=F("preliminary_due_at")),
    When(state=RequestState.PRELIMINARY_DELIVERED, then=F("final_due_at")),
)
"""What is owed next for a request: the answer, the preliminary report, the final one."""


class View(Choice):
    """A saved look at the queue."""

    MINE = "mine", "Mine"
    UNASSIGNED = "unassigned", "Unassigned"
    DUE_SOON = "due-soon", "Due soon"
    OVERDUE = "overdue", "Overdue"
    QUESTIONS = "questions", "Questions to answer"
    WAITING = "waiting", "Waiting for the client"
    ANSWERED = "answered", "Answered"


@dataclass(frozen=True, kw_only=True, slots=True)
class QueueCounts:
    """How many requests nobody has answered, have a question to answer, are due soon, and are overdue."""

    new: int
    with_questions: int
    due_soon: int
    overdue: int


def owed(wanted: PostMortemRequest) -> str:
    """What is owed next for a request, in words; empty where nothing is."""
    owed_in = _OWED_OF_SET_ASIDE if wanted.incident.is_set_aside else _OWED
    return owed_in.get(RequestState(wanted.state), "")


def asks(wanted: Any) -> bool:
    """Whether staff owe the client of a row of `queue` an answer to a question."""
    return wanted.has_questions and wanted.state not in _DONE_WITH


def with_due(requests: QuerySet[PostMortemRequest]) -> QuerySet[Any]:
    """The requests with `due_at`: when what is owed next is due, None where nothing is."""
    annotated: QuerySet[Any] = requests.annotate(due_at=_DUE)
    return annotated


def queue(requests: QuerySet[PostMortemRequest]) -> QuerySet[Any]:
    """The requests with `due_at`, `assignee_name`, and who has a question to answer: `has_questions` to
    staff, `waits_for_client`."""
    annotated: QuerySet[Any] = with_due(requests).annotate(
        assignee_name=F("desk__assignee__name"),
        has_questions=_open_question(from_vendor=False),
        waits_for_client=_open_question(from_vendor=True),
    )
    return annotated


def within(view: View, *, user_id: UUID | None, now: datetime) -> Q:
    """Which requests of `queue` a view shows to one of staff. A question outlives the report; all other
    views but the last show what is still owed."""
    if view is View.ANSWERED:
        return ~Q(state__in=(RequestState.REQUESTED, RequestState.WITHDRAWN))
    if view is View.QUESTIONS:
        return ASKS
    of_owed = {
        View.MINE: Q(desk__assignee=user_id),
        View.UNASSIGNED: Q(desk__assignee=None),
        View.DUE_SOON: Q(due_at__gte=now, due_at__lt=now + DUE_SOON),
        View.OVERDUE: Q(due_at__lt=now),
        View.WAITING: Q(waits_for_client=True),
    }
    return IS_OWED & of_owed[view]


def counts_of_views(*, user_id: UUID | None, now: datetime) -> dict[View, int]:
    """How many requests each view holds. One statement."""
    counted: dict[str, int] = queue(PostMortemRequest.objects.all()).aggregate(
        **{view.name: Count("pk", filter=within(view, user_id=user_id, now=now)) for view in View}
    )
    return {view: counted[view.name] for view in View}


def counts(*, now: datetime) -> QueueCounts:
    """What the console says of the queue. One statement."""
    asking_or_owed = queue(PostMortemRequest.objects.all()).filter(IS_OWED | ASKS)
    return QueueCounts(
        **asking_or_owed.aggregate(
            new=Count("pk", filter=Q(state=RequestState.REQUESTED)),
            with_questions=Count("pk", filter=ASKS),
            due_soon=Count("pk", filter=IS_OWED & Q(due_at__gte=now, due_at__lt=now + DUE_SOON)),
            overdue=Count("pk", filter=IS_OWED & Q(due_at__lt=now)),
        )
    )


def _open_question(*, from_vendor: bool) -> Exists:
    asked = RequestQuestion.objects.filter(
        request=OuterRef("pk"), company_id=OuterRef("company_id"), from_vendor=from_vendor, answered_at=None
    )
    return Exists(asked)


def people_who_answer() -> QuerySet[User]:
    """The active people of staff who may answer requests, by name."""
    right = {"codename": "change_postmortemrequest", "content_type__app_label": "incidents"}
    of_group = Q(**{f"groups__permissions__{name}": value for name, value in right.items()})
    own = Q(**{f"user_permissions__{name}": value for name, value in right.items()})
    people = User.objects.filter(is_staff=True, is_active=True)
    return people.filter(Q(is_superuser=True) | of_group | own).distinct().order_by("name", "pk")
