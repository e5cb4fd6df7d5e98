"""A company's request on its own pages: asked for, joined, withdrawn, and nobody else's business."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.test import Client
from pytest_django import Settings

from incidents.choices import PostMortemKind, RequestState
from incidents.due_dates import BusinessCalendar
from incidents.models import PostMortemRequest, RequestDesk
from incidents.operations import postmortems, request_desk, request_parts
from incidents.queries import incident_pages, overviews
from tenants import scope
from tenants.models import Membership, User
from tenants.permissions import Role
from tests import factories
from tests.conftest import World
from tests.incidents.asking import WEDNESDAY, acting, ask, names, questions, request

SignIn = Callable[[User], Client]
HOSTILE = '<script>alert(1)</script>{{ "x" }}'


def page(world: World, place: str = "", company: str = "acme") -> str:
    return f"/{company}/incidents/{world.incident.reference}/post-mortem/{place}"


@pytest.fixture
def mia(world: World) -> User:
    """A manager of Acme."""
    made = factories.person("mia@acme.example")
    factories.member(made, world.acme, Role.MANAGER)
    return made


def ask_back(world: World, key: object, text: str = "Which stores?") -> None:
    with scope.as_staff():
        request_parts.ask_back(
            factories.actor(world.sam),
            request_id=key,  # type: ignore[arg-type]
            text=text,
            now=WEDNESDAY,
        )


def test_a_request_is_sent_with_its_questions_and_for_whom_it_is(
    world: World, signed_in: SignIn, mia: User
) -> None:
    client = signed_in(world.ada)
    form = client.get(page(world)).content.decode()
    assert mia.name in form
    assert world.bea.name in form
    assert world.gus.name not in form
    assert world.ada.name not in form.split("Who else is it for?")[1].split("Send the request")[0]
    sent = {
        "purpose": "Our auditors ask.",
        "needed_by_on": "",
        "question_1": "Was data lost?",
        "question_3": HOSTILE,
        "recipients": [str(mia.pk)],
    }
    shown = client.post(page(world), sent, follow=True).content.decode()
    assert "Request sent." in shown
    assert "<script>alert" not in shown
    assert "&lt;script&gt;alert(1)&lt;/script&gt;{{ &quot;x&quot; }}" in shown
    with scope.as_staff():
        key = PostMortemRequest.objects.get().pk
    assert [each.text for each in questions(key)] == ["Was data lost?", HOSTILE]
    assert names(key) == ["ada@acme.example", "mia@acme.example"]


def test_a_person_of_others_cannot_be_chosen(world: World, signed_in: SignIn) -> None:
    client = signed_in(world.ada)
    sent = {"purpose": "Please.", "recipients": [str(world.gus.pk)]}
    assert client.post(page(world), sent).status_code == 422
    with scope.as_staff():
        assert not PostMortemRequest.objects.exists()
    key = ask(world)
    for chosen in ([str(world.gus.pk)], ["nonsense"], []):
        assert client.post(page(world, "recipients/"), {"recipients": chosen}).status_code == 422
    assert names(key) == ["ada@acme.example"]


def test_a_colleague_who_was_slower_joins_and_is_told_so(world: World, signed_in: SignIn, mia: User) -> None:
    key = ask(world)
    shown = signed_in(mia).post(page(world), {"purpose": "For us too."}, follow=True).content.decode()
    assert "Your company has asked already" in shown
    assert names(key) == ["ada@acme.example", "mia@acme.example"]


def test_a_manager_joins_and_changes_for_whom_it_is(world: World, signed_in: SignIn, mia: User) -> None:
    key = ask(world)
    client = signed_in(mia)
    assert "Join this request" in client.get(page(world)).content.decode()
    assert "You have joined." in client.post(page(world, "join/"), follow=True).content.decode()
    shown = client.get(page(world)).content.decode()
    assert "Join this request" not in shown
    assert f"{mia.name} <span" in shown
    chosen = {"recipients": [str(world.bea.pk), str(mia.pk)]}
    shown = client.post(page(world, "recipients/"), chosen, follow=True).content.decode()
    assert "Saved." in shown
    assert names(key) == ["bea@acme.example", "mia@acme.example"]


def test_who_has_left_the_company_is_not_shown_any_more(world: World, signed_in: SignIn, mia: User) -> None:
    ask(world, recipients=[mia.pk])
    assert mia.name in signed_in(world.ada).get(page(world)).content.decode()
    with scope.as_staff():
        Membership.objects.filter(user=mia).delete()
    assert mia.name not in signed_in(world.ada).get(page(world)).content.decode()


def test_a_reader_reads_all_of_it_and_is_offered_nothing(world: World, signed_in: SignIn) -> None:
    key = ask(world, questions=["Was data lost?"])
    ask_back(world, key)
    client = signed_in(world.bea)
    shown = client.get(page(world)).content.decode()
    for words in ("Was data lost?", "Which stores?", "Where your request stands", "can answer"):
        assert words in shown
    for place in ("join/", "withdraw/", "recipients/", "questions/", "answers/"):
        assert page(world, place) not in shown
        assert client.post(page(world, place), {"text": "X", "number": "1"}).status_code == 403
    assert request(key).state == RequestState.REQUESTED
    assert questions(key, from_vendor=True)[0].answer == ""


def test_what_a_stranger_sends_is_not_found_and_changes_nothing(world: World, signed_in: SignIn) -> None:
    key = ask(world)
    ask_back(world, key)
    client = signed_in(world.gus)
    for place in ("join/", "withdraw/", "recipients/", "questions/", "answers/"):
        sent = {"text": "X", "number": "1", "recipients": [str(world.gus.pk)]}
        assert client.post(page(world, place), sent).status_code == 404
        assert client.post(page(world, place, "globex"), sent).status_code == 404
    assert names(key) == ["ada@acme.example"]
    assert questions(key, from_vendor=True)[0].answer == ""
    assert "Which stores?" not in client.get(page(world, company="globex")).content.decode()


def test_a_question_is_added_and_its_answer_stands_beside_it(world: World, signed_in: SignIn) -> None:
    key = ask(world)
    client = signed_in(world.ada)
    empty = client.post(page(world, "questions/"), {"text": " "})
    assert (empty.status_code, "Write the question first." in empty.content.decode()) == (422, True)
    assert (
        "Question sent."
        in client.post(page(world, "questions/"), {"text": "Was data lost?"}, follow=True).content.decode()
    )
    (asked,) = questions(key)
    with scope.as_staff():
        request_parts.answer(
            factories.actor(world.sam), request_id=key, question_id=asked.pk, text=HOSTILE, now=WEDNESDAY
        )
    shown = client.get(page(world)).content.decode()
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in shown
    assert "Answered by the vendor" in shown
    assert world.sam.name not in shown


def test_what_the_vendor_asks_stands_on_the_overview_until_it_is_answered(
    world: World, signed_in: SignIn
) -> None:
    key = ask(world)
    client = signed_in(world.ada)
    words = "The vendor has asked you something"
    assert words not in client.get("/acme/").content.decode()
    ask_back(world, key)
    assert words in client.get("/acme/").content.decode()
    assert words not in signed_in(world.gus).get("/globex/").content.decode()
    for number, text in (("1", " "), ("x", "All.")):
        sent = {"number": number, "text": text}
        assert client.post(page(world, "answers/"), sent).status_code == 422
    assert (
        "Answer sent."
        in client.post(page(world, "answers/"), {"number": "1", "text": "All."}, follow=True).content.decode()
    )
    again = client.post(page(world, "answers/"), {"number": "1", "text": "None."}, follow=True)
    assert "answered already" in again.content.decode()
    assert questions(key, from_vendor=True)[0].answer == "All."
    assert words not in client.get("/acme/").content.decode()


def test_a_request_is_withdrawn_after_a_second_look_and_asked_again(world: World, signed_in: SignIn) -> None:
    key = ask(world)
    client = signed_in(world.ada)
    assert "Withdraw the request?" in client.get(page(world, "withdraw/")).content.decode()
    assert request(key).state == RequestState.REQUESTED, "to look changes nothing"
    shown = client.post(page(world, "withdraw/"), follow=True).content.decode()
    assert "Your request is withdrawn." in shown
    assert f"{world.ada.name} withdrew that request" in shown
    assert "Send the request" in shown
    assert client.post(page(world, "withdraw/")).status_code == 404
    assert "Request sent." in client.post(page(world), {"purpose": "Again."}, follow=True).content.decode()


def test_the_incident_page_follows_a_withdrawal_and_a_new_request(
    world: World, signed_in: SignIn, mia: User
) -> None:
    """Its kept part and its validator change with each, also where only who asked is another."""
    client, poll = signed_in(world.ada), {"HX-Request": "true"}
    incident_page = f"/acme/incidents/{world.incident.reference}/"
    ask(world)
    first = client.get(incident_page, headers=poll)
    assert f"Asked for by {world.ada.name}" in first.content.decode()
    with acting(world.ada, world.acme) as actor:
        postmortems.withdraw(actor, reference=world.incident.reference, now=WEDNESDAY)
    ask(world, mia)
    held = {**poll, "If-None-Match": first.headers["ETag"]}
    second = client.get(incident_page, headers=held)
    assert second.status_code == 200
    assert f"Asked for by {mia.name}" in second.content.decode()


def test_late_is_said_plainly_also_of_what_came_late(world: World) -> None:
    key = ask(world)
    with scope.as_staff():
        late = WEDNESDAY + timedelta(days=3)
        postmortems.accept(factories.actor(world.sam), request_ids=[key], now=late)
        postmortems.deliver(world.incident, kind=PostMortemKind.FINAL, now=late + timedelta(days=30))
    with acting(world.ada, world.acme):
        state = incident_pages.post_mortem_page(
            world.incident.reference, may_request=True, now=late + timedelta(days=31)
        ).status.request
    assert state is not None
    assert state.was_answered_late
    assert state.final_was_late
    assert not state.preliminary_was_late, "it was not owed any more"
    assert not state.final_is_late


def test_due_days_are_counted_in_the_vendors_business_days(world: World, settings: Settings) -> None:
    settings.BUSINESS_CALENDAR = BusinessCalendar(
        weekdays=frozenset(range(6)), holidays=frozenset({date(2026, 2, 5)}), zone=ZoneInfo("Europe/Paris")
    )
    settings.POST_MORTEM_ANSWER_BUSINESS_DAYS = 2
    key = ask(world)
    assert request(key).answer_due_at == datetime(2026, 2, 7, 15, 0, tzinfo=UTC), "a Saturday"
    for now, days in ((WEDNESDAY, 2), (WEDNESDAY + timedelta(days=5), -1)):
        with acting(world.ada, world.acme):
            found = incident_pages.post_mortem_page(world.incident.reference, may_request=True, now=now)
        assert found.business_days == days
        assert found.business_days_are == "Mon, Tue, Wed, Thu, Fri, Sat (Europe/Paris), without holidays"


def test_what_staff_keep_to_themselves_is_on_no_page(world: World, signed_in: SignIn) -> None:
    key = ask(world)
    with scope.as_staff():
        request_desk.keep(
            factories.actor(world.sam),
            request_id=key,
            assignee=world.sam.pk,
            note="Calls a lawyer.",
            now=WEDNESDAY,
        )
        assert RequestDesk.objects.count() == 1
    client = signed_in(world.ada)
    for address in (page(world), "/acme/", "/acme/activity/"):
        shown = client.get(address).content.decode()
        assert "lawyer" not in shown
        assert world.sam.name not in shown


def test_the_overview_tells_the_two_kinds_of_waiting_apart(world: World) -> None:
    key = ask(world)
    with scope.as_staff():
        postmortems.accept(factories.actor(world.sam), request_ids=[key], now=WEDNESDAY)
    ask_back(world, key)
    with acting(world.ada, world.acme):
        found = overviews.overview(zone="UTC", now=WEDNESDAY)
    assert found.requests_waiting == ()
    assert [reference for reference, _title in found.requests_asking_back] == [world.incident.reference]
