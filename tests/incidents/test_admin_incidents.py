"""Incidents in the admin: drafts are edited, published once with their reach said, then held fast."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse

from incidents.choices import CompanyState, IncidentKind, IncidentState, RosterPolicy, Severity
from incidents.models import AffectedComponent, Claim, Component, Incident, Recovery, RecoveryEntry
from tenants import scope
from tenants.models import AuditEvent, User
from tests import factories
from tests.conftest import World

SignIn = Callable[[User], Client]


def page(name: str, incident: Incident | None = None) -> str:
    return reverse(f"admin:incidents_incident_{name}", args=[incident.pk] if incident else [])


def typed(world: World, **changes: Any) -> dict[str, Any]:
    """What a browser sends for a new incident."""
    return {
        "title": "Reports are late",
        "kind": "incident",
        "severity": "minor",
        "started_at_0": "04/02/2026",
        "started_at_1": "13:45:00",
        "detected_at_0": "",
        "detected_at_1": "",
        "planned_end_at_0": "",
        "planned_end_at_1": "",
        "affected": [str(world.api.pk), str(world.reports.pk)],
        "tail_percent": "5",
        "roster_policy": "names",
        "request_policy": "approval",
    } | changes


def again(incident: Incident) -> Incident:
    with scope.as_staff():
        return Incident.objects.get(pk=incident.pk)


def messages_of(response: Any) -> str:
    return " ".join(str(message) for message in response.context["messages"])


@pytest.fixture
def draft(world: World) -> Incident:
    return factories.draft(world.api, title="Something is wrong")


def test_a_draft_is_written_with_its_components_in_the_readers_zone(world: World, signed_in: SignIn) -> None:
    with scope.as_staff():
        User.objects.filter(pk=world.sam.pk).update(time_zone="Europe/Paris")
    client = signed_in(world.sam)
    form = client.get(page("add")).content.decode()
    assert "(Europe/Paris)" in form
    assert "API (EU): 2 companies" in form
    assert "Reports (EU): 1 company" in form
    answer = client.post(page("add"), typed(world))
    assert answer.status_code == 302
    with scope.as_staff():
        made = Incident.objects.get(title="Reports are late")
        assert made.started_at == factories.STARTED_AT
        assert made.is_draft
        assert made.severity == Severity.MINOR
        assert made.state == IncidentState.INVESTIGATING
        assert set(made.components.all()) == {world.api, world.reports}
        assert not Recovery.objects.filter(incident=made).exists()


def test_a_draft_is_shown_once_it_is_saved_where_it_is_published(world: World, signed_in: SignIn) -> None:
    client = signed_in(world.sam)
    assert "Declare an incident" in client.get(page("add")).content.decode()
    answer = client.post(page("add"), typed(world), follow=True)
    with scope.as_staff():
        made = Incident.objects.get(title="Reports are late")
    assert answer.redirect_chain == [(page("change", made), 302)]
    assert "No client sees it" in messages_of(answer)
    assert page("publish", made) in answer.content.decode()


def test_a_data_center_that_fails_is_ticked_once(world: World, signed_in: SignIn) -> None:
    center = world.api.data_center_id
    elsewhere = factories.component("API", "XX")
    sent = typed(world, affected=[], whole_centers=[str(center)])
    signed_in(world.sam).post(page("add"), sent)
    with scope.as_staff():
        made = Incident.objects.get(title="Reports are late")
        affected = set(made.components.values_list("pk", flat=True))
        own = set(Component.objects.filter(data_center=center).values_list("pk", flat=True))
    assert {world.api.pk, world.reports.pk} <= affected
    assert affected == own
    assert elsewhere.pk not in affected


def test_of_a_published_incident_no_ticks_are_taken(world: World, signed_in: SignIn) -> None:
    before = again(world.incident)
    factories.component("New", world.api.data_center.code)
    sent = {"title": before.title, "severity": before.severity, "request_policy": before.request_policy}
    sent |= {"detected_at_0": "", "detected_at_1": "", "whole_centers": [str(world.api.data_center_id)]}
    with scope.as_staff():
        affected = set(
            AffectedComponent.objects.filter(incident=before).values_list("component_id", flat=True)
        )
    assert signed_in(world.sam).post(page("change", before), sent).status_code == 302
    with scope.as_staff():
        left = AffectedComponent.objects.filter(incident=before).values_list("component_id", flat=True)
        assert set(left) == affected


def test_a_maintenance_starts_scheduled_and_needs_a_planned_end(world: World, signed_in: SignIn) -> None:
    client = signed_in(world.sam)
    refused = client.post(page("add"), typed(world, kind="maintenance"))
    assert refused.status_code == 200
    assert "needs a planned end" in refused.content.decode()
    with scope.as_staff():
        assert not Incident.objects.filter(title="Reports are late").exists()
    ended = typed(world, kind="maintenance", planned_end_at_0="04/02/2026", planned_end_at_1="15:00:00")
    assert client.post(page("add"), ended).status_code == 302
    with scope.as_staff():
        assert Incident.objects.get(title="Reports are late").state == IncidentState.SCHEDULED


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"planned_end_at_0": "04/02/2026", "planned_end_at_1": "15:00:00"}, "Only a maintenance"),
        ({"title": ""}, "required"),
        ({"tail_percent": "0"}, "greater than or equal to 1"),
        ({"started_at_0": "yesterday"}, "valid date"),
        ({"affected": ["not-a-component"]}, "not a valid"),
        ({"kind": "rumour"}, "not one of the available choices"),
    ],
)
def test_a_draft_that_cannot_be_is_refused(
    world: World, signed_in: SignIn, changes: dict[str, Any], words: str
) -> None:
    answer = signed_in(world.sam).post(page("add"), typed(world, **changes))
    assert answer.status_code == 200
    assert words in answer.content.decode()
    with scope.as_staff():
        assert Incident.objects.count() == 1


def test_components_of_a_draft_are_exchanged(world: World, signed_in: SignIn, draft: Incident) -> None:
    answer = signed_in(world.sam).post(page("change", draft), typed(world, affected=[str(world.reports.pk)]))
    assert answer.status_code == 302
    with scope.as_staff():
        assert list(again(draft).components.all()) == [world.reports]


def test_publishing_says_first_how_many_it_reaches(world: World, signed_in: SignIn, draft: Incident) -> None:
    words = signed_in(world.sam).get(page("publish", draft)).content.decode()
    assert "Publish to 2 companies" in words
    assert again(draft).is_draft


@pytest.mark.parametrize("state", [CompanyState.UNKNOWN, CompanyState.OUTAGE, CompanyState.DEGRADED])
def test_publishing_shows_it_to_every_company_placed_there(
    world: World, signed_in: SignIn, draft: Incident, state: CompanyState
) -> None:
    answer = signed_in(world.sam).post(page("publish", draft), {"state": state}, follow=True)
    assert "2 companies see it now" in messages_of(answer)
    with scope.as_staff():
        assert not again(draft).is_draft
        recoveries = Recovery.objects.filter(incident=draft)
        assert {recovery.company_id for recovery in recoveries} == {world.acme.pk, world.globex.pk}
        assert {recovery.state for recovery in recoveries} == {state}
        expected = 0 if state is CompanyState.UNKNOWN else 2
        assert RecoveryEntry.objects.filter(incident=draft).count() == expected
        event = AuditEvent.objects.get(action="incident.published", object_id=str(draft.pk))
        assert event.actor_id == world.sam.pk
    assert draft.reference in signed_in(world.ada).get("/acme/").content.decode()


def test_publishing_twice_publishes_once(world: World, signed_in: SignIn, draft: Incident) -> None:
    client = signed_in(world.sam)
    client.post(page("publish", draft), {"state": "outage"})
    first = again(draft)
    answer = client.post(page("publish", draft), {"state": "degraded"}, follow=True)
    assert "published already" in messages_of(answer)
    assert again(draft).published_at == first.published_at
    assert again(draft).version == first.version
    with scope.as_staff():
        assert set(Recovery.objects.filter(incident=draft).values_list("state", flat=True)) == {"outage"}


@pytest.mark.parametrize("state", ["restored", "", "rumour"])
def test_nothing_is_published_as_restored_or_as_nothing(
    world: World, signed_in: SignIn, draft: Incident, state: str
) -> None:
    assert signed_in(world.sam).post(page("publish", draft), {"state": state}).status_code == 200
    assert again(draft).is_draft


def test_a_draft_that_reaches_nobody_is_not_published(world: World, signed_in: SignIn) -> None:
    nowhere = factories.draft(factories.component("Mobile App", "NA"), title="Nobody runs this")
    client = signed_in(world.sam)
    assert "it would reach nobody" in client.get(page("publish", nowhere)).content.decode()
    answer = client.post(page("publish", nowhere), {"state": "outage"}, follow=True)
    assert "Nothing was published" in messages_of(answer)
    assert again(nowhere).is_draft


def test_once_published_the_facts_that_have_consequences_stay(world: World, signed_in: SignIn) -> None:
    before = again(world.incident)
    answer = signed_in(world.sam).post(
        page("change", world.incident),
        typed(
            world,
            kind="maintenance",
            started_at_0="01/01/2020",
            tail_percent="50",
            roster_policy="hidden",
            title=before.title,
            severity=before.severity,
        ),
    )
    assert answer.status_code == 302
    after = again(world.incident)
    assert after.kind == IncidentKind.INCIDENT
    assert after.started_at == before.started_at
    assert after.tail_percent == 5
    assert after.roster_policy == RosterPolicy.NAMES
    assert after.version == before.version
    with scope.as_staff():
        assert list(after.components.all()) == [world.api]
        assert AffectedComponent.objects.filter(incident=after).count() == 1


def test_a_new_title_reaches_clients_at_once(world: World, signed_in: SignIn) -> None:
    """The version is what a client's browser asks by: without a new one it would keep the old page."""
    before = again(world.incident)
    signed_in(world.sam).post(page("change", world.incident), typed(world, title="API down in Europe"))
    after = again(world.incident)
    assert after.title == "API down in Europe"
    assert after.version == before.version + 1
    assert after.state == before.state
    with scope.as_staff():
        event = AuditEvent.objects.get(action="incident.edited")
    assert event.detail == {"fields": ["title", "severity"]}
    assert "API down in Europe" in signed_in(world.ada).get("/acme/").content.decode()


def test_only_a_draft_is_deleted_and_only_without_claims(
    world: World, signed_in: SignIn, draft: Incident
) -> None:
    client = signed_in(world.sam)
    assert client.post(page("delete", world.incident), {"post": "yes"}).status_code == 403
    with scope.as_staff():
        claim = Claim.objects.create(
            incident=draft, kind="started_at", source="Header", claimed_at=factories.STARTED_AT
        )
    assert client.post(page("delete", draft), {"post": "yes"}).status_code == 403
    with scope.as_staff():
        claim.delete()
    assert "Something is wrong" in client.get(page("delete", draft)).content.decode()
    assert client.post(page("delete", draft), {"post": "yes"}).status_code == 302
    with scope.as_staff():
        assert list(Incident.objects.all()) == [world.incident]


def test_the_change_page_shows_the_record_and_what_contradicts_it(world: World, signed_in: SignIn) -> None:
    factories.restore(world.acme, world.incident, minutes=60)
    factories.restore(world.globex, world.incident, minutes=90)
    with scope.as_staff():
        for kind, value in (
            ("restored_at", {"claimed_at": factories.STARTED_AT + timedelta(minutes=60)}),
            ("total_duration", {"claimed_seconds": 90 * 60}),
            (
                "restored_share",
                {"claimed_percent": 95, "posted_at": factories.STARTED_AT + timedelta(minutes=61)},
            ),
        ):
            Claim.objects.create(incident=world.incident, kind=kind, source="Header", **value)
    answer = signed_in(world.sam).get(page("change", world.incident))
    glance = answer.context["glance"]
    assert (glance.restored_count, glance.affected_count, glance.open_count) == (2, 2, 0)
    assert glance.all_restored_at == factories.STARTED_AT + timedelta(minutes=90)
    assert glance.contradicted_count == 2
    words = answer.content.decode()
    assert "2 contradicted" in words
    assert "Announced too early" in words
    assert "−30 min" in words
    assert f"/admin/incidents/recovery/?incident={world.incident.pk}" in words


def test_the_console_says_what_is_late(world: World, signed_in: SignIn, draft: Incident) -> None:
    now = datetime.now(tz=ZoneInfo("UTC"))
    with scope.as_staff():
        Incident.objects.filter(pk=world.incident.pk).update(next_update_at=now - timedelta(minutes=5))
    factories.restore(world.acme, world.incident, minutes=60)
    board = signed_in(world.sam).get("/admin/").context["board"]
    late, waiting = board.incidents
    assert late.id == world.incident.pk
    assert late.is_late
    assert (late.restored_count, late.affected_count) == (1, 2)
    assert waiting.id == draft.pk
    assert waiting.state is None
    assert ">Late</strong>" in signed_in(world.sam).get("/admin/").content.decode()


def test_an_incident_that_is_resolved_but_not_for_everyone_stays_on_the_console(
    world: World, signed_in: SignIn
) -> None:
    with scope.as_staff():
        Incident.objects.filter(pk=world.incident.pk).update(state=IncidentState.RESOLVED)
    client = signed_in(world.sam)
    assert "not for everyone" in client.get("/admin/").content.decode()
    factories.restore([world.acme, world.globex], world.incident, minutes=60)
    assert client.get("/admin/").context["board"].incidents == ()


def test_a_maintenance_that_is_over_leaves_the_console_whatever_was_recorded(
    world: World, signed_in: SignIn
) -> None:
    factories.restore([world.acme, world.globex], world.incident, minutes=60)
    planned = factories.incident(world.api, kind=IncidentKind.MAINTENANCE, state=CompanyState.UNKNOWN)
    with scope.as_staff():
        Incident.objects.exclude(pk=planned.pk).update(state=IncidentState.RESOLVED)
    client = signed_in(world.sam)
    board = client.get("/admin/").context["board"]
    assert ([each.id for each in board.maintenances], board.incidents) == ([planned.pk], ())
    with scope.as_staff():
        Incident.objects.filter(pk=planned.pk).update(state=IncidentState.COMPLETED)
    board = client.get("/admin/").context["board"]
    assert (board.maintenances, board.incidents) == ((), ())


@pytest.mark.parametrize("name", ["publish", "post-update"])
def test_who_may_only_look_publishes_and_posts_nothing(
    world: World, signed_in: SignIn, draft: Incident, name: str
) -> None:
    with scope.as_staff():
        tim = User.objects.create_user("tim@vendor.example", factories.PASSWORD, name="Tim", is_staff=True)
        tim.user_permissions.add(Permission.objects.get(codename="view_incident"))
    client = signed_in(tim)
    subject = draft if name == "publish" else world.incident
    seen = client.get(page("change", subject))
    assert seen.status_code == 200
    assert page(name, subject) not in seen.content.decode()
    assert "needs another role" in seen.content.decode()
    console = client.get("/admin/").content.decode()
    assert page("change", subject) in console
    assert page(name, subject) not in console
    assert page("add") not in console
    refused = client.get(page(name, subject))
    assert refused.status_code == 403
    assert "Your role among the staff" in refused.content.decode()
    sent = {"state": "outage", "kind": "update", "text": "Hello", "audience": "everyone"}
    assert client.post(page(name, subject), sent).status_code == 403
    assert again(draft).is_draft
    with scope.as_staff():
        assert not AuditEvent.objects.filter(actor=tim).exists()
