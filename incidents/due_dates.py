"""When a request for a post-mortem is to be answered, in business days of the vendor's calendar."""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, available_timezones

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAY = timedelta(days=1)


@dataclass(frozen=True, kw_only=True)
class BusinessCalendar:
    """On which days the vendor works: days of the week but for holidays, as they are in one zone."""

    weekdays: frozenset[int] = frozenset(range(5))
    """0 is Monday."""
    holidays: frozenset[date] = frozenset()
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))

    @property
    def words(self) -> str:
        """Which days these are: "Mon, Tue, Wed (Europe/Paris), without holidays"."""
        days = ", ".join(WEEKDAYS[each].capitalize() for each in sorted(self.weekdays))
        return f"{days} ({self.zone.key})" + (", without holidays" if self.holidays else "")

    def is_business_day(self, on: date) -> bool:
        return on.weekday() in self.weekdays and on not in self.holidays


def calendar(*, weekdays: Collection[str], holidays: Collection[str], zone: str) -> BusinessCalendar:
    """The calendar of settings as they are written; ValueError says which of them makes no sense.

    >>> found = calendar(weekdays=["mon", "tue"], holidays=["2026-12-25"], zone="Europe/Paris")
    >>> sorted(found.weekdays), sorted(found.holidays)
    ([0, 1], [datetime.date(2026, 12, 25)])
    """
    if not weekdays or not set(weekdays) <= set(WEEKDAYS):
        raise ValueError(f"BUSINESS_DAYS must name one or more of: {', '.join(WEEKDAYS)}.")
    if zone not in available_timezones():
        raise ValueError("BUSINESS_ZONE must be a time zone, like Europe/Paris.")
    try:
        days_off = frozenset(date.fromisoformat(each.strip()) for each in holidays)
    except ValueError as error:
        raise ValueError("BUSINESS_HOLIDAYS must be days like 2026-12-25, with commas between.") from error
    return BusinessCalendar(
        weekdays=frozenset(WEEKDAYS.index(each) for each in weekdays), holidays=days_off, zone=ZoneInfo(zone)
    )


def after_business_days(start: datetime, days: int, within: BusinessCalendar) -> datetime:
    """The instant (UTC) `days` business days after `start`, at the same time of day in the calendar's zone.

    What comes on a day off counts as come on the next business day at 00:00.

    >>> after_business_days(datetime(2026, 2, 6, 15, 0, tzinfo=UTC), 1, BusinessCalendar()).isoformat()
    '2026-02-09T15:00:00+00:00'
    >>> after_business_days(datetime(2026, 2, 7, 15, 0, tzinfo=UTC), 1, BusinessCalendar()).isoformat()
    '2026-02-10T00:00:00+00:00'
    """
    local = start.astimezone(within.zone)
    on, at = local.date(), local.time()
    if not within.is_business_day(on):
        on, at = _next_business_day(on, within), time()
    for _ in range(days):
        on = _next_business_day(on, within)
    return datetime.combine(on, at, tzinfo=within.zone).astimezone(UTC)


def business_days_until(due: datetime, within: BusinessCalendar, *, now: datetime) -> int:
    """How many business days are left until `due`: 0 on the last of them, negative for so many days late.

    What is due at midnight is due by the end of the day before.

    >>> friday, monday = datetime(2026, 2, 6, 15, 0, tzinfo=UTC), datetime(2026, 2, 9, 9, 0, tzinfo=UTC)
    >>> business_days_until(monday, BusinessCalendar(), now=friday)
    1
    >>> business_days_until(friday, BusinessCalendar(), now=monday)
    -1
    >>> business_days_until(datetime(2026, 2, 10, tzinfo=UTC), BusinessCalendar(), now=friday)
    1
    """
    today = now.astimezone(within.zone).date()
    last = (due.astimezone(within.zone) - timedelta(microseconds=1)).date()
    earlier, later = min(today, last), max(today, last)
    days = (earlier + _DAY * place for place in range(1, (later - earlier).days + 1))
    count = sum(within.is_business_day(day) for day in days)
    return count if last >= today else -count


def _next_business_day(on: date, within: BusinessCalendar) -> date:
    on += _DAY
    while not within.is_business_day(on):
        on += _DAY
    return on
