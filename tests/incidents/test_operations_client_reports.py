"""What a company says of its own account: said once, taken back by itself, answered by staff alone."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from django.db import DatabaseError, transaction

from incidents import errors
from incidents.choices import CompanyState, EntrySource, ReportKind, ReportState
from incidents.models import ClientReport, Recovery, RecoveryEntry
from incidents.models.client_report import MOST_REPORTS
from incidents.operations import client_reports
from incidents.queries import staff_reports
from tenants import scope
from tenants.actor import Actor
from tenants.errors import NotPermitted, Refusal
from tenants.models import AuditEvent
from tenants.permissions import Role
from tests import factories
from tests.conftest import World, make_world
from tests.threads import at_once

BROKEN, BACK = ReportKind.STILL_BROKEN, ReportKind.CONFIRMED_BACK
START = factories.STARTED_AT


def minutes(number: int) -> timedelta:
    return timedelta(minutes=number)


def say(
    world: World, kind: ReportKind = BROKEN, *, actor: Actor | None = None, after: int = 60, **more: object
) -> tuple[ClientReport, bool]:
    actor = actor or factories.actor(world.ada, world.acme)
    assert actor.company is not None
    with scope.as_company(actor.company.id, user_id=actor.user_id):
        return client_reports.report(
            actor,
            reference=world.incident.reference,
            kind=kind,
            now=START + minutes(after),
            **more,  # type: ignore[arg-type]
        )


def accept(world: World, said: ClientReport, state: CompanyState, *, since: int, now: int = 90) -> int:
    with scope.as_staff():
        return client_reports.accept(
            factories.actor(world.sam),
            report_id=said.pk,
            state=state,
            since_at=START + minutes(since),
            now=START + minutes(now),
        )


def dispute(world: World, said: ClientReport, reason: str = "Our probes reach you.") -> None:
    with scope.as_staff():
        client_reports.dispute(
            factories.actor(world.sam), report_id=said.pk, reason=reason, now=START + minutes(90)
        )


def stored() -> list[ClientReport]:
    with scope.as_staff():
        return list(ClientReport.objects.order_by("company", "incident", "number"))


def actions() -> list[str]:
    with scope.as_staff():
        rows = AuditEvent.objects.filter(action__startswith="client_report.").order_by("pk")
        return list(rows.values_list("action", flat=True))


def own(world: World, company: UUID) -> Recovery:
    with scope.as_staff():
        return Recovery.objects.get(incident=world.incident, company=company)


def entries_from_clients() -> list[tuple[str, int]]:
    with scope.as_staff():
        rows = RecoveryEntry.objects.filter(source=EntrySource.CLIENT).order_by("at")
        return [(row.state, int((row.at - START).total_seconds()) // 60) for row in rows]


# Saying


def test_a_report_keeps_who_when_what_and_touches_no_record(world: World) -> None:
    factories.restore(world.acme, world.incident, minutes=30)
    said, is_new = say(world, since_at=START + minutes(20), text="  The tills fail.  ")
    assert is_new
    assert (said.number, said.kind, said.state) == (1, BROKEN, ReportState.OPEN)
    assert (said.text, said.said_by_name, said.said_by_id) == (
        "The tills fail.",
        world.ada.name,
        world.ada.pk,
    )
    assert (said.said_at, said.since_at) == (START + minutes(60), START + minutes(20))
    assert said.component_ids == [world.api.pk]
    assert own(world, world.acme.pk).state == CompanyState.RESTORED
    assert entries_from_clients() == []
    assert actions() == ["client_report.sent"]


def test_saying_it_again_while_it_is_open_gives_the_first(world: World) -> None:
    first, _ = say(world, text="Down.")
    colleague = factories.actor(world.bea, world.acme, Role.MANAGER)
    for actor in (None, colleague):
        again, is_new = say(world, actor=actor, after=70, text="Other words.")
        assert (again.pk, again.text, is_new) == (first.pk, "Down.", False)
    assert len(stored()) == 1
    assert actions() == ["client_report.sent"]


def test_the_opposite_takes_back_what_is_open(world: World) -> None:
    broken, _ = say(world)
    back, is_new = say(world, BACK, after=70)
    assert (back.number, is_new) == (2, True)
    with scope.as_staff():
        rows = {each.pk: each for each in staff_reports.with_record(ClientReport.objects.all())}
        assert staff_reports.standing(rows[broken.pk]) is ReportState.WITHDRAWN
        assert staff_reports.standing(rows[back.pk]) is ReportState.OPEN
        assert [each.id for each in staff_reports.open_reports(most=9)] == [back.pk]
    assert actions() == ["client_report.sent", "client_report.withdrawn", "client_report.sent"]


def test_twenty_colleagues_at_once_make_one_report(committed: None) -> None:
    world = make_world()
    told = at_once(*[lambda: say(world)[1]] * 20)
    assert sorted(map(str, told)) == ["False"] * 19 + ["True"]
    assert [each.number for each in stored()] == [1]
    assert actions() == ["client_report.sent"]


def test_who_may_not_says_nothing(world: World) -> None:
    reader = factories.actor(world.bea, world.acme, Role.READER)
    with pytest.raises(NotPermitted):
        say(world, actor=reader)
    stranger = factories.company("initech", name="Initech Cafes")
    with pytest.raises(errors.IncidentNotFound):
        say(world, actor=factories.actor(world.ada, stranger))
    assert (stored(), actions()) == ([], [])


@pytest.mark.parametrize(
    ("more", "refusal"),
    [
        ({"since_at": START + timedelta(days=1)}, errors.InstantInFuture),
        ({"since_at": START - timedelta(days=8)}, errors.InstantTooEarly),
        ({"component_ids": [uuid4()]}, errors.NotYourComponent),
        ({"after": -10}, errors.NothingBegun),
    ],
    ids=["from the future", "from long ago", "of a component of others", "before it began"],
)
def test_what_cannot_be_is_refused(world: World, more: dict[str, object], refusal: type[Refusal]) -> None:
    with pytest.raises(refusal):
        say(world, **more)  # type: ignore[arg-type]
    assert (stored(), actions()) == ([], [])


def test_a_component_of_ones_own_that_the_incident_does_not_touch_is_refused(world: World) -> None:
    with pytest.raises(errors.NotYourComponent):
        say(world, component_ids=[world.api.pk, world.reports.pk])
    assert stored() == []


def test_a_company_cannot_report_without_end(world: World) -> None:
    for number in range(MOST_REPORTS):
        say(world, (BROKEN, BACK)[number % 2])
    with pytest.raises(errors.TooManyReports):
        say(world, BROKEN)
    assert len(stored()) == MOST_REPORTS


# The wall


@pytest.mark.parametrize(
    "forged",
    [
        {"state": ReportState.ACCEPTED, "answered_at": START},
        {"state": ReportState.DISPUTED, "answered_at": START, "answer": "No."},
        {"answer": "We agree with you."},
        {"said_by_id": None},
    ],
    ids=["accepted", "disputed", "answered in words", "in nobody's name"],
)
def test_a_client_role_cannot_forge_an_answer(world: World, forged: dict[str, object]) -> None:
    fields: dict[str, object] = {
        "company_id": world.acme.pk,
        "incident": world.incident,
        "number": 1,
        "kind": BROKEN,
        "component_ids": [world.api.pk],
        "said_at": START,
        "said_by_id": world.ada.pk,
        "said_by_name": "Ada",
    }
    with scope.as_company(world.acme.pk, user_id=world.ada.pk):
        with pytest.raises(DatabaseError, match="row-level security"), transaction.atomic():
            ClientReport.objects.create(**(fields | forged))
        ClientReport.objects.create(**fields)
        for change in ({"state": ReportState.ACCEPTED}, {"answer": "Yes."}, {"text": "Something else."}):
            with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
                ClientReport.objects.update(**change)
        with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
            ClientReport.objects.all().delete()
    assert [(each.state, each.answer) for each in stored()] == [(ReportState.OPEN, "")]


# Answering


def test_accepting_still_broken_corrects_a_restoration_that_was_recorded(world: World) -> None:
    factories.restore(world.acme, world.incident, minutes=30)
    said, _ = say(world, since_at=START + minutes(20))
    assert accept(world, said, CompanyState.OUTAGE, since=20) == 1
    assert entries_from_clients() == [("outage", 30)]
    mine = own(world, world.acme.pk)
    assert (mine.state, mine.restored_at) == (CompanyState.OUTAGE, None)
    assert own(world, world.globex.pk).state == CompanyState.OUTAGE
    (answered,) = stored()
    assert (answered.state, answered.answered_at) == (ReportState.ACCEPTED, START + minutes(90))
    assert answered.answered_by_id == world.sam.pk
    assert actions() == ["client_report.sent", "client_report.accepted"]


def test_accepting_confirmed_back_restores_from_the_clients_instant(world: World) -> None:
    said, _ = say(world, BACK, since_at=START + minutes(40))
    assert accept(world, said, CompanyState.RESTORED, since=40) == 1
    mine = own(world, world.acme.pk)
    assert (mine.state, mine.restored_at) == (CompanyState.RESTORED, START + minutes(40))
    assert own(world, world.globex.pk).state == CompanyState.OUTAGE


def test_accepting_as_another_state_corrects_each_instant_up_to_the_report(world: World) -> None:
    for after, state in ((30, CompanyState.RESTORED), (50, CompanyState.OUTAGE), (70, CompanyState.RESTORED)):
        factories.restore(world.acme, world.incident, minutes=after, state=state)
    said, _ = say(world, after=60)
    assert accept(world, said, CompanyState.DEGRADED, since=20) == 3
    assert entries_from_clients() == [("degraded", 20), ("degraded", 30), ("degraded", 50)]
    mine = own(world, world.acme.pk)
    assert (mine.state, mine.restored_at) == (CompanyState.RESTORED, START + minutes(70))
    assert (mine.outage_seconds, mine.degraded_seconds) == (20 * 60, 50 * 60)


def test_what_the_record_says_already_is_accepted_without_an_entry(world: World) -> None:
    said, _ = say(world)
    assert accept(world, said, CompanyState.OUTAGE, since=60) == 0
    assert entries_from_clients() == []
    assert [each.state for each in stored()] == [ReportState.ACCEPTED]


def test_the_same_can_be_accepted_again_after_it_was_corrected_in_between(world: World) -> None:
    factories.restore(world.acme, world.incident, minutes=30)
    first, _ = say(world)
    accept(world, first, CompanyState.OUTAGE, since=30)
    back, _ = say(world, BACK, after=91)
    accept(world, back, CompanyState.RESTORED, since=30, now=92)
    assert own(world, world.acme.pk).state == CompanyState.RESTORED
    again, _ = say(world, after=93)
    assert accept(world, again, CompanyState.OUTAGE, since=30, now=94) == 1
    assert own(world, world.acme.pk).state == CompanyState.OUTAGE


def test_disputing_leaves_the_record_and_gives_the_reason(world: World) -> None:
    factories.restore(world.acme, world.incident, minutes=30)
    said, _ = say(world)
    dispute(world, said, "  Your own proxy refuses the requests.  ")
    (answered,) = stored()
    assert (answered.state, answered.answer) == (ReportState.DISPUTED, "Your own proxy refuses the requests.")
    assert own(world, world.acme.pk).restored_at == START + minutes(30)
    assert entries_from_clients() == []
    assert actions() == ["client_report.sent", "client_report.disputed"]


def test_an_answer_is_given_once_and_only_to_what_stands(world: World) -> None:
    withdrawn, _ = say(world)
    said, _ = say(world, BACK, after=70)
    with pytest.raises(errors.WrongState):
        dispute(world, withdrawn)
    dispute(world, said)
    with pytest.raises(errors.WrongState):
        dispute(world, said, "Again.")
    with pytest.raises(errors.WrongState):
        accept(world, said, CompanyState.RESTORED, since=40)
    assert [each.state for each in stored()] == [ReportState.OPEN, ReportState.DISPUTED]
    assert entries_from_clients() == []


def test_an_answer_that_makes_no_sense_changes_nothing(world: World) -> None:
    said, _ = say(world)
    with pytest.raises(errors.NotWhatWasSaid):
        accept(world, said, CompanyState.RESTORED, since=40)
    with pytest.raises(errors.InstantInFuture):
        accept(world, said, CompanyState.OUTAGE, since=200)
    with pytest.raises(errors.ReasonMissing):
        dispute(world, said, "  ")
    with pytest.raises(errors.NothingSelected), scope.as_staff():
        client_reports.dispute(factories.actor(world.sam), report_id=uuid4(), reason="No.", now=START)
    assert [each.state for each in stored()] == [ReportState.OPEN]
    assert actions() == ["client_report.sent"]


def test_back_later_than_the_record_has_it_is_a_disagreement(world: World) -> None:
    factories.restore([world.acme, world.globex], world.incident, minutes=30)
    say(world, BACK, since_at=START + minutes(50))
    say(world, BACK, actor=factories.actor(world.gus, world.globex), since_at=START + minutes(30))
    with scope.as_staff():
        found = {each.company: each.disagrees for each in staff_reports.open_reports(most=9)}
    assert found == {world.acme.name: True, world.globex.name: False}


def test_after_an_answer_the_same_can_be_said_again(world: World) -> None:
    first, _ = say(world)
    dispute(world, first)
    again, is_new = say(world, after=100)
    assert (again.number, is_new) == (2, True)
    assert [each.state for each in stored()] == [ReportState.DISPUTED, ReportState.OPEN]


def test_two_of_staff_at_once_give_one_answer(committed: None) -> None:
    world = make_world()
    said, _ = say(world)
    works = [lambda: dispute(world, said), lambda: accept(world, said, CompanyState.OUTAGE, since=40)]
    told = at_once(*works * 4)
    assert sum(isinstance(each, errors.WrongState) for each in told) == 7
    assert sum(isinstance(each, Exception) for each in told) == 7
    assert len(actions()) == 2
