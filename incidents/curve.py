"""The recovery curve: the share of affected companies restored over time, in few points."""

import itertools
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from incidents import clocks, cohort

FEWEST_POINTS = 10


@dataclass(frozen=True, kw_only=True, slots=True)
class CurvePoint:
    """At this instant, and until the next point, `share` (0 to 1) of the companies was restored."""

    at: datetime
    share: float


def recovery_curve(
    restored_ats: Iterable[datetime],
    *,
    affected_count: int,
    started_at: datetime,
    until: datetime,
    tail_percent: int = 5,
    most: int = 200,
) -> tuple[CurvePoint, ...]:
    """The share restored over time as a rising step curve of at most `most` points.

    The first point is (`started_at`, 0), the last one the restoration of the last company, or
    `until` while one is open; recoveries later than `until` are left out, earlier than
    `started_at` count at `started_at`. Each point is exact. Where there are more instants than
    points, those at which half, the first 95% and all were restored are kept, and the others
    are spread evenly over the companies, so that between two points the curve is nowhere off by
    more than 1/(`most` - 5) of the recoveries.

    Every minute one of 240 companies from 13:46 on: half at 15:45, all at 17:45.

    >>> from datetime import UTC, timedelta
    >>> start = datetime(2026, 2, 4, 12, 45, tzinfo=UTC)
    >>> curve = recovery_curve([start + timedelta(minutes=1 + place) for place in range(240)],
    ...     affected_count=240, started_at=start, until=start + timedelta(days=1))
    >>> [point.share for point in curve if point.at == start + timedelta(hours=2)]
    [0.5]
    >>> len(curve) <= 200
    True
    >>> curve[0].share, curve[-1].share, curve[-1].at == start + timedelta(hours=4)
    (0.0, 1.0, True)

    Raises `ValueError` for more recoveries than affected companies, fewer than ten points or an
    instant without an offset.
    """
    if most < FEWEST_POINTS:
        raise ValueError(f"A recovery curve needs at least {FEWEST_POINTS} points, not {most}.")
    started_at, until = clocks.as_utc(started_at), clocks.as_utc(until)
    every = sorted(map(clocks.as_utc, restored_ats))
    if len(every) > affected_count:
        raise ValueError(f"{len(every)} recoveries of {affected_count} affected companies.")

    ordered = [max(at, started_at) for at in every if at <= until]
    last_of_step = [
        place
        for place, (at, next_at) in enumerate(itertools.pairwise([*ordered, None]), start=1)
        if at != next_at
    ]
    kept = _kept_steps(
        last_of_step,
        landmarks=[
            cohort.companies_in(percent, affected_count=affected_count)
            for percent in (50, 100 - tail_percent, 100)
        ],
        most=most - 2,
    )
    points = [CurvePoint(at=started_at, share=0.0)]
    points.extend(CurvePoint(at=ordered[place - 1], share=place / affected_count) for place in kept)
    if points[-1].share < 1 and until > points[-1].at:
        points.append(CurvePoint(at=until, share=points[-1].share))
    return tuple(points)


def _kept_steps(last_of_step: list[int], *, landmarks: list[int], most: int) -> list[int]:
    """At most `most` of these rising counts: where the landmarks and an even spread fall."""
    if len(last_of_step) <= most:
        return last_of_step
    restored_count = last_of_step[-1]
    spread = most - len(landmarks)
    wanted = [-(-restored_count * part // spread) for part in range(1, spread + 1)]
    wanted = sorted([*wanted, *(place for place in landmarks if place <= restored_count)])
    kept: list[int] = []
    steps = iter(last_of_step)
    step = 0
    for place in wanted:
        while step < place:
            step = next(steps)
        if not kept or kept[-1] != step:
            kept.append(step)
    return kept
