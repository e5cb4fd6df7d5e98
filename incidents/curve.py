"""The recovery curve: the share of affected companies restored over time, in few points."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from incidents import clocks

MOST_POINTS = 200
MOST_STEPS = MOST_POINTS - 2
"""Without the first point and, of an open incident, the last."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CurvePoint:
    """At this instant, and until the next point, `share` (0 to 1) of the companies was restored."""

    at: datetime
    share: float


def recovery_curve(
    steps: Iterable[tuple[datetime, int]], *, affected_count: int, started_at: datetime, until: datetime
) -> tuple[CurvePoint, ...]:
    """The share restored over time as a rising step curve.

    `steps` are instants in order, each with how many companies were restored by then: those that
    `recovery_sums.STEPS` keeps. The first point is (`started_at`, 0), the last one the restoration
    of the last company, or `until` while one is open; what came earlier than `started_at` counts at
    `started_at`.

    Two of four companies came back after half an hour, one more after an hour:

    >>> from datetime import UTC, timedelta
    >>> start = datetime(2026, 2, 4, 12, 45, tzinfo=UTC)
    >>> half_hour = timedelta(minutes=30)
    >>> curve = recovery_curve([(start + half_hour, 2), (start + 2 * half_hour, 3)],
    ...     affected_count=4, started_at=start, until=start + 3 * half_hour)
    >>> [(str(point.at - start), point.share) for point in curve]
    [('0:00:00', 0.0), ('0:30:00', 0.5), ('1:00:00', 0.75), ('1:30:00', 0.75)]

    Raises `ValueError` for more recoveries than affected companies and for an instant without an
    offset.
    """
    started_at, until = clocks.as_utc(started_at), clocks.as_utc(until)
    restored_by: dict[datetime, int] = {}
    for at, count in steps:
        if count > affected_count:
            raise ValueError(f"{count} recoveries of {affected_count} affected companies.")
        restored_by[max(clocks.as_utc(at), started_at)] = count
    points = [CurvePoint(at=started_at, share=0.0)]
    points += [CurvePoint(at=at, share=count / affected_count) for at, count in restored_by.items()]
    if points[-1].share < 1 and until > points[-1].at:
        points.append(CurvePoint(at=until, share=points[-1].share))
    return tuple(points)
