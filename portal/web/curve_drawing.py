"""The recovery curve and the strip of days as plain numbers, ready for a template to draw.

Places are percentages of the drawing's box ("47.2%"), so that words keep their size at any width;
the curve itself is a path in a box of 1000 by 1000 that is stretched over the whole drawing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from incidents.choices import UpdateKind
from incidents.curve import CurvePoint
from incidents.queries.overview_shapes import DayStatus
from incidents.queries.shapes import (
    CohortFacts,
    OwnRecovery,
    UpdateText,
)

BOX = 1000
ROOM_AFTER_THE_END = 0.03
MOST_TICKS = 9
LATE = 0.72
"""From this share of the axis on, a milestone has no room for its name on the right."""
EARLY = 0.3
NAMED_BAND = 0.18
"""The narrowest share of the axis in which the tail's name fits."""
ALL = 100
TICK_STEPS = tuple(
    timedelta(minutes=minutes)
    for minutes in (5, 10, 15, 30, 60, 120, 180, 360, 720, 1440, 2880, 7200, 14400, 43200)
)

Anchor = Literal["start", "middle", "end"]


@dataclass(frozen=True, kw_only=True)
class Tick:
    """An hour on the axis; every second one is `is_between` and left out where room is short."""

    x: str
    at: datetime
    is_between: bool
    is_day: bool


@dataclass(frozen=True, kw_only=True)
class Milestone:
    """The instant at which a share of the companies was restored."""

    x: str
    y: str
    at: datetime
    share_percent: int
    name_y: str
    """Beside the point, or above the axis where there is no room to its right."""
    anchor: Anchor
    shift_x: int
    shift_y: int
    is_last: bool
    is_named: bool
    """Left without its name where the reader's own marker says the same."""


@dataclass(frozen=True, kw_only=True)
class Band:
    """The time in which the tail recovered."""

    x: str
    width: str
    middle: str
    is_named: bool


@dataclass(frozen=True, kw_only=True)
class Mark:
    """A published update on the axis; a `resolved` one gets a line of its own."""

    x: str
    at: datetime
    label: str
    is_resolved: bool
    is_named: bool
    anchor: Anchor
    shift_x: int


@dataclass(frozen=True, kw_only=True)
class Here:
    """Where the reader's own company stands: hollow and at now while it is not restored."""

    x: str
    y: str
    at: datetime
    is_open: bool
    anchor: Anchor
    shift_x: int


@dataclass(frozen=True, kw_only=True)
class CurveRow:
    """One line of the table behind the drawing."""

    at: datetime
    percent: float
    note: str


@dataclass(frozen=True, kw_only=True)
class CurveDrawing:
    line: str
    area: str
    levels: tuple[tuple[int, str], ...]
    """(percent, y) of the lines across, highest first."""
    ticks: tuple[Tick, ...]
    milestones: tuple[Milestone, ...]
    tail: Band | None
    marks: tuple[Mark, ...]
    here: Here | None
    rows: tuple[CurveRow, ...]
    """Oldest first: each tick and each milestone."""


@dataclass(frozen=True, kw_only=True)
class DayBar:
    """One day of the strip, in a box of one unit per day and 10 high."""

    x: int
    y: int
    height: int
    day: DayStatus


def draw_curve(
    cohort: CohortFacts,
    recovery: OwnRecovery,
    updates: Sequence[UpdateText],
    *,
    zone: str,
    as_of: datetime,
) -> CurveDrawing | None:
    """The drawing of a cohort with the reader's own place in it; none where there is no curve.

    The axis runs from the start of the incident to the last restoration, or to `as_of` while any
    company is not restored.
    """
    points = cohort.curve
    if cohort.is_too_small or not points:
        return None
    since = points[0].at
    end = max(points[-1].at, recovery.restored_at or points[-1].at)
    if cohort.all_restored_at is None:
        end = max(end, as_of)
    if end <= since:
        return None
    until = end + (end - since) * ROOM_AFTER_THE_END
    axis = _Axis(since=since, seconds=(until - since).total_seconds())
    line = _step_path(points, axis, end)
    ticks = _ticks(axis, until, ZoneInfo(zone))
    milestones = _milestones(cohort, axis, own_at=recovery.restored_at)
    return CurveDrawing(
        line=line,
        area=f"{line}V{BOX}H0Z",
        levels=tuple((percent, _percent(1 - percent / 100)) for percent in (cohort.first_percent, 50)),
        ticks=ticks,
        milestones=milestones,
        tail=_tail(cohort, axis, end),
        marks=_marks(updates, axis, end),
        here=_here(points, recovery, axis, end),
        rows=_rows(points, ticks, milestones, end),
    )


def draw_days(days: Sequence[DayStatus]) -> tuple[DayBar, ...]:
    """One bar for each day, in the order given; the worse the state, the taller the bar."""
    return tuple(
        DayBar(x=place, y=10 - height, height=height, day=day)
        for place, day in enumerate(days)
        for height in (_bar_height(day),)
    )


@dataclass(frozen=True, kw_only=True)
class _Axis:
    since: datetime
    seconds: float

    def share(self, at: datetime) -> float:
        return min(1.0, max(0.0, (at - self.since).total_seconds() / self.seconds))

    def x(self, at: datetime) -> str:
        return _percent(self.share(at))


def _percent(share: float) -> str:
    return f"{100 * share:.1f}%"


def _step_path(points: Sequence[CurvePoint], axis: _Axis, end: datetime) -> str:
    """A path of level and upright strokes only: nothing is restored between two points."""
    x = round(BOX * axis.share(points[0].at))
    y = round(BOX * (1 - points[0].share))
    strokes = [f"M{x} {y}"]
    for point in points[1:]:
        next_x = round(BOX * axis.share(point.at))
        next_y = round(BOX * (1 - point.share))
        if next_y == y:
            continue
        if next_x != x:
            strokes.append(f"h{next_x - x}")
        strokes.append(f"v{next_y - y}")
        x, y = next_x, next_y
    strokes.append(f"H{round(BOX * axis.share(end))}")
    return "".join(strokes)


def _ticks(axis: _Axis, until: datetime, zone: ZoneInfo) -> tuple[Tick, ...]:
    span = timedelta(seconds=axis.seconds)
    step = next((step for step in TICK_STEPS if span / step <= MOST_TICKS), TICK_STEPS[-1])
    local = axis.since.astimezone(zone)
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0).astimezone(UTC)
    steps = -(-(axis.since - midnight) // step)
    ticks: list[Tick] = []
    at = midnight + steps * step
    while at < until:
        is_between = len(ticks) % 2 == 1
        is_day = step >= timedelta(days=1)
        ticks.append(Tick(x=axis.x(at), at=at, is_between=is_between, is_day=is_day))
        at += step
    return tuple(ticks)


def _milestones(cohort: CohortFacts, axis: _Axis, *, own_at: datetime | None) -> tuple[Milestone, ...]:
    found = (
        (50, cohort.restored_half_at),
        (cohort.first_percent, cohort.restored_share_at),
        (ALL, cohort.all_restored_at),
    )
    milestones: list[Milestone] = []
    for share_percent, at in found:
        if at is None:
            continue
        share = axis.share(at)
        is_late = share > LATE
        is_last = share_percent == ALL
        y = _percent(1 - share_percent / 100)
        milestones.append(
            Milestone(
                x=axis.x(at),
                y=y,
                at=at,
                share_percent=share_percent,
                name_y="100%" if is_late and not is_last else y,
                anchor="end" if is_late else "start",
                shift_x=-6 if is_late else 9,
                shift_y=-10 - 18 * len(milestones) if is_late and not is_last else 20,
                is_last=is_last,
                is_named=not is_last or at != own_at,
            )
        )
    return tuple(milestones)


def _tail(cohort: CohortFacts, axis: _Axis, end: datetime) -> Band | None:
    if cohort.restored_share_at is None or not cohort.tail_count:
        return None
    first, last = axis.share(cohort.restored_share_at), axis.share(end)
    return Band(
        x=_percent(first),
        width=_percent(last - first),
        middle=_percent((first + last) / 2),
        is_named=last - first > NAMED_BAND,
    )


def _marks(updates: Sequence[UpdateText], axis: _Axis, end: datetime) -> tuple[Mark, ...]:
    """Updates inside the axis, oldest first; the first `resolved` among them is named."""
    inside = sorted(
        (update for update in updates if axis.since <= update.published_at <= end),
        key=lambda update: update.published_at,
    )
    first = next((update.id for update in inside if update.kind is UpdateKind.RESOLVED), None)
    marks: list[Mark] = []
    for update in inside:
        is_late = axis.share(update.published_at) > 0.5
        marks.append(
            Mark(
                x=axis.x(update.published_at),
                at=update.published_at,
                label=update.kind.label,
                is_resolved=update.kind is UpdateKind.RESOLVED,
                is_named=update.id == first,
                anchor="end" if is_late else "start",
                shift_x=-6 if is_late else 6,
            )
        )
    return tuple(marks)


def _here(points: Sequence[CurvePoint], recovery: OwnRecovery, axis: _Axis, end: datetime) -> Here | None:
    if recovery.impacted_at is None and not recovery.is_restored:
        return None
    is_open = not recovery.is_restored or recovery.restored_at is None
    at = end if is_open or recovery.restored_at is None else recovery.restored_at
    share = axis.share(at)
    anchor: Anchor = "start" if share < EARLY else "end"
    return Here(
        x=axis.x(at),
        y=_percent(1 - _share_at(points, at)),
        at=at,
        is_open=is_open,
        anchor=anchor,
        shift_x=-2 if anchor == "start" else 6,
    )


def _share_at(points: Sequence[CurvePoint], at: datetime) -> float:
    """Share restored at an instant: that of the last point at or before it."""
    share = points[0].share
    for point in points:
        if point.at > at:
            break
        share = point.share
    return share


def _rows(
    points: Sequence[CurvePoint],
    ticks: Sequence[Tick],
    milestones: Sequence[Milestone],
    end: datetime,
) -> tuple[CurveRow, ...]:
    notes = {point.at: "" for point in (points[0],)}
    notes.update({tick.at: "" for tick in ticks if tick.at <= end})
    notes[end] = ""
    for milestone in milestones:
        name = "all" if milestone.is_last else f"{milestone.share_percent}%"
        notes[milestone.at] = f"{name} reached"
    return tuple(CurveRow(at=at, percent=100 * _share_at(points, at), note=notes[at]) for at in sorted(notes))


def _bar_height(day: DayStatus) -> int:
    if day.outage_seconds:
        return 10
    if day.degraded_seconds:
        return 7
    return 3 if day.state is None else 5
