"""Consent and names: a name that is withdrawn or changed is gone with the same commit."""

import threading
from datetime import timedelta

import pytest
from django.db import connection

from incidents import standings
from incidents.choices import CompanyState, RosterPolicy
from incidents.models import Incident
from incidents.operations import disclosure, postmortems, recoveries
from tenants import scope
from tenants.actor import SYSTEM
from tenants.models import AuditEvent, Company
from tests import factories
from tests.conftest import World, make_world

NOW = factories.STARTED_AT + timedelta(days=1)


def crowd(world: World, count: int = 18) -> list[Company]:
    """Twenty companies in all, one of which (Acme) will be the tail."""
    made = [factories.company(f"other-{number:02}") for number in range(count)]
    for each in made:
        factories.place(each, world.api)
    return made


@pytest.fixture
def tailed(world: World) -> World:
    """Acme is the last of twenty; it has agreed to be named."""
    return with_tail(world)


def with_tail(world: World) -> World:
    others = crowd(world)
    made = factories.incident(world.api)
    factories.restore([*others, world.globex], made, minutes=60)
    factories.restore(world.acme, made, minutes=120)
    world.incident.pk = made.pk
    with scope.as_staff():
        world.incident.refresh_from_db()
    return world


def names(world: World) -> list[str]:
    """The roster as a client reads it."""
    with scope.as_company(world.globex.pk), connection.cursor() as cursor:
        cursor.execute(
            "select name from incidents_rosterentry where incident_id = %s order by name", [world.incident.pk]
        )
        return [name for (name,) in cursor.fetchall()]


def set_consent(world: World, *, consents: bool) -> bool:
    with scope.as_staff():
        changed = disclosure.set_consent(
            factories.actor(world.sam), company_id=world.acme.pk, consents=consents, now=NOW
        )
        world.incident.refresh_from_db()
    return changed


def test_withdrawn_consent_takes_the_name_off_every_roster_at_once(tailed: World) -> None:
    first = tailed.incident.pk
    assert names(tailed) == ["Acme Stores"]
    version = tailed.incident.version
    assert set_consent(tailed, consents=False) is True
    assert names(tailed) == []
    assert (tailed.incident.pk, tailed.incident.version) == (first, version + 1)
    with scope.as_staff():
        event = AuditEvent.objects.get(action="company.consent_changed")
    assert (event.company_id, event.detail) == (tailed.acme.pk, {"consents": False})


def test_given_consent_puts_the_name_on_it(tailed: World) -> None:
    set_consent(tailed, consents=False)
    version = tailed.incident.version
    assert set_consent(tailed, consents=True) is True
    assert names(tailed) == ["Acme Stores"]
    assert tailed.incident.version == version + 1


def test_the_same_consent_again_changes_nothing(tailed: World) -> None:
    version = tailed.incident.version
    assert set_consent(tailed, consents=True) is False
    assert tailed.incident.version == version
    with scope.as_staff():
        assert not AuditEvent.objects.filter(action="company.consent_changed").exists()


@pytest.mark.parametrize("policy", [RosterPolicy.HIDDEN, RosterPolicy.COUNTS])
def test_given_consent_names_nobody_where_no_names_are_published(tailed: World, policy: RosterPolicy) -> None:
    with scope.as_staff():
        Incident.objects.filter(pk=tailed.incident.pk).update(roster_policy=policy)
    set_consent(tailed, consents=False)
    set_consent(tailed, consents=True)
    assert names(tailed) == []


def rename(world: World, name: str) -> bool:
    with scope.as_staff():
        changed = disclosure.rename(factories.actor(world.sam), company_id=world.acme.pk, name=name, now=NOW)
        world.incident.refresh_from_db()
    return changed


def test_a_renamed_company_is_published_under_its_new_name_only(tailed: World) -> None:
    version = tailed.incident.version
    assert rename(tailed, "Apex Stores") is True
    assert names(tailed) == ["Apex Stores"]
    assert tailed.incident.version == version + 1
    with scope.as_staff():
        event = AuditEvent.objects.get(action="company.renamed")
        assert Company.objects.get(pk=tailed.acme.pk).name == "Apex Stores"
    assert (event.company_id, event.detail) == (tailed.acme.pk, {})


def test_the_same_name_again_changes_nothing(tailed: World) -> None:
    version = tailed.incident.version
    assert rename(tailed, "Acme Stores") is False
    assert tailed.incident.version == version


def test_a_new_name_of_a_company_that_did_not_agree_is_not_published(tailed: World) -> None:
    set_consent(tailed, consents=False)
    assert rename(tailed, "Apex Stores") is True
    assert names(tailed) == []


def test_a_client_cannot_change_its_own_row_by_itself(tailed: World) -> None:
    with pytest.raises(Exception, match="permission denied"), scope.as_company(tailed.acme.pk):
        disclosure.set_consent(
            factories.actor(tailed.ada, tailed.acme), company_id=tailed.acme.pk, consents=False, now=NOW
        )
    assert names(tailed) == ["Acme Stores"]


def test_a_roster_written_while_consent_is_withdrawn_does_not_bring_the_name_back(committed: None) -> None:
    """A recording has read the consent and has not committed; the withdrawal comes; both end."""
    world = make_world()
    others = crowd(world)
    world.incident.pk = factories.incident(world.api).pk
    with scope.as_staff():
        world.incident.refresh_from_db()
    factories.restore(others, world.incident, minutes=60)
    assert names(world) == [], "18 of 20 restored: there is no tail yet"
    written, may_commit = threading.Event(), threading.Event()
    failed: list[Exception] = []

    def record() -> None:
        try:
            with scope.as_staff():
                recoveries.record_recovery(
                    SYSTEM,
                    incident_id=world.incident.pk,
                    company_ids=[world.globex.pk],  # the 19th, which makes Acme the tail
                    state=CompanyState.RESTORED,
                    at=factories.STARTED_AT + timedelta(minutes=60),
                    now=NOW,
                )
                written.set()
                may_commit.wait(timeout=30)
        except Exception as error:  # noqa: BLE001 - a thread's failure is the test's
            failed.append(error)
        finally:
            connection.close()

    def withdraw() -> None:
        try:
            set_consent(world, consents=False)
        except Exception as error:  # noqa: BLE001 - a thread's failure is the test's
            failed.append(error)
        finally:
            connection.close()

    recording, withdrawing = threading.Thread(target=record), threading.Thread(target=withdraw)
    recording.start()
    assert written.wait(timeout=30)
    withdrawing.start()
    withdrawing.join(timeout=1)  # it may have to wait for the recording
    may_commit.set()
    recording.join()
    withdrawing.join()
    assert failed == []
    with scope.as_staff():
        assert Company.objects.get(pk=world.acme.pk).consents_to_be_named is False
    assert names(world) == []


def test_a_client_can_ask_for_the_report_while_its_consent_is_being_changed(committed: None) -> None:
    """The request points at the company and the incident, which the withdrawal holds."""
    world = with_tail(make_world())
    written, may_commit = threading.Event(), threading.Event()
    failed: list[Exception] = []

    def withdraw() -> None:
        try:
            with scope.as_staff():
                disclosure.set_consent(
                    factories.actor(world.sam), company_id=world.acme.pk, consents=False, now=NOW
                )
                written.set()
                may_commit.wait(timeout=30)
        except Exception as error:  # noqa: BLE001 - a thread's failure is the test's
            failed.append(error)
        finally:
            connection.close()

    withdrawing = threading.Thread(target=withdraw)
    withdrawing.start()
    try:
        assert written.wait(timeout=30)
        asking = scope.as_company(world.acme.pk, user_id=world.ada.pk)
        with asking, connection.cursor() as cursor:
            cursor.execute("set local lock_timeout = '2s'")
            asked, is_new = postmortems.request(
                factories.actor(world.ada, world.acme),
                reference=world.incident.reference,
                purpose="Please.",
                now=NOW,
            )
    finally:
        may_commit.set()
        withdrawing.join()
    assert failed == []
    assert (asked.company_id, is_new) == (world.acme.pk, True)


def test_a_roster_holds_only_who_agreed_whatever_the_order_of_things(tailed: World) -> None:
    set_consent(tailed, consents=False)
    with scope.as_staff():
        standings.refresh(tailed.incident, now=NOW)
    assert names(tailed) == []
