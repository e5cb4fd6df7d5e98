"""What an incident is about, put right after its publication: for whom it begins, goes on and ends."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from incidents import errors
from incidents.choices import CompanyState, RecoveryReason, ReportKind
from incidents.models import (
    AffectedComponent,
    AffectedPlacement,
    Component,
    Incident,
    Recovery,
    RecoveryEntry,
)
from incidents.operations import client_reports, components, postmortems, recoveries, recovery_notes
from tenants import scope
from tenants.errors import Refusal
from tenants.models import AuditEvent, Company, User
from tests import factories
from tests.conftest import World

SignIn = Callable[[User], Client]
START = factories.STARTED_AT
NOW = START + timedelta(hours=12)


def at(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


@pytest.fixture
def reports_only(world: World) -> Incident:
    """An incident of Reports (EU), on which only Acme runs; nothing is known of it."""
    return factories.incident(world.reports, title="Reports", state=CompanyState.UNKNOWN)


def add(
    world: World,
    incident: Incident,
    component: Component,
    state: CompanyState = CompanyState.OUTAGE,
    minutes: float = 0,
    **more: Any,
) -> int:
    with scope.as_staff():
        count = components.add(
            factories.actor(world.sam),
            incident_id=incident.pk,
            component_id=component.pk,
            state=state,
            at=at(minutes),
            now=NOW,
            **more,
        )
        incident.refresh_from_db()
    return count


def remove(world: World, incident: Incident, component: Component) -> int:
    with scope.as_staff():
        count = components.remove(
            factories.actor(world.sam), incident_id=incident.pk, component_id=component.pk, now=NOW
        )
        incident.refresh_from_db()
    return count


def restore(world: World, incident: Incident, component: Component, minutes: float) -> None:
    """Acme's account on one component."""
    with scope.as_staff():
        recoveries.record_recovery(
            factories.actor(world.sam),
            incident_id=incident.pk,
            company_ids=[world.acme.pk],
            component_ids=[component.pk],
            state=CompanyState.RESTORED,
            at=at(minutes),
            now=NOW,
        )


def of(incident: Incident, company: Company) -> Recovery | None:
    with scope.as_staff():
        return Recovery.objects.filter(incident=incident, company=company).first()


def state_of(incident: Incident, company: Company) -> str:
    found = of(incident, company)
    return found.state if found else "not affected"


def content(incident: Incident) -> list[Any]:
    """All that a refusal must leave as it is."""
    with scope.as_staff():
        incident.refresh_from_db()
        return [
            incident.version,
            *(
                list(model.objects.filter(incident=incident).order_by("pk").values())
                for model in (AffectedComponent, AffectedPlacement, Recovery, RecoveryEntry)
            ),
            AuditEvent.objects.filter(action__startswith="incident.component").count(),
        ]


# Adding one that was forgotten.


def test_a_forgotten_component_brings_in_who_runs_on_it(world: World, reports_only: Incident) -> None:
    version = reports_only.version
    assert add(world, reports_only, world.api, CompanyState.OUTAGE, 30) == 1
    globex = of(reports_only, world.globex)
    assert globex is not None
    assert (globex.state, globex.impacted_at, globex.outage_seconds) == ("outage", at(30), 690 * 60)
    assert reports_only.version > version
    with scope.as_staff():
        assert reports_only.cohort.affected_count == 2
        event = AuditEvent.objects.get(action="incident.component_added")
        assert (event.detail["companies"], event.detail["new_companies"]) == (2, 1)


def test_the_newly_affected_finds_it_on_its_next_page(
    world: World, reports_only: Incident, signed_in: SignIn
) -> None:
    gus = signed_in(world.gus)
    there = f"/globex/incidents/{reports_only.reference}/"
    assert gus.get(there).status_code == 404
    add(world, reports_only, world.api)
    assert gus.get(there).status_code == 200


def test_who_was_restored_is_not_while_the_added_component_is_down(world: World) -> None:
    made = factories.incident(world.reports)
    factories.restore(world.acme, made, minutes=60)
    add(world, made, world.api, CompanyState.DEGRADED, 10)
    assert state_of(made, world.acme) == "degraded"
    factories.restore([world.acme, world.globex], made, minutes=90)
    acme = of(made, world.acme)
    assert acme is not None
    assert (acme.restored_at, acme.outage_seconds, acme.degraded_seconds) == (at(90), 3600, 1800)


def test_one_that_is_over_is_added_with_its_end(world: World) -> None:
    made = factories.incident(world.reports)
    factories.restore(world.acme, made, minutes=60)
    add(world, made, world.api, CompanyState.OUTAGE, 10, restored_at=at(45))
    acme, globex = of(made, world.acme), of(made, world.globex)
    assert acme is not None
    assert globex is not None
    assert (acme.state, acme.restored_at) == ("restored", at(60))
    assert (globex.state, globex.restored_at, globex.outage_seconds) == ("restored", at(45), 35 * 60)


def test_not_known_records_no_entry(world: World, reports_only: Incident) -> None:
    add(world, reports_only, world.api, CompanyState.UNKNOWN)
    assert state_of(reports_only, world.globex) == "unknown"
    with scope.as_staff():
        assert not RecoveryEntry.objects.filter(incident=reports_only).exists()


def test_a_double_click_adds_it_once(world: World, reports_only: Incident) -> None:
    add(world, reports_only, world.api)
    before = content(reports_only)
    with pytest.raises(errors.AlreadyPart):
        add(world, reports_only, world.api)
    assert content(reports_only) == before


@pytest.mark.parametrize(
    ("minutes", "restored", "refusal"),
    [
        (13 * 60, None, errors.InstantInFuture),
        (-8 * 24 * 60, None, errors.InstantTooEarly),
        (60, 60, errors.RestoredBeforeImpact),
        (60, 13 * 60, errors.InstantInFuture),
    ],
)
def test_times_that_cannot_be_are_refused(
    world: World, reports_only: Incident, minutes: float, restored: float | None, refusal: type[Refusal]
) -> None:
    before = content(reports_only)
    with pytest.raises(refusal):
        add(
            world,
            reports_only,
            world.api,
            minutes=minutes,
            restored_at=None if restored is None else at(restored),
        )
    assert content(reports_only) == before


def test_a_draft_is_edited_and_not_added_to(world: World) -> None:
    draft = factories.draft(world.reports)
    with pytest.raises(errors.NotPublished):
        add(world, draft, world.api)


# Taking back one that was named by mistake.


@pytest.fixture
def both(world: World) -> Incident:
    """Of Reports (EU) and, by mistake, API (EU): Globex is affected through that alone."""
    return factories.incident(world.api, world.reports, title="Both", state=CompanyState.UNKNOWN)


def test_a_wrongly_named_component_is_taken_back_with_who_ran_on_nothing_else(
    world: World, both: Incident, signed_in: SignIn
) -> None:
    gus = signed_in(world.gus)
    there = f"/globex/incidents/{both.reference}/"
    assert gus.get(there).status_code == 200
    assert remove(world, both, world.api) == 1
    assert gus.get(there).status_code == 404
    assert (state_of(both, world.acme), state_of(both, world.globex)) == ("unknown", "not affected")
    with scope.as_staff():
        assert list(both.components.all()) == [world.reports]
        assert both.cohort.affected_count == 1
        assert AuditEvent.objects.get(action="incident.component_removed").detail["companies"] == 2


def test_without_the_unknown_component_a_company_is_restored(world: World, both: Incident) -> None:
    restore(world, both, world.reports, 60)
    assert state_of(both, world.acme) == "unknown"
    remove(world, both, world.api)
    assert state_of(both, world.acme) == "restored"


def test_it_can_be_added_again(world: World, both: Incident) -> None:
    remove(world, both, world.api)
    assert add(world, both, world.api) == 1
    assert state_of(both, world.globex) == "outage"


def recorded(world: World, both: Incident) -> None:
    factories.restore(world.globex, both, minutes=60)


def reported(world: World, both: Incident) -> None:
    with scope.as_company(world.acme.pk, user_id=world.ada.pk):
        client_reports.report(
            factories.actor(world.ada, world.acme),
            reference=both.reference,
            kind=ReportKind.STILL_BROKEN,
            now=NOW,
        )


def asked(world: World, both: Incident) -> None:
    with scope.as_company(world.globex.pk, user_id=world.gus.pk):
        postmortems.request(
            factories.actor(world.gus, world.globex), reference=both.reference, purpose="Audit.", now=NOW
        )


def noted(world: World, both: Incident) -> None:
    with scope.as_staff():
        recovery_notes.write(
            factories.actor(world.sam),
            incident_id=both.pk,
            company_ids=[world.globex.pk],
            reason=RecoveryReason.DATA,
            text="",
            now=NOW,
        )


@pytest.mark.parametrize(
    ("happened", "refusal"),
    [
        (recorded, errors.HasEntries),
        (reported, errors.NamedByClient),
        (asked, errors.HoldsMore),
        (noted, errors.HoldsMore),
    ],
)
def test_of_what_something_is_known_nothing_is_taken_back(
    world: World, both: Incident, happened: Callable[[World, Incident], None], refusal: type[Refusal]
) -> None:
    happened(world, both)
    before = content(both)
    with pytest.raises(refusal):
        remove(world, both, world.api)
    assert content(both) == before


def test_the_last_component_stays(world: World, reports_only: Incident) -> None:
    before = content(reports_only)
    with pytest.raises(errors.LastComponent):
        remove(world, reports_only, world.reports)
    with pytest.raises(errors.ComponentNotFound):
        remove(world, reports_only, world.api)
    assert content(reports_only) == before


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
    recorded(world, both)
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
