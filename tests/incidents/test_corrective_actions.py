"""Promises of a report: kept up in the open, with a history, for those who hold the report."""

from datetime import date, timedelta

import pytest

from incidents import errors, report_errors
from incidents.choices import ActionChangeKind, ActionState
from incidents.models import ActionChange, ActionFollow, CorrectiveAction
from incidents.operations import corrective_actions
from incidents.queries import corrective_actions as queries
from incidents.queries.report_shapes import ActionsPage
from tenants import scope
from tenants.models import Company
from tests import factories
from tests.conftest import World
from tests.incidents import reporting
from tests.incidents.reporting import NOW

DUE_ON = date(2026, 3, 1)


@pytest.fixture
def promised(world: World) -> World:
    """Acme holds a report with one promise, due on 1 March."""
    reporting.asked(world, world.ada, world.acme)
    reporting.promised(world, due_on=DUE_ON)
    reporting.published(world, reporting.begun(world))
    return world


def action() -> CorrectiveAction:
    found: CorrectiveAction = CorrectiveAction.objects.get()
    return found


def move_on(world: World, state: ActionState, note: str = "", due_on: date | None = DUE_ON) -> None:
    with scope.as_staff():
        corrective_actions.move_on(
            factories.actor(world.sam),
            action_id=action().pk,
            state=state,
            due_on=due_on,
            note=note,
            now=NOW + timedelta(days=1),
        )


def read(world: World, company: Company | None = None, *, days: int = 2) -> ActionsPage:
    with scope.as_company((company or world.acme).pk, read_only=True):
        return queries.actions_page(
            world.incident.reference,
            user_id=world.ada.pk,
            zone="Europe/Paris",
            now=NOW + timedelta(days=days),
        )


def test_what_is_done_needs_evidence_and_what_is_dropped_or_put_off_a_reason(promised: World) -> None:
    for state, due_on in (
        (ActionState.DONE, DUE_ON),
        (ActionState.DROPPED, DUE_ON),
        (ActionState.OPEN, date(2026, 4, 1)),
    ):
        with pytest.raises(errors.ReasonMissing):
            move_on(promised, state, due_on=due_on)
    with scope.as_staff():
        assert (action().state, action().due_on) == (ActionState.OPEN, DUE_ON)
        assert ActionChange.objects.count() == 1


def test_its_history_only_grows_and_clients_read_it(promised: World) -> None:
    move_on(promised, ActionState.OPEN, "Parts are late.", due_on=date(2026, 4, 1))
    move_on(promised, ActionState.DONE, "Checked by an auditor.", due_on=date(2026, 4, 1))
    (row,) = read(promised).actions
    assert [(turn.kind, turn.note) for turn in row.turns] == [
        (ActionChangeKind.STATE, "Checked by an auditor."),
        (ActionChangeKind.DUE, "Parts are late."),
        (ActionChangeKind.PROMISED, ""),
    ]
    assert row.state is ActionState.DONE


def test_overdue_is_said_from_the_day_after_and_not_of_what_is_over(promised: World) -> None:
    assert [read(promised, days=days).actions[0].is_overdue for days in (24, 25)] == [False, True]
    move_on(promised, ActionState.DROPPED, "Not needed any more.")
    assert not read(promised, days=40).actions[0].is_overdue


def test_its_words_stay_once_a_client_has_read_them(promised: World) -> None:
    sam = factories.actor(promised.sam)
    words = corrective_actions.Words(title="Other", text="", owner="Nobody", due_on=None)
    with scope.as_staff():
        with pytest.raises(report_errors.ActionFixed):
            corrective_actions.reword(sam, action_id=action().pk, words=words, now=NOW)
        with pytest.raises(report_errors.ActionFixed):
            corrective_actions.take_out(sam, action_id=action().pk, now=NOW)
        assert action().title == "Audit"


def test_who_holds_no_report_reads_no_promise(promised: World) -> None:
    with pytest.raises(report_errors.ReportNotFound):
        read(promised, promised.globex)


def test_a_later_incident_is_named_only_to_whom_it_touches(promised: World) -> None:
    """Globex holds the report too; the later incident is Acme's alone."""
    reporting.asked(promised, promised.gus, promised.globex)
    later = factories.incident(promised.reports, started_at=factories.STARTED_AT + timedelta(days=3))
    with scope.as_staff():
        sam = factories.actor(promised.sam)
        corrective_actions.link_again(sam, action_id=action().pk, later=later, note="", now=NOW)
        with pytest.raises(report_errors.NotLater):
            corrective_actions.link_again(
                sam, action_id=action().pk, later=promised.incident, note="", now=NOW
            )
    assert read(promised).actions[0].happened_again == ((later.reference, later.title),)
    assert read(promised, promised.globex).actions[0].happened_again == ()


def test_a_member_follows_one_or_all_in_its_own_name(promised: World) -> None:
    for number in (1, 1, None):
        follow(promised, number, is_wanted=True)
    assert (read(promised).follows_all, read(promised).actions[0].is_followed) == (True, True)
    with scope.as_company(promised.acme.pk, user_id=promised.bea.pk):
        assert ActionFollow.objects.count() == 2
        corrective_actions.follow(
            factories.actor(promised.bea, promised.acme),
            reference=promised.incident.reference,
            number=None,
            is_wanted=False,
            now=NOW,
        )
        assert ActionFollow.objects.all().delete()[0] == 0, "the wishes are ada's"
    follow(promised, None, is_wanted=False)
    assert (read(promised).follows_all, read(promised).actions[0].is_followed) == (False, True)


def test_who_holds_no_report_follows_nothing(promised: World) -> None:
    with scope.as_company(promised.globex.pk, user_id=promised.gus.pk):
        with pytest.raises(report_errors.ReportNotFound):
            corrective_actions.follow(
                factories.actor(promised.gus, promised.globex),
                reference=promised.incident.reference,
                number=1,
                is_wanted=True,
                now=NOW,
            )
        assert not ActionFollow.objects.exists()


def follow(world: World, number: int | None, *, is_wanted: bool) -> None:
    with scope.as_company(world.acme.pk, user_id=world.ada.pk):
        corrective_actions.follow(
            factories.actor(world.ada, world.acme),
            reference=world.incident.reference,
            number=number,
            is_wanted=is_wanted,
            now=NOW,
        )
