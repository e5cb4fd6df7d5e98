"""Instants as the arithmetic needs them: always UTC, because local clocks repeat and skip hours."""

from datetime import UTC, datetime, timedelta

from incidents.choices import IncidentState


def as_utc(instant: datetime) -> datetime:
    """The same instant in UTC; `ValueError` for one without an offset.

    Python compares and subtracts two instants of the same zone by what the wall clock shows,
    so the night that daylight saving ends would lose an hour. Nothing is compared before this.
    """
    if instant.tzinfo is UTC:
        return instant
    if instant.utcoffset() is None:
        raise ValueError(f"An instant needs an offset from UTC: {instant.isoformat()}")
    return instant.astimezone(UTC)


def seconds_between(start: datetime, end: datetime) -> int:
    """Whole seconds from `start` to `end`, negative when `end` is earlier, cut towards zero."""
    return whole_seconds(as_utc(end) - as_utc(start))


def whole_seconds(length: timedelta) -> int:
    """A length in whole seconds, cut towards zero (a started second is not a second).

    >>> whole_seconds(timedelta(hours=4, minutes=25)), whole_seconds(timedelta(seconds=-1.5))
    (15900, -1)
    """
    seconds = abs(length) // timedelta(seconds=1)
    return seconds if length >= timedelta(0) else -seconds


def state_by_clock(
    stored: IncidentState, *, started_at: datetime, planned_end_at: datetime | None, now: datetime
) -> IncidentState:
    """Where a maintenance stands at `now`, also before somebody has written it down.

    It begins at its start, and is verified from its planned end until it is said to be completed.
    States that no clock moves stay as they are stored.

    >>> first, last = datetime(2026, 2, 4, 2, tzinfo=UTC), datetime(2026, 2, 4, 4, tzinfo=UTC)
    >>> for now in (first - timedelta(seconds=1), first, last):
    ...     print(state_by_clock(IncidentState.SCHEDULED, started_at=first, planned_end_at=last, now=now))
    scheduled
    in_progress
    verifying
    """
    if stored is IncidentState.SCHEDULED and started_at <= now:
        stored = IncidentState.IN_PROGRESS
    if stored is IncidentState.IN_PROGRESS and planned_end_at is not None and planned_end_at <= now:
        stored = IncidentState.VERIFYING
    return stored
