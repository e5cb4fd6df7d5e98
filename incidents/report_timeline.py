"""The timeline of a report as staff type it: one moment a line, in a zone that is named beside.

2026-02-04 13:45 to 14:00 | Interruption | No sign-in and no traffic.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from incidents import report_errors

MOST_FAULTS = 10
_LINE = re.compile(
    r"\s*(?P<day>\d{4}-\d\d-\d\d)[ T](?P<clock>\d\d:\d\d)"
    r"(?:\s*(?:to|–|-)\s*(?:(?P<end_day>\d{4}-\d\d-\d\d)[ T])?(?P<end>\d\d:\d\d))?"
    r"\s*\|\s*(?P<heading>[^|]{1,160}?)\s*(?:\|\s*(?P<text>.*?)\s*)?"
)


@dataclass(frozen=True, kw_only=True)
class Moment:
    """One line: an instant or a stretch of time, what it was, and what can be said of it."""

    from_at: datetime
    until_at: datetime | None
    heading: str
    text: str


def read(typed: str, zone: str) -> tuple[Moment, ...]:
    """The moments of a timeline in the order of time. Clocks are of `zone`; one shown twice is the first.

    An end without a day is on the day of the start, or on the next where that lies before it.
    Raises BadTimeline with every line that cannot be read.

    >>> read("2026-02-04 23:50 to 00:10 | Interruption | No traffic.", "UTC")[0].until_at.isoformat()
    '2026-02-05T00:10:00+00:00'
    """
    moments, faults = [], []
    for number, line in enumerate(typed.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            moments.append(_moment(line, ZoneInfo(zone)))
        except ValueError as error:
            faults.append(f"Line {number} of the timeline: {error}")
    if faults:
        raise report_errors.BadTimeline(tuple(faults[:MOST_FAULTS]))
    return tuple(sorted(moments, key=lambda moment: moment.from_at))


def written(moments: Iterable[Moment], zone: str) -> str:
    """The moments as lines that `read` reads."""
    return "\n".join(_line(moment, ZoneInfo(zone)) for moment in moments)


def merged(typed: str, proposed: Iterable[Moment], zone: str) -> str:
    """The typed lines, and of the proposed moments those at whose start none is typed yet.

    Raises BadTimeline.
    """
    own = read(typed, zone)
    known = {_key(moment) for moment in own}
    new = [each for each in proposed if _key(each) not in known]
    return written(sorted((*own, *new), key=lambda moment: moment.from_at), zone)


def _key(moment: Moment) -> tuple[datetime, str]:
    """Lines hold minutes, the record holds more."""
    return moment.from_at.replace(second=0, microsecond=0), moment.heading.casefold()


def _moment(line: str, zone: ZoneInfo) -> Moment:
    found = _LINE.fullmatch(line)
    if found is None:
        raise ValueError("write “2026-02-04 13:45 to 14:00 | What it was | What can be said of it.”")
    from_at = _instant(found["day"], found["clock"], zone)
    until_at = None
    if found["end"]:
        until_at = _instant(found["end_day"] or found["day"], found["end"], zone)
        if until_at < from_at and not found["end_day"]:
            next_day = date.fromisoformat(found["day"]) + timedelta(days=1)
            until_at = _instant(next_day.isoformat(), found["end"], zone)
        if until_at < from_at:
            raise ValueError("the end lies before the start.")
    return Moment(from_at=from_at, until_at=until_at, heading=found["heading"], text=found["text"] or "")


def _instant(day: str, clock: str, zone: ZoneInfo) -> datetime:
    try:
        on, at = date.fromisoformat(day), time.fromisoformat(clock)
    except ValueError as error:
        raise ValueError(f"{day} {clock} is no day and time.") from error
    if not 2000 <= on.year <= 2100:
        raise ValueError(f"{on.year} lies too far away.")
    return datetime.combine(on, at, tzinfo=zone).astimezone(UTC)


def _line(moment: Moment, zone: ZoneInfo) -> str:
    start = moment.from_at.astimezone(zone)
    words = f"{start:%Y-%m-%d %H:%M}"
    if moment.until_at is not None:
        end = moment.until_at.astimezone(zone)
        words += f" to {end:%H:%M}" if end.date() == start.date() else f" to {end:%Y-%m-%d %H:%M}"
    return f"{words} | {_plain(moment.heading)}" + (f" | {_plain(moment.text)}" if moment.text else "")


def _plain(words: str) -> str:
    """On one line, and without the sign that divides it."""
    return " ".join(words.replace("|", "/").split())
