"""Two incidents that turn out to be one: nothing is lost, nothing counted twice, and only one goes on."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from incidents import errors, standings
from incidents.choices import (
    Audience,
    ClaimKind,
    CompanyState,
    EntrySource,
    ImportState,
    IncidentKind,
    IncidentState,
    ReportKind,
    RequestState,
    Severity,
    UpdateKind,
    Verdict,
)
from incidents.models import (
    AffectedComponent,
    AffectedPlacement,
    Claim,
    Cohort,
    Incident,
    PostMortemRequest,
    Recovery,
    RecoveryEntry,
    RecoveryImport,
    Update,
)
from incidents.operations import (
    client_reports,
    import_work,
    incidents,
    postmortems,
    report_drafts,
)
from incidents.queries import incident_lists, overviews, shapes, staff_reports
from tenants import scope
from tenants.actor import SYSTEM
from tenants.errors import Refusal
from tenants.models import AuditEvent
from tests import factories
from tests.conftest import World, make_world
from tests.incidents.reading import read
from tests.incidents.twins import AT, START, merge, record, twin
from tests.threads import at_once


def again(incident: Incident) -> Incident:
    with scope.as_staff():
        return Incident.objects.get(pk=incident.pk)


def everything() -> list[object]:
    """All that a merge could touch, to be compared."""
    tables = (Incident, Recovery, RecoveryEntry, AffectedPlacement, AffectedComponent, Cohort, Update)
    with scope.as_staff():
        rows = [list(model.objects.order_by("pk").values_list()) for model in (*tables, PostMortemRequest)]
        return [*rows, AuditEvent.objects.count()]


def refused(work: Callable[[], object], refusal: type[Refusal]) -> Refusal:
    """The refusal, and that nothing has changed with it."""
    before = everything()
    with pytest.raises(refusal) as raised:
        work()
    assert everything() == before
    return raised.value


# What goes over


def test_a_company_of_the_other_alone_becomes_affected_in_the_one_that_goes_on(world: World) -> None:
    """Globex is on API (EU) alone: it is not in the twin, and reads no more of it than before."""
    other = twin(world)
    assert merge(world, world.incident, other) == 1
    page = read(world, world.globex, incident=other)
    assert page.recovery.state is CompanyState.OUTAGE
    assert page.recovery.impacted_at == START
    assert page.recovery.outage_seconds == read(world).recovery.as_of.timestamp() - START.timestamp()
    assert set(page.incident.components) == {"API (EU)", "Reports (EU)"}
    with scope.as_staff():
        rows = AffectedPlacement.objects.filter(incident=other).values_list(
            "company__slug", "component__name"
        )
        assert set(rows) == {
            ("acme", "API (EU)"),
            ("acme", "Reports (EU)"),
            ("globex", "API (EU)"),
        }
        assert Cohort.objects.get(incident=other).affected_count == 2


def test_the_one_that_goes_on_has_the_earlier_start_the_worse_severity_and_all_facts(world: World) -> None:
    other = twin(world, detected_at=START)
    with scope.as_staff():
        Incident.objects.filter(pk=other.pk).update(severity=Severity.CRITICAL)
        copied = RecoveryEntry.objects.get(incident=other)
    version = world.incident.version
    assert merge(world, other, world.incident) == 0
    stays = again(world.incident)
    assert (stays.started_at, stays.detected_at, stays.severity) == (
        START - timedelta(minutes=30),
        START,
        Severity.CRITICAL,
    )
    assert stays.version > version
    with scope.as_staff():
        copy = RecoveryEntry.objects.get(incident=world.incident, component=world.reports)
    for column in ("company_id", "state", "at", "source", "recorded_by_id", "recorded_at"):
        assert getattr(copy, column) == getattr(copied, column)


def test_downtime_of_both_is_counted_once(world: World) -> None:
    other = twin(world)
    record(other, world.acme, CompanyState.RESTORED, 60)
    record(world.incident, world.acme, CompanyState.RESTORED, 90)
    now = START + timedelta(days=1)
    with scope.as_company(world.acme.pk, read_only=True):
        before = overviews.overview(zone="UTC", now=now)
    merge(world, other, world.incident)
    with scope.as_company(world.acme.pk, read_only=True):
        after = overviews.overview(zone="UTC", now=now)
        rows = incident_lists.incident_list(search="", kind="", page_number=1, now=now).rows
    assert after.month_outage_seconds == before.month_outage_seconds == 120 * 60
    assert {row.reference: row.outage_seconds for row in rows} == {
        world.incident.reference: 120 * 60,
        other.reference: 0,
    }
    assert [row.reference for row in after.recent_incidents] == [world.incident.reference]


def test_what_superseded_an_entry_still_does_in_the_copy(world: World) -> None:
    other = twin(world)
    with scope.as_staff():
        entry = RecoveryEntry.objects.get(incident=other)
        RecoveryEntry.objects.create(
            company=world.acme,
            incident=other,
            component=world.reports,
            state=CompanyState.DEGRADED,
            at=entry.at,
            source=EntrySource.STAFF,
            recorded_at=AT,
            idempotency_key="corrected",
            supersedes=entry,
        )
        standings.settle(other, [world.acme.pk], now=AT)
    record(world.incident, world.acme, CompanyState.RESTORED, 0)
    merge(world, other, world.incident)
    own = read(world).recovery
    assert (own.state, own.outage_seconds) == (CompanyState.DEGRADED, 0)


def test_an_unknown_account_stays_unknown_and_is_never_restored_by_a_merge(world: World) -> None:
    other = twin(world, state=CompanyState.UNKNOWN)
    record(world.incident, world.acme, CompanyState.RESTORED, 30)
    merge(world, other, world.incident)
    assert read(world).recovery.state is CompanyState.UNKNOWN


# The pointer


def test_the_other_becomes_a_pointer_that_its_clients_can_follow(world: World) -> None:
    other = twin(world)
    with scope.as_staff():
        update = incidents.post_update(
            SYSTEM,
            incident_id=other.pk,
            kind=UpdateKind.UPDATE,
            body_markdown="We look at the reports.",
            audience=Audience.EVERYONE,
            now=AT,
        )
    merge(world, other, world.incident)
    page = read(world, incident=other)
    assert page.incident.set_aside == shapes.SetAside(
        at=AT,
        reason="",
        merged_into=shapes.OtherIncident(reference=world.incident.reference, title=world.incident.title),
    )
    assert (page.incident.is_open_for_you, page.recovery.impacted_at, page.cohort) == (False, None, None)
    assert update.pk in {each.id for each in page.updates}
    assert world.incident.reference in page.updates[0].body_html
    told = (shapes.OtherIncident(reference=other.reference, title=other.title),)
    assert read(world).merged_from == told
    assert read(world, world.globex).merged_from == ()
    with pytest.raises(errors.IncidentNotFound):
        read(world, world.globex, incident=other)


def test_what_the_other_claimed_is_held_against_the_record_that_goes_on(world: World) -> None:
    other = twin(world)
    with scope.as_staff():
        Claim.objects.create(
            incident=other,
            kind=ClaimKind.RESTORED_AT,
            source="Header",
            claimed_at=START + timedelta(minutes=30),
        )
    merge(world, other, world.incident)
    for component in (world.api, world.reports):
        record(world.incident, world.acme, CompanyState.RESTORED, 60, component)
    (claim,) = read(world, incident=other).claims
    assert (claim.verdict, claim.difference_seconds) == (Verdict.ANNOUNCED_TOO_EARLY, -30 * 60)


def test_pointers_lead_to_the_last_one_and_never_to_another_pointer(world: World) -> None:
    first, second = twin(world), twin(world, title="Reports fail again")
    merge(world, first, second)
    version = again(first).version
    merge(world, second, world.incident)
    assert {again(each).merged_into_id for each in (first, second)} == {world.incident.pk}
    assert again(first).version > version


def test_nothing_can_be_written_to_the_pointer(world: World) -> None:
    other = twin(world)
    merge(world, other, world.incident)
    ada = factories.actor(world.ada, world.acme)

    def post() -> None:
        with scope.as_staff():
            incidents.post_update(
                SYSTEM, incident_id=other.pk, kind=UpdateKind.UPDATE, body_markdown="More.", now=AT
            )

    def begin_report() -> None:
        with scope.as_staff():
            report_drafts.begin(SYSTEM, incident_id=other.pk, zone="UTC", now=AT)

    def recorded() -> None:
        record(other, world.acme, CompanyState.RESTORED, 60)

    def report() -> None:
        with scope.as_company(world.acme.pk, user_id=world.ada.pk):
            client_reports.report(ada, reference=other.reference, kind=ReportKind.STILL_BROKEN, now=AT)

    def request() -> None:
        with scope.as_company(world.acme.pk, user_id=world.ada.pk):
            postmortems.request(ada, reference=other.reference, purpose="", now=AT)

    refused(post, errors.SetAside)
    refused(recorded, errors.SetAside)
    refused(begin_report, errors.SetAside)
    refused(report, errors.SetAside)
    refused(request, errors.RequestsClosed)
    refused(lambda: merge(world, other, world.incident), errors.SetAside)
    refused(lambda: merge(world, world.incident, other), errors.SetAside)


def test_an_import_of_the_pointer_is_given_up_and_what_it_applied_stays(world: World) -> None:
    other = twin(world)
    with scope.as_staff():
        made = [
            RecoveryImport.objects.create(
                incident=other,
                state=state,
                file_name="a.csv",
                content=b"company,at\n",
                line_count=1,
                preview={"is_over": False},
                uploaded_at=AT,
            )
            for state in (ImportState.CHECKING, ImportState.APPLYING, ImportState.ROLLING_BACK)
        ]
    merge(world, other, world.incident)
    for each in made:
        import_work.advance(each.pk, now=AT)
    with scope.as_staff():
        for each in made:
            each.refresh_from_db()
    assert [each.state for each in made] == [ImportState.FAILED] * 3
    assert {each.trouble for each in made} == {errors.SetAside.message}


# What clients asked and said


def test_a_request_goes_on_with_its_dates_and_who_asked_for_both_is_owed_one(world: World) -> None:
    other = twin(world, world.api)
    ada, gus = factories.actor(world.ada, world.acme), factories.actor(world.gus, world.globex)
    for actor, company, incident in (
        (ada, world.acme, other),
        (gus, world.globex, other),
        (gus, world.globex, world.incident),
    ):
        with scope.as_company(company.pk, user_id=actor.user_id):
            postmortems.request(actor, reference=incident.reference, purpose="Auditors.", now=AT)
    with scope.as_staff():
        due_at = PostMortemRequest.objects.get(company=world.acme).answer_due_at
    merge(world, other, world.incident)
    with scope.as_staff():
        rows = {(each.company_id, each.incident_id): each for each in PostMortemRequest.objects.all()}
        actions = set(AuditEvent.objects.filter(company=world.globex).values_list("action", flat=True))
    moved = rows[world.acme.pk, world.incident.pk]
    assert (moved.state, moved.answer_due_at) == (RequestState.REQUESTED, due_at)
    second = rows[world.globex.pk, other.pk]
    assert second.state == RequestState.DECLINED
    assert world.incident.reference in second.decline_reason
    assert rows[world.globex.pk, world.incident.pk].state == RequestState.REQUESTED
    assert len(rows) == 3
    assert "post_mortem.declined" in actions


def test_a_request_that_was_taken_back_there_keeps_no_other_from_going_on(world: World) -> None:
    other, gus = twin(world, world.api), factories.actor(world.gus, world.globex)
    for incident, withdraws in ((world.incident, True), (other, False)):
        with scope.as_company(world.globex.pk, user_id=gus.user_id):
            postmortems.request(gus, reference=incident.reference, purpose="Auditors.", now=AT)
            if withdraws:
                postmortems.withdraw(gus, reference=incident.reference, now=AT)
    merge(world, other, world.incident)
    with scope.as_staff():
        states = PostMortemRequest.objects.filter(incident=world.incident).values_list("state", flat=True)
        assert sorted(states) == ["requested", "withdrawn"]


def test_a_report_on_the_pointer_waits_beside_the_other_and_is_accepted_into_its_record(
    world: World,
) -> None:
    other = twin(world)
    record(other, world.acme, CompanyState.RESTORED, 30)
    record(world.incident, world.acme, CompanyState.RESTORED, 30)
    with scope.as_company(world.acme.pk, user_id=world.ada.pk):
        said, _is_new = client_reports.report(
            factories.actor(world.ada, world.acme),
            reference=other.reference,
            kind=ReportKind.STILL_BROKEN,
            now=AT,
        )
    merge(world, other, world.incident)
    with scope.as_staff():
        (waiting,) = staff_reports.open_reports(most=9, incident_id=world.incident.pk)
        assert (waiting.id, waiting.disagrees) == (said.pk, True)
        added = client_reports.accept(
            SYSTEM, report_id=said.pk, state=CompanyState.OUTAGE, since_at=START + timedelta(hours=1), now=AT
        )
    assert added == 1
    assert read(world).recovery.state is CompanyState.OUTAGE


# What is refused


def test_records_that_contradict_each_other_are_not_merged(world: World) -> None:
    """One says that the component is back, the other counts on: merged, one of them would be lost."""
    other = twin(world, world.api)
    record(other, world.acme, CompanyState.RESTORED, 60)
    raised = refused(lambda: merge(world, other, world.incident), errors.MergeLoses)
    assert isinstance(raised, errors.MergeLoses)
    assert raised.company_count == 1
    assert "Acme Stores" in raised.message
    record(world.incident, world.acme, CompanyState.RESTORED, 60)
    assert merge(world, other, world.incident) == 0
    own = read(world).recovery
    assert (own.state, own.outage_seconds) == (CompanyState.RESTORED, 90 * 60)


def test_what_cannot_be_merged_is_refused_and_stays(world: World) -> None:
    draft = factories.draft(world.api)
    work = factories.incident(world.api, kind=IncidentKind.MAINTENANCE, state=CompanyState.UNKNOWN)
    for subject, refusal in (
        (world.incident, errors.MergedWithItself),
        (draft, errors.NotPublished),
        (work, errors.NotIncident),
        (Incident(), errors.IncidentNotFound),
    ):
        refused(lambda subject=subject: merge(world, subject, world.incident), refusal)  # type: ignore[misc]
        refused(lambda subject=subject: merge(world, world.incident, subject), refusal)  # type: ignore[misc]


def test_a_resolved_incident_gets_no_account_that_is_down(world: World) -> None:
    other = twin(world)
    factories.restore([world.acme, world.globex], world.incident, minutes=30)
    factories.resolve(world.incident, by=world.sam, now=START + timedelta(minutes=40))
    raised = refused(lambda: merge(world, other, world.incident), errors.MergeReopens)
    assert "1 account is not restored" in raised.message
    record(other, world.acme, CompanyState.RESTORED, 50)
    merge(world, other, world.incident)
    stays = again(world.incident)
    assert stays.state == IncidentState.RESOLVED
    with scope.as_staff():
        assert Recovery.objects.get(incident=stays, company=world.acme).is_final


def test_of_merges_at_once_one_is_done_and_the_others_are_refused(committed: None) -> None:
    """Each into each, and the same one four times: nobody waits for ever, nothing is copied twice."""
    world = make_world()
    other = twin(world)
    works = [lambda: merge(world, world.incident, other), lambda: merge(world, other, world.incident)]
    outcomes = at_once(*works * 4)
    assert sum(isinstance(each, errors.SetAside) for each in outcomes) == 7
    assert sum(isinstance(each, Exception) for each in outcomes) == 7
    with scope.as_staff():
        assert sorted(Incident.objects.values_list("state", flat=True)) == ["investigating", "merged"]
        stays = Incident.objects.get(merged_into=None)
        assert RecoveryEntry.objects.filter(incident=stays).count() == 3
