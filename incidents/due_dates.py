"""When a request for a post-mortem is to be answered and the report is to be there."""

from datetime import UTC, datetime, timedelta

SATURDAY = 5


def after_business_days(start: datetime, days: int) -> datetime:
    """The instant `days` business days (Monday to Friday, UTC) after `start`, at the same time of day.

    What comes on a weekend counts as come on Monday at 00:00.

    >>> after_business_days(datetime(2026, 2, 6, 15, 0, tzinfo=UTC), 1).isoformat()   # a Friday
    '2026-02-09T15:00:00+00:00'
    >>> after_business_days(datetime(2026, 2, 7, 15, 0, tzinfo=UTC), 1).isoformat()   # a Saturday
    '2026-02-10T00:00:00+00:00'
    """
    due = start.astimezone(UTC)
    if due.weekday() >= SATURDAY:
        due = due.replace(hour=0, minute=0, second=0, microsecond=0)
        while due.weekday() >= SATURDAY:
            due += timedelta(days=1)
    for _ in range(days):
        due += timedelta(days=1)
        while due.weekday() >= SATURDAY:
            due += timedelta(days=1)
    return due
