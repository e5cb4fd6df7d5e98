"""A false alarm is told to those who could read it, and counts nowhere from then on."""

from datetime import timedelta

import pytest

from incidents import errors
from incidents.choices import CompanyState, ReportKind, RequestPolicy, UpdateKind
from incidents.models import (
    ClientReport,
    Cohort,
    Incident,
    PostMortemRequest,
    Recovery,
    RecoveryEntry,
    RosterEntry,
    Update,
)
from incidents.operations import client_reports, disclosure, false_alarms, incidents, postmortems
from incidents.operations.announcing import Words
from incidents.queries import incident_lists, overviews, staff_board, versions
from tenants import scope
from tenants.actor import SYSTEM
from tenants.errors import Refusal
from tenants.models import AuditEvent
from tests import factories
from tests.conftest import World
from tests.incidents import crowds
from tests.incidents.reading import read

AT = factories.STARTED_AT + timedelta(hours=2)
WORDS = Words(text="A probe was misconfigured: every account was **reachable** all the time.")


def mark(world: World, incident: Incident, words: Words = WORDS) -> None:
    with scope.as_staff():
        false_alarms.mark(factories.actor(world.sam), incident_id=incident.pk, words=words, now=AT)
        incident.refresh_from_db()


def counts() -> dict[str, int]:
    with scope.as_staff():
        return {
            model.__name__: model.objects.count()
            for model in (Update, Recovery, RecoveryEntry, AuditEvent, ClientReport, PostMortemRequest)
        }


def test_who_could_read_it_reads_when_and_why(world: World) -> None:
    mark(world, world.incident)
    for company in (world.acme, world.globex):
        page = read(world, company)
        assert page.incident.set_aside is not None
        assert (page.incident.set_aside.at, page.incident.set_aside.reason) == (AT, WORDS.text)
        assert "This was a false alarm." in page.updates[0].body_html
        assert "<strong>reachable</strong>" in page.updates[0].body_html
    with scope.as_staff():
        event = AuditEvent.objects.get(action="incident.false_alarm")
    assert (event.object_id, event.actor_id) == (str(world.incident.pk), world.sam.pk)


def test_no_next_update_is_promised_any_more(world: World) -> None:
    with scope.as_staff():
        incidents.post_update(
            SYSTEM,
            incident_id=world.incident.pk,
            kind=UpdateKind.IDENTIFIED,
            body_markdown="A line is down.",
            next_update_at=AT + timedelta(hours=1),
            now=AT - timedelta(hours=1),
        )
    mark(world, world.incident)
    page = read(world)
    promised = [update.promise for update in page.updates if update.promise]
    assert (page.incident.next_update_at, [each.is_open for each in promised]) == (None, [False])


def test_it_counts_nowhere_and_nothing_is_deleted(world: World) -> None:
    version = world.incident.version
    now = AT + timedelta(hours=1)
    with scope.as_company(world.acme.pk, read_only=True):
        assert overviews.overview(zone="UTC", now=now).month_outage_seconds == 3 * 3600
    mark(world, world.incident)
    with scope.as_company(world.acme.pk, read_only=True):
        overview = overviews.overview(zone="UTC", now=now)
        (row,) = incident_lists.incident_list(search="", kind="", page_number=1, now=now).rows
    assert (overview.state, overview.open_incidents) == (None, ())
    assert (overview.month_outage_seconds, {day.state for day in overview.days}) == (0, {None})
    assert {each.state for center in overview.data_centers for each in center.components} == {None}
    assert [each.reference for each in overview.recent_incidents] == [world.incident.reference]
    assert (row.outage_seconds, row.impacted_at, row.is_open_for_you) == (0, None, False)
    page = read(world)
    assert (page.recovery.outage_seconds, page.recovery.impacted_at, page.recovery.rank) == (0, None, None)
    assert (page.cohort, page.claims, page.roster.names) == (None, (), ())
    with scope.as_staff():
        assert staff_board.board(now=now).incidents == ()
        assert Recovery.objects.filter(incident=world.incident, state=CompanyState.OUTAGE).count() == 2
        assert RecoveryEntry.objects.filter(incident=world.incident).count() == 2
    assert world.incident.version > version


def test_nobody_is_ranked_or_named_by_it_even_when_a_consent_changes_later(world: World) -> None:
    component = factories.component("Payments", "NA")
    companies = crowds.companies(20, component, consenting=20)
    incident = factories.incident(component)
    minutes = {company.pk: 10.0 + place for place, company in enumerate(companies)}
    crowds.restore(incident, component, minutes, now=AT)
    last = companies[-1]
    with scope.as_staff():
        assert list(RosterEntry.objects.values_list("company_id", flat=True)) == [last.pk]
    mark(world, incident)
    with scope.as_staff():
        for consents in (False, True):
            disclosure.set_consent(SYSTEM, company_id=last.pk, consents=consents, now=AT)
        assert not RosterEntry.objects.exists()
        assert not Cohort.objects.filter(incident=incident).exists()
        own = Recovery.objects.filter(incident=incident).values_list("rank", "percentile", "in_tail")
        assert set(own) == {(None, None, None)}


def test_nothing_can_be_added_to_it(world: World) -> None:
    mark(world, world.incident)
    before = counts()
    ada = factories.actor(world.ada, world.acme)
    with pytest.raises(errors.SetAside):
        mark(world, world.incident)
    with pytest.raises(errors.SetAside), scope.as_staff():
        incidents.post_update(
            SYSTEM, incident_id=world.incident.pk, kind=UpdateKind.REOPENED, body_markdown="No.", now=AT
        )
    with pytest.raises(errors.SetAside), scope.as_company(world.acme.pk, user_id=world.ada.pk):
        client_reports.report(ada, reference=world.incident.reference, kind=ReportKind.STILL_BROKEN, now=AT)
    with pytest.raises(errors.RequestsClosed), scope.as_company(world.acme.pk, user_id=world.ada.pk):
        postmortems.request(ada, reference=world.incident.reference, purpose="", now=AT)
    assert counts() == before
    assert world.incident.request_policy == RequestPolicy.CLOSED


def test_a_report_that_waits_is_answered_by_a_reason_and_not_by_the_record(world: World) -> None:
    with scope.as_company(world.acme.pk, user_id=world.ada.pk):
        said, _is_new = client_reports.report(
            factories.actor(world.ada, world.acme),
            reference=world.incident.reference,
            kind=ReportKind.CONFIRMED_BACK,
            now=AT,
        )
    assert read(world).reports.rows[0].contradicts_record
    mark(world, world.incident)
    assert not read(world).reports.rows[0].contradicts_record
    before = counts()
    with pytest.raises(errors.SetAside), scope.as_staff():
        client_reports.accept(
            SYSTEM, report_id=said.pk, state=CompanyState.RESTORED, since_at=world.incident.started_at, now=AT
        )
    assert counts() == before
    with scope.as_staff():
        client_reports.dispute(SYSTEM, report_id=said.pk, reason="Your account was up.", now=AT)
    assert read(world).reports.rows[0].answer == "Your account was up."


def test_the_page_of_a_false_alarm_is_at_rest(world: World) -> None:
    mark(world, world.incident)
    with scope.as_company(world.acme.pk, read_only=True):
        assert versions.page_version(world.incident.reference).is_moving is False


@pytest.mark.parametrize(
    ("which", "words", "refusal"),
    [
        ("incident", Words(text=" "), errors.ReasonMissing),
        ("draft", WORDS, errors.NotPublished),
        ("maintenance", WORDS, errors.NotIncident),
        ("incident", Words(text="All accounts are restored."), errors.ContradictsRecord),
    ],
)
def test_what_cannot_be_a_false_alarm_is_refused_and_stays(
    world: World, which: str, words: Words, refusal: type[Refusal]
) -> None:
    subject = {
        "incident": lambda: world.incident,
        "draft": lambda: factories.draft(world.api),
        "maintenance": lambda: factories.incident(world.api, kind="maintenance", state=CompanyState.UNKNOWN),
    }[which]()
    before = counts()
    with pytest.raises(refusal):
        mark(world, subject, words)
    assert counts() == before
    with scope.as_staff():
        assert not Incident.objects.get(pk=subject.pk).is_set_aside
