"""What clients read of planned work by the clock, of a false alarm, of an incident that goes on elsewhere."""

from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine
from django.test import Client

from incidents.choices import CompanyState, IncidentKind, IncidentState
from incidents.models import Incident
from incidents.operations import false_alarms, incidents, maintenances, merging
from incidents.operations.announcing import Words
from tenants import scope
from tenants.actor import SYSTEM
from tenants.models import User
from tests import factories
from tests.conftest import World

SignIn = Callable[[User], Client]

START = factories.STARTED_AT + timedelta(days=2)
END = START + timedelta(hours=2)
SECOND = timedelta(seconds=1)
POLL = {"HX-Request": "true"}
WORDS = Words(text="A <b>probe</b> was {odd}.")


@pytest.fixture
def work(world: World) -> Incident:
    """Planned for two hours, and nobody is there who writes down that it has begun."""
    draft = factories.draft(
        world.api,
        title="New storage",
        kind=IncidentKind.MAINTENANCE,
        state=IncidentState.SCHEDULED,
        started_at=START,
        planned_end_at=END,
    )
    with scope.as_staff():
        incidents.publish(SYSTEM, incident_id=draft.pk, now=START - timedelta(days=1))
        draft.refresh_from_db()
    return draft


def path(incident: Incident, company: str = "acme", more: str = "") -> str:
    return f"/{company}/incidents/{incident.reference}/{more}"


def told(client: Client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


def test_planned_work_is_told_by_the_clock_with_its_window_in_the_readers_zone(
    world: World, signed_in: SignIn, work: Incident
) -> None:
    client = signed_in(world.ada)
    with time_machine.travel(START - SECOND, tick=False):
        page, overview = told(client, path(work)), told(client, "/acme/")
    assert "Acme Stores: Scheduled" in page
    assert "6 Feb 2026, 13:45</time> to <time" in page
    assert "15:45 CET</time>" in page
    assert "How everyone recovered" not in page
    assert "Planned next:" in overview
    with time_machine.travel(START, tick=False):
        page, overview = told(client, path(work)), told(client, "/acme/")
        assert "Maintenance: in progress" in told(client, "/acme/incidents/?kind=maintenance")
    assert "Acme Stores: In progress" in page
    assert "in 1 open incident." in overview
    assert "Planned next:" not in overview
    with time_machine.travel(END, tick=False):
        page = told(client, path(work))
    assert "Acme Stores: Verifying" in page
    assert "takes longer than planned" in page


def test_planned_work_that_goes_on_is_no_incident_that_affects_the_account(
    world: World, signed_in: SignIn, work: Incident
) -> None:
    factories.restore([world.acme, world.globex], world.incident, minutes=30)
    with time_machine.travel(START, tick=False):
        overview = told(signed_in(world.ada), "/acme/")
    assert "Your account is not affected by any open incident." in overview
    assert "Planned work that touches your account is going on." in overview
    assert work.reference in overview


def test_a_poll_hears_of_the_start_in_its_second_although_nothing_was_written(
    world: World, signed_in: SignIn, work: Incident
) -> None:
    """In the middle of a minute, in which nothing else of the page moves."""
    with scope.as_staff():
        Incident.objects.filter(pk=work.pk).update(started_at=START + 30 * SECOND)
    client = signed_in(world.ada)
    with time_machine.travel(START + 29 * SECOND, tick=False):
        held = {"If-None-Match": client.get(path(work), headers=POLL)["ETag"]} | POLL
        assert client.get(path(work), headers=held).status_code == 304
    with time_machine.travel(START + 30 * SECOND, tick=False):
        answer = client.get(path(work), headers=held)
    assert answer.status_code == 200
    assert "In progress" in answer.content.decode()


def test_a_cancelled_maintenance_and_one_that_ended_early_say_so(
    world: World, signed_in: SignIn, work: Incident
) -> None:
    client = signed_in(world.ada)
    with scope.as_staff():
        maintenances.cancel(SYSTEM, incident_id=work.pk, words=WORDS, now=START - timedelta(hours=1))
    with time_machine.travel(END, tick=False):
        page, overview = told(client, path(work)), told(client, "/acme/")
        assert "Maintenance: cancelled" in told(client, "/acme/incidents/")
    assert "Acme Stores: Cancelled" in page
    assert "A &lt;b&gt;probe&lt;/b&gt; was {odd}." in page
    assert "<b>" not in page
    assert "Planned next:" not in overview
    assert 'data-live-open="false"' in page


def test_a_false_alarm_says_when_and_why_and_offers_nothing(world: World, signed_in: SignIn) -> None:
    client, at = signed_in(world.ada), factories.STARTED_AT + timedelta(hours=1)
    with time_machine.travel(at, tick=False):
        held = {"If-None-Match": client.get(path(world.incident), headers=POLL)["ETag"]} | POLL
        with scope.as_staff():
            false_alarms.mark(SYSTEM, incident_id=world.incident.pk, words=WORDS, now=at)
        assert client.get(path(world.incident), headers=held).status_code == 200
        page, overview = told(client, path(world.incident)), told(client, "/acme/")
        listed = told(client, "/acme/incidents/")
        reports = told(client, path(world.incident, more="reports/"))
        asked = told(client, path(world.incident, more="post-mortem/"))
    assert "Your account was not affected: this was a false alarm." in page
    assert "Found to be a false alarm" in page
    assert "14:45 CET" in page
    assert "What was recorded and said until then. None of it counts." in page
    assert "A &lt;b&gt;probe&lt;/b&gt; was {odd}." in page
    for gone in ("Still broken for us", "Ask for the post-mortem", "The last 5%", "Affected from", "Down "):
        assert gone not in page
    assert "Your account is not affected by any open incident" in overview
    assert "Not affected</span>" in overview
    assert "Announced: false alarm" in listed
    assert "Nothing can be added here" in reports
    for each in (overview, listed, reports, asked):
        assert 'class="state tone-down"' not in each


def test_the_merged_one_leads_to_the_one_that_goes_on_and_back(world: World, signed_in: SignIn) -> None:
    other = factories.incident(world.reports, title="Reports fail", state=CompanyState.DEGRADED)
    at = factories.STARTED_AT + timedelta(hours=1)
    with scope.as_staff():
        merging.merge(SYSTEM, incident_id=other.pk, into_id=world.incident.pk, now=at)
    with time_machine.travel(at, tick=False):
        ada = signed_in(world.ada)
        pointer, goes_on = told(ada, path(other)), told(ada, path(world.incident))
        of_others = told(signed_in(world.gus), path(world.incident, "globex"))
        unseen = signed_in(world.gus).get(path(other, "globex"))
        listed = told(ada, "/acme/incidents/")
    assert f'href="{path(world.incident)}"' in pointer
    assert "Acme Stores: Merged" in pointer
    assert "What was recorded counts in the other incident; what was said stays here." in pointer
    assert "counts in the other incident" not in goes_on
    assert f'href="{path(other)}"' in goes_on
    assert other.reference not in of_others
    assert "turned out to be part" not in of_others
    assert unseen.status_code == 404
    assert "Announced: merged" in listed
