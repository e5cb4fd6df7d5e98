"""Overview, months, incident page, list, statement and annex count the same downtime, by one definition."""

from datetime import UTC, date, datetime, timedelta

import pytest
from pytest_django import Settings

from incidents import errors
from incidents.choices import CompanyState, IncidentKind
from incidents.models import Incident, PostMortemAnnex
from incidents.operations import false_alarms, postmortems
from incidents.operations.announcing import Words
from incidents.queries import incident_lists, incident_pages, overviews, statements
from incidents.queries.overview_shapes import Overview
from incidents.queries.statements import StatementFacts
from tenants import scope
from tenants.models import Company
from tests import factories
from tests.conftest import World
from tests.incidents import reporting
from tests.incidents.reading import read
from tests.incidents.twins import merge, twin

START = factories.STARTED_AT
NOW = START + timedelta(hours=20)
FEBRUARY = date(2026, 2, 1)
HOUR = 3600


def overview(company: Company, *, now: datetime = NOW, zone: str = "Asia/Tokyo") -> Overview:
    with scope.as_company(company.pk, read_only=True):
        return overviews.overview(zone=zone, month_zone=company.time_zone, now=now)


def of_month(company: Company, *, now: datetime = NOW) -> StatementFacts:
    with scope.as_company(company.pk, read_only=True):
        return statements.month_facts(FEBRUARY, zone=company.time_zone, now=now)


def planned_work(world: World) -> Incident:
    """Announced from START + 4 h to + 6 h; API (EU) is down from the start on, for three hours."""
    made = factories.incident(
        world.api,
        kind=IncidentKind.MAINTENANCE,
        state=CompanyState.OUTAGE,
        started_at=START + timedelta(hours=4),
        planned_end_at=START + timedelta(hours=6),
    )
    factories.restore(world.acme, made, minutes=150, state=CompanyState.DEGRADED)
    factories.restore(world.acme, made, minutes=180)
    return made


def test_planned_work_counts_after_its_window_alone_wherever_it_is_shown(world: World) -> None:
    factories.restore(world.acme, world.incident, minutes=60)
    work = planned_work(world)
    page, month = overview(world.acme), of_month(world.acme).measured
    assert page.month == month
    assert (month.outage_seconds, month.degraded_seconds, month.planned_seconds) == (
        HOUR + HOUR // 2,
        HOUR // 2,
        2 * HOUR,
    )
    assert sum(day.outage_seconds for day in page.days) == month.outage_seconds
    with scope.as_company(world.acme.pk, read_only=True):
        facts = statements.incident_facts(work.reference, zone="UTC", now=NOW).measured
        listed = incident_lists.incident_list(search="", kind="", page_number=1, now=NOW).rows
        asked = incident_pages.post_mortem_page(work.reference, may_request=True, now=NOW).recovery
    shown = read(world, incident=work, now=NOW).recovery
    (row,) = (each for each in listed if each.reference == work.reference)
    (recent,) = (
        each for each in page.recent_incidents + page.open_incidents if each.reference == work.reference
    )
    assert (facts.outage_seconds, facts.degraded_seconds, facts.planned_seconds) == (
        HOUR // 2,
        HOUR // 2,
        2 * HOUR,
    )
    for each in (row, recent, shown, asked):
        assert (each.outage_seconds, each.degraded_seconds) == (HOUR // 2, HOUR // 2)
    assert shown.planned_seconds == 2 * HOUR


def test_the_annex_of_planned_work_counts_what_the_statement_counts(world: World) -> None:
    work = planned_work(world)
    with scope.as_staff():
        Incident.objects.filter(pk=work.pk).update(request_policy="automatic")
    with scope.as_company(world.acme.pk, user_id=world.ada.pk):
        postmortems.request(
            factories.actor(world.ada, world.acme), reference=work.reference, purpose="", now=NOW
        )
        facts = statements.incident_facts(work.reference, zone="UTC", now=reporting.NOW).measured
    version = reporting.published(world, reporting.begun(world, work))
    with scope.as_staff():
        annex = PostMortemAnnex.objects.get(version=version, company=world.acme)
        still_down = PostMortemAnnex.objects.get(version=version, company=world.globex)
    assert (annex.outage_seconds, annex.degraded_seconds) == (facts.outage_seconds, facts.degraded_seconds)
    assert (annex.outage_seconds, annex.degraded_seconds) == (HOUR // 2, HOUR // 2)
    until = int((reporting.NOW - START).total_seconds())
    assert still_down.outage_seconds == until - 6 * HOUR


def test_of_an_incident_page_statement_and_annex_say_the_same(world: World) -> None:
    factories.restore(world.acme, world.incident, minutes=15, state=CompanyState.DEGRADED)
    factories.restore(world.acme, world.incident, minutes=265)
    reporting.asked(world, world.ada, world.acme)
    version = reporting.published(world, reporting.begun(world))
    with scope.as_company(world.acme.pk, read_only=True):
        facts = statements.incident_facts(world.incident.reference, zone="UTC", now=NOW).measured
    page = read(world, now=NOW).recovery
    with scope.as_staff():
        annex = PostMortemAnnex.objects.get(version=version, company=world.acme)
    for each in (facts, page, annex):
        assert (each.outage_seconds, each.degraded_seconds) == (15 * 60, 250 * 60)


@pytest.mark.parametrize("way", ["merged", "false alarm"])
def test_what_was_set_aside_counts_nowhere_and_no_statement_is_issued_on_it(world: World, way: str) -> None:
    factories.restore(world.acme, world.incident, minutes=60)
    before = of_month(world.acme)
    if way == "merged":
        other = twin(world, world.api, started_at=START + timedelta(minutes=90))
        merge(world, world.incident, other)
        expected = overview(world.acme).month.outage_seconds
        assert {each.reference for each in of_month(world.acme).stretches} == {other.reference}
    else:
        with scope.as_staff():
            false_alarms.mark(
                factories.actor(world.sam),
                incident_id=world.incident.pk,
                words=Words(text="A probe."),
                now=START + timedelta(hours=2),
            )
        expected = 0
    after = of_month(world.acme)
    assert after.measured.outage_seconds == expected == overview(world.acme).month.outage_seconds
    assert after.record_version != before.record_version
    with pytest.raises(errors.SetAside), scope.as_company(world.acme.pk, read_only=True):
        statements.incident_facts(world.incident.reference, zone="UTC", now=NOW)


def test_the_month_is_that_of_the_statement_whatever_the_readers_zone(world: World) -> None:
    """Globex counts in New York: at 02:00 UTC on 1 March its February has three hours left."""
    now = datetime(2026, 3, 1, 2, tzinfo=UTC)
    page = overview(world.globex, now=now, zone="Europe/Paris")
    assert page.month_started_on == FEBRUARY
    assert page.month == of_month(world.globex, now=now).measured
    assert page.days[-1].on == date(2026, 3, 1)


def test_degraded_time_has_the_weight_of_the_setting_in_both(world: World, settings: Settings) -> None:
    settings.DEGRADED_WEIGHT_PERCENT = 50
    factories.restore(world.acme, world.incident, minutes=30, state=CompanyState.DEGRADED)
    factories.restore(world.acme, world.incident, minutes=60)
    page = overview(world.acme)
    assert page.month.downtime_seconds == of_month(world.acme).measured.downtime_seconds == 45 * 60


def test_silence_is_unknown_in_the_days_as_in_the_statement_and_never_downtime(world: World) -> None:
    factories.restore(world.acme, world.incident, minutes=60)
    factories.incident(world.reports, state=CompanyState.UNKNOWN, started_at=START + timedelta(hours=2))
    page, month = overview(world.acme, zone="UTC"), of_month(world.acme).measured
    assert page.month == month
    assert (month.outage_seconds, month.unknown_seconds) == (HOUR, 18 * HOUR)
    assert page.days[-1].state is CompanyState.UNKNOWN
