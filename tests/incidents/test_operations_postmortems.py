"""Orders for a post-mortem: one per company and incident, with a state, a reason and due dates."""

import functools
import threading
from datetime import UTC, date, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from django.db import connection
from pytest_django import Settings

from incidents import errors
from incidents.choices import CompanyState, RequestPolicy, RequestState, UpdateKind
from incidents.models import Incident, PostMortemRequest
from incidents.operations import disclosure, incidents, postmortems, recoveries
from tenants import scope
from tenants.actor import Actor
from tenants.errors import NotPermitted
from tenants.models import AuditEvent
from tenants.permissions import Role
from tests import factories
from tests.conftest import World, make_world
from tests.threads import at_once

WEDNESDAY = datetime(2026, 2, 4, 15, 0, tzinfo=UTC)


def ask(
    world: World, actor: Actor | None = None, *, now: datetime = WEDNESDAY, purpose: str = "For our auditors."
) -> tuple[PostMortemRequest, bool]:
    actor = actor or factories.actor(world.ada, world.acme)
    assert actor.company is not None
    with scope.as_company(actor.company.id, user_id=actor.user_id):
        return postmortems.request(actor, reference=world.incident.reference, purpose=purpose, now=now)


def requests() -> list[PostMortemRequest]:
    with scope.as_staff():
        return list(PostMortemRequest.objects.order_by("requested_at"))


def audited(action: str) -> list[AuditEvent]:
    with scope.as_staff():
        return list(AuditEvent.objects.filter(action=action))


def set_policy(world: World, policy: RequestPolicy) -> None:
    with scope.as_staff():
        Incident.objects.filter(pk=world.incident.pk).update(request_policy=policy)


# Asking


def test_a_client_asks_while_a_recording_holds_the_incident(committed: None) -> None:
    world = make_world()
    asked: list[object] = []

    def work() -> None:
        try:
            with connection.cursor() as cursor:
                cursor.execute("set lock_timeout = '3s'")
            asked.append(ask(world)[1])
        except Exception as error:  # noqa: BLE001 - a thread's failure is the test's
            asked.append(error)
        finally:
            connection.close()

    with scope.as_staff():
        recoveries.record_recovery(
            factories.actor(world.sam),
            incident_id=world.incident.pk,
            company_ids=[world.acme.pk],
            state=CompanyState.RESTORED,
            at=WEDNESDAY,
            now=WEDNESDAY,
        )
        disclosure.set_consent(
            factories.actor(world.sam), company_id=world.acme.pk, consents=False, now=WEDNESDAY
        )
        asking = threading.Thread(target=work)
        asking.start()
        asking.join()
    assert asked == [True]


def test_a_request_waits_for_an_answer_with_a_due_date(world: World) -> None:
    made, is_new = ask(world, purpose="  For our auditors.  ")
    assert is_new
    assert (made.state, made.company_id, made.incident_id) == (
        RequestState.REQUESTED,
        world.acme.pk,
        world.incident.pk,
    )
    assert (made.purpose, made.requested_by_name, made.requested_by_id) == (
        "For our auditors.",
        world.ada.name,
        world.ada.pk,
    )
    assert (made.requested_at, made.answer_due_at) == (WEDNESDAY, WEDNESDAY + timedelta(days=1))
    assert (made.answered_at, made.preliminary_due_at, made.final_due_at) == (None, None, None)
    (event,) = audited("post_mortem.requested")
    assert (event.company_id, event.detail) == (world.acme.pk, {"incident": str(world.incident.pk)})


def test_asking_twice_and_a_colleagues_question_give_the_first(world: World) -> None:
    first, _ = ask(world)
    manager = factories.actor(world.bea, world.acme, Role.MANAGER)
    for actor in (factories.actor(world.ada, world.acme), manager):
        again, is_new = ask(world, actor, now=WEDNESDAY + timedelta(hours=1), purpose="Another reason.")
        assert (again.pk, again.purpose, is_new) == (first.pk, "For our auditors.", False)
    assert len(requests()) == len(audited("post_mortem.requested")) == 1


def test_companies_ask_for_themselves(world: World) -> None:
    ask(world)
    ask(world, factories.actor(world.gus, world.globex))
    assert {each.company_id for each in requests()} == {world.acme.pk, world.globex.pk}


def test_twenty_colleagues_at_once_make_one_request(committed: None) -> None:
    world = make_world()
    made = at_once(*[lambda: ask(world)] * 20)
    (stored,) = requests()
    assert sorted(made, key=str) == sorted([(stored, False)] * 19 + [(stored, True)], key=str)
    assert len(audited("post_mortem.requested")) == 1


def test_a_reader_may_not_ask(world: World) -> None:
    with pytest.raises(NotPermitted):
        ask(world, factories.actor(world.bea, world.acme, Role.READER))
    assert (requests(), audited("post_mortem.requested")) == ([], [])


def test_what_is_not_the_companys_own_incident_is_not_found(world: World) -> None:
    alone = factories.component("Mobile App", "NA")
    factories.place(world.globex, alone)
    foreign = factories.incident(alone)
    draft = factories.draft(world.api)
    for reference in (
        foreign.reference,
        draft.reference,
        "INC-22222222",
        "",
        world.incident.reference.lower(),
    ):
        with pytest.raises(errors.IncidentNotFound), scope.as_company(world.acme.pk):
            postmortems.request(
                factories.actor(world.ada, world.acme), reference=reference, purpose="Please.", now=WEDNESDAY
            )
    assert requests() == []


def test_where_requests_are_closed_none_is_made_and_an_earlier_one_stays(world: World) -> None:
    ask(world)
    set_policy(world, RequestPolicy.CLOSED)
    with pytest.raises(errors.RequestsClosed):
        ask(world, factories.actor(world.gus, world.globex))
    assert ask(world)[1] is False
    assert [each.company_id for each in requests()] == [world.acme.pk]


def test_under_an_automatic_policy_it_is_accepted_at_once_with_due_dates(world: World) -> None:
    set_policy(world, RequestPolicy.AUTOMATIC)
    made, _ = ask(world)
    assert (made.state, made.answered_at) == (RequestState.ACCEPTED, WEDNESDAY)
    assert made.preliminary_due_at == WEDNESDAY + timedelta(hours=72)
    assert made.final_due_at == WEDNESDAY + timedelta(days=14)


@pytest.mark.parametrize(
    ("asked", "due"),
    [
        ("2026-02-05T15:00", "2026-02-06T15:00"),  # Thursday → Friday
        ("2026-02-06T15:00", "2026-02-09T15:00"),  # Friday → Monday
        ("2026-02-06T23:59", "2026-02-09T23:59"),
        ("2026-02-07T09:30", "2026-02-10T00:00"),  # Saturday counts as Monday at 00:00
        ("2026-02-08T23:59", "2026-02-10T00:00"),
        ("2026-02-09T00:00", "2026-02-10T00:00"),
    ],
)
def test_an_answer_is_due_in_one_business_day(world: World, asked: str, due: str) -> None:
    made, _ = ask(world, now=datetime.fromisoformat(asked).replace(tzinfo=UTC))
    assert made.answer_due_at == datetime.fromisoformat(due).replace(tzinfo=UTC)


def test_the_lengths_are_settings(world: World, settings: Settings) -> None:
    settings.POST_MORTEM_ANSWER_BUSINESS_DAYS = 3
    settings.POST_MORTEM_PRELIMINARY_HOURS = 24
    settings.POST_MORTEM_FINAL_DAYS = 7
    set_policy(world, RequestPolicy.AUTOMATIC)
    made, _ = ask(world)
    assert made.answer_due_at == datetime(2026, 2, 9, 15, 0, tzinfo=UTC)
    assert made.preliminary_due_at == WEDNESDAY + timedelta(days=1)
    assert made.final_due_at == WEDNESDAY + timedelta(days=7)


# Answering


def answer(world: World, *ids: UUID, reason: str | None = None, now: datetime = WEDNESDAY) -> int:
    actor = factories.actor(world.sam)
    with scope.as_staff():
        if reason is None:
            return postmortems.accept(actor, request_ids=ids, now=now).count
        return postmortems.decline(actor, request_ids=ids, reason=reason, now=now).count


def test_reports_are_due_from_the_resolution_on(world: World) -> None:
    made, _ = ask(world)
    factories.restore([world.acme, world.globex], world.incident, minutes=60)
    resolved_at = WEDNESDAY + timedelta(hours=3)
    with scope.as_staff():
        incidents.post_update(
            factories.actor(world.sam),
            incident_id=world.incident.pk,
            kind=UpdateKind.RESOLVED,
            body_markdown="Back.",
            now=resolved_at,
        )
    answered_at = resolved_at + timedelta(days=1)
    assert answer(world, made.pk, now=answered_at) == 1
    (stored,) = requests()
    assert (stored.state, stored.answered_at) == (RequestState.ACCEPTED, answered_at)
    assert stored.preliminary_due_at == resolved_at + timedelta(hours=72)
    assert stored.final_due_at == resolved_at + timedelta(days=14)
    (event,) = audited("post_mortem.accepted")
    assert (event.company_id, event.actor_id) == (world.acme.pk, world.sam.pk)


def test_a_promise_is_never_late_when_it_is_made(world: World) -> None:
    """Resolved long ago: what would be due before the answer is counted from the answer."""
    made, _ = ask(world)
    with scope.as_staff():
        Incident.objects.filter(pk=world.incident.pk).update(
            state="resolved", resolved_at=WEDNESDAY - timedelta(days=5)
        )
    answer(world, made.pk)
    (stored,) = requests()
    assert stored.preliminary_due_at == WEDNESDAY + timedelta(hours=72)
    assert stored.final_due_at == WEDNESDAY + timedelta(days=9)


def test_a_refusal_needs_a_reason_that_the_client_reads(world: World) -> None:
    made, _ = ask(world)
    for nothing in ("", "  \n"):
        with pytest.raises(errors.ReasonMissing):
            answer(world, made.pk, reason=nothing)
    assert requests()[0].state == RequestState.REQUESTED
    assert answer(world, made.pk, reason=" Not covered by your contract. ") == 1
    (stored,) = requests()
    assert (stored.state, stored.decline_reason) == (RequestState.DECLINED, "Not covered by your contract.")
    assert stored.answered_at == WEDNESDAY
    (event,) = audited("post_mortem.declined")
    assert "contract" not in str(event.detail), "the audit holds no texts"


@pytest.mark.parametrize("first", [None, "No."])
@pytest.mark.parametrize("second", [None, "No."])
def test_what_was_answered_is_not_answered_again_and_named_while_the_others_are(
    world: World, first: str | None, second: str | None
) -> None:
    answered, _ = ask(world)
    waiting, _ = ask(world, factories.actor(world.gus, world.globex), now=WEDNESDAY + timedelta(minutes=1))
    answer(world, answered.pk, reason=first)
    before = requests()[0]
    later = WEDNESDAY + timedelta(hours=1)
    sam = factories.actor(world.sam)
    with pytest.raises(errors.WrongState):
        answer(world, answered.pk, reason=second, now=later)
    with scope.as_staff():
        ids = [answered.pk, waiting.pk]
        done = (
            postmortems.accept(sam, request_ids=ids, now=later)
            if second is None
            else postmortems.decline(sam, request_ids=ids, reason=second, now=later)
        )
    assert (done.count, [(each.company, each.state) for each in done.passed_over]) == (
        1,
        [(world.acme.name, before.state)],
    )
    stored, other = requests()
    assert (stored.state, stored.answered_at, stored.decline_reason) == (
        before.state,
        before.answered_at,
        before.decline_reason,
    )
    assert (other.state, other.answered_at) == (
        RequestState.ACCEPTED if second is None else RequestState.DECLINED,
        later,
    )
    assert len(audited("post_mortem.accepted")) + len(audited("post_mortem.declined")) == 2


def test_answering_nothing_is_refused(world: World) -> None:
    for reason in (None, "No."):
        with pytest.raises(errors.NothingSelected):
            answer(world, reason=reason)


def test_answering_what_does_not_exist_changes_nothing(world: World) -> None:
    ask(world)
    assert answer(world, uuid4()) == 0
    assert requests()[0].state == RequestState.REQUESTED


def test_accept_and_decline_at_once_give_one_answer(committed: None) -> None:
    world = make_world()
    made, _ = ask(world)
    work = [functools.partial(answer, world, made.pk, reason=reason) for reason in (None, "No.")]
    answered = at_once(*work * 2)
    assert answered.count(1) == 1
    assert sum(isinstance(each, errors.WrongState) for each in answered) == 3
    assert len(audited("post_mortem.accepted")) + len(audited("post_mortem.declined")) == 1


def test_a_client_cannot_answer_its_own_request(world: World) -> None:
    made, _ = ask(world)
    with pytest.raises(Exception, match="permission denied"), scope.as_company(world.acme.pk):
        postmortems.accept(factories.actor(world.ada, world.acme), request_ids=[made.pk], now=WEDNESDAY)
    assert requests()[0].state == RequestState.REQUESTED


def written_past_the_operation(world: World, **changed: object) -> PostMortemRequest:
    """A row as the operation would write it, with one thing changed."""
    as_written: dict[str, object] = {
        "company": world.acme,
        "incident": world.incident,
        "requested_by": world.ada,
        "requested_by_name": "Ada",
        "purpose": "Spoofed.",
        "requested_at": WEDNESDAY,
        "answer_due_at": WEDNESDAY,
    }
    return PostMortemRequest(**as_written | changed)


def test_a_row_as_the_operation_writes_it_is_taken(world: World) -> None:
    with scope.as_company(world.acme.pk, user_id=world.ada.pk):
        PostMortemRequest.objects.bulk_create([written_past_the_operation(world)])
    assert len(requests()) == 1


@pytest.mark.parametrize(
    "spoofed",
    ["another company", "a colleague", "nobody", "accepted", "declined", "answered"],
)
def test_past_the_operation_a_client_writes_only_what_it_may_ask(world: World, spoofed: str) -> None:
    changed: dict[str, object] = {
        "another company": {"company": world.globex},
        "a colleague": {"requested_by": world.bea},
        "nobody": {"requested_by": None},
        "accepted": {"state": RequestState.ACCEPTED, "answered_at": WEDNESDAY},
        "declined": {"state": RequestState.DECLINED, "decline_reason": "No."},
        "answered": {"answered_at": WEDNESDAY},
    }[spoofed]  # type: ignore[assignment]
    with (
        pytest.raises(Exception, match="row-level security"),
        scope.as_company(world.acme.pk, user_id=world.ada.pk),
    ):
        PostMortemRequest.objects.bulk_create([written_past_the_operation(world, **changed)])
    assert requests() == []


def test_without_a_person_a_company_scope_writes_no_request(world: World) -> None:
    with pytest.raises(Exception, match="row-level security"), scope.as_company(world.acme.pk):
        PostMortemRequest.objects.bulk_create([written_past_the_operation(world)])
    assert requests() == []


@pytest.mark.parametrize("who", ["bea", "gus", "sam", None])
def test_a_client_cannot_write_an_audit_event_of_somebody_else(world: World, who: str | None) -> None:
    named = getattr(world, who).pk if who else None
    with (
        pytest.raises(Exception, match="row-level security"),
        scope.as_company(world.acme.pk, user_id=world.ada.pk),
    ):
        AuditEvent.objects.bulk_create(
            [
                AuditEvent(
                    company=world.acme,
                    actor_id=named,
                    actor_kind="client",
                    actor_name="Ada",
                    action="post_mortem.requested",
                    object_type="incident",
                    object_id="1",
                    at=WEDNESDAY,
                )
            ]
        )
    assert audited("post_mortem.requested") == []


def test_a_day_by_which_it_is_needed_is_kept(world: World) -> None:
    with scope.as_company(world.acme.pk, user_id=world.ada.pk):
        made, _ = postmortems.request(
            factories.actor(world.ada, world.acme),
            reference=world.incident.reference,
            purpose="For our auditors.",
            needed_by_on=date(2026, 2, 20),
            now=WEDNESDAY,
        )
    assert made.needed_by_on == date(2026, 2, 20)
