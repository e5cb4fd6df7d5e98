"""A text on its way out between two who act at once: real threads, commits and killed workers."""

import os
import threading
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from incidents.choices import WaitingState
from incidents.models import Update, WaitingUpdate
from incidents.operations import waiting_updates
from tenants import scope
from tenants.errors import Refusal
from tests import factories, sampling, services
from tests.conftest import World, make_world
from tests.incidents.sent_off import NOW, act, again, make_critical, posted, send
from tests.incidents.test_admin_updates import page, typed
from tests.incidents.test_disclosure_races import PATIENCE_SECONDS, Working
from tests.real_worker import kill, somebody_waits, until, worker

ROUNDS = 30 if sampling.EVERYTHING else 6
DUE = NOW + timedelta(seconds=20)


@pytest.fixture
def crowd(committed: None, settings: Settings) -> World:
    settings.UPDATE_UNDO_SECONDS = 20
    return make_world()


def together(*works: Callable[[], object]) -> Counter[str]:
    """Do all at once, and count what came of it: "done", or the name of the refusal."""
    start, came = threading.Barrier(len(works)), Counter[str]()

    def run(work: Callable[[], object]) -> None:
        start.wait(timeout=PATIENCE_SECONDS)
        try:
            work()
        except Refusal as refusal:
            came[type(refusal).__name__] += 1
        else:
            came["done"] += 1

    Working(*(lambda work=work: run(work) for work in works)).end()
    return came


def sweep() -> int:
    return waiting_updates.leave_due(now=DUE)


def test_undo_and_the_sweep_at_once_are_exactly_one_of_both(crowd: World) -> None:
    for number in range(ROUNDS):
        waiting = send(crowd, f"Round {number}.")
        came = together(lambda each=waiting: act(crowd, "take_back", each), sweep, sweep)  # type: ignore[misc]
        if came["done"] == 3:  # taken back, or busy: the sweep looks again
            sweep()
        is_posted = f"Round {number}." in posted(crowd)
        was_taken_back = "WaitingMovedOn" not in came
        assert is_posted is not was_taken_back, number
        assert again(waiting).state == (WaitingState.POSTED if is_posted else WaitingState.UNDONE), number
    assert max(Counter(posted(crowd)).values(), default=1) == 1


def test_two_sweeps_and_a_hasty_person_post_once(crowd: World) -> None:
    for number in range(ROUNDS):
        waiting = send(crowd, f"Round {number}.")
        hasty = lambda each=waiting: act(crowd, "post_now", each, now=DUE)  # noqa: E731 - one of three
        together(sweep, sweep, hasty, hasty)
        sweep()
        assert again(waiting).state == WaitingState.POSTED
    assert sorted(posted(crowd)) == sorted(f"Round {number}." for number in range(ROUNDS))


def test_two_who_approve_and_one_who_sends_back_at_once_are_one_decision(
    crowd: World, settings: Settings
) -> None:
    settings.UPDATE_SECOND_PERSON = True
    make_critical(crowd)
    others = [factories.person(f"pia-{number}@vendor.example", is_staff=True) for number in range(3)]
    for number in range(ROUNDS):
        waiting = send(crowd, f"Round {number}.")
        came = together(
            lambda each=waiting: act(crowd, "approve", each, by=others[0]),  # type: ignore[misc]
            lambda each=waiting: act(crowd, "approve", each, by=others[1]),  # type: ignore[misc]
            lambda each=waiting: act(crowd, "send_back", each, by=others[2], reason="No."),  # type: ignore[misc]
        )
        assert came == {"done": 1, "WaitingMovedOn": 2}


def test_the_same_form_posted_by_many_requests_at_once_is_one_text(crowd: World) -> None:
    browsers = [Client() for _ in range(3)]
    for browser in browsers:
        browser.force_login(crowd.sam)
    for number in range(ROUNDS):
        sent = typed(browsers[0], crowd.incident, text=f"Round {number}.", form_key=str(uuid4()))
        places: list[str] = []

        def post(browser: Client, sent: dict[str, object] = sent, places: list[str] = places) -> None:
            places.append(browser.post(page(crowd.incident), sent)["Location"])

        together(*(lambda each=browser: post(each) for browser in browsers))
        assert len(places) == 3
        assert len(set(places)) == 1
        with scope.as_staff():
            assert WaitingUpdate.objects.filter(body_markdown=f"Round {number}.").count() == 1


def test_a_worker_that_is_killed_while_it_posts_leaves_nothing_behind_and_the_next_posts_it_once(
    crowd: World, tmp_path: Path
) -> None:
    first = send(crowd, "First.", now=timezone.now() - timedelta(seconds=30))
    send(crowd, "Second.", now=timezone.now() - timedelta(seconds=25))
    with psycopg.connect(services.admin_url(os.environ["PORTAL_TEST_DATABASE"])) as somebody:
        somebody.execute("lock table incidents_claim, incidents_update in share mode")
        with worker(tmp_path) as one:
            until(somebody_waits)
            kill(one)
    assert (again(first).state, posted(crowd)) == (WaitingState.WAITING, [])
    with worker(tmp_path):
        until(lambda: len(posted(crowd)) == 2)
    assert posted(crowd) == ["First.", "Second."]
    with scope.as_staff():
        assert Update.objects.count() == 2
