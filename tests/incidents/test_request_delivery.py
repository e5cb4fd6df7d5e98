"""One publication serves all accepted requests; staff accept thousands, and share the work."""

import contextlib
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from django.contrib.auth.models import Group
from django.db import connection
from django.test.utils import CaptureQueriesContext

from incidents import errors
from incidents.choices import PostMortemKind, RequestPolicy, RequestState
from incidents.models import Incident, PostMortemRequest, Recovery, RequestDesk, RequestQuestion
from incidents.operations import portions, postmortems, request_desk, request_parts
from incidents.queries import request_queue
from incidents.queries.request_queue import View
from tenants import scope
from tenants.actor import SYSTEM
from tenants.models import AuditEvent, User
from tests import factories
from tests.conftest import World, make_world
from tests.incidents.asking import WEDNESDAY, acting, ask, audited, questions, request
from tests.threads import at_once

LATER = WEDNESDAY + timedelta(hours=2)
PRELIMINARY, FINAL = PostMortemKind.PRELIMINARY, PostMortemKind.FINAL


def accept(world: World, *keys: UUID) -> postmortems.Answered:
    with scope.as_staff():
        return postmortems.accept(factories.actor(world.sam), request_ids=keys, now=LATER)


def deliver(world: World, kind: PostMortemKind) -> int:
    with scope.as_staff():
        return postmortems.deliver(world.incident, kind=kind, now=LATER)


def set_policy(world: World, policy: RequestPolicy) -> int:
    with scope.as_staff():
        incident = Incident.objects.get(pk=world.incident.pk)
        return postmortems.change_policy(
            factories.actor(world.sam), incident=incident, policy=policy, now=LATER
        )


def version(world: World) -> int:
    with scope.as_staff():
        return Incident.objects.get(pk=world.incident.pk).version


# Delivery


def test_a_publication_serves_the_accepted_and_no_others(world: World) -> None:
    accepted = ask(world)
    accept(world, accepted)
    waiting = ask(world, world.gus, world.globex)
    assert deliver(world, PRELIMINARY) == 1
    assert (request(accepted).state, request(accepted).preliminary_delivered_at) == (
        RequestState.PRELIMINARY_DELIVERED,
        LATER,
    )
    assert (request(waiting).state, request(waiting).preliminary_delivered_at) == (
        RequestState.REQUESTED,
        None,
    )
    with scope.as_staff():
        event = AuditEvent.objects.get(action="post_mortem.delivered")
    assert (event.company_id, event.object_id, event.detail["kind"]) == (
        world.acme.pk,
        str(accepted),
        "preliminary",
    )


def test_the_final_one_serves_who_has_the_preliminary_and_who_has_none(world: World) -> None:
    first, second = ask(world), ask(world, world.gus, world.globex)
    accept(world, first)
    deliver(world, PRELIMINARY)
    with scope.as_staff():
        PostMortemRequest.objects.filter(pk=second).update(state=RequestState.ACCEPTED)
    assert deliver(world, FINAL) == 2
    assert [request(key).state for key in (first, second)] == [RequestState.FINAL_DELIVERED] * 2
    assert request(first).preliminary_delivered_at == LATER
    assert request(second).preliminary_delivered_at is None
    assert request(first).final_delivered_at == request(second).final_delivered_at == LATER


def test_to_deliver_again_or_the_preliminary_after_the_final_changes_nothing(world: World) -> None:
    key = ask(world)
    accept(world, key)
    deliver(world, FINAL)
    before, events, seen = request(key), audited("post_mortem.delivered"), version(world)
    assert deliver(world, FINAL) == deliver(world, PRELIMINARY) == 0
    assert request(key).final_delivered_at == before.final_delivered_at
    assert (audited("post_mortem.delivered"), version(world)) == (events, seen)
    with scope.as_staff():
        assert Incident.objects.get(pk=world.incident.pk).published_report == FINAL


@pytest.mark.parametrize(
    ("published", "state"),
    [(PRELIMINARY, RequestState.PRELIMINARY_DELIVERED), (FINAL, RequestState.FINAL_DELIVERED)],
)
@pytest.mark.parametrize("policy", [RequestPolicy.APPROVAL, RequestPolicy.AUTOMATIC])
def test_who_is_accepted_after_a_publication_gets_it_at_once(
    world: World, published: PostMortemKind, state: RequestState, policy: RequestPolicy
) -> None:
    deliver(world, published)
    set_policy(world, policy)
    key = ask(world, now=LATER)
    if policy is RequestPolicy.APPROVAL:
        assert request(key).state == RequestState.REQUESTED
        accept(world, key)
    stored = request(key)
    assert stored.state == state
    assert {stored.preliminary_delivered_at, stored.final_delivered_at} == {None, LATER}
    assert stored.answered_at == LATER


@pytest.mark.parametrize("state", [RequestState.PRELIMINARY_DELIVERED, RequestState.FINAL_DELIVERED])
def test_past_the_operation_a_client_claims_no_report_that_is_not_out(
    world: World, state: RequestState
) -> None:
    set_policy(world, RequestPolicy.AUTOMATIC)
    forged = PostMortemRequest(
        company=world.acme,
        incident=world.incident,
        requested_by=world.ada,
        state=state,
        requested_at=LATER,
        answer_due_at=LATER,
    )
    with pytest.raises(Exception, match="row-level security"), acting(world.ada, world.acme):
        PostMortemRequest.objects.bulk_create([forged])
    with scope.as_staff():
        assert not PostMortemRequest.objects.exists()


def test_what_a_publication_could_not_see_is_delivered_by_the_clock(world: World) -> None:
    """A request that was accepted by itself in the moment in which the report was published."""
    deliver(world, FINAL)
    key = ask(world)
    with scope.as_staff():
        PostMortemRequest.objects.filter(pk=key).update(state=RequestState.ACCEPTED)
        assert postmortems.deliver_published(now=LATER) == 1
        assert postmortems.deliver_published(now=LATER) == 0
    assert request(key).state == RequestState.FINAL_DELIVERED


def test_accept_and_publication_at_once_leave_nobody_behind(committed: None) -> None:
    world = make_world()
    keys = [ask(world), ask(world, world.gus, world.globex)]
    ended = at_once(lambda: accept(world, *keys), lambda: deliver(world, PRELIMINARY))
    assert not [each for each in ended if isinstance(each, Exception)]
    assert [request(key).state for key in keys] == [RequestState.PRELIMINARY_DELIVERED] * 2
    assert audited("post_mortem.delivered") == 2


def test_two_of_staff_who_answer_at_once_do_not_stop_each_other(committed: None) -> None:
    world = make_world()
    key = ask(world, questions=["One?", "Two?", "Three?"])
    numbers = [each.pk for each in questions(key)]

    def answers(order: list[UUID]) -> int:
        """One after the other in one transaction, as a page sends them; how many were not too late."""
        sent = 0
        with scope.as_staff():
            for question_id in order:
                with contextlib.suppress(errors.WrongState):
                    request_parts.answer(
                        factories.actor(world.sam),
                        request_id=key,
                        question_id=question_id,
                        text="So.",
                        now=LATER,
                    )
                    sent += 1
        return sent

    for _ in range(8):
        with scope.as_staff():
            RequestQuestion.objects.filter(request=key).update(answer="", answered_at=None)
        ended = at_once(lambda: answers(numbers), lambda: answers(numbers[1:]), lambda: answers(numbers[2:]))
        assert not [each for each in ended if isinstance(each, Exception)]
        assert sum(int(str(each)) for each in ended) == len(numbers)


# Policies


def test_who_waits_is_accepted_when_requests_become_automatic(world: World) -> None:
    key = ask(world)
    before = version(world)
    assert set_policy(world, RequestPolicy.CLOSED) == 0
    assert request(key).state == RequestState.REQUESTED
    assert set_policy(world, RequestPolicy.AUTOMATIC) == 1
    assert (request(key).state, request(key).answered_at) == (RequestState.ACCEPTED, LATER)
    assert version(world) == before + 2
    assert audited("incident.request_policy_changed") == 2


# Many


def crowd(world: World, count: int) -> list[UUID]:
    """So many companies besides, each with a request that waits."""
    companies = [factories.company(f"crowd-{number}") for number in range(count)]
    with scope.as_staff():
        Recovery.objects.bulk_create(
            Recovery(company=company, incident=world.incident, measured_at=WEDNESDAY) for company in companies
        )
        return [
            made.pk
            for made in PostMortemRequest.objects.bulk_create(
                PostMortemRequest(
                    company=company,
                    incident=world.incident,
                    requested_by_name="Somebody",
                    requested_at=WEDNESDAY,
                    answer_due_at=LATER,
                )
                for company in companies
            )
        ]


def test_to_accept_and_to_deliver_takes_as_many_statements_for_many_as_for_few(world: World) -> None:
    def statements(keys: list[UUID]) -> tuple[int, int, int]:
        with scope.as_staff(), CaptureQueriesContext(connection) as asked:
            assert postmortems.accept(SYSTEM, request_ids=keys, now=LATER).count == len(keys)
            accepted = len(asked)
            assert request_desk.assign(SYSTEM, request_ids=keys, to=world.sam.pk, now=LATER) == len(keys)
            assigned = len(asked) - accepted
            assert postmortems.deliver(world.incident, kind=PRELIMINARY, now=LATER) == len(keys)
            delivered = len(asked) - assigned - accepted
            Incident.objects.filter(pk=world.incident.pk).update(published_report="")
        return accepted, assigned, delivered

    keys = crowd(world, 42)
    assert statements(keys[:2]) == statements(keys[2:])


def test_portions_cover_everybody_and_name_who_is_passed_over(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(portions, "MOST", 4)
    keys = crowd(world, 10)
    accept(world, *keys[:3])
    answered = accept(world, *keys)
    assert (answered.count, len(answered.passed_over)) == (7, 3)
    with scope.as_staff():
        assert not PostMortemRequest.objects.exclude(state=RequestState.ACCEPTED).exists()
    assert audited("post_mortem.accepted") == 10


# Among staff


def publisher(email: str) -> User:
    made = factories.person(email)
    with scope.as_staff():
        User.objects.filter(pk=made.pk).update(is_staff=True)
        made.groups.add(Group.objects.get(name="Publisher"))
    return made


def test_a_request_is_given_to_who_may_answer_it_and_to_nobody_else(world: World) -> None:
    key = ask(world)
    pia, ron = publisher("pia@vendor.example"), factories.person("ron@vendor.example")
    with scope.as_staff():
        User.objects.filter(pk=ron.pk).update(is_staff=True)
        sam = factories.actor(world.sam)
        for other in (ron.pk, world.ada.pk, uuid4()):
            with pytest.raises(errors.NotOfStaff):
                request_desk.assign(sam, request_ids=[key], to=other, now=LATER)
        assert not RequestDesk.objects.exists()
        assert request_desk.assign(sam, request_ids=[key], to=pia.pk, now=LATER) == 1
        assert request_desk.assign(sam, request_ids=[key], to=pia.pk, now=LATER) == 0
        assert RequestDesk.objects.get(request=key).assignee == pia
        assert request_desk.assign(sam, request_ids=[key], to=None, now=LATER) == 1
        assert RequestDesk.objects.get(request=key).assignee is None
    assert audited("post_mortem.assigned") == 2


def test_what_staff_keep_to_themselves_no_client_reads_or_hears_of(world: World) -> None:
    key = ask(world)
    with scope.as_staff():
        request_desk.keep(
            factories.actor(world.sam),
            request_id=key,
            assignee=world.sam.pk,
            note=" Calls a lawyer. ",
            now=LATER,
        )
        assert RequestDesk.objects.get(request=key).note == "Calls a lawyer."
        kept = AuditEvent.objects.filter(action__in=["post_mortem.assigned", "post_mortem.noted"])
        assert [each.company_id for each in kept] == [None, None]
        assert "lawyer" not in str([each.detail for each in kept])
    with acting(world.ada, world.acme):
        assert list(RequestDesk.objects.all()) == []
    with pytest.raises(Exception, match="permission denied"), acting(world.ada, world.acme):
        connection.cursor().execute("select note from incidents_requestdesk")


def test_each_view_holds_what_it_says(world: World) -> None:
    keys = dict(zip(("new", "soon", "late", "mine", "declined", "withdrawn"), crowd(world, 6), strict=True))
    due = {"new": timedelta(days=5), "soon": timedelta(hours=47), "late": timedelta(hours=-1)}
    with scope.as_staff():
        for name, after in due.items():
            PostMortemRequest.objects.filter(pk=keys[name]).update(answer_due_at=LATER + after)
        PostMortemRequest.objects.filter(pk=keys["mine"]).update(
            state=RequestState.ACCEPTED, preliminary_due_at=LATER + timedelta(days=9)
        )
        PostMortemRequest.objects.filter(pk=keys["declined"]).update(
            state=RequestState.DECLINED, decline_reason="No."
        )
        PostMortemRequest.objects.filter(pk=keys["withdrawn"]).update(
            state=RequestState.WITHDRAWN, withdrawn_at=LATER
        )
        RequestQuestion.objects.bulk_create(
            RequestQuestion(
                request=asking, company_id=asking.company_id, number=1, text="Why?", asked_at=LATER
            )
            for asking in PostMortemRequest.objects.filter(
                pk__in=[keys[name] for name in ("late", "mine", "withdrawn")]
            )
        )
        request_desk.assign(SYSTEM, request_ids=[keys["mine"]], to=world.sam.pk, now=LATER)
        rows = request_queue.queue(PostMortemRequest.objects.all())
        held = {
            view: {
                name
                for name, key in keys.items()
                if rows.filter(request_queue.within(view, user_id=world.sam.pk, now=LATER), pk=key).exists()
            }
            for view in View
        }
        counted = request_queue.counts_of_views(user_id=world.sam.pk, now=LATER)
        console = request_queue.counts(now=LATER)
    assert held == {
        View.MINE: {"mine"},
        View.UNASSIGNED: {"new", "soon", "late"},
        View.DUE_SOON: {"soon"},
        View.OVERDUE: {"late"},
        View.QUESTIONS: {"late", "mine"},
        View.WAITING: set(),
        View.ANSWERED: {"mine", "declined"},
    }
    assert counted == {view: len(names) for view, names in held.items()}
    assert (console.new, console.with_questions, console.due_soon, console.overdue) == (3, 2, 1, 1)
