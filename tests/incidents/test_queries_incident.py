"""One incident as one company reads it: its own record, the shared facts, and a cost that does not grow."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from incidents import errors
from incidents.choices import (
    Audience,
    ClaimKind,
    CompanyState,
    EntrySource,
    IncidentKind,
    IncidentState,
    RequestPolicy,
    RequestState,
    UpdateKind,
    Verdict,
)
from incidents.models import Claim, Incident, PostMortemRequest
from incidents.operations import postmortems, recoveries
from incidents.queries import incident_pages, versions
from tenants import scope
from tenants.models import Company, User
from tests import factories
from tests.conftest import World, make_world
from tests.incidents import crowds
from tests.incidents.reading import NOW, enter, instant, post, read

SignIn = Callable[[User], Client]

# Whose it is


def test_foreign_unknown_and_draft_references_are_not_found(world: World) -> None:
    alone = factories.component("Mobile App", "NA")
    factories.place(world.globex, alone)
    foreign, draft = factories.incident(alone), factories.draft(world.api)
    for reference in (foreign.reference, draft.reference, "INC-22222222", "", "%", "' or '1'='1"):
        with scope.as_company(world.acme.pk):
            for ask in (
                versions.page_version,
                lambda reference: incident_pages.incident_page(
                    reference, company_name="", consents=False, may_request=False, now=NOW
                ),
                lambda reference: incident_pages.post_mortem_page(reference, may_request=False, now=NOW),
            ):
                with pytest.raises(errors.IncidentNotFound):
                    ask(reference)


def test_two_companies_read_the_same_incident_each_in_its_own_record(world: World) -> None:
    factories.restore(world.acme, world.incident, minutes=60)
    acme, globex = read(world), read(world, world.globex)
    assert (acme.recovery.state, acme.incident.is_open_for_you) == (CompanyState.RESTORED, False)
    assert (globex.recovery.state, globex.incident.is_open_for_you) == (CompanyState.OUTAGE, True)
    assert (acme.recovery.total_seconds, globex.recovery.total_seconds) == (3600, 12 * 3600)
    assert acme.incident.id == globex.incident.id
    assert "Globex" not in repr(acme)
    assert "Acme" not in repr(globex)


def test_an_incident_announced_as_resolved_stays_open_for_who_is_not_restored(world: World) -> None:
    factories.restore(world.acme, world.incident, minutes=60)
    post(world, UpdateKind.RESOLVED, 90, override_reason="The last one left us.")
    acme, globex = read(world), read(world, world.globex)
    assert (acme.incident.state, acme.incident.is_open_for_you) == (IncidentState.RESOLVED, False)
    assert (globex.incident.state, globex.incident.is_open_for_you) == (IncidentState.RESOLVED, True)
    assert [each.contradicts_your_record for each in acme.updates] == [False]
    assert [each.contradicts_your_record for each in globex.updates] == [True]


def test_a_relapse_does_not_make_what_was_said_before_untrue(world: World) -> None:
    """What counts is the state when the text was published, not the last restoration."""
    factories.restore([world.acme, world.globex], world.incident, minutes=60)
    post(world, UpdateKind.RESOLVED, 120)
    enter(world, world.acme, world.api, CompanyState.OUTAGE, 180)
    assert [each.contradicts_your_record for each in read(world).updates] == [False]
    enter(world, world.acme, world.api, CompanyState.RESTORED, 240)
    assert [each.contradicts_your_record for each in read(world).updates] == [False]


def test_what_was_said_during_a_relapse_stays_untrue(world: World) -> None:
    factories.restore([world.acme, world.globex], world.incident, minutes=60)
    post(world, UpdateKind.RESOLVED, 120)
    enter(world, world.acme, world.api, CompanyState.DEGRADED, 110)
    enter(world, world.acme, world.api, CompanyState.RESTORED, 130)
    acme, globex = read(world), read(world, world.globex)
    assert [each.contradicts_your_record for each in acme.updates] == [True]
    assert [each.contradicts_your_record for each in globex.updates] == [False]


def test_a_component_of_which_nothing_is_known_is_not_restored(world: World) -> None:
    made = factories.incident(world.api, world.reports, state=CompanyState.UNKNOWN)
    world.incident.pk, world.incident.reference = made.pk, made.reference
    enter(world, world.acme, world.api, CompanyState.RESTORED, 60)
    post(world, UpdateKind.RESOLVED, 120, override_reason="The others are back.")
    assert [each.contradicts_your_record for each in read(world).updates] == [True]
    enter(world, world.acme, world.reports, CompanyState.RESTORED, 200)
    assert [each.contradicts_your_record for each in read(world).updates] == [True]
    enter(world, world.acme, world.reports, CompanyState.RESTORED, 90)
    assert [each.contradicts_your_record for each in read(world).updates] == [False]


def test_a_completed_maintenance_contradicts_nobody_whom_it_did_not_touch(world: World) -> None:
    work = factories.incident(world.api, kind=IncidentKind.MAINTENANCE, state=CompanyState.UNKNOWN)
    world.incident.pk, world.incident.reference = work.pk, work.reference
    post(world, UpdateKind.RESOLVED, 60)
    assert [each.contradicts_your_record for each in read(world).updates] == [False]


# What it costs


def test_the_page_costs_the_same_for_25_and_for_120_companies(world: World) -> None:
    spent = []
    for count in (25, 120):
        component = factories.component(f"Service {count}", "EU")
        made = crowds.companies(count, component, consenting=count, prefix=f"of-{count}")
        incident = factories.incident(component)
        crowds.restore(
            incident, component, {each.pk: 10.0 + place for place, each in enumerate(made)}, now=NOW
        )
        with CaptureQueriesContext(connection) as statements:
            page = read(world, made[-1], incident=incident)
        assert page.cohort is not None
        assert page.cohort.affected_count == count
        spent.append(len(statements))
    assert spent[0] == spent[1] <= 8 + 4, "and savepoint, enter, leave, release of the scope"


def statements_of(client: Client, path: str, **headers: str) -> tuple[int, int]:
    """(status, statements) of a request with real transactions, their begin and end left out."""
    with CaptureQueriesContext(connection) as captured:
        response = client.get(path, headers=headers)
    told = [each["sql"] for each in captured if not each["sql"].startswith(("BEGIN", "COMMIT", "ROLLBACK"))]
    return response.status_code, len(told)


def test_a_page_is_eight_statements_at_most_and_304_is_two(committed: None, signed_in: SignIn) -> None:
    world = make_world()
    factories.restore([world.acme, world.globex], world.incident, minutes=30)
    post(world, UpdateKind.RESOLVED, 60)
    client = signed_in(world.ada)
    path = f"/acme/incidents/{world.incident.reference}/"
    status, spent = statements_of(client, path)
    assert status == 200
    assert spent <= 8
    for headers in ({}, {"hx-request": "true"}):
        etag = client.get(path, headers=headers)["ETag"]
        assert statements_of(client, path, **headers, **{"if-none-match": etag}) == (304, 2)


@pytest.mark.parametrize(("path", "most"), [("/acme/", 6), ("/acme/incidents/", 4)])
def test_the_other_pages_cost_the_same_for_few_and_for_many_incidents(
    committed: None, signed_in: SignIn, path: str, most: int
) -> None:
    world = make_world()
    client = signed_in(world.ada)
    status, few = statements_of(client, path)
    for number in range(30):
        factories.incident(world.api, world.reports, started_at=NOW - timedelta(days=number))
    again, many = statements_of(client, path)
    assert (status, again) == (200, 200)
    assert few == many <= most


# The timeline


def test_the_timeline_tells_three_clocks_apart_in_order(world: World) -> None:
    post(world, UpdateKind.INVESTIGATING, 12)
    enter(world, world.acme, world.api, CompanyState.RESTORED, 60)
    enter(world, world.acme, world.api, CompanyState.OUTAGE, 70, source=EntrySource.CLIENT)
    post(world, UpdateKind.CORRECTION, 90)
    post(world, UpdateKind.POST_MORTEM, 700)
    rows = read(world).timeline
    assert [(row.at, row.clock, row.text) for row in rows] == [
        (instant(0), "measured", "Down: your component"),
        (instant(12), "announced", "“Investigating” posted"),
        (instant(60), "measured", "Restored: your component"),
        (instant(70), "reported", "Down: your component"),
        (instant(90), "announced", "“Correction” posted"),
        (instant(700), "announced", "Post-mortem published"),
    ]
    assert all(row.components == () for row in rows)


def test_an_entry_that_was_corrected_is_not_shown_as_measured(world: World) -> None:
    enter(world, world.acme, world.api, CompanyState.RESTORED, 60)
    with scope.as_staff():
        recoveries.record_recovery(
            factories.actor(world.sam),
            incident_id=world.incident.pk,
            company_ids=[world.acme.pk],
            state=CompanyState.OUTAGE,
            at=instant(60),
            now=NOW + timedelta(minutes=1),
        )
    rows = read(world, now=NOW + timedelta(minutes=2)).timeline
    assert [(row.at, row.state) for row in rows] == [
        (instant(0), CompanyState.OUTAGE),
        (instant(60), CompanyState.OUTAGE),
    ]


def test_entries_of_one_instant_are_one_line_and_a_part_names_its_components(world: World) -> None:
    made = factories.incident(world.api, world.reports)
    world.incident.pk, world.incident.reference = made.pk, made.reference
    enter(world, world.acme, world.api, CompanyState.RESTORED, 60)
    rows = read(world).timeline
    assert [(row.text, row.components) for row in rows] == [
        ("Down: all your 2 components", ()),
        ("Restored", ("API (EU)",)),
    ]


def test_at_one_instant_the_record_stands_before_the_words(world: World) -> None:
    enter(world, world.acme, world.api, CompanyState.RESTORED, 60)
    post(world, UpdateKind.UPDATE, 60)
    assert [row.clock for row in read(world).timeline] == ["measured", "measured", "announced"]


def test_internal_notes_are_in_no_timeline(world: World) -> None:
    post(world, UpdateKind.UPDATE, 12, audience=Audience.STAFF)
    page = read(world)
    assert [row.clock for row in page.timeline] == ["measured"]
    assert page.updates == ()


# Claims


def claim(world: World, kind: ClaimKind, **values: object) -> None:
    with scope.as_staff():
        Claim.objects.create(incident=world.incident, kind=kind, source="Header of the page", **values)


def test_what_was_announced_is_held_against_the_own_record_with_a_sign(world: World) -> None:
    """The founding contradictions: resolved 30 minutes early, started 5 late, 4 h 30 instead of 6 h 30."""
    factories.restore(world.acme, world.incident, minutes=390)
    claim(world, ClaimKind.STARTED_AT, claimed_at=instant(5))
    claim(world, ClaimKind.RESTORED_AT, claimed_at=instant(360))
    claim(world, ClaimKind.TOTAL_DURATION, claimed_seconds=270 * 60)
    rows = {row.kind: row for row in read(world).claims}
    assert [(kind, row.difference_seconds, row.verdict) for kind, row in sorted(rows.items())] == [
        (ClaimKind.RESTORED_AT, -30 * 60, Verdict.ANNOUNCED_TOO_EARLY),
        (ClaimKind.STARTED_AT, 5 * 60, Verdict.ANNOUNCED_TOO_LATE),
        (ClaimKind.TOTAL_DURATION, -120 * 60, Verdict.UNDERSTATED),
    ]
    assert rows[ClaimKind.RESTORED_AT].experienced_at == instant(390)
    assert rows[ClaimKind.TOTAL_DURATION].experienced_seconds == 390 * 60


def test_the_same_claim_is_true_for_one_company_and_untrue_for_another(world: World) -> None:
    factories.restore(world.acme, world.incident, minutes=360)
    claim(world, ClaimKind.RESTORED_AT, claimed_at=instant(360))
    (acme,), (globex,) = read(world).claims, read(world, world.globex).claims
    assert (acme.verdict, acme.difference_seconds) == (Verdict.AGREES, 0)
    assert (globex.verdict, globex.experienced_at) == (Verdict.NOT_YET_TRUE, None)


def test_a_claimed_share_is_of_all_and_not_of_an_account(world: World) -> None:
    claim(world, ClaimKind.RESTORED_SHARE, claimed_percent=Decimal(95), posted_at=instant(300))
    assert read(world).claims == ()


# Updates, request


def test_updates_are_newest_first_and_a_correction_points_at_what_stays(world: World) -> None:
    post(world, UpdateKind.INVESTIGATING, 12, next_update_at=instant(42))
    first = read(world).updates[0]
    post(world, UpdateKind.CORRECTION, 20, corrects_id=first.id)
    newest, oldest = read(world).updates
    assert (newest.kind, oldest.kind) == (UpdateKind.CORRECTION, UpdateKind.INVESTIGATING)
    assert (oldest.corrected_by_id, newest.corrects_id) == (newest.id, first.id)
    assert (oldest.body_html, oldest.next_update_at) == ("<p>Said after 12 minutes.</p>\n", instant(42))


@pytest.mark.parametrize(("minutes", "is_late"), [(42, False), (42.1, True)])
def test_a_promised_update_is_late_once_its_instant_has_passed(
    world: World, minutes: float, is_late: bool
) -> None:
    post(world, UpdateKind.INVESTIGATING, 12, next_update_at=instant(42))
    assert read(world, now=instant(minutes)).incident.next_update_is_late is is_late


def test_the_request_of_the_own_company_is_shown_and_of_no_other(world: World) -> None:
    with scope.as_company(world.globex.pk, user_id=world.gus.pk):
        postmortems.request(
            factories.actor(world.gus, world.globex),
            reference=world.incident.reference,
            purpose="Only for Globex.",
            now=NOW,
        )
    own, other = read(world, world.globex).post_mortem, read(world).post_mortem
    assert own.request is not None
    assert (own.request.purpose, own.can_request) == ("Only for Globex.", False)
    assert (other.request, other.can_request) == (None, True)
    late = read(world, world.globex, now=NOW + timedelta(days=9)).post_mortem.request
    assert late is not None
    assert (own.request.answer_is_late, late.answer_is_late) == (False, True)


def test_an_accepted_request_is_late_when_a_report_has_not_come_by_its_date(world: World) -> None:
    with scope.as_company(world.acme.pk, user_id=world.ada.pk):
        asked, _ = postmortems.request(
            factories.actor(world.ada, world.acme),
            reference=world.incident.reference,
            purpose="Please.",
            now=NOW,
        )

    def late(*, days: int) -> tuple[bool, bool, bool, bool]:
        now = NOW + timedelta(days=days)
        request = read(world, now=now).post_mortem.request
        assert request is not None
        with scope.as_company(world.acme.pk):
            kept = versions.page_version(world.incident.reference).report_is_late(now)
        return request.answer_is_late, request.preliminary_is_late, request.final_is_late, kept

    assert late(days=90) == (True, False, False, True)
    with scope.as_staff():
        PostMortemRequest.objects.filter(pk=asked.pk).update(
            state=RequestState.ACCEPTED,
            answered_at=NOW,
            preliminary_due_at=NOW + timedelta(days=5),
            final_due_at=NOW + timedelta(days=30),
        )
    assert late(days=4) == (False, False, False, False)
    assert late(days=6) == (False, True, False, True)
    assert late(days=31) == (False, True, True, True)
    with scope.as_staff():
        PostMortemRequest.objects.filter(pk=asked.pk).update(state=RequestState.PRELIMINARY_DELIVERED)
    assert late(days=6) == (False, False, False, False)
    assert late(days=31) == (False, False, True, True)
    with scope.as_staff():
        PostMortemRequest.objects.filter(pk=asked.pk).update(state=RequestState.FINAL_DELIVERED)
    assert late(days=31) == (False, False, False, False)


def test_nobody_can_ask_where_requests_are_closed(world: World) -> None:
    made = factories.incident(world.api, request_policy=RequestPolicy.CLOSED)
    assert read(world, incident=made).post_mortem.can_request is False


def test_a_maintenance_is_open_only_while_it_is_going_on(world: World) -> None:
    for state, is_open in (
        (IncidentState.SCHEDULED, False),
        (IncidentState.IN_PROGRESS, True),
        (IncidentState.VERIFYING, True),
        (IncidentState.COMPLETED, False),
    ):
        work = factories.incident(
            world.api,
            kind=IncidentKind.MAINTENANCE,
            state=CompanyState.UNKNOWN,
            started_at=NOW + timedelta(seconds=0 if is_open else 1),
        )
        with scope.as_staff():
            Incident.objects.filter(pk=work.pk).update(state=state)
        assert read(world, incident=work).incident.is_open_for_you is is_open


def test_the_version_moves_with_what_a_client_can_see_and_with_nothing_else(world: World) -> None:
    def version(company: Company) -> versions.PageVersion:
        with scope.as_company(company.pk):
            return versions.page_version(world.incident.reference)

    first = version(world.acme)
    post(world, UpdateKind.UPDATE, 12, audience=Audience.STAFF)
    assert version(world.acme) == first
    post(world, UpdateKind.UPDATE, 13)
    second = version(world.acme)
    assert second.version == first.version + 1
    with scope.as_company(world.acme.pk, user_id=world.ada.pk):
        postmortems.request(
            factories.actor(world.ada, world.acme),
            reference=world.incident.reference,
            purpose="Please.",
            now=NOW,
        )
    assert version(world.acme).request_state == "requested"
    assert version(world.globex).request_state == ""
