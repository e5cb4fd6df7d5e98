"""The founding incident as it is loaded, held against the figures of that day."""

import dataclasses
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from uuid import UUID

import pytest
from django.core.management import call_command
from django.db import transaction
from pytest_django import DjangoDbBlocker, Settings

from incidents import errors
from incidents.choices import (
    ActionState,
    ClaimKind,
    CompanyState,
    EntrySource,
    IncidentState,
    ReportKind,
    ReportState,
    RequestState,
    UpdateKind,
    Verdict,
)
from incidents.demo import load, world
from incidents.models import (
    ActionChange,
    ActionFollow,
    AffectedComponent,
    Claim,
    ClientReport,
    Cohort,
    Component,
    CorrectiveAction,
    Document,
    Incident,
    Placement,
    PostMortem,
    PostMortemAnnex,
    PostMortemRequest,
    PostMortemVersion,
    Recovery,
    RecoveryEntry,
    ReportReading,
    RosterEntry,
    Statement,
    Update,
)
from incidents.queries import corrective_actions, incident_lists, incident_pages, overviews, reports, shapes
from incidents.queries.report_shapes import ReportPage
from tenants import scope
from tenants.models import AuditEvent, Company, Membership, User

FOUNDING = "INC-2F8KQ4ZT"
OPEN = "INC-9D3VHX7M"
SCHEDULED = "INC-KX7G2M9A"
ONLY_NORTH_AMERICA = "INC-6TRW8B2N"
NOW = datetime(2026, 11, 16, 10, 30, 12, tzinfo=UTC)
EVERYTHING = (
    ActionChange,
    ActionFollow,
    AffectedComponent,
    AuditEvent,
    Claim,
    ClientReport,
    Cohort,
    Company,
    Component,
    CorrectiveAction,
    Document,
    Incident,
    Membership,
    Placement,
    PostMortem,
    PostMortemAnnex,
    PostMortemRequest,
    PostMortemVersion,
    Recovery,
    RecoveryEntry,
    ReportReading,
    RosterEntry,
    Statement,
    Update,
    User,
)


def cet(hour: int, minute: int, *, day: int = 4) -> datetime:
    return datetime(2026, 2, day, hour - 1, minute, tzinfo=UTC)


@pytest.fixture(scope="module")
def logins_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo") / "demo-logins.json"


@pytest.fixture(scope="module", autouse=True)
def loaded(
    django_db_setup: None, django_db_blocker: DjangoDbBlocker, logins_file: Path
) -> Iterator[load.Loaded]:
    """The demonstration, once for this module, in a transaction that is rolled back at its end."""
    with django_db_blocker.unblock(), transaction.atomic():
        yield load.load(now=NOW, logins_file=logins_file)
        transaction.set_rollback(True)


def company(slug: str) -> Company:
    return Company.objects.get(slug=slug)


def page(slug: str, reference: str = FOUNDING) -> shapes.IncidentPage:
    of = company(slug)
    with scope.as_company(of.pk):
        return incident_pages.incident_page(
            reference, company_name=of.name, consents=of.consents_to_be_named, may_request=True, now=NOW
        )


def titles(slug: str) -> set[str]:
    with scope.as_company(company(slug).pk):
        rows = incident_lists.incident_list(search="", kind="", page_number=1, now=NOW).rows
    return {row.reference for row in rows}


def test_the_incident_begins_at_13_45_and_was_noticed_at_13_50() -> None:
    incident = page("acme").incident
    assert incident.started_at == cet(13, 45)
    assert incident.detected_at == cet(13, 50)
    assert incident.state is IncidentState.RESOLVED
    assert incident.resolved_at == cet(20, 15)
    assert incident.title == "System outage"


def test_every_service_of_both_data_centers_was_hit() -> None:
    services = ["API", "Client Portal", "Mobile App", "PGM", "PosWeb", "Reports", "Payment Processing"]
    expected = [f"{service} ({center})" for center in ("EU", "NA") for service in services]
    assert list(page("acme").incident.components) == expected


def test_the_first_95_percent_took_4_h_25_and_the_last_company_6_h_30() -> None:
    facts = page("acme").cohort
    assert facts is not None
    assert (facts.affected_count, facts.restored_count) == (240, 240)
    assert facts.restored_share_at == cet(18, 10)
    assert facts.all_restored_at == cet(20, 15)
    assert cet(18, 10) - facts.started_at == timedelta(hours=4, minutes=25)
    assert cet(20, 15) - facts.started_at == timedelta(hours=6, minutes=30)
    assert facts.restored_half_at == cet(16, 51)
    assert facts.is_final


def test_the_curve_runs_from_nobody_at_the_start_to_everybody_at_the_end() -> None:
    facts = page("acme").cohort
    assert facts is not None
    assert (facts.curve[0].at, facts.curve[0].share) == (cet(13, 45), 0)
    assert (facts.curve[-1].at, facts.curve[-1].share) == (cet(20, 15), 1)
    assert [point.share for point in facts.curve if point.at == cet(18, 10)] == [0.95]


def test_twelve_companies_are_in_the_tail_and_the_228th_is_not() -> None:
    with scope.as_staff():
        recoveries = list(
            Recovery.objects.filter(incident__reference=FOUNDING)
            .order_by("restored_at")
            .values_list("restored_at", "in_tail")
        )
    assert [in_tail for _at, in_tail in recoveries] == [False] * 228 + [True] * 12
    assert recoveries[0][0] == cet(16, 0)
    assert recoveries[227][0] == cet(18, 10)
    tail = [at for at, in_tail in recoveries if in_tail and at]
    assert all(cet(18, 10) < at <= cet(20, 15) for at in tail)
    assert 2 <= len(set(tail)) < 12, "restored at varied times, with ties"


def test_acme_was_the_last_and_in_the_tail() -> None:
    own = page("acme").recovery
    assert own.in_tail is True
    assert own.impacted_at == cet(13, 45)
    assert own.restored_at == cet(20, 15)
    assert own.total_seconds == 6.5 * 3600
    assert own.outage_seconds + own.degraded_seconds <= own.total_seconds
    assert own.outage_seconds >= 15 * 60
    assert own.degraded_seconds > 4 * 3600
    assert (own.rank, own.percentile) == (240, 100.0)
    assert not own.is_provisional


def test_acme_met_timeouts_again_after_18_10() -> None:
    acme = company("acme")
    with scope.as_company(acme.pk):
        entries = list(
            RecoveryEntry.objects.filter(incident__reference=FOUNDING)
            .order_by("at")
            .values_list("component_id", "state", "at")
        )
    relapsed = [
        component for component, state, at in entries if state == CompanyState.DEGRADED and at > cet(18, 10)
    ]
    assert len(relapsed) == 1
    own = [state for component, state, _at in entries if component == relapsed[0]]
    assert own == ["outage", "degraded", "restored", "degraded", "restored"]
    assert len({component for component, _state, _at in entries}) == 7


def test_globex_was_among_the_first_95_percent() -> None:
    own = page("globex").recovery
    assert own.in_tail is False
    assert own.restored_at is not None
    assert cet(16, 0) <= own.restored_at < cet(18, 10)
    assert company("globex").consents_to_be_named is False
    assert company("globex").time_zone == "America/New_York"


def test_what_was_announced_is_30_and_19_minutes_too_early_for_acme() -> None:
    claims = page("acme").claims
    compared = {(row.kind, row.source): (row.difference_seconds, row.verdict) for row in claims}
    ends = [row for row in claims if row.kind is ClaimKind.RESTORED_AT]
    assert [(row.difference_seconds, row.verdict) for row in ends] == [
        (-30 * 60, Verdict.ANNOUNCED_TOO_EARLY),
        (-19 * 60, Verdict.ANNOUNCED_TOO_EARLY),
    ]
    assert compared == {
        (ClaimKind.STARTED_AT, "Header of the status page"): (5 * 60, Verdict.ANNOUNCED_TOO_LATE),
        (ClaimKind.STARTED_AT, "“Post-mortem” update"): (0, Verdict.AGREES),
        (ClaimKind.RESTORED_AT, "“Resolved” update"): (-19 * 60, Verdict.ANNOUNCED_TOO_EARLY),
        (ClaimKind.TOTAL_DURATION, "Header of the status page"): (-22 * 60, Verdict.UNDERSTATED),
        (ClaimKind.TOTAL_DURATION, "“Post-mortem” update"): (-2 * 3600, Verdict.UNDERSTATED),
    }


def test_seven_updates_at_their_real_times_and_two_of_them_against_the_record() -> None:
    updates = page("acme").updates
    assert [(each.kind, each.published_at) for each in reversed(updates)] == [
        (UpdateKind.INVESTIGATING, cet(13, 57)),
        (UpdateKind.UPDATE, cet(14, 24)),
        (UpdateKind.UPDATE, cet(16, 9)),
        (UpdateKind.UPDATE, cet(16, 39)),
        (UpdateKind.RESOLVED, cet(19, 45)),
        (UpdateKind.RESOLVED, cet(19, 56)),
        (UpdateKind.POST_MORTEM, cet(19, 38, day=5)),
    ]
    assert [each.published_at for each in updates if each.contradicts_your_record] == [
        cet(19, 56),
        cet(19, 45),
    ]
    with scope.as_staff():
        overridden = AuditEvent.objects.filter(action="update.posted_against_the_record").values_list(
            "at", flat=True
        )
        assert sorted(overridden) == [cet(19, 45), cet(19, 56)]


def test_all_was_recorded_on_the_day_and_before_it_was_spoken_of() -> None:
    with scope.as_staff():
        entries = RecoveryEntry.objects.filter(incident__reference=FOUNDING).values_list(
            "at", "recorded_at", "source"
        )
        assert all(at <= recorded_at <= cet(20, 20) for at, recorded_at, _source in entries)
        assert {source for _at, _recorded_at, source in entries} == {EntrySource.DEMO}
        assert min(at for at, _recorded_at, _source in entries) == cet(13, 45)


def test_a_third_of_the_companies_agree_to_be_named_and_the_roster_names_no_other() -> None:
    with scope.as_staff():
        affected = Company.objects.filter(
            id__in=Recovery.objects.filter(incident__reference=FOUNDING).values("company_id")
        )
        assert affected.count() == 240
        assert affected.filter(consents_to_be_named=True).count() == 80
        refused = set(affected.filter(consents_to_be_named=False).values_list("name", flat=True))
    roster = page("globex").roster
    assert roster.tail_count == 12
    assert len(roster.names) == 4
    assert roster.unnamed_count == 8
    assert "Acme Stores" in {row.name for row in roster.names}
    assert not refused & {row.name for row in roster.names}
    assert [row.name for row in page("acme").roster.names if row.is_you] == ["Acme Stores"]


def test_companies_run_in_europe_in_north_america_or_in_both_and_not_all_run_everything() -> None:
    with scope.as_staff():
        rows = Placement.objects.filter(company__created_at__lt=cet(13, 45)).values_list(
            "company_id", "component__data_center__code", "component__service__name"
        )
        centers: dict[UUID, set[str]] = {}
        services: dict[UUID, set[str]] = {}
        for company_id, center, service in rows:
            centers.setdefault(company_id, set()).add(center)
            services.setdefault(company_id, set()).add(service)
    kinds = [frozenset(each) for each in centers.values()]
    assert len(kinds) == 240
    assert min(kinds.count(frozenset(kind)) for kind in ({"EU"}, {"NA"}, {"EU", "NA"})) >= 24
    assert centers[company("acme").pk] == {"EU"}
    assert centers[company("globex").pk] == {"NA"}
    assert 0 < sum(len(each) == 7 for each in services.values()) < 120


def test_a_company_that_joined_later_reads_nothing_of_the_founding_incident() -> None:
    with pytest.raises(errors.IncidentNotFound):
        page("thistlecroft")
    assert page("thistlecroft", SCHEDULED).incident.reference == SCHEDULED
    with scope.as_company(company("thistlecroft").pk):
        assert not Update.objects.exclude(incident__reference__in=titles_in_scope()).exists()
        assert not Cohort.objects.filter(incident__reference=FOUNDING).exists()
        assert not RosterEntry.objects.filter(incident__reference=FOUNDING).exists()
    assert FOUNDING not in titles("thistlecroft")


def titles_in_scope() -> set[str]:
    return set(Recovery.objects.values_list("incident__reference", flat=True))


def test_one_incident_is_open_for_acme_and_degrades_it() -> None:
    with scope.as_company(company("acme").pk):
        overview = overviews.overview(zone="Europe/Paris", now=NOW)
    assert [row.reference for row in overview.open_incidents] == [OPEN]
    assert overview.state is CompanyState.DEGRADED
    minute = NOW.replace(second=0)
    assert overview.open_incidents[0].started_at == minute - timedelta(minutes=40)
    assert overview.open_incidents[0].next_update_at == minute + timedelta(minutes=20)
    assert len(overview.upcoming_maintenance) == 1
    with scope.as_staff():
        states = set(Recovery.objects.filter(incident__reference=OPEN).values_list("state", flat=True))
    assert states == {"unknown", "outage", "degraded", "restored"}


def test_acme_and_globex_each_have_incidents_that_the_other_never_hears_of() -> None:
    assert ONLY_NORTH_AMERICA in titles("globex") - titles("acme")
    assert OPEN in titles("acme") - titles("globex")
    assert len(titles("acme")) == 5


def test_acme_holds_the_report_and_globex_waits() -> None:
    held, waiting = page("acme").post_mortem.request, page("globex").post_mortem.request
    assert held is not None
    assert held.state is RequestState.FINAL_DELIVERED
    assert waiting is not None
    assert (waiting.state, waiting.requested_by) == (RequestState.REQUESTED, "Gus Whitfield")


def report(number: int | None = None) -> ReportPage:
    with scope.as_company(world.key("company", world.ACME), read_only=True):
        return reports.report_page(FOUNDING, number=number, zone="Europe/Paris", now=NOW)


def test_the_claimed_4_h_30_is_caught_in_the_preliminary_report_and_gone_from_the_final_one() -> None:
    (note,) = report(1).footnotes
    assert note.words == "4 h 30 min"
    assert note.record_says == "4 h 25 min to the first 95%, 6 h 30 min to the last account"
    assert report(2).footnotes == ()


def test_the_reports_figures_are_the_records() -> None:
    final = report()
    assert [version.label for version in final.versions] == ["Final", "Preliminary"]
    assert (final.facts.share_seconds, final.facts.all_seconds) == (4 * 3600 + 25 * 60, 6 * 3600 + 30 * 60)
    assert (final.facts.first_word_seconds, final.facts.detection_seconds) == (12 * 60, 5 * 60)
    assert final.summary is not None
    for words in ("4 h 25 min", "6 h 30 min", "240 client companies", "4 Feb 2026, 20:15 CET"):
        assert words in final.summary.text.html
    assert final.annex is not None
    assert final.annex.recovery == dataclasses.replace(
        page("acme").recovery, as_of=final.facts.as_of, is_provisional=False
    )


def test_the_three_promises_are_kept_put_off_and_overdue() -> None:
    with scope.as_company(world.key("company", world.ACME), read_only=True):
        promised = corrective_actions.actions_page(FOUNDING, user_id=None, zone="Europe/Paris", now=NOW)
    assert [(action.title, action.state, action.is_overdue) for action in promised.actions] == [
        ("Infrastructure audit", ActionState.IN_PROGRESS, False),
        ("Expanded capacity", ActionState.DONE, False),
        ("Automated redirection", ActionState.OPEN, True),
    ]
    assert [title for _reference, title in promised.actions[1].happened_again] == ["Reports arriving late"]


def test_a_second_load_changes_nothing(loaded: load.Loaded, logins_file: Path) -> None:
    before, logins = snapshot(), logins_file.read_bytes()
    again = load.load(now=NOW + timedelta(days=1), logins_file=logins_file, company_count=300)
    assert not again.is_new
    assert not again.has_new_passwords
    assert (
        (again.company_count, again.incident_count)
        == (loaded.company_count, loaded.incident_count)
        == (248, 6)
    )
    assert snapshot() == before
    assert logins_file.read_bytes() == logins


def snapshot() -> dict[str, list[tuple[object, ...]]]:
    """Every row of every table that the demonstration writes."""
    with scope.as_staff():
        return {model.__name__: sorted(model.objects.values_list(), key=str) for model in EVERYTHING}


def test_the_command_says_so_when_there_is_nothing_to_load(logins_file: Path, settings: Settings) -> None:
    settings.DATA_DIR = logins_file.parent
    output = StringIO()
    call_command("load_demo", stdout=output)
    assert output.getvalue() == "The demonstration is loaded already.\n"


def test_companies_say_otherwise_and_one_waits_for_an_answer() -> None:
    founding, opened = page("globex").reports.rows, page("acme", OPEN).reports.rows
    assert [(each.kind, each.state) for each in founding] == [
        (ReportKind.STILL_BROKEN, ReportState.DISPUTED),
    ]
    assert founding[0].answer
    assert [(each.kind, each.state, each.contradicts_record) for each in opened] == [
        (ReportKind.CONFIRMED_BACK, ReportState.OPEN, True)
    ]
    assert [(each.kind, each.state) for each in page("acme").reports.rows] == [
        (ReportKind.CONFIRMED_BACK, ReportState.ACCEPTED),
        (ReportKind.STILL_BROKEN, ReportState.WITHDRAWN),
    ]
