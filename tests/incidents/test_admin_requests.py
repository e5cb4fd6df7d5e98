"""Requests for post-mortems in the admin: accepted, or declined with a reason, once."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from incidents.choices import RequestState
from incidents.models import PostMortemRequest
from tenants import scope
from tenants.models import AuditEvent, User
from tests import factories
from tests.conftest import World

SignIn = Callable[[User], Client]
LIST = reverse("admin:incidents_postmortemrequest_changelist")


@pytest.fixture
def asked(world: World) -> list[PostMortemRequest]:
    """Acme's request, due tomorrow, and Globex's, due an hour ago."""
    now = timezone.now()
    with scope.as_staff():
        return [
            PostMortemRequest.objects.create(
                company=company,
                incident=world.incident,
                requested_by_name="Somebody",
                purpose="Our customers ask.",
                requested_at=now - timedelta(days=1),
                answer_due_at=now + due,
            )
            for company, due in ((world.acme, timedelta(days=1)), (world.globex, timedelta(hours=-1)))
        ]


def answer_page(request: PostMortemRequest) -> str:
    return reverse("admin:incidents_postmortemrequest_answer", args=[request.pk])


def again(request: PostMortemRequest) -> PostMortemRequest:
    with scope.as_staff():
        return PostMortemRequest.objects.get(pk=request.pk)


def states(asked: list[PostMortemRequest]) -> list[str]:
    return [again(request).state for request in asked]


def messages_of(response: Any) -> str:
    return " ".join(str(message) for message in response.context["messages"])


def chosen(action: str, asked: list[PostMortemRequest], **more: str) -> dict[str, Any]:
    keys = [str(request.pk) for request in asked]
    return {"action": action, "_selected_action": keys, "select_across": "0"} | more


def test_requests_are_accepted_from_the_list(
    world: World, signed_in: SignIn, asked: list[PostMortemRequest]
) -> None:
    answer = signed_in(world.sam).post(LIST, chosen("accept", asked), follow=True)
    assert "2 requests were accepted" in messages_of(answer)
    assert states(asked) == [RequestState.ACCEPTED] * 2
    assert again(asked[0]).preliminary_due_at is not None
    with scope.as_staff():
        assert AuditEvent.objects.filter(action="post_mortem.accepted", actor=world.sam).count() == 2


def test_accepting_twice_changes_nothing(
    world: World, signed_in: SignIn, asked: list[PostMortemRequest]
) -> None:
    client = signed_in(world.sam)
    client.post(LIST, chosen("accept", asked[:1]))
    first = again(asked[0])
    answer = client.post(LIST, chosen("accept", asked), follow=True)
    assert f"answered or withdrawn already: {world.acme.name} (accepted)." in messages_of(answer)
    assert states(asked) == [RequestState.ACCEPTED] * 2
    assert again(asked[0]).answered_at == first.answered_at
    assert "answered already" in messages_of(client.post(LIST, chosen("accept", asked), follow=True))


def test_declining_asks_for_the_reason_that_the_client_reads(
    world: World, signed_in: SignIn, asked: list[PostMortemRequest]
) -> None:
    client = signed_in(world.sam)
    shown = client.post(LIST, chosen("decline", asked[:1])).content.decode()
    assert "Decline 1 request" in shown
    assert "Acme Stores" in shown
    assert states(asked) == [RequestState.REQUESTED] * 2
    empty = client.post(LIST, chosen("decline", asked[:1], decided="yes", reason="  "))
    assert empty.status_code == 200
    assert states(asked) == [RequestState.REQUESTED] * 2
    sent = chosen("decline", asked[:1], decided="yes", reason="It did not touch your account.")
    assert client.post(LIST, sent).status_code == 302
    assert states(asked) == [RequestState.DECLINED, RequestState.REQUESTED]
    read = (
        signed_in(world.ada).get(f"/acme/incidents/{world.incident.reference}/post-mortem/").content.decode()
    )
    assert "It did not touch your account." in read


def test_a_request_is_accepted_on_its_page(
    world: World, signed_in: SignIn, asked: list[PostMortemRequest]
) -> None:
    client = signed_in(world.sam)
    change = reverse("admin:incidents_postmortemrequest_change", args=[asked[0].pk])
    assert 'name="accept"' in client.get(change).content.decode()
    answer = client.post(answer_page(asked[0]), {"accept": "yes"}, follow=True)
    assert "1 request was accepted" in messages_of(answer)
    assert states(asked) == [RequestState.ACCEPTED, RequestState.REQUESTED]
    assert 'name="accept"' not in client.get(change).content.decode(), "nothing is left to answer"


def test_a_request_is_declined_on_its_page_only_with_a_reason(
    world: World, signed_in: SignIn, asked: list[PostMortemRequest]
) -> None:
    client = signed_in(world.sam)
    refused = client.post(answer_page(asked[0]), {"decline": "yes", "reason": " "}, follow=True)
    assert "cannot be empty" in messages_of(refused)
    assert states(asked)[0] == RequestState.REQUESTED
    client.post(answer_page(asked[0]), {"decline": "yes", "reason": "Not yours."})
    assert states(asked)[0] == RequestState.DECLINED
    late = client.post(answer_page(asked[0]), {"accept": "yes"}, follow=True)
    assert "answered already" in messages_of(late)
    assert states(asked)[0] == RequestState.DECLINED


def test_reading_the_answer_page_answers_nothing(
    world: World, signed_in: SignIn, asked: list[PostMortemRequest]
) -> None:
    assert signed_in(world.sam).get(answer_page(asked[0]), {"accept": "yes"}).status_code == 302
    assert states(asked)[0] == RequestState.REQUESTED


def test_who_may_only_look_answers_nothing(
    world: World, signed_in: SignIn, asked: list[PostMortemRequest]
) -> None:
    with scope.as_staff():
        tim = User.objects.create_user("tim@vendor.example", factories.PASSWORD, name="Tim", is_staff=True)
        tim.user_permissions.add(Permission.objects.get(codename="view_postmortemrequest"))
    client = signed_in(tim)
    assert client.get(LIST).status_code == 200
    assert client.post(answer_page(asked[0]), {"accept": "yes"}).status_code == 403
    client.post(LIST, chosen("accept", asked))
    client.post(LIST, chosen("decline", asked, decided="yes", reason="No."))
    assert states(asked) == [RequestState.REQUESTED] * 2


def test_the_console_orders_requests_by_what_is_due_and_says_late(
    world: World, signed_in: SignIn, asked: list[PostMortemRequest]
) -> None:
    board = signed_in(world.sam).get("/admin/").context["board"]
    assert [(each.company, each.owed, each.is_late) for each in board.requests] == [
        ("Globex Hotels", "Answer", True),
        ("Acme Stores", "Answer", False),
    ]
    signed_in(world.sam).post(LIST, chosen("accept", asked[1:]))
    board = signed_in(world.sam).get("/admin/").context["board"]
    assert [(each.company, each.owed, each.is_late) for each in board.requests] == [
        ("Acme Stores", "Answer", False),
        ("Globex Hotels", "Preliminary report", False),
    ]


def test_the_board_shows_requests_to_who_may_look_at_them(
    world: World, signed_in: SignIn, asked: list[PostMortemRequest]
) -> None:
    with scope.as_staff():
        tim = User.objects.create_user("tim@vendor.example", factories.PASSWORD, name="Tim", is_staff=True)
        tim.user_permissions.set(Permission.objects.filter(codename="view_incident"))
    words = signed_in(tim).get("/admin/").content.decode()
    assert world.incident.title in words
    assert "Post-mortem requests" not in words
    assert "Post-mortem requests, by due date" in signed_in(world.sam).get("/admin/").content.decode()
