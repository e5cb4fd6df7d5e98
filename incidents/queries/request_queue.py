"""The requests for post-mortems as staff work through them: what is owed, by when, by whom."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Case, Count, Exists, F, OuterRef, Q, QuerySet, When

from incidents.choices import Choice, RequestState
from incidents.models import PostMortemRequest, RequestQuestion
from tenants.models import User

DUE_SOON = timedelta(hours=48)
"""So long before it is due, what is owed counts as due soon."""
OWED = {
    RequestState.REQUESTED: "Answer",
    RequestState.ACCEPTED: "Preliminary report",
    RequestState.PRELIMINARY_DELIVERED: "Final report",
}
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
    WAITING = "waiting", "Waiting for the client"
    ANSWERED = "answered", "Answered"


@dataclass(frozen=True, kw_only=True, slots=True)
class QueueCounts:
    """How many requests nobody has answered, are due soon, and are overdue."""

    new: int
    due_soon: int
    overdue: int


def with_due(requests: QuerySet[PostMortemRequest]) -> QuerySet[Any]:
    """The requests with `due_at`: when what is owed next is due, None where nothing is."""
    annotated: QuerySet[Any] = requests.annotate(due_at=_DUE)
    return annotated


def queue(requests: QuerySet[PostMortemRequest]) -> QuerySet[Any]:
    """The requests with `due_at`, `assignee_name`, and whether the client has a question to answer."""
    asked_back = RequestQuestion.objects.filter(
        request=OuterRef("pk"), company_id=OuterRef("company_id"), from_vendor=True, answered_at=None
    )
    annotated: QuerySet[Any] = with_due(requests).annotate(
        assignee_name=F("desk__assignee__name"), waits_for_client=Exists(asked_back)
    )
    return annotated


def within(view: View, *, user_id: UUID | None, now: datetime) -> Q:
    """Which requests of `queue` a view shows to one of staff. All but the last show what is still owed."""
    is_open = Q(state__in=RequestState.open())
    match view:
        case View.MINE:
            return is_open & Q(desk__assignee=user_id)
        case View.UNASSIGNED:
            return is_open & Q(desk__assignee=None)
        case View.DUE_SOON:
            return is_open & Q(due_at__gte=now, due_at__lt=now + DUE_SOON)
        case View.OVERDUE:
            return is_open & Q(due_at__lt=now)
        case View.WAITING:
            return is_open & Q(waits_for_client=True)
        case View.ANSWERED:
            return ~Q(state__in=(RequestState.REQUESTED, RequestState.WITHDRAWN))


def counts_of_views(*, user_id: UUID | None, now: datetime) -> dict[View, int]:
    """How many requests each view holds. One statement."""
    counted: dict[str, int] = queue(PostMortemRequest.objects.all()).aggregate(
        **{view.name: Count("pk", filter=within(view, user_id=user_id, now=now)) for view in View}
    )
    return {view: counted[view.name] for view in View}


def counts(*, now: datetime) -> QueueCounts:
    """What the console says of the queue. One statement."""
    owed = with_due(PostMortemRequest.objects.filter(state__in=RequestState.open()))
    return QueueCounts(
        **owed.aggregate(
            new=Count("pk", filter=Q(state=RequestState.REQUESTED)),
            due_soon=Count("pk", filter=Q(due_at__gte=now, due_at__lt=now + DUE_SOON)),
            overdue=Count("pk", filter=Q(due_at__lt=now)),
        )
    )


def people_who_answer() -> QuerySet[User]:
    """The active people of staff who may answer requests, by name."""
    right = {"codename": "change_postmortemrequest", "content_type__app_label": "incidents"}
    of_group = Q(**{f"groups__permissions__{name}": value for name, value in right.items()})
    own = Q(**{f"user_permissions__{name}": value for name, value in right.items()})
    people = User.objects.filter(is_staff=True, is_active=True)
    return people.filter(Q(is_superuser=True) | of_group | own).distinct().order_by("name", "pk")
