"""Consent is withdrawn while an incident is published and its roster written: real threads and commits."""

import functools
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

import psycopg
import pytest
from django.db import connection
from django.test import Client

from incidents.models import Incident, RosterEntry
from incidents.operations import disclosure
from tenants import scope
from tenants.actor import SYSTEM
from tenants.models import Company
from tests import factories, sampling, services
from tests.canaries import watch
from tests.conftest import World, make_world

NOW = factories.STARTED_AT + timedelta(days=1)
ROUNDS = 40 if sampling.EVERYTHING else 6
PATIENCE_SECONDS = 30


class Crowd:
    """The world with eighteen more companies on API (EU): twenty, of which Acme is always the last."""

    def __init__(self) -> None:
        self.world: World = make_world()
        self.others = [factories.company(f"other-{number:02}") for number in range(18)]
        for each in self.others:
            factories.place(each, self.world.api)

    def publish_with_acme_last(self) -> None:
        incident = factories.incident(self.world.api)
        factories.restore([*self.others, self.world.globex], incident, minutes=60)

    def almost_over(self) -> Incident:
        """An incident in which one more recovery makes Acme the tail."""
        incident = factories.incident(self.world.api)
        factories.restore(self.others, incident, minutes=60)
        return incident

    def record_last(self, incident: Incident) -> None:
        factories.restore(self.world.globex, incident, minutes=60)

    def set_consent(self, *, consents: bool) -> None:
        with scope.as_staff():
            disclosure.set_consent(SYSTEM, company_id=self.world.acme.pk, consents=consents, now=NOW)

    def set_consent_of_two(self, *, consents: bool) -> None:
        """In one transaction, as staff do with a selection."""
        both = [self.world.globex.pk, self.world.acme.pk]
        with scope.as_staff():
            disclosure.set_consents(SYSTEM, company_ids=both, consents=consents, now=NOW)

    def rename(self, name: str) -> None:
        with scope.as_staff():
            disclosure.rename(SYSTEM, company_id=self.world.acme.pk, name=name, now=NOW)


@pytest.fixture
def crowd(committed: None) -> Crowd:
    return Crowd()


class Working:
    """Something done in a thread of its own, with a connection of its own."""

    def __init__(self, *work: Callable[[], object]) -> None:
        self.failed: list[Exception] = []
        self._threads = [threading.Thread(target=self._run, args=(each,)) for each in work]
        for thread in self._threads:
            thread.start()

    def _run(self, work: Callable[[], object]) -> None:
        try:
            work()
        except Exception as error:  # noqa: BLE001 - a thread's failure is the test's
            self.failed.append(error)
        finally:
            connection.close()

    def wait(self, seconds: float = PATIENCE_SECONDS) -> None:
        for thread in self._threads:
            thread.join(timeout=seconds)

    def end(self) -> None:
        self.wait()
        assert self.failed == []
        assert not any(thread.is_alive() for thread in self._threads), "they wait for each other"


@contextmanager
def company_held(company: Company) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
    """Somebody else (a suspension, say) holds the company's row while the context is open."""
    with psycopg.connect(services.admin_url(os.environ["PORTAL_TEST_DATABASE"])) as holding:
        holding.execute("select from tenants_company where id = %s for no key update", [company.pk])
        yield holding
        holding.rollback()


def is_waited_for(holding: psycopg.Connection[tuple[object, ...]]) -> bool:
    """Whether somebody waits for what `holding` holds, within some seconds."""
    for _ in range(500):
        waiting = holding.execute(
            "select from pg_locks where not granted and pg_backend_pid() = any (pg_blocking_pids(pid))"
        )
        if waiting.fetchall():
            return True
        time.sleep(0.02)
    return False


def named() -> list[str]:
    with scope.as_staff():
        return sorted(RosterEntry.objects.values_list("name", flat=True))


def consents(crowd: Crowd) -> bool:
    with scope.as_staff():
        return bool(Company.objects.get(pk=crowd.world.acme.pk).consents_to_be_named)


def test_an_incident_published_while_the_withdrawal_waits_names_nobody(crowd: Crowd) -> None:
    """The withdrawal has looked which incidents there are, and waits for the company; then comes one more."""
    crowd.publish_with_acme_last()
    assert named() == ["Acme Stores"]
    with company_held(crowd.world.acme) as holding:
        withdrawing = Working(lambda: crowd.set_consent(consents=False))
        assert is_waited_for(holding)
        publishing = Working(crowd.publish_with_acme_last)
        publishing.wait(seconds=1)  # it may have to wait too
    withdrawing.end()
    publishing.end()
    assert not consents(crowd)
    assert named() == []


def test_a_roster_being_written_is_taken_back_by_the_withdrawal_that_waits_for_it(crowd: Crowd) -> None:
    """The new incident names Acme, and is not committed when the withdrawal comes."""
    written, may_commit = threading.Event(), threading.Event()

    def publish() -> None:
        with scope.as_staff():
            crowd.publish_with_acme_last()
            written.set()
            may_commit.wait(timeout=PATIENCE_SECONDS)

    publishing = Working(publish)
    assert written.wait(timeout=PATIENCE_SECONDS)
    withdrawing = Working(lambda: crowd.set_consent(consents=False))
    withdrawing.wait(seconds=1)
    may_commit.set()
    publishing.end()
    withdrawing.end()
    assert not consents(crowd)
    assert named() == []


def test_a_new_name_and_an_incident_published_meanwhile_leave_only_the_new_name(crowd: Crowd) -> None:
    with company_held(crowd.world.acme) as holding:
        renaming = Working(lambda: crowd.rename("Apex Stores"))
        assert is_waited_for(holding)
        publishing = Working(crowd.publish_with_acme_last)
        publishing.wait(seconds=1)
    renaming.end()
    publishing.end()
    assert named() == ["Apex Stores"]


def test_consent_that_is_given_while_an_incident_is_published_counts_there_too(crowd: Crowd) -> None:
    crowd.set_consent(consents=False)
    with company_held(crowd.world.acme) as holding:
        giving = Working(lambda: crowd.set_consent(consents=True))
        assert is_waited_for(holding)
        publishing = Working(crowd.publish_with_acme_last)
        publishing.wait(seconds=1)
    giving.end()
    publishing.end()
    assert named() == ["Acme Stores"]


def test_withdrawals_racing_with_recordings_and_publications_never_leave_a_name(
    crowd: Crowd, record_property: Callable[[str, object], None]
) -> None:
    """All at once, in whatever order it comes; the next request of anybody affected shows no name."""
    gus = Client()
    gus.force_login(crowd.world.gus)
    for number in range(ROUNDS):
        incident = crowd.almost_over()
        start = threading.Barrier(3)

        def together(work: Callable[[], object], start: threading.Barrier = start) -> Callable[[], object]:
            def run() -> object:
                start.wait(timeout=PATIENCE_SECONDS)
                return work()

            return run

        address = f"/globex/incidents/{incident.reference}/"
        with watch.collected():  # an answer that was given before is looked at after the withdrawal
            Working(
                together(lambda: crowd.set_consent_of_two(consents=False)),
                together(functools.partial(crowd.record_last, incident)),
                together(crowd.publish_with_acme_last),
                functools.partial(gus.get, address),
            ).end()
        assert not consents(crowd), number
        assert named() == [], number
        answer = gus.get(address).content
        assert b"1 client that is not named" in answer, number
        assert b"Acme Stores" not in answer, number
        crowd.set_consent_of_two(consents=True)
        assert named() == ["Acme Stores"] * 2 * (number + 1), number
        assert b"Acme Stores" in gus.get(address).content, number
    record_property(sampling.CASES + "of rounds of withdrawals racing with recordings", ROUNDS)
