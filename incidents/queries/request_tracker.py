"""What belongs to a company's own request for a post-mortem. All in the client scope."""

from datetime import datetime
from uuid import UUID

from django.conf import settings

from incidents import due_dates
from incidents.choices import RequestState
from incidents.models import PostMortemRequest, RequestQuestion, RequestRecipient
from incidents.queries import request_shapes, shapes
from tenants.models import Membership


def questions(request_id: UUID) -> tuple[request_shapes.RequestQuestion, ...]:
    """The questions of one request: the company's own, then the vendor's, each as they were asked."""
    rows = (
        RequestQuestion.objects.filter(request=request_id)
        .order_by("from_vendor", "number")
        .values_list(
            *("from_vendor", "number", "text", "asked_at", "asked_by_name"),
            *("answer", "answered_at", "answered_by_name"),
        )
    )
    return tuple(
        request_shapes.RequestQuestion(
            is_from_vendor=from_vendor,
            number=number,
            text=text,
            asked_at=asked_at,
            asked_by=asked_by,
            answer=answer,
            answered_at=answered_at,
            answered_by=answered_by,
        )
        for from_vendor, number, text, asked_at, asked_by, answer, answered_at, answered_by in rows
    )


def recipients(request_id: UUID, company_id: UUID) -> tuple[request_shapes.RequestRecipient, ...]:
    """For whom the report is, in the order in which they were added, as far as they are members still."""
    members = Membership.objects.filter(company_id=company_id).values("user_id")
    rows = RequestRecipient.objects.filter(request=request_id, person__in=members).order_by(
        "added_at", "person_name", "pk"
    )
    return tuple(
        request_shapes.RequestRecipient(
            id=person,
            name=name,
            came_by="asked" if person == asker else "joined" if person == added_by else "",
        )
        for person, name, added_by, asker in rows.values_list(
            "person_id", "person_name", "added_by_id", "request__requested_by_id"
        )
    )


def colleagues(company_id: UUID) -> tuple[tuple[UUID, str], ...]:
    """(id, name) of everybody in the company who can sign in, by name."""
    people = Membership.objects.filter(company_id=company_id, user__is_active=True)
    return tuple(people.order_by("user__name", "user_id").values_list("user_id", "user__name"))


def newest_withdrawn(incident_id: UUID) -> request_shapes.Withdrawn | None:
    """Who of the company withdrew its request on an incident last, and when."""
    row = (
        PostMortemRequest.objects.filter(incident=incident_id, state=RequestState.WITHDRAWN)
        .order_by("-withdrawn_at", "-pk")
        .values_list("withdrawn_by_name", "withdrawn_at")
        .first()
    )
    return request_shapes.Withdrawn(by=row[0], at=row[1]) if row and row[1] else None


def business_days(state: shapes.PostMortemRequestState, *, now: datetime) -> int | None:
    """Business days until what the vendor owes next is due, negative when late; None if nothing is."""
    due_at = state.owed_by
    return due_dates.business_days_until(due_at, settings.BUSINESS_CALENDAR, now=now) if due_at else None
