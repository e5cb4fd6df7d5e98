"""For whom a post-mortem is, questions of both sides, and taking a request back."""

import functools
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from incidents import errors
from incidents.choices import RequestState
from incidents.models import PostMortemRequest, RequestQuestion, RequestRecipient
from incidents.operations import postmortems, request_parts
from tenants import scope
from tenants.errors import NotPermitted
from tenants.models import Membership, User
from tenants.permissions import Role
from tests import factories
from tests.conftest import World, make_world
from tests.incidents.asking import WEDNESDAY, acting, ask, audited, names, questions, request
from tests.threads import at_once

LATER = WEDNESDAY + timedelta(hours=2)


@pytest.fixture
def mia(world: World) -> User:
    """A manager of Acme."""
    made = factories.person("mia@acme.example")
    factories.member(made, world.acme, Role.MANAGER)
    return made


# For whom it is


def test_the_report_is_for_who_asks_and_for_whom_they_choose(world: World, mia: User) -> None:
    key = ask(world, recipients=[world.bea.pk])
    assert names(key) == ["ada@acme.example", "bea@acme.example"]


def test_a_colleague_who_asks_as_well_joins(world: World, mia: User) -> None:
    key = ask(world)
    assert ask(world, mia, questions=["Is mine lost?"]) == key
    assert names(key) == ["ada@acme.example", "mia@acme.example"]
    assert questions(key) == []
    with acting(mia, world.acme, Role.MANAGER) as actor:
        assert request_parts.join(actor, reference=world.incident.reference, now=LATER) is False
    assert audited("post_mortem.joined") == 1


def test_recipients_are_chosen_and_taken_out(world: World, mia: User) -> None:
    key = ask(world)
    with acting(mia, world.acme, Role.MANAGER) as actor:
        changed = request_parts.choose_recipients(
            actor, reference=world.incident.reference, recipients=[mia.pk, world.bea.pk], now=LATER
        )
        again = request_parts.choose_recipients(
            actor, reference=world.incident.reference, recipients=[mia.pk, world.bea.pk], now=LATER
        )
    assert (changed, again) == ((2, 1), (0, 0))
    assert names(key) == ["bea@acme.example", "mia@acme.example"]
    assert audited("post_mortem.recipients_changed") == 1


@pytest.mark.parametrize("whom", ["a stranger", "staff", "nobody known", "who was switched off"])
def test_only_people_of_the_company_are_chosen(world: World, mia: User, whom: str) -> None:
    key = ask(world)
    with scope.as_staff():
        User.objects.filter(pk=mia.pk).update(is_active=False)
    chosen = {
        "a stranger": world.gus.pk,
        "staff": world.sam.pk,
        "nobody known": uuid4(),
        "who was switched off": mia.pk,
    }[whom]
    with pytest.raises(errors.NotYourColleague), acting(world.ada, world.acme) as actor:
        request_parts.choose_recipients(
            actor, reference=world.incident.reference, recipients=[chosen], now=LATER
        )
    with acting(world.ada, world.acme) as actor, pytest.raises(errors.NobodyChosen):
        request_parts.choose_recipients(actor, reference=world.incident.reference, recipients=[], now=LATER)
    assert names(key) == ["ada@acme.example"]
    assert audited("post_mortem.recipients_changed") == 0


def test_past_the_operation_a_client_adds_only_its_own_people_and_in_its_own_name(world: World) -> None:
    key = ask(world)
    for changed in ({"person": world.gus}, {"person": world.sam}, {"added_by": world.bea}):
        fields = {"person": world.bea, "added_by": world.ada, **changed}
        with pytest.raises(Exception, match="row-level security"), acting(world.ada, world.acme):
            RequestRecipient.objects.bulk_create(
                [
                    RequestRecipient(
                        company=world.acme, request_id=key, person_name="X", added_at=LATER, **fields
                    )
                ]
            )
    assert names(key) == ["ada@acme.example"]


def test_a_client_reads_the_names_of_its_own_people_and_nothing_else_of_anybody(world: World) -> None:
    with acting(world.ada, world.acme):
        assert set(User.objects.values_list("name", flat=True)) == {world.ada.name, world.bea.name}
    with pytest.raises(Exception, match="permission denied"), acting(world.ada, world.acme):
        list(User.objects.values_list("email"))


# Questions of the company


def test_questions_go_with_the_request_and_each_is_answered_by_itself(world: World) -> None:
    key = ask(world, questions=["  Was data lost? ", "", "Why so late?"])
    first, second = questions(key)
    assert [(each.number, each.text, each.asked_by_name) for each in (first, second)] == [
        (1, "Was data lost?", world.ada.name),
        (2, "Why so late?", world.ada.name),
    ]
    with scope.as_staff():
        request_parts.answer(
            factories.actor(world.sam), request_id=key, question_id=second.pk, text=" We slept. ", now=LATER
        )
    first, second = questions(key)
    assert (first.answer, first.answered_at) == ("", None)
    assert (second.answer, second.answered_at, second.answered_by) == ("We slept.", LATER, world.sam)
    assert audited("post_mortem.question_answered") == 1


def test_a_question_is_answered_once_with_words_and_on_its_own_request(world: World) -> None:
    key = ask(world, questions=["Was data lost?"])
    other = ask(world, world.gus, world.globex)
    (asked,) = questions(key)
    sam = factories.actor(world.sam)
    for refusal, given in (
        (errors.EmptyAnswer, {"request_id": key, "question_id": asked.pk, "text": " \n"}),
        (errors.WrongState, {"request_id": other, "question_id": asked.pk, "text": "No."}),
        (errors.WrongState, {"request_id": key, "question_id": uuid4(), "text": "No."}),
    ):
        with scope.as_staff(), pytest.raises(refusal):
            request_parts.answer(sam, now=LATER, **given)  # type: ignore[arg-type]
    assert questions(key)[0].answered_at is None
    with scope.as_staff():
        request_parts.answer(sam, request_id=key, question_id=asked.pk, text="No.", now=LATER)
        with pytest.raises(errors.WrongState):
            request_parts.answer(sam, request_id=key, question_id=asked.pk, text="Yes.", now=LATER)
    assert questions(key)[0].answer == "No."


def test_there_are_five_questions_and_no_sixth(world: World) -> None:
    with pytest.raises(errors.TooManyQuestions):
        ask(world, questions=["?"] * 6)
    with scope.as_staff():
        assert not PostMortemRequest.objects.exists()
    key = ask(world, questions=["?"] * 4)
    reference = world.incident.reference
    with acting(world.ada, world.acme) as actor:
        request_parts.ask(actor, reference=reference, text="The last one?", now=LATER)
        with pytest.raises(errors.TooManyQuestions):
            request_parts.ask(actor, reference=reference, text="One more?", now=LATER)
    assert [each.number for each in questions(key)] == [1, 2, 3, 4, 5]


def test_nothing_is_asked_of_a_request_that_is_closed(world: World) -> None:
    key = ask(world)
    with scope.as_staff():
        postmortems.decline(factories.actor(world.sam), request_ids=[key], reason="No.", now=LATER)
    with acting(world.ada, world.acme) as actor, pytest.raises(errors.WrongState):
        request_parts.ask(actor, reference=world.incident.reference, text="Why?", now=LATER)
    assert questions(key) == []


def test_ten_colleagues_who_ask_at_once_keep_to_five_and_lose_none_silently(committed: None) -> None:
    world = make_world()
    key = ask(world)

    def put(text: str) -> str:
        with acting(world.ada, world.acme) as actor:
            request_parts.ask(actor, reference=world.incident.reference, text=text, now=LATER)
        return text

    ended = at_once(*(functools.partial(put, f"Question {number}?") for number in range(10)))
    asked = [each for each in ended if isinstance(each, str)]
    refused = {type(each) for each in ended if not isinstance(each, str)}
    assert refused <= {errors.AskedMeanwhile, errors.TooManyQuestions}
    assert 1 <= len(asked) <= 5
    assert sorted(each.text for each in questions(key)) == sorted(asked)


@pytest.mark.parametrize("spoofed", ["answered", "a colleague", "the vendor", "another company"])
def test_past_the_operation_a_client_writes_only_open_questions_of_its_own(
    world: World, spoofed: str
) -> None:
    key = ask(world)
    changes: dict[str, dict[str, Any]] = {
        "answered": {"answer": "Yes.", "answered_at": LATER},
        "a colleague": {"asked_by": world.bea},
        "the vendor": {"from_vendor": True},
        "another company": {"company": world.globex},
    }
    fields = {"company": world.acme, "asked_by": world.ada} | changes[spoofed]
    with pytest.raises(Exception, match="row-level security"), acting(world.ada, world.acme):
        RequestQuestion.objects.bulk_create(
            [RequestQuestion(request_id=key, number=1, text="?", asked_at=LATER, **fields)]
        )
    assert questions(key) == questions(key, from_vendor=True) == []


def test_a_client_neither_answers_its_own_question_nor_rewrites_one(world: World) -> None:
    key = ask(world, questions=["Was data lost?"])
    (asked,) = questions(key)
    with acting(world.ada, world.acme):
        own = RequestQuestion.objects.filter(pk=asked.pk)
        assert own.update(answer="Yes.", answered_at=LATER, answered_by_id=world.ada.pk) == 0
    with pytest.raises(Exception, match="permission denied"), acting(world.ada, world.acme):
        RequestQuestion.objects.filter(pk=asked.pk).update(text="Another one")
    (stored,) = questions(key)
    assert (stored.text, stored.answer) == ("Was data lost?", "")


# Questions of the vendor


def ask_back(world: World, key: object, text: str = "Which stores?") -> None:
    with scope.as_staff():
        request_parts.ask_back(factories.actor(world.sam), request_id=key, text=text, now=LATER)  # type: ignore[arg-type]


def test_the_vendor_asks_back_and_one_person_of_the_company_answers_once(world: World, mia: User) -> None:
    key = ask(world)
    ask_back(world, key)
    reference = world.incident.reference
    with acting(mia, world.acme, Role.MANAGER) as actor:
        for refusal, text, number in (
            (errors.EmptyAnswer, " ", 1),
            (errors.WrongState, "All.", 2),
        ):
            with pytest.raises(refusal):
                request_parts.reply(actor, reference=reference, number=number, text=text, now=LATER)
        request_parts.reply(actor, reference=reference, number=1, text=" All of them. ", now=LATER)
    with acting(world.ada, world.acme) as actor, pytest.raises(errors.WrongState):
        request_parts.reply(actor, reference=reference, number=1, text="None.", now=LATER)
    (asked,) = questions(key, from_vendor=True)
    assert (asked.answer, asked.answered_by_name, asked.answered_by) == ("All of them.", mia.name, mia)
    assert audited("post_mortem.replied") == 1


def test_who_of_the_vendor_asked_or_answered_is_not_readable(world: World) -> None:
    key = ask(world)
    ask_back(world, key)
    with acting(world.ada, world.acme):
        for column in ("asked_by_id", "answered_by_id"):
            with pytest.raises(Exception, match="permission denied"), scope.as_company(world.acme.pk):
                list(RequestQuestion.objects.values_list(column))


def test_past_the_operation_nobody_answers_in_a_colleagues_name_or_for_another_company(
    world: World,
) -> None:
    key = ask(world)
    ask_back(world, key)
    (asked,) = questions(key, from_vendor=True)
    forged = {"answer": "None.", "answered_at": LATER, "answered_by_id": world.bea.pk}
    with pytest.raises(Exception, match="row-level security"), acting(world.ada, world.acme):
        RequestQuestion.objects.filter(pk=asked.pk).update(**forged)
    with acting(world.gus, world.globex):
        changed = RequestQuestion.objects.filter(pk=asked.pk).update(
            **forged | {"answered_by_id": world.gus.pk}
        )
        assert changed == 0
    assert questions(key, from_vendor=True)[0].answer == ""


def test_the_vendor_asks_nothing_once_nothing_is_owed_and_never_without_words(world: World) -> None:
    key = ask(world)
    with pytest.raises(errors.EmptyQuestion):
        ask_back(world, key, " ")
    with acting(world.ada, world.acme) as actor:
        postmortems.withdraw(actor, reference=world.incident.reference, now=LATER)
    with pytest.raises(errors.WrongState):
        ask_back(world, key)
    assert questions(key, from_vendor=True) == []


# Taking it back


def test_a_request_is_withdrawn_stays_on_record_and_can_be_asked_again(world: World, mia: User) -> None:
    first = ask(world, questions=["Was data lost?"])
    with acting(mia, world.acme, Role.MANAGER) as actor:
        postmortems.withdraw(actor, reference=world.incident.reference, now=LATER)
        with pytest.raises(errors.RequestNotFound):
            postmortems.withdraw(actor, reference=world.incident.reference, now=LATER)
    stored = request(first)
    assert (stored.state, stored.withdrawn_at, stored.withdrawn_by_name) == (
        RequestState.WITHDRAWN,
        LATER,
        mia.name,
    )
    second = ask(world, now=LATER)
    assert second != first
    assert (request(second).state, request(first).state) == (RequestState.REQUESTED, RequestState.WITHDRAWN)
    assert (questions(second), len(questions(first))) == ([], 1)
    assert audited("post_mortem.withdrawn") == 1


def test_what_was_answered_with_no_or_with_a_report_is_not_withdrawn(world: World) -> None:
    declined = ask(world)
    delivered = ask(world, world.gus, world.globex)
    sam = factories.actor(world.sam)
    with scope.as_staff():
        postmortems.decline(sam, request_ids=[declined], reason="No.", now=LATER)
        PostMortemRequest.objects.filter(pk=delivered).update(state=RequestState.PRELIMINARY_DELIVERED)
    for user, company in ((world.ada, world.acme), (world.gus, world.globex)):
        with acting(user, company) as actor, pytest.raises(errors.WrongState):
            postmortems.withdraw(actor, reference=world.incident.reference, now=LATER)
    assert request(declined).state == RequestState.DECLINED
    assert request(delivered).state == RequestState.PRELIMINARY_DELIVERED
    assert audited("post_mortem.withdrawn") == 0


def test_staff_do_not_answer_what_was_withdrawn(world: World) -> None:
    key = ask(world, questions=["Was data lost?"])
    with acting(world.ada, world.acme) as actor:
        postmortems.withdraw(actor, reference=world.incident.reference, now=LATER)
    sam = factories.actor(world.sam)
    with scope.as_staff():
        with pytest.raises(errors.WrongState):
            postmortems.accept(sam, request_ids=[key], now=LATER)
        with pytest.raises(errors.WrongState):
            request_parts.answer(sam, request_id=key, question_id=questions(key)[0].pk, text="No.", now=LATER)
    assert request(key).state == RequestState.WITHDRAWN
    assert questions(key)[0].answered_at is None


def test_accept_and_withdraw_at_once_end_in_one_of_two_honest_ways(committed: None) -> None:
    world = make_world()
    key = ask(world)

    def withdraw() -> None:
        with acting(world.ada, world.acme) as actor:
            postmortems.withdraw(actor, reference=world.incident.reference, now=LATER)

    def accept() -> None:
        with scope.as_staff():
            postmortems.accept(factories.actor(world.sam), request_ids=[key], now=LATER)

    withdrawn, accepted = at_once(withdraw, accept)
    assert withdrawn is None
    assert accepted is None or isinstance(accepted, errors.WrongState)
    stored = request(key)
    assert (stored.state, stored.withdrawn_at) == (RequestState.WITHDRAWN, LATER)
    assert (stored.answered_at is None) == (audited("post_mortem.accepted") == 0)


@pytest.mark.parametrize("state", ["accepted", "final_delivered", "requested", "withdrawn for a colleague"])
def test_past_the_operation_a_client_changes_nothing_of_a_request_but_its_own_withdrawal(
    world: World, state: str
) -> None:
    key = ask(world)
    changed = (
        {"state": "withdrawn", "withdrawn_at": LATER, "withdrawn_by_id": world.bea.pk}
        if "colleague" in state
        else {"state": state}
    )
    with pytest.raises(Exception, match="row-level security"), acting(world.ada, world.acme):
        PostMortemRequest.objects.filter(pk=key).update(**changed)
    with pytest.raises(Exception, match="permission denied"), acting(world.ada, world.acme):
        PostMortemRequest.objects.filter(pk=key).update(purpose="Another one")
    assert (request(key).state, request(key).purpose) == (RequestState.REQUESTED, "For our auditors.")


def test_who_asks_and_withdraws_very_often_is_told_to_call(world: World) -> None:
    for _ in range(10):
        ask(world)
        with acting(world.ada, world.acme) as actor:
            postmortems.withdraw(actor, reference=world.incident.reference, now=LATER)
    with pytest.raises(errors.TooManyRequests):
        ask(world)
    with scope.as_staff():
        assert PostMortemRequest.objects.count() == 10


# Who may


def test_a_reader_and_a_stranger_change_nothing(world: World) -> None:
    key = ask(world, questions=["Was data lost?"])
    ask_back(world, key)
    reference = world.incident.reference
    for user, company, role, refusal in (
        (world.bea, world.acme, Role.READER, NotPermitted),
        (world.gus, world.globex, Role.OWNER, errors.RequestNotFound),
    ):
        with acting(user, company, role) as actor:
            for attempt in (
                lambda actor=actor: request_parts.join(actor, reference=reference, now=LATER),
                lambda actor=actor, user=user: request_parts.choose_recipients(
                    actor, reference=reference, recipients=[user.pk], now=LATER
                ),
                lambda actor=actor: request_parts.ask(actor, reference=reference, text="?", now=LATER),
                lambda actor=actor: request_parts.reply(
                    actor, reference=reference, number=1, text="All.", now=LATER
                ),
                lambda actor=actor: postmortems.withdraw(actor, reference=reference, now=LATER),
            ):
                with pytest.raises(refusal):
                    attempt()
    assert names(key) == ["ada@acme.example"]
    assert (len(questions(key)), questions(key, from_vendor=True)[0].answer) == (1, "")
    assert request(key).state == RequestState.REQUESTED


def test_who_has_left_is_not_shown_among_those_whom_it_is_for(world: World, mia: User) -> None:
    key = ask(world, recipients=[mia.pk])
    with scope.as_staff():
        Membership.objects.filter(user=mia).delete()
    assert names(key) == ["ada@acme.example", "mia@acme.example"]
