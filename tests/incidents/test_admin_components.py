"""The pages that put an incident's components right, and the names that clients read."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from incidents.choices import CompanyState
from incidents.models import Component, Incident
from tenants import scope
from tenants.models import AuditEvent, User
from tests import factories
from tests.conftest import World
from tests.incidents.affecting import content, restore, state_of

SignIn = Callable[[User], Client]


@pytest.fixture
def reports_only(world: World) -> Incident:
    """An incident of Reports (EU), on which only Acme runs; nothing is known of it."""
    return factories.incident(world.reports, title="Reports", state=CompanyState.UNKNOWN)


@pytest.fixture
def both(world: World) -> Incident:
    """Of Reports (EU) and, by mistake, API (EU): Globex is affected through that alone."""
    return factories.incident(world.api, world.reports, title="Both", state=CompanyState.UNKNOWN)


# Names.


def rename(world: World, signed_in: SignIn, part: Any, **typed: str) -> int:
    where = reverse(f"admin:incidents_{part._meta.model_name}_change", args=[part.pk])
    return int(signed_in(world.sam).post(where, typed).status_code)


def test_a_renamed_component_is_called_so_on_the_next_page(
    world: World, both: Incident, signed_in: SignIn
) -> None:
    restore(world, both, world.api, 60)
    restore(world, both, world.reports, 70)
    ada = signed_in(world.ada)
    there = f"/acme/incidents/{both.reference}/"
    assert "API (EU)" in ada.get(there).content.decode()
    etag = ada.get(there, headers={"HX-Request": "true"})["ETag"]
    typed = {
        "name": "Interfaces (EU)",
        "service": str(world.api.service_id),
        "data_center": str(world.api.data_center_id),
    }
    assert rename(world, signed_in, world.api, **typed) == 302
    answer = ada.get(there, headers={"HX-Request": "true", "If-None-Match": etag})
    assert answer.status_code == 200
    assert "Interfaces (EU)" in answer.content.decode()
    with scope.as_staff():
        event = AuditEvent.objects.get(action="component.changed")
        assert event.detail == {"fields": ["name"], "incidents": 2}


def test_services_and_data_centers_raise_the_version_of_what_shows_them(
    world: World, both: Incident, signed_in: SignIn
) -> None:
    with scope.as_staff():
        version = Incident.objects.get(pk=both.pk).version
    assert rename(world, signed_in, world.api.service, name="Interfaces", position="3") == 302
    assert rename(world, signed_in, world.api.data_center, code="EU", name="Europe", position="0") == 302
    with scope.as_staff():
        assert Incident.objects.get(pk=both.pk).version == version + 2


def test_saving_a_part_unchanged_changes_no_version(world: World, both: Incident, signed_in: SignIn) -> None:
    version = both.version
    assert rename(world, signed_in, world.api.service, name="API", position="0") == 302
    with scope.as_staff():
        both.refresh_from_db()
    assert both.version == version


# The pages.


def page(incident: Incident, name: str, component: Component | None = None) -> str:
    query = f"?component={component.pk}" if component else ""
    return reverse(f"admin:incidents_incident_{name}", args=[incident.pk]) + query


def test_the_pages_say_whom_it_touches_before_anything_is_changed(
    world: World, reports_only: Incident, signed_in: SignIn
) -> None:
    client = signed_in(world.sam)
    listed = client.get(page(reports_only, "components")).content.decode()
    assert "Reports (EU)" in listed
    assert "API (EU): 2 companies" in listed
    shown = client.get(page(reports_only, "add-component", world.api))
    assert shown.context["facts"] == {
        "Companies on it now": 2,
        "Of them new to the incident": 1,
        "Affected already": 1,
        "Of these restored by now": 0,
    }
    assert state_of(reports_only, world.globex) == "not affected"
    sent = {
        "state": "outage",
        "at_0": "04/02/2026",
        "at_1": "13:00:00",
        "restored_at_0": "",
        "restored_at_1": "",
    }
    answer = client.post(page(reports_only, "add-component", world.api), sent, follow=True)
    assert "API (EU) is part of the incident now: 1 company more." in answer.content.decode()
    assert state_of(reports_only, world.globex) == "outage"


def test_the_page_of_taking_back_says_who_is_let_go(world: World, both: Incident, signed_in: SignIn) -> None:
    client = signed_in(world.sam)
    shown = client.get(page(both, "remove-component", world.api))
    assert shown.context["facts"] == {"Companies on it": 2, "Affected through it alone": 1}
    assert state_of(both, world.globex) == "unknown"
    client.post(page(both, "remove-component", world.api))
    assert state_of(both, world.globex) == "not affected"


def test_what_cannot_be_taken_back_is_not_offered(world: World, both: Incident, signed_in: SignIn) -> None:
    restore(world, both, world.api, 60)
    before = content(both)
    client = signed_in(world.sam)
    shown = client.get(page(both, "remove-component", world.api))
    assert "part of the record" in shown.content.decode()
    assert shown.context["submit"] == ""
    answer = client.post(page(both, "remove-component", world.api), follow=True)
    assert "part of the record" in answer.content.decode()
    assert content(both) == before


@pytest.mark.parametrize("name", ["add-component", "remove-component"])
@pytest.mark.parametrize("component", ["", "x", "%00", "00000000-0000-0000-0000-000000000007"])
def test_a_component_that_is_not_there_changes_nothing(
    world: World, both: Incident, signed_in: SignIn, name: str, component: str
) -> None:
    before = content(both)
    client = signed_in(world.sam)
    there = f"{page(both, name)}?component={component}"
    for answer in (client.get(there), client.post(there, {"state": "outage"})):
        assert answer.status_code == 302
    assert content(both) == before
