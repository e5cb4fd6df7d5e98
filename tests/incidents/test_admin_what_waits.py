"""What waits for staff is in their sight, and what cannot happen any more is not offered to them."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from incidents import errors
from incidents.choices import DraftState, IncidentKind, UpdateKind, WaitingState
from incidents.models import (
    Incident,
    PostMortem,
    PostMortemRequest,
    Recovery,
    Update,
    UpdateTemplate,
    WaitingUpdate,
)
from incidents.operations import maintenances
from incidents.operations.announcing import Words
from incidents.queries import staff_drafts
from tenants import scope
from tenants.models import AuditEvent, User
from tests import factories
from tests.conftest import World
from tests.incidents import reporting
from tests.incidents.asking import ask, questions
from tests.incidents.reporting import NOW
from tests.incidents.sent_off import make_critical, send
from tests.incidents.test_admin_course import page, planned
from tests.incidents.test_admin_updates import typed
from tests.incidents.test_set_aside_stays import owed_in, set_aside
from tests.incidents.test_staff_roles import MANAGER, SUPPORT, admin, staff_of

SignIn = Callable[[User], Client]
QUEUE = reverse("admin:incidents_postmortemrequest_changelist")
RECOVERIES = reverse("admin:incidents_recovery_changelist")


@pytest.fixture(autouse=True)
def _now(settings: Settings) -> Any:
    settings.UPDATE_UNDO_SECONDS = 20
    with time_machine.travel(NOW, tick=True):
        yield


def shown(client: Client, address: str = "/admin/") -> str:
    return " ".join(client.get(address).content.decode().split())


def stopped() -> list[tuple[str, str]]:
    with scope.as_staff():
        return list(WaitingUpdate.objects.values_list("state", "reason"))


@pytest.mark.parametrize("way", ["merged", "false alarm"])
@pytest.mark.parametrize("is_critical", [True, False])
def test_a_text_on_its_way_is_stopped_with_its_incident_and_cannot_come_again(
    world: World, signed_in: SignIn, settings: Settings, way: str, is_critical: bool
) -> None:
    if is_critical:
        settings.UPDATE_SECOND_PERSON = True
        make_critical(world)
    waiting = send(world, now=NOW)
    client = signed_in(world.sam)
    assert 'name="_undo"' in shown(client)
    set_aside(world, way)
    assert stopped() == [(WaitingState.STOPPED, errors.SetAside.message)]
    words = shown(client)
    assert "was not posted." in words
    for gone in ("Post now", "is posted in", "Write it again…", "Take back"):
        assert gone not in words
    own = shown(client, admin("incidents/waitingupdate", waiting))
    assert "Write it again…" not in own
    assert "Put aside" in own
    assert "would read it" not in own
    assert "<pre>We are on it.</pre>" in own
    with scope.as_staff():
        assert not Update.objects.filter(pk=waiting.pk).exists()
        assert AuditEvent.objects.filter(action="update.stopped", object_id=str(waiting.pk)).count() == 1


def test_a_text_about_planned_work_is_stopped_when_that_is_cancelled(world: World) -> None:
    work = planned(world)
    send(replace(world, incident=work), now=NOW)
    with scope.as_staff():
        maintenances.cancel(
            factories.actor(world.sam), incident_id=work.pk, words=Words(text="Not needed."), now=NOW
        )
    assert stopped() == [(WaitingState.STOPPED, errors.SetAside.message)]


def test_a_text_of_what_turned_out_to_be_another_incident_is_written_again_there(
    world: World, signed_in: SignIn
) -> None:
    waiting = send(world, "Long, and *worth* keeping.", now=NOW)
    client = signed_in(world.sam)
    set_aside(world, "merged")
    with scope.as_staff():
        into = Incident.objects.get(pk=world.incident.pk).merged_into
    assert into is not None
    link = f"{page('post-update', into)}?again={waiting.pk}"
    offered = f'<a class="button" href="{link}">Write it again on {into.reference}…</a>'
    assert offered in shown(client)
    form = client.get(link).context["form"]
    assert form.initial["text"] == "Long, and *worth* keeping."
    elsewhere = f"{page('post-update', planned(world))}?again={waiting.pk}"
    assert "text" not in client.get(elsewhere).context["form"].initial
    client.post(link, typed(client, into, text="Shorter now.", instead_of=str(waiting.pk)))
    with scope.as_staff():
        states = WaitingUpdate.objects.values_list("state", flat=True)
        assert sorted(states) == [WaitingState.UNDONE, WaitingState.WAITING]


def test_a_text_that_can_come_again_is_offered(world: World, signed_in: SignIn) -> None:
    waiting = send(world, now=NOW)
    with scope.as_staff():
        WaitingUpdate.objects.filter(pk=waiting.pk).update(
            state=WaitingState.STOPPED, settled_at=NOW, reason="No."
        )
    assert "Write it again" in shown(signed_in(world.sam))


def test_a_report_stands_on_the_console_until_somebody_has_reviewed_and_published_it(
    world: World, signed_in: SignIn
) -> None:
    draft = reporting.begun(world)
    reader, publisher = signed_in(staff_of(SUPPORT)), signed_in(world.sam)
    link = f'href="{admin("incidents/postmortem", draft)}"'

    def becomes(state: DraftState) -> None:
        with scope.as_staff():
            PostMortem.objects.filter(pk=draft.pk).update(state=state, reviewed_by=world.sam)

    assert link not in shown(publisher)
    becomes(DraftState.IN_REVIEW)
    for client in (reader, publisher):
        assert "<strong>Review</strong> by a second person" in shown(client)
        assert link in shown(client)
    becomes(DraftState.REVIEWED)
    assert "Publication" in shown(publisher)
    set_aside(world, "false alarm")
    assert link not in shown(publisher)
    with scope.as_staff():
        assert staff_drafts.waiting_drafts(most=12) == ()


def test_a_question_outlives_the_report_and_is_owed_until_it_is_answered(
    world: World, signed_in: SignIn
) -> None:
    wanted = ask(world, questions=["Was data lost?"], now=NOW)
    client = signed_in(world.sam)
    reporting.published(world, reporting.begun(world))
    answer = client.post(QUEUE, {"action": "accept", "_selected_action": [str(wanted)]}, follow=True)
    assert "or the report where it is out" in answer.content.decode()
    asking = f"{QUEUE}?view=questions"
    assert "1 with questions" in shown(client)
    assert owed_in(client, asking) == ["Final report, answers to questions"]
    with scope.as_staff():
        PostMortemRequest.objects.filter(pk=wanted).update(state="final_delivered", final_delivered_at=NOW)
    assert owed_in(client, asking) == ["Answers to questions"]
    assert "No report is owed to anybody, but there are questions to answer." in shown(client)
    client.post(
        f"{admin('incidents/postmortemrequest')}{wanted}/answer/", {"answer": "yes", "q1-text": "No."}
    )
    assert [each.answer for each in questions(wanted)] == ["No."]
    assert owed_in(client, asking) == []
    assert "with questions" not in shown(client)


def test_a_declined_request_owes_no_answer_to_its_questions(world: World, signed_in: SignIn) -> None:
    wanted = ask(world, questions=["Was data lost?"], now=NOW)
    client = signed_in(world.sam)
    client.post(
        QUEUE, {"action": "decline", "_selected_action": [str(wanted)], "decided": "yes", "reason": "No."}
    )
    assert owed_in(client, f"{QUEUE}?view=questions") == []
    assert "with questions" not in shown(client)


@pytest.mark.parametrize("is_accepted", [True, False])
def test_no_report_is_owed_on_what_was_set_aside_only_word_of_that(
    world: World, signed_in: SignIn, is_accepted: bool
) -> None:
    reporting.asked(world, world.ada, world.acme, is_accepted=is_accepted)
    set_aside(world, "false alarm")
    assert owed_in(signed_in(world.sam), QUEUE) == ["Word that no report comes"]


def test_two_answers_are_sent_at_once(world: World, signed_in: SignIn) -> None:
    wanted = ask(world, questions=["Was data lost?", "Why so late?"], now=NOW)
    sent = {"answer": "yes", "q1-text": "No.", "q2-text": "We slept."}
    signed_in(world.sam).post(f"{admin('incidents/postmortemrequest')}{wanted}/answer/", sent)
    assert [each.answer for each in questions(wanted)] == ["No.", "We slept."]


def test_one_company_is_recorded_from_its_own_page(world: World, signed_in: SignIn) -> None:
    with scope.as_staff():
        acme = Recovery.objects.get(company=world.acme, incident=world.incident)
    own, button = admin("incidents/recovery", acme), "Record how it is doing…"
    client = signed_in(staff_of(MANAGER))
    words = shown(client, own)
    assert button in words
    assert f'action="{RECOVERIES}?incident={world.incident.pk}"' in words
    asked = client.post(
        f"{RECOVERIES}?incident={world.incident.pk}",
        {"action": "record_recovery", "_selected_action": str(acme.pk), "index": "0"},
    )
    assert "Record how 1 company is doing" in asked.content.decode()
    assert button not in shown(signed_in(staff_of(SUPPORT)), own)
    set_aside(world, "false alarm")
    assert button not in shown(client, own)


def test_the_list_of_all_recoveries_leaves_out_what_has_no_room(world: World, signed_in: SignIn) -> None:
    client = signed_in(world.sam)
    everything, of_one = (shown(client, RECOVERIES + more) for more in ("", f"?incident={world.incident.pk}"))
    for name in ("column-impacted", "column-degraded"):
        assert name not in everything
        assert name in of_one
    assert "column-incident_reference" in everything


def test_planned_work_is_not_spoken_of_as_an_outage(world: World, signed_in: SignIn) -> None:
    work, client = planned(world), signed_in(world.sam)
    words = shown(client, page("post-update", work))
    assert "The work has not begun: it is planned for" in words
    assert "not restored yet." not in words
    for kind in ("investigating", "identified", "reopened"):
        assert f'<option value="{kind}"' not in words
        refused = client.post(page("post-update", work), typed(client, work, kind=kind))
        assert "Select a valid choice" in refused.content.decode()
    with scope.as_staff():
        assert not WaitingUpdate.objects.exists()
        assert not Update.objects.filter(incident=work).exists()
    with scope.as_staff():
        for kind, name in ((UpdateKind.INVESTIGATING, "We look"), (UpdateKind.UPDATE, "It takes a while")):
            UpdateTemplate.objects.create(
                name=name, kind=kind, incident_kind=IncidentKind.MAINTENANCE, body_markdown="So."
            )
    words = shown(client, page("post-update", work))
    assert "It takes a while</option>" in words
    assert "We look</option>" not in words
    row = shown(client, f"{page('changelist')}?q={work.reference}")
    assert '<td class="field-restored">–</td>' in row
    assert f"{work.reference} · Maintenance" in row
    with time_machine.travel(work.started_at + timedelta(minutes=5), tick=True):
        words = shown(signed_in(world.sam), page("post-update", work))
    assert "0 recorded as back from the work, 2 not yet." in words


def test_an_incident_offers_every_phase(world: World, signed_in: SignIn) -> None:
    incident: Incident = factories.incident(world.reports, title="Reports fail")
    words = shown(signed_in(world.sam), page("post-update", incident))
    for kind in ("investigating", "identified", "reopened"):
        assert f'<option value="{kind}"' in words
    assert "not restored yet." in words


def test_the_audit_leads_to_what_it_speaks_of(world: World, signed_in: SignIn) -> None:
    set_aside(world, "false alarm")
    words = shown(signed_in(world.sam), f"{admin('tenants/auditevent')}?q=incident.false_alarm")
    assert f'<a href="{page("change", world.incident)}">Incident</a>' in words
