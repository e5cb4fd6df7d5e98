"""Texts on their way out: nothing leaves before its time, what is taken back never does, all else once."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import IntegrityError, transaction
from pytest_django import Settings

from incidents import errors, said
from incidents.audiences import Readers
from incidents.choices import Audience, ClaimKind, CompanyState, IncidentState, UpdateKind, WaitingState
from incidents.models import Incident, Update, WaitingUpdate
from incidents.operations import incidents, waiting_updates
from tenants import scope
from tenants.actor import SYSTEM
from tenants.models import AuditEvent, User
from tests import factories
from tests.conftest import World
from tests.incidents.sent_off import (
    NOW,
    WINDOW,
    act,
    again,
    make_critical,
    posted,
    read_by_ada,
    send,
    written,
)

DUE = NOW + WINDOW


@pytest.fixture(autouse=True)
def _window(settings: Settings) -> None:
    settings.UPDATE_UNDO_SECONDS = 20


@pytest.fixture
def second(settings: Settings, world: World) -> User:
    """Texts of critical incidents need a second person, and here is one."""
    settings.UPDATE_SECOND_PERSON = True
    make_critical(world)
    return factories.person("pia@vendor.example", is_staff=True)


def sweep(seconds: float = 20) -> int:
    return waiting_updates.leave_due(now=NOW + timedelta(seconds=seconds))


def actions(world: World) -> list[str]:
    with scope.as_staff():
        return list(
            AuditEvent.objects.filter(action__startswith="update.")
            .order_by("pk")
            .values_list("action", flat=True)
        )


def relapse(world: World, minutes: int) -> None:
    factories.restore(world.acme, world.incident, minutes=minutes, state=CompanyState.OUTAGE)


def test_a_text_leaves_when_it_is_due_and_not_a_second_before(world: World) -> None:
    waiting = send(world, kind=UpdateKind.IDENTIFIED)
    assert (waiting.state, waiting.due_at) == (WaitingState.WAITING, DUE)
    assert (sweep(19.9), posted(world), read_by_ada(world)) == (0, [], ())
    with scope.as_staff():
        assert Incident.objects.get(pk=world.incident.pk).state == IncidentState.INVESTIGATING
    assert (sweep(), posted(world)) == (1, ["We are on it."])
    assert len(read_by_ada(world)) == 1
    with scope.as_staff():
        update = Update.objects.get()
        assert (update.pk, update.author_id, update.published_at) == (waiting.pk, world.sam.pk, DUE)
        assert Incident.objects.get(pk=world.incident.pk).state == IncidentState.IDENTIFIED
    assert (again(waiting).state, again(waiting).settled_at) == (WaitingState.POSTED, DUE)
    assert (sweep(60), posted(world)) == (0, ["We are on it."])
    assert actions(world) == ["update.sent_off", "update.posted"]


def test_what_was_taken_back_never_leaves_and_what_left_is_not_taken_back(world: World) -> None:
    kept, gone = send(world, "Kept back."), send(world, "Gone.")
    act(world, "take_back", kept)
    assert (sweep(), posted(world)) == (1, ["Gone."])
    for waiting in (kept, gone):
        with pytest.raises(errors.WaitingMovedOn):
            act(world, "take_back", waiting)
        with pytest.raises(errors.WaitingMovedOn):
            act(world, "post_now", waiting)
    assert posted(world) == ["Gone."]


def test_posting_now_does_not_wait_and_does_not_pass_an_earlier_one(world: World) -> None:
    first, second = send(world, "First."), send(world, "Second.", now=NOW + timedelta(seconds=5))
    with pytest.raises(errors.EarlierWaits):
        act(world, "post_now", second)
    assert posted(world) == []
    act(world, "post_now", first)
    act(world, "post_now", second, now=NOW + timedelta(seconds=6))
    assert posted(world) == ["First.", "Second."]
    assert sweep(60) == 0


def test_those_that_are_due_together_leave_in_their_order(world: World) -> None:
    for number in range(4):
        send(world, f"Text {number}.")
    assert (sweep(60), posted(world)) == (4, [f"Text {number}." for number in range(4)])


def test_a_resolved_that_became_untrue_meanwhile_is_stopped_and_says_why(world: World) -> None:
    factories.restore([world.acme, world.globex], world.incident, minutes=30)
    waiting = send(world, "All is well.", kind=UpdateKind.RESOLVED)
    relapse(world, 59)
    assert sweep() == 1
    stopped = again(waiting)
    assert stopped.state == WaitingState.STOPPED
    assert "1 of 2 restored, 1 open: 1 EU" in stopped.reason
    assert (posted(world), read_by_ada(world)) == ([], ())
    with scope.as_staff():
        assert not Incident.objects.get(pk=world.incident.pk).is_over
    assert actions(world) == ["update.sent_off", "update.stopped"]
    act(world, "take_back", waiting)
    assert (again(waiting).state, sweep(90)) == (WaitingState.UNDONE, 0)


def test_words_that_the_record_contradicts_by_then_are_stopped(world: World) -> None:
    factories.restore([world.acme, world.globex], world.incident, minutes=30)
    waiting = send(world, "All accounts are restored.")
    relapse(world, 59)
    sweep()
    assert (again(waiting).state, posted(world)) == (WaitingState.STOPPED, [])
    assert "1 of 2 are not restored" in again(waiting).reason


def test_words_that_their_author_let_stand_leave_though_the_numbers_move(world: World) -> None:
    found = [
        said.Contradiction(kind=ClaimKind.RESTORED_AT, words="All accounts are restored", record_says="")
    ]
    waiting = send(world, "All accounts are restored.", contradicted=said.digest(found))
    factories.restore(world.acme, world.incident, minutes=59)
    sweep()
    assert (again(waiting).state, len(posted(world))) == (WaitingState.POSTED, 1)


def test_fields_hold_the_numbers_of_the_moment_at_which_a_text_leaves(world: World) -> None:
    send(world, "{{ restored_count }} of {{ affected_count }} are back.")
    factories.restore(world.acme, world.incident, minutes=59)
    sweep()
    assert read_by_ada(world) == ("<p>1 of 2 are back.</p>\n",)


def test_a_promise_that_has_passed_by_then_is_not_made(world: World) -> None:
    waiting = send(world, next_update_at=NOW + timedelta(seconds=10))
    sweep()
    assert (again(waiting).state, posted(world)) == (WaitingState.STOPPED, [])
    assert "later one" in again(waiting).reason


@pytest.mark.parametrize("loss", [{"is_active": False}, {"is_staff": False}, {"is_superuser": False}])
def test_who_may_not_post_any_more_posts_nothing(world: World, loss: dict[str, bool]) -> None:
    waiting = send(world)
    with scope.as_staff():
        User.objects.filter(pk=world.sam.pk).update(**loss)
    sweep()
    assert (again(waiting).state, posted(world)) == (WaitingState.STOPPED, [])


def test_what_could_not_be_posted_now_is_not_even_sent_off(world: World) -> None:
    for text, more, refusal in (
        ("  ", {}, errors.EmptyText),
        ("{{ nothing }}", {}, errors.UnknownField),
        ("Done.", {"kind": UpdateKind.RESOLVED}, errors.NotAllRestored),
        ("All accounts are restored.", {}, errors.ContradictsRecord),
        ("Hello.", {"readers": Readers(audience=Audience.TAIL)}, errors.NobodyReads),
    ):
        with pytest.raises(refusal):
            send(world, text, **more)
    with scope.as_staff():
        assert not WaitingUpdate.objects.exists()
    assert actions(world) == []


def test_the_same_form_twice_is_one_text_and_another_text_in_it_is_refused(world: World) -> None:
    key = uuid4()
    first, second = send(world, form_key=key), send(world, form_key=key)
    assert first.pk == second.pk
    with pytest.raises(errors.SentBefore):
        send(world, "Other words.", form_key=key)
    other = factories.person("pia@vendor.example", is_staff=True)
    with pytest.raises(errors.SentBefore):
        send(world, form_key=key, by=other)
    sweep()
    assert send(world, form_key=key, now=NOW + timedelta(minutes=5)).state == WaitingState.POSTED
    assert (sweep(600), posted(world)) == (0, ["We are on it."])


def test_a_form_whose_text_was_taken_back_sends_nothing_by_itself(world: World) -> None:
    key = uuid4()
    act(world, "take_back", send(world, form_key=key))
    with pytest.raises(errors.SentBefore):
        send(world, form_key=key)
    assert (sweep(), posted(world)) == (0, [])


def test_without_a_window_it_leaves_at_once_and_so_does_a_note_of_staff(
    world: World, settings: Settings
) -> None:
    waits = send(world, "For clients.")
    note = send(world, "For us.", readers=Readers(audience=Audience.STAFF))
    assert (waits.state, note.state) == (WaitingState.WAITING, WaitingState.POSTED)
    act(world, "take_back", waits)
    settings.UPDATE_UNDO_SECONDS = 0
    assert send(world, "At once.").state == WaitingState.POSTED
    assert posted(world) == ["For us.", "At once."]


def test_the_readers_of_a_text_for_some_are_those_of_the_moment_at_which_it_leaves(world: World) -> None:
    send(world, "Still down?", readers=Readers(audience=Audience.NOT_RESTORED))
    factories.restore(world.acme, world.incident, minutes=59)
    sweep()
    assert (posted(world), read_by_ada(world)) == (["Still down?"], ())


def test_a_text_of_a_critical_incident_waits_for_another_person(world: World, second: User) -> None:
    waiting = send(world)
    assert (waiting.state, waiting.due_at) == (WaitingState.AWAITING, None)
    assert (sweep(3600), posted(world)) == (0, [])
    with pytest.raises(errors.OwnText):
        act(world, "approve", waiting)
    with pytest.raises(errors.WaitingMovedOn):
        act(world, "post_now", waiting)
    with scope.as_staff(), pytest.raises(IntegrityError), transaction.atomic():
        WaitingUpdate.objects.filter(pk=waiting.pk).update(approved_by=world.sam)
    act(world, "approve", waiting, by=second)
    assert (again(waiting).state, again(waiting).due_at) == (WaitingState.WAITING, DUE)
    assert posted(world) == []
    sweep()
    assert posted(world) == ["We are on it."]
    with scope.as_staff():
        assert Update.objects.get().author_id == world.sam.pk
    assert actions(world) == ["update.sent_off", "update.approved", "update.posted"]


def test_a_second_person_sends_back_with_a_reason(world: World, second: User) -> None:
    waiting = send(world)
    with pytest.raises(errors.NoReason):
        act(world, "send_back", waiting, by=second, reason="  ")
    with pytest.raises(errors.OwnText):
        act(world, "send_back", waiting, reason="Mine.")
    assert again(waiting).state == WaitingState.AWAITING
    act(world, "send_back", waiting, by=second, reason="Say since when.")
    assert (again(waiting).state, again(waiting).reason) == (WaitingState.SENT_BACK, "Say since when.")
    with pytest.raises(errors.WaitingMovedOn):
        act(world, "approve", waiting, by=second)
    with scope.as_staff():
        better = waiting_updates.send(
            factories.actor(world.sam),
            incident_id=world.incident.pk,
            form_key=uuid4(),
            written=written("Since 13:45."),
            instead_of=waiting.pk,
            now=NOW,
        )
    assert (again(waiting).state, better.state) == (WaitingState.UNDONE, WaitingState.AWAITING)


def test_what_became_untrue_is_not_approved(world: World, second: User) -> None:
    factories.restore([world.acme, world.globex], world.incident, minutes=30)
    waiting = send(world, "All is well.", kind=UpdateKind.RESOLVED)
    relapse(world, 59)
    with pytest.raises(errors.NotAllRestored):
        act(world, "approve", waiting, by=second)
    assert (again(waiting).state, again(waiting).approved_by_id) == (WaitingState.AWAITING, None)


def test_an_incident_that_becomes_critical_holds_what_was_about_to_leave(
    world: World, settings: Settings
) -> None:
    settings.UPDATE_SECOND_PERSON = True
    waiting = send(world)
    make_critical(world)
    with scope.as_staff():
        waiting_updates.post_now(factories.actor(world.sam), waiting_id=waiting.pk, now=NOW)
    assert (again(waiting).state, posted(world)) == (WaitingState.AWAITING, [])


def test_notes_and_lesser_incidents_need_nobody_else(world: World, settings: Settings) -> None:
    settings.UPDATE_SECOND_PERSON = True
    assert send(world).state == WaitingState.WAITING
    make_critical(world)
    note = send(world, "For us.", readers=Readers(audience=Audience.STAFF))
    assert note.state == WaitingState.POSTED
    assert send(world, readers=Readers(audience=Audience.NOT_RESTORED)).state == WaitingState.AWAITING


def test_where_one_incident_fails_the_others_go_on_and_its_order_is_kept(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Something nobody foresaw: a broken statement, say. Nothing is lost and nothing passes it."""
    first, second = send(world, "First."), send(world, "Second.")
    other = factories.incident(world.reports, title="Elsewhere")
    with scope.as_staff():
        waiting_updates.send(
            factories.actor(world.sam),
            incident_id=other.pk,
            form_key=uuid4(),
            written=written("Other."),
            now=NOW,
        )
    post_update = incidents.post_update

    def broken(*actor: Any, **values: Any) -> object:
        if values["incident_id"] == world.incident.pk:
            raise RuntimeError
        return post_update(*actor, **values)

    with monkeypatch.context() as patched:
        patched.setattr(incidents, "post_update", broken)
        sweep()
    assert [again(each).state for each in (first, second)] == [WaitingState.WAITING] * 2
    with scope.as_staff():
        assert Update.objects.filter(incident=other).count() == 1
    sweep(30)
    assert posted(world) == ["First.", "Second."]


def test_the_portal_itself_writes_no_texts(world: World) -> None:
    with scope.as_staff(), pytest.raises(errors.AuthorMayNot):
        waiting_updates.send(
            SYSTEM, incident_id=world.incident.pk, form_key=uuid4(), written=written(), now=NOW
        )
