"""What an incident is about, put right after its publication: for whom it begins, goes on and ends."""

from collections.abc import Callable

import pytest
from django.test import Client

from incidents import errors
from incidents.choices import CompanyState, ImportState, RecoveryReason, ReportKind
from incidents.models import ImportPortion, Incident, RecoveryEntry, RecoveryImport
from incidents.operations import client_reports, postmortems, recovery_notes
from portal.web import rendered
from tenants import scope
from tenants.errors import Refusal
from tenants.models import AuditEvent, User
from tests import factories
from tests.conftest import World
from tests.incidents.affecting import NOW, add, at, content, of, remove, restore, state_of

SignIn = Callable[[User], Client]


@pytest.fixture
def reports_only(world: World) -> Incident:
    """An incident of Reports (EU), on which only Acme runs; nothing is known of it."""
    return factories.incident(world.reports, title="Reports", state=CompanyState.UNKNOWN)


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
    assert gus.get(there).status_code == 404, "also while the process still keeps the part that it rendered"
    rendered.forget_all()  # kept from when it was Globex's to read; the watch asks what is so now
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


def named_in_a_file(world: World, both: Incident) -> None:
    name_in_a_file(world, both, state=ImportState.READY)


def named_in_a_file_that_can_be_tried_again(world: World, both: Incident) -> None:
    name_in_a_file(world, both, state=ImportState.FAILED, failed_at_step=ImportState.APPLYING)


def name_in_a_file(world: World, both: Incident, **stands: ImportState) -> None:
    with scope.as_staff():
        sent = RecoveryImport.objects.create(
            incident=both, file_name="a.csv", line_count=2, uploaded_at=NOW, **stands
        )
        ImportPortion.objects.create(
            recovery_import=sent,
            lines=[2],
            company_ids=[world.globex.pk],
            component_ids=[world.api.pk],
            states=[CompanyState.RESTORED],
            ats=[at(60)],
        )


@pytest.mark.parametrize(
    ("happened", "refusal"),
    [
        (named_in_a_file, errors.NamedInImport),
        (named_in_a_file_that_can_be_tried_again, errors.NamedInImport),
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
