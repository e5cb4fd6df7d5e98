"""Recoveries in the admin: recorded for the selected companies, through the operation, once."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from incidents.choices import CompanyState, EntrySource, IncidentKind
from incidents.models import Cohort, Incident, Placement, Recovery, RecoveryEntry
from tenants import scope
from tenants.models import Company, User
from tests import factories
from tests.conftest import World

SignIn = Callable[[User], Client]
LIST = reverse("admin:incidents_recovery_changelist")


def keys(incident: Incident, *companies: Company) -> list[str]:
    with scope.as_staff():
        rows = Recovery.objects.filter(incident=incident, company__in=companies)
        return [str(pk) for pk in rows.values_list("pk", flat=True)]


def typed(selected: list[str], *, count: int | None = None, **changes: Any) -> dict[str, Any]:
    """What a browser sends from the page between: restored at 14:45 CET, on every component."""
    return {
        "action": "record_recovery",
        "select_across": "0",
        "_selected_action": selected,
        "selected_count": str(len(selected) if count is None else count),
        "record": "yes",
        "state": "restored",
        "at_0": "04/02/2026",
        "at_1": "13:45:00",
    } | changes


def states(incident: Incident) -> dict[UUID, str]:
    with scope.as_staff():
        return dict(Recovery.objects.filter(incident=incident).values_list("company_id", "state"))


def entry_count() -> int:
    with scope.as_staff():
        return RecoveryEntry.objects.count()


def messages_of(response: Any) -> str:
    return " ".join(str(message) for message in response.context["messages"])


def test_it_asks_first_and_names_whom(world: World, signed_in: SignIn) -> None:
    selected = keys(world.incident, world.acme, world.globex)
    before = entry_count()
    asked = {"action": "record_recovery", "_selected_action": selected, "select_across": "0"}
    words = signed_in(world.sam).post(LIST, asked).content.decode()
    assert "Record how 2 companies are doing" in words
    assert "Acme Stores, Globex Hotels" in words
    assert "API (EU)" in words
    assert "Reports (EU)" not in words, "only components of the incident"
    assert "in UTC" in words
    assert entry_count() == before


def test_it_records_and_the_standings_follow(world: World, signed_in: SignIn) -> None:
    answer = signed_in(world.sam).post(LIST, typed(keys(world.incident, world.acme)), follow=True)
    assert "Recorded for 1 company, in 1 entry" in messages_of(answer)
    assert states(world.incident) == {world.acme.pk: "restored", world.globex.pk: "outage"}
    with scope.as_staff():
        recovery = Recovery.objects.get(incident=world.incident, company=world.acme)
        entry = RecoveryEntry.objects.filter(company=world.acme).latest("recorded_at")
        cohort = Cohort.objects.get(incident=world.incident)
    assert recovery.restored_at == factories.STARTED_AT + timedelta(minutes=60)
    assert recovery.in_tail is False, "with two companies there is no tail"
    assert (entry.source, entry.recorded_by_id) == (EntrySource.STAFF, world.sam.pk)
    assert cohort.restored_count == 1


def test_the_time_is_read_in_the_zone_that_is_named(world: World, signed_in: SignIn) -> None:
    with scope.as_staff():
        User.objects.filter(pk=world.sam.pk).update(time_zone="America/New_York")
    client = signed_in(world.sam)
    selected = keys(world.incident, world.acme)
    asked = {"action": "record_recovery", "_selected_action": selected, "select_across": "0"}
    assert "(America/New_York)" in client.post(LIST, asked).content.decode()
    client.post(LIST, typed(selected, at_1="08:45:00"))
    with scope.as_staff():
        recovery = Recovery.objects.get(incident=world.incident, company=world.acme)
    assert recovery.restored_at == factories.STARTED_AT + timedelta(minutes=60)


def test_a_double_click_adds_nothing(world: World, signed_in: SignIn) -> None:
    client = signed_in(world.sam)
    sent = typed(keys(world.incident, world.acme, world.globex))
    client.post(LIST, sent)
    after = entry_count()
    answer = client.post(LIST, sent, follow=True)
    assert "recorded for 2 companies already" in messages_of(answer)
    assert entry_count() == after


def test_one_of_two_components_leaves_the_company_down(world: World, signed_in: SignIn) -> None:
    both = factories.incident(world.api, world.reports, title="Both")
    client = signed_in(world.sam)
    client.post(LIST, typed(keys(both, world.acme), components=[str(world.reports.pk)]))
    assert states(both)[world.acme.pk] == "outage"
    client.post(LIST, typed(keys(both, world.acme), components=[str(world.api.pk)]))
    assert states(both)[world.acme.pk] == "restored"


def test_all_that_match_the_filters_can_be_selected(world: World, signed_in: SignIn) -> None:
    for number in range(120):
        factories.place(factories.company(f"more-{number}"), world.api)
    wide = factories.incident(world.api, title="Wide")
    client = signed_in(world.sam)
    there = f"{LIST}?incident={wide.pk}&restored=no"
    one = keys(wide, world.acme)
    asked = client.post(there, {"action": "record_recovery", "_selected_action": one, "select_across": "1"})
    assert "Record how 122 companies are doing" in asked.content.decode()
    with CaptureQueriesContext(connection) as seen:
        answer = client.post(there, typed(one, count=122, select_across="1"))
    assert answer.status_code == 302
    assert len(seen) < 40, "set-based, not company by company"
    assert set(states(wide).values()) == {"restored"}
    assert set(states(world.incident).values()) == {"outage"}


def test_a_selection_that_has_changed_is_shown_again(world: World, signed_in: SignIn) -> None:
    client = signed_in(world.sam)
    before = entry_count()
    there = f"{LIST}?incident={world.incident.pk}&restored=no"
    sent = typed(keys(world.incident, world.acme), count=3, select_across="1")
    answer = client.post(there, sent)
    assert "The selection has changed since you saw it: it is 2 now" in answer.content.decode()
    assert entry_count() == before


def test_companies_of_two_incidents_are_refused(world: World, signed_in: SignIn) -> None:
    other = factories.incident(world.reports, title="Another")
    before = entry_count()
    selected = keys(world.incident, world.acme) + keys(other, world.acme)
    answer = signed_in(world.sam).post(LIST, typed(selected), follow=True)
    assert "several incidents" in messages_of(answer)
    assert entry_count() == before


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"at_0": f"04/02/{timezone.now().year + 2}"}, "lies in the future"),
        ({"at_0": "04/02/2199"}, "at most five years ahead"),
        ({"at_0": "04/02/1900"}, "a day from 2000 on"),
        ({"at_0": "27/01/2026"}, "more than 7 days before"),
        ({"at_0": ""}, "required"),
        ({"at_0": "", "at_1": ""}, "required"),
        ({"at_0": "31/02/2026"}, "valid date"),
        ({"state": "fine"}, "not one of the available choices"),
        ({"components": ["not-a-component"]}, "not a valid"),
    ],
)
def test_what_cannot_be_recorded_is_refused(
    world: World, signed_in: SignIn, changes: dict[str, Any], words: str
) -> None:
    before = entry_count(), states(world.incident)
    answer = signed_in(world.sam).post(LIST, typed(keys(world.incident, world.acme), **changes))
    assert answer.status_code == 200
    assert words in answer.content.decode()
    assert (entry_count(), states(world.incident)) == before


def test_a_company_without_the_component_is_refused_and_so_are_all(world: World, signed_in: SignIn) -> None:
    both = factories.incident(world.api, world.reports, title="Both")
    before = entry_count(), states(both)
    sent = typed(keys(both, world.acme, world.globex), components=[str(world.reports.pk)])
    answer = signed_in(world.sam).post(LIST, sent)
    assert "is not affected" in answer.content.decode()
    assert (entry_count(), states(both)) == before


def test_a_company_keeps_its_components_while_it_is_down(world: World, signed_in: SignIn) -> None:
    client = signed_in(world.sam)
    with scope.as_staff():
        placement = Placement.objects.get(company=world.acme, component=world.api)
        free = Placement.objects.get(company=world.acme, component=world.reports)
    remove = reverse("admin:incidents_placement_delete", args=[placement.pk])
    assert client.post(remove, {"post": "yes"}).status_code == 403
    assert client.post(remove.replace(str(placement.pk), str(free.pk)), {"post": "yes"}).status_code == 302
    factories.restore(world.acme, world.incident, minutes=60)
    assert client.post(remove, {"post": "yes"}).status_code == 302
    with scope.as_staff():
        assert not Placement.objects.filter(company=world.acme).exists()


def test_a_recovery_shows_the_entries_that_it_is_made_of(world: World, signed_in: SignIn) -> None:
    factories.restore(world.acme, world.incident, minutes=60)
    (pk,) = keys(world.incident, world.acme)
    words = signed_in(world.sam).get(reverse("admin:incidents_recovery_change", args=[pk])).content.decode()
    assert "Acme Stores in INC-" in words
    assert "4 Feb 2026, 12:45 UTC" in words
    assert "4 Feb 2026, 13:45 UTC" in words
    assert CompanyState.OUTAGE.label in words
    assert 'name="_save"' not in words


@pytest.mark.parametrize("value", ["not-a-key", "1", ""])
def test_a_filter_that_names_nothing_is_no_error(world: World, signed_in: SignIn, value: str) -> None:
    answer = signed_in(world.sam).get(f"{LIST}?incident={value}")
    assert answer.status_code in (200, 302)


def test_the_length_of_a_maintenance_is_said_to_hold_what_was_planned(
    world: World, signed_in: SignIn
) -> None:
    work = factories.incident(
        world.api,
        kind=IncidentKind.MAINTENANCE,
        planned_end_at=factories.STARTED_AT + timedelta(hours=1),
    )
    for each in (work, world.incident):
        factories.restore(world.acme, each, minutes=90)
    client = signed_in(world.sam)
    (planned,), (other,) = (keys(each, world.acme) for each in (work, world.incident))
    for address in (f"{LIST}?incident={work.pk}", reverse("admin:incidents_recovery_change", args=[planned])):
        assert "1 h 30 min, planned time included" in client.get(address).content.decode()
    words = client.get(reverse("admin:incidents_recovery_change", args=[other])).content.decode()
    assert "1 h 30 min" in words
    assert "planned time" not in words


def test_the_list_says_whose_it_is_and_how_long_it_has_been_so_far(world: World, signed_in: SignIn) -> None:
    at = timezone.now() - timedelta(minutes=90)
    with scope.as_staff():
        Recovery.objects.filter(incident=world.incident, company=world.acme).update(
            measured_at=at, outage_seconds=600
        )
    words = signed_in(world.sam).get(f"{LIST}?incident={world.incident.pk}").content.decode()
    assert f"Recoveries of {world.incident.reference}" in words
    assert reverse("admin:incidents_incident_change", args=[world.incident.pk]) in words
    assert "1 h 40 min so far" in words
    assert "Tick companies" in words
    assert "Tick companies" not in signed_in(world.sam).get(LIST).content.decode()
