"""The queue of requests in the admin: views, who works on what, answers to questions, templates."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from incidents.choices import RequestPolicy, RequestState
from incidents.models import AnswerTemplate, Incident, PostMortem, PostMortemRequest, RequestDesk
from tenants import scope
from tenants.models import AuditEvent, User
from tests import factories
from tests.conftest import World
from tests.incidents.asking import ask, questions, request

SignIn = Callable[[User], Client]
LIST = reverse("admin:incidents_postmortemrequest_changelist")
ADD_TEMPLATE = reverse("admin:incidents_answertemplate_add")


@pytest.fixture
def asked(world: World) -> list[UUID]:
    """Acme's request with two questions, and Globex's."""
    now = timezone.now()
    return [
        ask(world, questions=["Was data lost?", "Why so late?"], now=now),
        ask(world, world.gus, world.globex, now=now),
    ]


def staff(email: str, group: str) -> User:
    made = factories.person(email)
    with scope.as_staff():
        User.objects.filter(pk=made.pk).update(is_staff=True)
        made.groups.add(Group.objects.get(name=group))
    return made


def page(key: UUID, place: str = "change") -> str:
    return reverse(f"admin:incidents_postmortemrequest_{place}", args=[key])


def messages_of(response: Any) -> str:
    return " ".join(str(message) for message in response.context["messages"])


def chosen(action: str, keys: list[UUID], **more: str) -> dict[str, Any]:
    return {"action": action, "_selected_action": [str(key) for key in keys], "select_across": "0"} | more


def assignee(key: UUID) -> User | None:
    with scope.as_staff():
        desk = RequestDesk.objects.filter(request=key).select_related("assignee").first()
        return desk.assignee if desk else None


def template(name: str = "No", text: str = "Your account was not touched.") -> AnswerTemplate:
    with scope.as_staff():
        return AnswerTemplate.objects.create(name=name, text=text)


def test_views_say_how_many_and_show_those(world: World, signed_in: SignIn, asked: list[UUID]) -> None:
    client = signed_in(world.sam)
    client.post(LIST, chosen("assign_to_me", asked[:1]))
    shown = client.get(LIST).content.decode()
    assert "Mine (1)" in shown
    assert "Unassigned (1)" in shown
    for view, keys in (("mine", asked[:1]), ("unassigned", asked[1:]), ("answered", []), ("overdue", [])):
        rows = client.get(LIST, {"view": view}).context["cl"].result_list
        assert [row.pk for row in rows] == keys, view
    assert client.get(LIST, {"view": "nonsense"}).status_code == 302


def test_what_is_due_first_stands_first(world: World, signed_in: SignIn, asked: list[UUID]) -> None:
    with scope.as_staff():
        rows = PostMortemRequest.objects
        rows.filter(pk=asked[1]).update(answer_due_at=timezone.now() - timedelta(hours=1))
    found = signed_in(world.sam).get(LIST).context["cl"].result_list
    assert [row.pk for row in found] == [asked[1], asked[0]]


def test_requests_are_given_to_another_person_of_staff(
    world: World, signed_in: SignIn, asked: list[UUID]
) -> None:
    pia = staff("pia@vendor.example", "Publisher")
    client = signed_in(world.sam)
    shown = client.post(LIST, chosen("assign", asked)).content.decode()
    assert "Assign 2 requests" in shown
    assert pia.email in shown
    assert world.ada.email not in shown
    client.post(LIST, chosen("assign", asked, decided="yes", assignee=str(world.ada.pk)))
    assert [assignee(key) for key in asked] == [None, None]
    answer = client.post(LIST, chosen("assign", asked, decided="yes", assignee=str(pia.pk)), follow=True)
    assert "2 requests were assigned." in messages_of(answer)
    assert [assignee(key) for key in asked] == [pia, pia]


def test_declining_with_a_template_and_with_words_of_ones_own(
    world: World, signed_in: SignIn, asked: list[UUID]
) -> None:
    kept = template()
    client = signed_in(world.sam)
    nothing = client.post(LIST, chosen("decline", asked, decided="yes", template="", reason=" "))
    assert "cannot be empty" in messages_of(nothing)
    client.post(LIST, chosen("decline", asked[:1], decided="yes", template=str(kept.pk), reason=""))
    client.post(
        page(asked[1], "answer"), {"decline": "yes", "template": str(kept.pk), "reason": "Something else."}
    )
    assert [request(key).decline_reason for key in asked] == [kept.text, "Something else."]


def test_questions_are_answered_one_by_one(world: World, signed_in: SignIn, asked: list[UUID]) -> None:
    kept = template("In the report", "The report says so.")
    client = signed_in(world.sam)
    send = {"answer": "yes", "q1-template": "", "q1-text": " ", "q2-template": "", "q2-text": "We slept."}
    assert "Answered." in messages_of(client.post(page(asked[0], "answer"), send, follow=True))
    assert [each.answer for each in questions(asked[0])] == ["", "We slept."]
    send = {"answer": "yes", "q1-template": str(kept.pk), "q1-text": ""}
    client.post(page(asked[0], "answer"), send)
    assert questions(asked[0])[0].answer == kept.text
    foreign = client.post(page(asked[1], "answer"), send | {"q1-text": "No."}, follow=True)
    assert "Nothing was sent." in messages_of(foreign)
    assert [each.answer for each in questions(asked[0])] == [kept.text, "We slept."]


def test_what_cannot_be_sent_is_shown_again_beside_what_was(
    world: World, signed_in: SignIn, asked: list[UUID]
) -> None:
    client = signed_in(world.sam)
    gone = {"q1-template": str(UUID(int=7)), "q1-text": "<b>None</b> was lost."}
    both = {"answer": "yes", **gone, "q2-template": "", "q2-text": "We slept."}
    answer = client.post(page(asked[0], "answer"), both)
    assert messages_of(answer) == "Answered. The client reads it now. Not sent: what is marked below."
    assert [each.answer for each in questions(asked[0])] == ["", "We slept."]
    shown = answer.content.decode()
    assert "&lt;b&gt;None&lt;/b&gt; was lost." in shown
    assert 'name="q1-text"' in shown
    assert 'name="q2-text"' not in shown
    late = client.post(
        page(asked[0], "answer"), {"answer": "yes", "q2-template": "", "q2-text": "Never mind."}
    )
    assert messages_of(late) == "Not sent: what is marked below."
    assert "This was answered already" in late.content.decode()
    assert "Never mind." in late.content.decode()
    assert [each.answer for each in questions(asked[0])] == ["", "We slept."]


def test_a_line_break_counts_once_as_the_browser_counts_it(
    world: World, signed_in: SignIn, asked: list[UUID]
) -> None:
    text = "A line.\n" * 499 + "The end."
    typed = {"answer": "yes", "q1-template": "", "q1-text": text.replace("\n", "\r\n")}
    assert len(text) == 4_000
    signed_in(world.sam).post(page(asked[0], "answer"), typed)
    assert questions(asked[0])[0].answer == text


def test_a_request_waits_for_the_client_once_staff_ask_back(
    world: World, signed_in: SignIn, asked: list[UUID]
) -> None:
    client = signed_in(world.sam)
    empty = client.post(page(asked[0], "answer"), {"ask_back": "yes", "text": " "}, follow=True)
    assert "Nothing was changed." in messages_of(empty)
    long = client.post(page(asked[0], "answer"), {"ask_back": "yes", "text": "?" * 1_001}, follow=True)
    assert "Nothing was changed." in messages_of(long)
    client.post(page(asked[0], "answer"), {"ask_back": "yes", "text": "Which stores?"})
    shown = client.get(LIST, {"view": "waiting"})
    assert [row.pk for row in shown.context["cl"].result_list] == asked[:1]
    assert "waits for the client" in shown.content.decode()
    signed_in(world.ada).post(
        f"/acme/incidents/{world.incident.reference}/post-mortem/answers/", {"number": "1", "text": "All."}
    )
    assert list(client.get(LIST, {"view": "waiting"}).context["cl"].result_list) == []
    assert "All." in client.get(page(asked[0])).content.decode()


def test_the_desk_keeps_who_works_on_it_and_a_note(
    world: World, signed_in: SignIn, asked: list[UUID]
) -> None:
    client = signed_in(world.sam)
    kept = {"keep": "yes", "assignee": str(world.sam.pk), "note": "Calls at nine."}
    client.post(page(asked[0], "answer"), kept)
    shown = client.get(page(asked[0])).content.decode()
    assert "Calls at nine." in shown
    assert assignee(asked[0]) == world.sam
    client.post(page(asked[0], "answer"), {"keep": "yes", "assignee": "", "note": ""})
    assert assignee(asked[0]) is None
    with scope.as_staff():
        assert RequestDesk.objects.get(request=asked[0]).note == ""


def test_a_request_leads_to_the_report_once_it_is_begun(
    world: World, signed_in: SignIn, asked: list[UUID]
) -> None:
    client = signed_in(world.sam)
    assert "Not begun" in client.get(page(asked[0])).content.decode()
    with scope.as_staff():
        begun = PostMortem.objects.create(incident=world.incident, saved_at=timezone.now())
    address = reverse("admin:incidents_postmortem_change", args=[begun.pk])
    assert f'href="{address}"' in client.get(page(asked[0])).content.decode()


def test_who_may_only_look_changes_nothing(world: World, signed_in: SignIn, asked: list[UUID]) -> None:
    client = signed_in(staff("amy@vendor.example", "Administrator"))
    shown = client.get(page(asked[0])).content.decode()
    assert "Was data lost?" in shown
    assert page(asked[0], "answer") not in shown
    for sent in (
        {"accept": "yes"},
        {"answer": "yes", "q1-text": "No."},
        {"ask_back": "yes", "text": "Which?"},
        {"keep": "yes", "note": "Mine."},
    ):
        assert client.post(page(asked[0], "answer"), sent).status_code == 403
    client.post(LIST, chosen("assign_to_me", asked))
    client.post(LIST, chosen("assign", asked, decided="yes", assignee=str(world.sam.pk)))
    assert request(asked[0]).state == RequestState.REQUESTED
    assert [each.answer for each in questions(asked[0])] == ["", ""]
    assert questions(asked[0], from_vendor=True) == []
    assert [assignee(key) for key in asked] == [None, None]
    assert client.post(ADD_TEMPLATE, {"name": "X", "text": "Y"}).status_code == 403
    with scope.as_staff():
        assert not RequestDesk.objects.exists()
        assert not AnswerTemplate.objects.exists()


def test_templates_are_kept_by_who_publishes(world: World, signed_in: SignIn) -> None:
    client = signed_in(staff("pia@vendor.example", "Publisher"))
    client.post(ADD_TEMPLATE, {"name": "Not yours", "text": "It did not touch your account."})
    with scope.as_staff():
        kept = AnswerTemplate.objects.get()
    assert client.get(reverse("admin:incidents_answertemplate_changelist")).status_code == 200
    client.post(reverse("admin:incidents_answertemplate_delete", args=[kept.pk]), {"post": "yes"})
    with scope.as_staff():
        assert not AnswerTemplate.objects.exists()


def test_staff_change_the_policy_of_a_published_incident_with_a_trace(
    world: World, signed_in: SignIn, asked: list[UUID]
) -> None:
    client = signed_in(world.sam)
    change = reverse("admin:incidents_incident_change", args=[world.incident.pk])
    form = client.get(change).context["adminform"].form
    sent = {name: value for name, value in form.initial.items() if value is not None}
    sent = {name: sent.get(name, "") for name in form.fields if name != "whole_centers"} | {
        "request_policy": RequestPolicy.AUTOMATIC.value,
        "detected_at_0": "",
        "detected_at_1": "",
        "planned_end_at_0": "",
        "planned_end_at_1": "",
    }
    answer = client.post(change, sent, follow=True)
    assert "2 requests that waited were accepted." in messages_of(answer)
    assert [request(key).state for key in asked] == [RequestState.ACCEPTED] * 2
    with scope.as_staff():
        incident = Incident.objects.get(pk=world.incident.pk)
        event = AuditEvent.objects.get(action="incident.request_policy_changed")
    assert (incident.request_policy, incident.version > world.incident.version) == ("automatic", True)
    assert (event.actor, event.detail) == (world.sam, {"policy": "automatic"})
