"""Instants as the arithmetic needs them: always UTC, because local clocks repeat and skip hours."""

from datetime import UTC, datetime, timedelta


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
