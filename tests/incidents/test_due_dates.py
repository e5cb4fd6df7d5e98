"""Business days of the vendor's calendar: days of the week, holidays, a zone, both nights of its clocks."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from incidents import due_dates
from incidents.due_dates import BusinessCalendar

PARIS = BusinessCalendar(zone=ZoneInfo("Europe/Paris"))


def at(written: str) -> datetime:
    return datetime.fromisoformat(written).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("start", "days", "due"),
    [
        ("2026-02-06T22:30", 1, "2026-02-09T22:30"),  # Friday 23:30 in Paris
        ("2026-02-06T23:30", 1, "2026-02-09T23:00"),  # Saturday there: counts as Monday at 00:00
        ("2026-03-27T11:00", 1, "2026-03-30T10:00"),  # Friday noon to Monday noon, an hour shorter
        ("2026-10-23T10:00", 1, "2026-10-26T11:00"),  # and an hour longer
        ("2026-02-04T15:00", 0, "2026-02-04T15:00"),
    ],
)
def test_days_and_times_are_those_of_the_vendors_zone(start: str, days: int, due: str) -> None:
    assert due_dates.after_business_days(at(start), days, PARIS) == at(due)


def test_holidays_and_other_weeks_are_skipped() -> None:
    within = BusinessCalendar(
        weekdays=frozenset({6, 0, 1, 2, 3}), holidays=frozenset({date(2026, 2, 8), date(2026, 2, 9)})
    )
    assert due_dates.after_business_days(at("2026-02-05T15:00"), 1, within) == at("2026-02-10T15:00")
    assert due_dates.after_business_days(at("2026-02-08T15:00"), 1, within) == at("2026-02-11T00:00")


@pytest.mark.parametrize(
    ("now", "due", "days"),
    [
        ("2026-02-06T15:00", "2026-02-09T15:00", 1),
        ("2026-02-06T15:00", "2026-02-06T16:00", 0),
        ("2026-02-07T15:00", "2026-02-10T00:00", 1),  # by the end of Monday
        ("2026-02-07T15:00", "2026-02-08T15:00", 0),
        ("2026-02-09T15:00", "2026-02-06T15:00", -1),
        ("2026-02-06T16:00", "2026-02-06T15:00", 0),
        ("2026-02-13T15:00", "2026-02-06T15:00", -5),
    ],
)
def test_days_that_are_left_or_late_are_counted(now: str, due: str, days: int) -> None:
    assert due_dates.business_days_until(at(due), BusinessCalendar(), now=at(now)) == days


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        ({"weekdays": []}, "BUSINESS_DAYS"),
        ({"weekdays": ["monday"]}, "BUSINESS_DAYS"),
        ({"holidays": ["25.12.2026"]}, "BUSINESS_HOLIDAYS"),
        ({"zone": "Paris"}, "BUSINESS_ZONE"),
    ],
)
def test_a_calendar_that_makes_no_sense_names_the_setting(given: dict[str, object], fault: str) -> None:
    settings = {"weekdays": ["mon"], "holidays": [], "zone": "UTC"} | given
    with pytest.raises(ValueError, match=fault):
        due_dates.calendar(**settings)  # type: ignore[arg-type]
