"""A company's status now: open incidents, components, ninety days and a month in the reader's zone."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from incidents.choices import CompanyState, IncidentKind, IncidentState
from incidents.models import Component, Incident
from incidents.operations import postmortems, recoveries
from incidents.queries import overview_shapes, overviews
from tenants import scope
from tenants.models import Company
from tests import factories
from tests.conftest import World

NOW = factories.STARTED_AT + timedelta(hours=2)
HOUR = 3600


def read(
    world: World, company: Company | None = None, *, zone: str = "UTC", now: datetime = NOW
) -> overview_shapes.Overview:
    with scope.as_company((company or world.acme).pk, read_only=True):
        return overviews.overview(zone=zone, now=now)


def outage(
    component: Component, company: Company, since: datetime, until: datetime | None, *, degraded: bool = False
) -> Incident:
    """An incident that had this company down (or degraded) from `since` to `until`."""
    state = CompanyState.DEGRADED if degraded else CompanyState.OUTAGE
    made = factories.incident(component, started_at=since, state=state)
    if until is not None:
        factories.restore(company, made, minutes=int((until - since).total_seconds() // 60))
    return made


def day(page: overview_shapes.Overview, on: date) -> overview_shapes.DayStatus:
    return next(each for each in page.days if each.on == on)


def local(text: str, zone: str = "Europe/Paris") -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


def test_the_worst_open_state_is_the_accounts(world: World) -> None:
    assert read(world).state is CompanyState.OUTAGE
    factories.restore(world.acme, world.incident, minutes=30)
    assert read(world).state is None
    assert read(world, world.globex).state is CompanyState.OUTAGE
    outage(world.reports, world.acme, factories.STARTED_AT, None, degraded=True)
    assert read(world).state is CompanyState.DEGRADED


def test_open_and_recent_incidents_are_told_apart_by_the_own_record(world: World) -> None:
    assert [row.reference for row in read(world).open_incidents] == [world.incident.reference]
    assert read(world).recent_incidents == ()
    factories.restore(world.acme, world.incident, minutes=30)
    assert read(world).open_incidents == ()
    assert [row.reference for row in read(world).recent_incidents] == [world.incident.reference]
    assert [row.reference for row in read(world, world.globex).open_incidents] == [world.incident.reference]


def test_components_show_the_state_that_an_open_incident_gives_them(world: World) -> None:
    (center,) = read(world).data_centers
    assert center.name == "Data center EU"
    assert {each.name: each.state for each in center.components} == {
        "API (EU)": CompanyState.OUTAGE,
        "Reports (EU)": None,
    }
    factories.restore(world.acme, world.incident, minutes=30)
    (center,) = read(world).data_centers
    assert {each.state for each in center.components} == {None}


def test_a_component_of_which_nothing_is_known_is_never_shown_as_well(world: World) -> None:
    """Published without a state: the extent is not known yet, so neither component is clear."""
    factories.restore(world.acme, world.incident, minutes=30)
    factories.incident(world.reports, state=CompanyState.UNKNOWN)
    page = read(world)
    assert page.state is CompanyState.UNKNOWN
    states = {each.name: each.state for center in page.data_centers for each in center.components}
    assert states == {"API (EU)": None, "Reports (EU)": CompanyState.UNKNOWN}
    quiet = read(world, now=NOW + timedelta(days=1))
    assert day(quiet, date(2026, 2, 5)).state is CompanyState.UNKNOWN
    assert day(quiet, date(2026, 2, 3)).state is None


def test_of_two_components_the_one_that_is_back_is_clear_and_the_other_unknown(world: World) -> None:
    factories.restore(world.acme, world.incident, minutes=30)
    made = factories.incident(world.api, world.reports, state=CompanyState.UNKNOWN)
    with scope.as_staff():
        recoveries.record_recovery(
            factories.actor(world.sam),
            incident_id=made.pk,
            company_ids=[world.acme.pk],
            component_ids=[world.api.pk],
            state=CompanyState.RESTORED,
            at=factories.STARTED_AT + timedelta(minutes=40),
            now=NOW,
        )
    page = read(world)
    states = {each.name: each.state for center in page.data_centers for each in center.components}
    assert states == {"API (EU)": None, "Reports (EU)": CompanyState.UNKNOWN}


def test_planned_work_is_upcoming_and_makes_nobody_down(world: World) -> None:
    factories.restore(world.acme, world.incident, minutes=30)
    work = factories.draft(
        world.api,
        kind=IncidentKind.MAINTENANCE,
        state=IncidentState.SCHEDULED,
        started_at=NOW + timedelta(days=3),
    )
    with scope.as_staff():
        Incident.objects.filter(pk=work.pk).update(published_at=NOW)
    later = factories.incident(
        world.api,
        kind=IncidentKind.MAINTENANCE,
        state=CompanyState.UNKNOWN,
        started_at=NOW + timedelta(days=9),
    )
    sooner = factories.incident(
        world.api,
        kind=IncidentKind.MAINTENANCE,
        state=CompanyState.UNKNOWN,
        started_at=NOW + timedelta(days=2),
    )
    with scope.as_staff():
        Incident.objects.filter(pk__in=[later.pk, sooner.pk]).update(state=IncidentState.SCHEDULED)
    page = read(world)
    assert [row.reference for row in page.upcoming_maintenance] == [sooner.reference, later.reference]
    assert (page.state, page.open_incidents) == (None, ())


def test_ninety_days_end_today_in_the_readers_zone(world: World) -> None:
    page = read(world)
    assert (len(page.days), page.days[0].on, page.days[-1].on) == (90, date(2025, 11, 7), date(2026, 2, 4))
    tokyo = read(world, zone="Asia/Tokyo", now=datetime(2026, 2, 4, 20, 0, tzinfo=UTC))
    assert tokyo.days[-1].on == date(2026, 2, 5)


def test_a_day_counts_what_was_down_on_it_and_overlaps_once(world: World) -> None:
    factories.restore(world.acme, world.incident, minutes=60)
    outage(
        world.reports,
        world.acme,
        factories.STARTED_AT + timedelta(minutes=30),
        factories.STARTED_AT + timedelta(minutes=90),
    )
    page = read(world, now=NOW + timedelta(days=1))
    assert day(page, date(2026, 2, 4)) == overview_shapes.DayStatus(
        on=date(2026, 2, 4), state=CompanyState.OUTAGE, outage_seconds=90 * 60, degraded_seconds=0
    )
    assert day(page, date(2026, 2, 3)).state is None


def test_degraded_time_is_counted_only_where_it_was_not_down(world: World) -> None:
    factories.restore(world.acme, world.incident, minutes=60)
    outage(
        world.reports,
        world.acme,
        factories.STARTED_AT + timedelta(minutes=30),
        factories.STARTED_AT + timedelta(minutes=90),
        degraded=True,
    )
    told = day(read(world, now=NOW + timedelta(days=1)), date(2026, 2, 4))
    assert (told.state, told.outage_seconds, told.degraded_seconds) == (CompanyState.OUTAGE, HOUR, HOUR // 2)


def test_an_outage_over_midnight_is_split_at_the_readers_midnight(world: World) -> None:
    factories.restore(world.acme, world.incident, minutes=1)
    outage(world.reports, world.acme, local("2026-02-10T22:00"), local("2026-02-11T03:00"))
    now = local("2026-02-12T12:00")
    paris = read(world, zone="Europe/Paris", now=now)
    assert day(paris, date(2026, 2, 10)).outage_seconds == 2 * HOUR
    assert day(paris, date(2026, 2, 11)).outage_seconds == 3 * HOUR
    utc = read(world, zone="UTC", now=now)
    assert day(utc, date(2026, 2, 10)).outage_seconds == 3 * HOUR
    assert day(utc, date(2026, 2, 11)).outage_seconds == 2 * HOUR


@pytest.mark.parametrize(
    ("on", "hours"),
    [
        (date(2026, 3, 28), 24),
        (date(2026, 3, 29), 23),  # the night in which clocks go forward
        (date(2026, 10, 24), 24),
        (date(2026, 10, 25), 25),  # the night in which they go back
    ],
)
def test_a_whole_day_of_outage_is_as_long_as_that_day_was(world: World, on: date, hours: int) -> None:
    factories.restore(world.acme, world.incident, minutes=1)
    start = local(f"{on - timedelta(days=2)}T12:00")
    outage(world.reports, world.acme, start, local(f"{on + timedelta(days=2)}T12:00"))
    page = read(world, zone="Europe/Paris", now=local(f"{on + timedelta(days=3)}T12:00"))
    assert day(page, on).outage_seconds == hours * HOUR


def test_an_outage_within_the_repeated_hour_is_as_long_as_it_lasted(world: World) -> None:
    """From 02:30 summer time to 02:15 winter time of the same night: 45 minutes, not minus 15."""
    factories.restore(world.acme, world.incident, minutes=1)
    since, until = datetime(2026, 10, 25, 0, 30, tzinfo=UTC), datetime(2026, 10, 25, 1, 15, tzinfo=UTC)
    outage(world.reports, world.acme, since, until)
    page = read(world, zone="Europe/Paris", now=datetime(2026, 10, 26, 12, tzinfo=UTC))
    assert day(page, date(2026, 10, 25)).outage_seconds == 45 * 60
    assert page.month_outage_seconds == 45 * 60


def test_the_month_counts_from_its_first_midnight_to_now(world: World) -> None:
    factories.restore(world.acme, world.incident, minutes=60)
    page = read(world)
    assert page.month_started_on == date(2026, 2, 1)
    assert (page.month_outage_seconds, page.month.degraded_seconds) == (HOUR, 0)
    assert page.month_seconds == int((NOW - datetime(2026, 2, 1, tzinfo=UTC)).total_seconds())
    assert float(page.month.availability_percent) == pytest.approx(
        100 * (1 - HOUR / page.month_seconds), abs=1e-4
    )


def test_what_was_before_the_month_does_not_count_in_it(world: World) -> None:
    factories.restore(world.acme, world.incident, minutes=1)
    outage(
        world.reports,
        world.acme,
        datetime(2026, 2, 28, 23, tzinfo=UTC),
        datetime(2026, 3, 1, 1, tzinfo=UTC),
    )
    page = read(world, now=datetime(2026, 3, 2, tzinfo=UTC))
    assert page.month_outage_seconds == HOUR
    assert day(page, date(2026, 2, 28)).outage_seconds == HOUR


def test_an_outage_that_lasts_is_counted_up_to_now_and_not_beyond(world: World) -> None:
    page = read(world)
    assert day(page, date(2026, 2, 4)).outage_seconds == 2 * HOUR
    assert page.month_outage_seconds == 2 * HOUR


def test_at_the_first_instant_of_a_month_nothing_is_divided_by_nothing(world: World) -> None:
    page = read(world, now=datetime(2026, 3, 1, tzinfo=UTC))
    assert (page.month_seconds, page.month.availability_percent) == (0, "100.0000")


def test_requests_that_wait_are_named_until_they_are_answered(world: World) -> None:
    with scope.as_company(world.acme.pk, user_id=world.ada.pk):
        made, _ = postmortems.request(
            factories.actor(world.ada, world.acme),
            reference=world.incident.reference,
            purpose="Please.",
            now=NOW,
        )
    assert read(world).requests_waiting == ((world.incident.reference, world.incident.title),)
    assert read(world, world.globex).requests_waiting == ()
    with scope.as_staff():
        postmortems.accept(factories.actor(world.sam), request_ids=[made.pk], now=NOW)
    assert read(world).requests_waiting == ()
