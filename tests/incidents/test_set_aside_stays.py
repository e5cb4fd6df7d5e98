"""Of an incident that was set aside no report is written, promised or published; what is owed is answered."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from importlib import import_module
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from incidents import errors, report_errors
from incidents.choices import ActionState, DraftState, PublicationKind, RequestState
from incidents.models import (
    ActionChange,
    CorrectiveAction,
    Incident,
    PostMortem,
    PostMortemAnnex,
    PostMortemRequest,
    PostMortemVersion,
    RequestQuestion,
)
from incidents.operations import (
    corrective_actions,
    false_alarms,
    postmortems,
    report_drafts,
    reports,
    request_parts,
)
from incidents.operations.announcing import Words
from incidents.queries import request_queue, staff_board
from incidents.queries.request_queue import View
from tenants import scope
from tenants.actor import Actor
from tenants.models import AuditEvent, User
from tests import factories
from tests.conftest import World
from tests.incidents import reporting
from tests.incidents.reporting import NOW
from tests.incidents.test_staff_roles import PUBLISHER, admin, staff_of
from tests.incidents.twins import merge, twin

SignIn = Callable[[User], Client]
LATER = NOW + timedelta(hours=1)
PROMISE = corrective_actions.Words(title="More", text="", owner="Operations", due_on=None)


def set_aside(world: World, way: str) -> None:
    if way == "merged":
        merge(world, world.incident, twin(world))
        return
    with scope.as_staff():
        false_alarms.mark(
            factories.actor(world.sam), incident_id=world.incident.pk, words=Words(text="A probe."), now=NOW
        )


def stored() -> dict[str, object]:
    """Everything of reports, requests and promises, to be compared; and how long the audit is."""
    kept = (
        *(PostMortem, PostMortemVersion, PostMortemAnnex, PostMortemRequest),
        *(CorrectiveAction, ActionChange, RequestQuestion),
    )
    with scope.as_staff():
        rows = {model.__name__: list(model.objects.order_by("pk").values()) for model in kept}
        return {**rows, "audit": AuditEvent.objects.count()}


def refused(work: Callable[[], object], refusal: type[Exception]) -> None:
    before = stored()
    with pytest.raises(refusal), scope.as_staff():
        work()
    assert stored() == before


def where_it_stands(world: World, client: Client) -> str:
    """The card about the request of Acme, long after everything was due."""
    page = client.get(f"/acme/incidents/{world.incident.reference}/post-mortem/").content.decode()
    return page.split("Where your request stands")[1].split("</section>")[0]


def owed_in(client: Client, queue: str) -> list[str]:
    """What the queue of staff says is owed, row by row."""
    return re.findall(r'class="field-owed">([^<]*)<', client.get(queue).content.decode())


@pytest.mark.parametrize("way", ["merged", "false alarm"])
@pytest.mark.parametrize("state", list(DraftState))
def test_a_draft_stays_as_it_was_whatever_is_done_with_it(world: World, way: str, state: DraftState) -> None:
    reporting.asked(world, world.ada, world.acme)
    reporting.promised(world)
    draft = reporting.begun(world)
    ren = factories.actor(factories.person("ren@vendor.example", is_staff=True))
    with scope.as_staff():
        PostMortem.objects.filter(pk=draft.pk).update(state=state, reviewed_by=world.sam)
        promise = CorrectiveAction.objects.get()
    set_aside(world, way)
    seen: dict[str, Any] = {"post_mortem_id": draft.pk, "seen": 1, "now": LATER}

    def publish() -> None:
        reports.publish(
            ren,
            post_mortem_id=draft.pk,
            kind=PublicationKind.PRELIMINARY,
            number=1,
            change_note="",
            now=LATER,
        )

    refused(publish, errors.SetAside)
    refused(lambda: report_drafts.send_to_review(ren, **seen), errors.SetAside)
    refused(lambda: report_drafts.approve(ren, **seen), errors.SetAside)
    refused(lambda: report_drafts.give_back(ren, note="No.", **seen), errors.SetAside)
    refused(lambda: report_drafts.save(ren, texts={}, acknowledged={}, **seen), errors.SetAside)
    refused(lambda: report_drafts.add_what_the_record_holds(ren, **seen), errors.SetAside)
    refused(
        lambda: corrective_actions.promise(ren, incident_id=world.incident.pk, words=PROMISE, now=LATER),
        errors.SetAside,
    )
    refused(
        lambda: corrective_actions.reword(ren, action_id=promise.pk, words=PROMISE, now=LATER),
        errors.SetAside,
    )
    with scope.as_staff():
        corrective_actions.take_out(ren, action_id=promise.pk, now=LATER)
        assert not CorrectiveAction.objects.exists()


def test_no_report_is_begun_on_a_false_alarm(world: World) -> None:
    set_aside(world, "false alarm")
    sam = factories.actor(world.sam)
    refused(
        lambda: report_drafts.begin(sam, incident_id=world.incident.pk, zone="UTC", now=LATER),
        errors.SetAside,
    )


def test_the_page_says_why_and_offers_nothing(world: World, signed_in: SignIn) -> None:
    draft = reporting.begun(world)
    reporting.reviewed(world, draft, by=world.ada)
    set_aside(world, "false alarm")
    publisher = signed_in(staff_of(PUBLISHER))
    editor = admin("incidents/postmortem", draft)
    page = publisher.get(editor).content.decode()
    assert "False alarm</strong>" in page
    assert "A probe." in page
    assert "Publish…" not in page
    before = stored()
    typed = {**reporting.TEXTS, "summary": "Typed for long.", "seen": "1"}
    answered = publisher.post(editor, {**typed, "_save": "yes"}).content.decode()
    assert errors.SetAside.message in answered
    assert "Typed for long." in answered
    assert publisher.post(editor, {**typed, "_autosave": "yes"}).status_code == 409
    publish = admin("incidents/postmortem", draft, "publish")
    assert errors.SetAside.message in publisher.get(publish).content.decode()
    sent = {"kind": "preliminary", "number": "1", "change_note": ""}
    assert errors.SetAside.message in publisher.post(publish, sent).content.decode()
    add = publisher.get(admin("incidents/correctiveaction", page="add/")).content.decode()
    assert str(world.incident.pk) not in add
    assert stored() == before


def test_what_was_asked_for_is_declined_also_after_it_was_accepted(world: World, signed_in: SignIn) -> None:
    reporting.asked(world, world.ada, world.acme)
    reporting.asked(world, world.gus, world.globex, is_accepted=False)
    set_aside(world, "false alarm")
    sam = factories.actor(world.sam)
    with scope.as_staff():
        ids = list(PostMortemRequest.objects.values_list("pk", flat=True))
        accepted = PostMortemRequest.objects.get(company=world.acme)
    refused(lambda: postmortems.accept(sam, request_ids=ids, now=LATER), errors.NoReportComes)
    refused(
        lambda: request_parts.ask_back(sam, request_id=accepted.pk, text="For whom?", now=LATER),
        errors.SetAside,
    )
    support = signed_in(staff_of("Support"))
    page = support.get(admin("incidents/postmortemrequest", accepted)).content.decode()
    assert "there will be no report on it" in page
    assert 'name="accept"' not in page
    with scope.as_staff():
        answered = postmortems.decline(sam, request_ids=ids, reason="There was no outage.", now=LATER)
        states = set(PostMortemRequest.objects.values_list("state", "decline_reason"))
    assert (answered.count, answered.passed_over) == (2, ())
    assert states == {(RequestState.DECLINED, "There was no outage.")}


def test_an_accepted_request_of_an_incident_that_counts_is_not_declined(world: World) -> None:
    reporting.asked(world, world.ada, world.acme)
    sam = factories.actor(world.sam)
    with scope.as_staff():
        ids = list(PostMortemRequest.objects.values_list("pk", flat=True))
    refused(lambda: postmortems.decline(sam, request_ids=ids, reason="No.", now=LATER), errors.WrongState)


def test_after_the_preliminary_report_nothing_is_owed_and_it_stays_readable(world: World) -> None:
    reporting.asked(world, world.ada, world.acme)
    reporting.promised(world)
    reporting.published(world, reporting.begun(world))
    set_aside(world, "merged")
    far = NOW + timedelta(days=60)
    with scope.as_staff():
        assert request_queue.counts(now=far).overdue == 0
    assert reporting.read(world.acme, world.incident).version.number == 1
    with scope.as_staff():
        promise = CorrectiveAction.objects.get()
        corrective_actions.move_on(
            factories.actor(world.sam),
            action_id=promise.pk,
            state=ActionState.DONE,
            due_on=None,
            note="Exchanged.",
            now=LATER,
        )
        assert CorrectiveAction.objects.get().state == ActionState.DONE


@pytest.mark.parametrize("way", ["merged", "false alarm"])
def test_a_client_who_read_the_preliminary_report_is_promised_no_other(
    world: World, signed_in: SignIn, way: str
) -> None:
    reporting.asked(world, world.ada, world.acme)
    reporting.published(world, reporting.begun(world))
    set_aside(world, way)
    shown = where_it_stands(world, signed_in(world.ada))
    assert "Nothing more comes: the incident was set aside." in shown
    assert shown.count("Does not come any more: see the incident") == 1
    assert "You get" not in shown
    assert "late" not in shown.lower()


@pytest.mark.parametrize("is_accepted", [True, False])
def test_a_client_who_waits_is_told_that_no_report_comes_and_who_still_has_to_say_so(
    world: World, signed_in: SignIn, is_accepted: bool
) -> None:
    reporting.asked(world, world.ada, world.acme, is_accepted=is_accepted)
    set_aside(world, "false alarm")
    ada = signed_in(world.ada)
    shown = where_it_stands(world, ada)
    assert "No report comes: the incident was set aside. The vendor still has to tell you so." in shown
    assert shown.count("Does not come any more: see the incident") == 2
    assert ("The answer is late." in shown) is not is_accepted
    incident = ada.get(f"/acme/incidents/{world.incident.reference}/").content.decode()
    for said in ("You get", "report is late", "Date set when"):
        assert said not in shown
        assert said not in incident


@pytest.mark.parametrize("way", ["merged", "false alarm"])
def test_after_the_preliminary_report_no_row_is_left_that_staff_cannot_close(
    world: World, signed_in: SignIn, way: str
) -> None:
    reporting.asked(world, world.ada, world.acme)
    reporting.published(world, reporting.begun(world))
    far, sam = NOW + timedelta(days=60), world.sam.pk
    open_views = [view for view in View if view is not View.ANSWERED]

    def held() -> list[View]:
        with scope.as_staff():
            counted = request_queue.counts_of_views(user_id=sam, now=far)
        return [view for view in open_views if counted[view]]

    queue = admin("incidents/postmortemrequest", page="")
    with scope.as_staff():
        assert [each.owed for each in staff_board.board(now=far).requests] == ["Final report"]
    assert held() == [View.UNASSIGNED, View.OVERDUE]
    assert "Final report" in owed_in(signed_in(world.sam), queue)
    set_aside(world, way)
    with scope.as_staff():
        assert staff_board.board(now=far).requests == ()
    assert held() == []
    assert "Final report" not in owed_in(signed_in(world.sam), queue)
    with scope.as_staff():
        assert request_queue.counts_of_views(user_id=sam, now=far)[View.ANSWERED] == 1


def test_what_was_set_aside_before_loses_the_date_of_a_final_report_and_nothing_else_does(
    world: World,
) -> None:
    reporting.asked(world, world.ada, world.acme)
    reporting.published(world, reporting.begun(world))
    migration = import_module("incidents.migrations.0019_no_final_report_of_set_aside")

    def due_after_it_has_run() -> datetime | None:
        with scope.as_staff(), connection.cursor() as door:
            door.execute(migration.NOT_DUE_ANY_MORE)
            due_at: datetime | None = PostMortemRequest.objects.get().final_due_at
            return due_at

    due_at = due_after_it_has_run()
    assert due_at is not None
    set_aside(world, "false alarm")
    with scope.as_staff():
        PostMortemRequest.objects.update(final_due_at=due_at)
    assert due_after_it_has_run() is None


def test_what_was_set_aside_has_not_happened_again(world: World) -> None:
    reporting.promised(world)
    reporting.published(world, reporting.begun(world))
    later = twin(world, started_at=factories.STARTED_AT + timedelta(minutes=30))
    merge(world, later, twin(world, title="Another"))
    sam: Actor = factories.actor(world.sam)
    with scope.as_staff():
        promise, again = CorrectiveAction.objects.get(), Incident.objects.get(pk=later.pk)
    refused(
        lambda: corrective_actions.link_again(sam, action_id=promise.pk, later=again, note="", now=LATER),
        report_errors.NotLater,
    )
