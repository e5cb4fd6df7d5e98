"""What a stretch of time cost one account, to the second."""

from datetime import UTC, date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from incidents import availability, cohort
from incidents.availability import Impact
from incidents.choices import CompanyState

DOWN, SLOW, SILENT = CompanyState.OUTAGE, CompanyState.DEGRADED, CompanyState.UNKNOWN
NOON = datetime(2026, 2, 4, 12, 0, tzinfo=UTC)
FEBRUARY = availability.month(date(2026, 2, 1), "UTC")


def impact(state: CompanyState, first: int, last: int | None, *, is_planned: bool = False) -> Impact:
    """From so many minutes after noon to so many."""
    until_at = None if last is None else NOON + timedelta(minutes=last)
    return Impact(
        state=state,
        from_at=NOON + timedelta(minutes=first),
        until_at=until_at,
        is_planned=is_planned,
    )


def measured(*impacts: Impact, weight: int = 0) -> availability.Measured:
    from_at, until_at = FEBRUARY
    return availability.measure(impacts, from_at=from_at, until_at=until_at, degraded_weight_percent=weight)


def test_each_second_counts_once_and_as_the_worst_that_it_was() -> None:
    found = measured(impact(DOWN, 0, 30), impact(DOWN, 20, 60), impact(SLOW, 40, 90), impact(SILENT, 80, 100))
    assert (found.outage_seconds, found.degraded_seconds, found.unknown_seconds) == (3600, 1800, 600)
    assert found.downtime_seconds == 3600


def test_degraded_time_counts_by_its_weight_and_half_a_second_as_one() -> None:
    odd = Impact(state=SLOW, from_at=NOON, until_at=NOON + timedelta(seconds=3))
    assert measured(odd, weight=50).downtime_seconds == 2
    assert measured(odd, weight=0).downtime_seconds == 0
    assert measured(odd, weight=100).downtime_seconds == 3


@pytest.mark.parametrize("weight", [-1, 101])
def test_a_weight_is_a_share(weight: int) -> None:
    with pytest.raises(ValueError, match="weight"):
        measured(weight=weight)


def test_one_second_down_never_reads_as_a_whole_month_up() -> None:
    second = Impact(state=DOWN, from_at=NOON, until_at=NOON + timedelta(seconds=1))
    assert measured(second).availability_percent == "99.9999"
    assert measured().availability_percent == "100.0000"


def test_what_goes_over_the_border_of_a_month_counts_in_each_by_its_part() -> None:
    over = Impact(
        state=DOWN,
        from_at=datetime(2026, 1, 31, 23, 0, tzinfo=UTC),
        until_at=datetime(2026, 2, 1, 2, 30, tzinfo=UTC),
    )
    january = availability.month(date(2026, 1, 1), "UTC")
    before = availability.measure([over], from_at=january[0], until_at=january[1])
    assert (before.outage_seconds, measured(over).outage_seconds) == (3600, 9000)


def test_what_still_holds_counts_up_to_the_end_of_what_is_measured() -> None:
    now = NOON + timedelta(hours=2)
    found = availability.measure([impact(DOWN, 0, None)], from_at=FEBRUARY[0], until_at=now)
    assert found.outage_seconds == 7200


@pytest.mark.parametrize(
    ("first_on", "hours", "down_from", "down_until"),
    [
        (date(2026, 3, 1), 31 * 24 - 1, (2026, 3, 29, 0), (2026, 3, 29, 6)),
        (date(2026, 10, 1), 31 * 24 + 1, (2026, 10, 25, 0), (2026, 10, 25, 6)),
    ],
)
def test_both_nights_of_daylight_saving(
    first_on: date, hours: int, down_from: tuple[int, ...], down_until: tuple[int, ...]
) -> None:
    """From midnight to six by the clock on the wall: five hours in March, seven in October."""
    paris = ZoneInfo("Europe/Paris")
    from_at, until_at = availability.month(first_on, "Europe/Paris")
    night = Impact(
        state=DOWN,
        from_at=datetime(*down_from, tzinfo=paris),  # type: ignore[arg-type, misc]
        until_at=datetime(*down_until, tzinfo=paris),  # type: ignore[arg-type, misc]
    )
    found = availability.measure([night], from_at=from_at, until_at=until_at)
    assert found.period_seconds == hours * 3600
    assert found.outage_seconds == (5 if first_on.month == 3 else 7) * 3600


def test_a_maintenance_counts_only_outside_the_window_that_was_announced() -> None:
    phase = cohort.Phase(state=DOWN, from_at=NOON - timedelta(hours=1), until_at=NOON + timedelta(hours=3))
    cut = availability.impacts([phase], planned=(NOON, NOON + timedelta(hours=2)))
    assert [each.is_planned for each in cut] == [False, True, False]
    found = measured(*cut)
    assert (found.outage_seconds, found.planned_seconds) == (7200, 7200)


def test_an_outage_within_a_maintenance_counts_as_an_outage() -> None:
    found = measured(impact(DOWN, 0, 60, is_planned=True), impact(DOWN, 30, 60))
    assert (found.outage_seconds, found.planned_seconds) == (1800, 1800)


def test_the_same_as_the_arithmetic_of_the_page() -> None:
    def entry(number: int, state: CompanyState, minutes: int) -> cohort.Entry:
        at = NOON + timedelta(minutes=minutes)
        return cohort.Entry(
            id=UUID(int=number), component_id=UUID(int=number % 2), state=state, at=at, recorded_at=at
        )

    own = cohort.own_recovery(
        [
            entry(1, DOWN, 0),
            entry(2, SLOW, 5),
            entry(3, SLOW, 15),
            entry(4, CompanyState.RESTORED, 50),
            entry(5, CompanyState.RESTORED, 40),
        ],
        components=None,
        now=NOON + timedelta(days=1),
    )
    found = measured(*availability.impacts(own.impact))
    assert (found.outage_seconds, found.degraded_seconds) == (own.outage_seconds, own.degraded_seconds)
    assert found.outage_seconds == 900
