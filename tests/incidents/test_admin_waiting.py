"""The page of a text on its way out, and the composer that sends it off: real posts by real forms."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from incidents import blocks, fields
from incidents.choices import CompanyState, IncidentKind, UpdateKind, WaitingState
from incidents.models import UpdateTemplate, WaitingUpdate
from incidents.operations import waiting_updates
from tenants import scope
from tenants.models import User
from tests import factories
from tests.conftest import World
from tests.incidents.sent_off import again, make_critical, posted, send
from tests.incidents.test_admin_updates import page, typed
from tests.incidents.test_staff_roles import MANAGER, PUBLISHER, SUPPORT, staff_of

SignIn = Callable[[User], Client]


@pytest.fixture(autouse=True)
def _window(settings: Settings) -> None:
    settings.UPDATE_UNDO_SECONDS = 20


def of_waiting(waiting: WaitingUpdate) -> str:
    return reverse("admin:incidents_waitingupdate_change", args=[waiting.pk])


def the_one(world: World) -> WaitingUpdate:
    with scope.as_staff():
        return WaitingUpdate.objects.get()


def press(client: Client, waiting: WaitingUpdate, button: str, **more: str) -> str:
    """Press a button of the page and read what is answered in the end."""
    return client.post(of_waiting(waiting), {button: "yes", **more}, follow=True).content.decode()


def sent_from_now(world: World, **more: Any) -> WaitingUpdate:
    return send(world, now=timezone.now(), **more)


def test_a_posted_form_waits_and_says_for_how_long(world: World, signed_in: SignIn) -> None:
    client = signed_in(world.sam)
    answer = client.post(page(world.incident), typed(client, world.incident))
    waiting = the_one(world)
    assert answer["Location"] == of_waiting(waiting)
    words = client.get(answer["Location"]).content.decode()
    assert re.search(r"It is posted in \d+ s", words)
    assert '<meta http-equiv="refresh"' in words
    assert "We are <strong>on it</strong>." in words
    for place in ("/admin/", reverse("admin:incidents_incident_change", args=[world.incident.pk])):
        shown = client.get(place).content.decode()
        assert 'name="_undo"' in shown
        assert 'name="_post_now"' in shown
    assert posted(world) == []
    assert (
        "on it"
        not in signed_in(world.ada).get(f"/acme/incidents/{world.incident.reference}/").content.decode()
    )


def test_the_same_form_sent_by_a_double_click_a_retry_and_the_back_button_is_one_text(
    world: World, signed_in: SignIn
) -> None:
    client = signed_in(world.sam)
    sent = typed(client, world.incident)
    places = {client.post(page(world.incident), sent)["Location"] for _ in range(3)}
    assert places == {of_waiting(the_one(world))}
    press(client, the_one(world), "_post_now")
    assert client.post(page(world.incident), sent).status_code == 302
    assert posted(world) == ["We are **on it**."]
    changed = client.post(page(world.incident), sent | {"text": "Something else."})
    assert changed.status_code == 200
    assert "was sent before" in changed.content.decode()
    assert posted(world) == ["We are **on it**."]
    fresh = {name: changed.context["form"][name].value() for name in ("form_key", "newest_update")}
    fresh["newest_update"] = str(the_one(world).pk)
    assert client.post(page(world.incident), sent | {"text": "Something else."} | fresh).status_code == 302
    with scope.as_staff():
        assert WaitingUpdate.objects.count() == 2


@pytest.mark.parametrize("key", ["", "no key", "%00", "0" * 32])
def test_a_form_whose_key_was_tampered_with_posts_once_or_not_at_all(
    world: World, signed_in: SignIn, key: str
) -> None:
    client = signed_in(world.sam)
    sent = typed(client, world.incident, form_key=key)
    for _ in range(2):
        assert client.post(page(world.incident), sent).status_code in {200, 302}
    with scope.as_staff():
        assert WaitingUpdate.objects.count() <= 1


def test_the_key_of_another_incidents_form_is_refused(world: World, signed_in: SignIn) -> None:
    client = signed_in(world.sam)
    sent = typed(client, world.incident)
    client.post(page(world.incident), sent)
    other = factories.incident(world.reports, title="Elsewhere")
    answer = client.post(page(other), typed(client, other) | {"form_key": sent["form_key"]})
    assert "was sent before" in answer.content.decode()
    with scope.as_staff():
        assert not WaitingUpdate.objects.filter(incident=other).exists()


def test_undo_keeps_the_text_to_be_written_again(world: World, signed_in: SignIn) -> None:
    client = signed_in(world.sam)
    soon = timezone.now() + timedelta(hours=2)
    sent = typed(client, world.incident, audience="companies", companies="acme\nGlobex Hotels")
    sent |= {"next_update_at_0": f"{soon:%d/%m/%Y}", "next_update_at_1": f"{soon:%H:%M}:00"}
    client.post(page(world.incident), sent | {"reached_count": "2"})
    waiting = the_one(world)
    assert "Nobody has read it" in press(client, waiting, "_undo")
    form = client.get(page(world.incident), {"again": str(waiting.pk)}).context["form"]
    assert (form["text"].value(), form["audience"].value()) == ("We are **on it**.", "companies")
    assert form["companies"].value() == "acme\nglobex"
    assert form["next_update_at"].value() == soon.replace(second=0, microsecond=0)
    assert "moved on" in press(client, waiting, "_undo")
    for odd in ("", "x", str(uuid4()), str(world.incident.pk)):
        assert not client.get(page(world.incident), {"again": odd}).context["form"]["text"].value()


def test_who_writes_meanwhile_sees_what_is_about_to_leave(world: World, signed_in: SignIn) -> None:
    client = signed_in(world.sam)
    old = typed(client, world.incident, text="Written before.")
    client.post(page(world.incident), typed(client, world.incident, text="Sent off by a colleague."))
    answer = client.post(page(world.incident), old)
    words = answer.content.decode()
    assert "An update was sent off while you wrote" in words
    assert "Sent off by a colleague." in words
    seen = {"newest_update": answer.context["form"]["newest_update"].value()}
    press(client, the_one(world), "_post_now")
    assert client.post(page(world.incident), old | seen).status_code == 302
    assert posted(world) == ["Sent off by a colleague."]


def test_a_late_text_says_that_no_worker_runs_and_is_posted_by_hand(world: World, signed_in: SignIn) -> None:
    waiting = send(world, now=timezone.now() - timedelta(minutes=2))
    client = signed_in(world.sam)
    for place in ("/admin/", of_waiting(waiting)):
        words = client.get(place).content.decode()
        assert "Late" in words
        assert "No worker seems to run" in words
    press(client, waiting, "_post_now")
    assert posted(world) == ["We are on it."]


def test_a_stopped_text_stays_on_the_console_with_its_reason_until_somebody_settles_it(
    world: World, signed_in: SignIn
) -> None:
    factories.restore([world.acme, world.globex], world.incident, minutes=30)
    waiting = send(world, kind=UpdateKind.RESOLVED)
    factories.restore(world.acme, world.incident, minutes=40, state=CompanyState.OUTAGE)
    waiting_updates.leave_due(now=timezone.now())
    client = signed_in(world.sam)
    places = (
        "/admin/",
        reverse("admin:incidents_incident_change", args=[world.incident.pk]),
        of_waiting(waiting),
    )
    for place in places:
        words = client.get(place).content.decode()
        assert "1 of 2 restored, 1 open: 1 EU" in words
        assert "Write it again" in words
    sent = typed(client, world.incident, instead_of=str(waiting.pk))
    assert client.post(page(world.incident), sent).status_code == 302
    assert again(waiting).state == WaitingState.UNDONE
    assert "1 of 2 restored, 1 open" not in client.get("/admin/").content.decode()


def test_a_second_person_sees_what_is_to_be_approved_and_its_author_has_no_button(
    world: World, signed_in: SignIn, settings: Settings
) -> None:
    settings.UPDATE_SECOND_PERSON = True
    make_critical(world)
    client, pia = signed_in(world.sam), signed_in(staff_of(PUBLISHER))
    assert b"Send for approval" in client.get(page(world.incident)).content
    text = "All accounts are restored."
    shown = client.post(page(world.incident), first := typed(client, world.incident, text=text))
    first |= {"acknowledge": "on", "contradicted": shown.context["form"]["contradicted"].value()}
    client.post(page(world.incident), first)
    waiting = the_one(world)
    own = client.get(of_waiting(waiting)).content.decode()
    assert "This is your own text" in own
    assert 'name="_approve"' not in own
    assert "your own text" in press(client, waiting, "_approve")
    words = pia.get(of_waiting(waiting)).content.decode()
    for part in ('name="_approve"', "2 companies, 3 people", "2 of 2 are not restored", text):
        assert part in words
    assert "Say why" in press(pia, waiting, "_send_back", reason=" ")
    assert again(waiting).state == WaitingState.AWAITING
    assert "It is posted in" in press(pia, waiting, "_approve")
    assert posted(world) == []
    press(client, waiting, "_post_now")
    assert posted(world) == [text]


@pytest.mark.parametrize(
    ("role", "button"),
    [(SUPPORT, "_undo"), (SUPPORT, "_approve"), (PUBLISHER, "_undo"), (PUBLISHER, "_post_now")],
)
def test_without_the_right_nothing_is_done_and_no_button_is_shown(
    world: World, signed_in: SignIn, settings: Settings, role: str, button: str
) -> None:
    settings.UPDATE_SECOND_PERSON = button == "_approve"
    make_critical(world)
    waiting = sent_from_now(world)
    before = again(waiting).state
    client = signed_in(staff_of(role))
    assert f'name="{button}"' not in client.get(of_waiting(waiting)).content.decode()
    assert f'name="{button}"' not in client.get("/admin/").content.decode()
    assert client.post(of_waiting(waiting), {button: "yes"}).status_code == 403
    assert (again(waiting).state, posted(world)) == (before, [])


def test_an_incident_manager_undoes_what_a_colleague_sent_off(world: World, signed_in: SignIn) -> None:
    waiting = sent_from_now(world)
    press(signed_in(staff_of(MANAGER)), waiting, "_undo")
    assert again(waiting).state == WaitingState.UNDONE


# Templates


def test_a_template_goes_below_what_was_typed_and_nothing_is_lost(world: World, signed_in: SignIn) -> None:
    client = signed_in(world.sam)
    with scope.as_staff():
        template = UpdateTemplate.objects.get(name="Still at work")
    sent = typed(client, world.incident, kind="identified", text="My own words.", audience="components")
    sent |= {"template": str(template.pk), "_use": "yes", "companies": "nobody", "next_update_at_0": "odd"}
    sent |= {"components": [str(world.api.pk), str(world.reports.pk)]}
    sent.pop("_post")
    answer = client.post(page(world.incident), sent)
    form = answer.context["form"]
    assert form["text"].value() == f"My own words.\n\n{template.body_markdown}"
    assert (form["kind"].value(), form["audience"].value()) == ("update", "components")
    assert form["components"].value() == [str(world.api.pk), str(world.reports.pk)]
    assert form["companies"].value() == "nobody"
    assert 'value="odd"' in answer.content.decode()
    assert "errornote" not in answer.content.decode()
    with scope.as_staff():
        assert not WaitingUpdate.objects.exists()


@pytest.mark.parametrize("chosen", ["", "no template", "%00"])
def test_using_no_template_loses_nothing(world: World, signed_in: SignIn, chosen: str) -> None:
    client = signed_in(world.sam)
    sent = typed(client, world.incident, text="My own words.", template=chosen, _use="yes")
    answer = client.post(page(world.incident), sent)
    assert answer.context["form"]["text"].value() == "My own words."
    assert "Choose one first" in answer.content.decode()


def test_what_a_template_leaves_open_is_not_posted(world: World, signed_in: SignIn) -> None:
    client = signed_in(world.sam)
    answer = client.post(page(world.incident), typed(client, world.incident, text="The cause: ‹what it is›."))
    assert "‹what it is›" in answer.content.decode()
    with scope.as_staff():
        assert not WaitingUpdate.objects.exists()


def test_the_templates_that_come_along_hold_known_fields_and_sound_blocks(db: None) -> None:
    with scope.as_staff():
        templates = list(UpdateTemplate.objects.all())
    phases = {(each.incident_kind, each.kind) for each in templates}
    wanted = {"investigating", "identified", "update", "monitoring", "resolved", "reopened", "correction"}
    assert {(IncidentKind.INCIDENT, kind) for kind in wanted} <= phases
    assert {(IncidentKind.MAINTENANCE, "update"), (IncidentKind.MAINTENANCE, "resolved")} <= phases
    for each in templates:
        assert (fields.unknown(each.body_markdown), blocks.fault(each.body_markdown)) == ((), None), each.name


def test_a_template_with_an_unknown_field_or_open_block_is_not_kept(world: World, signed_in: SignIn) -> None:
    client, add = signed_in(world.sam), reverse("admin:incidents_updatetemplate_add")
    sent = {"name": "Mine", "incident_kind": "incident", "kind": "update"}
    for text, words in (("{{ secret }}", "There is no field"), ("::: restored\nHi", "not closed")):
        assert words in client.post(add, sent | {"body_markdown": text}).content.decode()
    with scope.as_staff():
        assert not UpdateTemplate.objects.filter(name="Mine").exists()
    assert client.post(add, sent | {"body_markdown": "{{ open_count }} to go."}).status_code == 302
    assert "Mine" in client.get(page(world.incident)).content.decode()
