"""What a stretch of time cost one account: downtime and availability from its own recoveries.

Plain Python: no framework, no database, no clock. A month is that of a zone, and may be an hour longer
or shorter than the calendar says; all subtraction is in UTC.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import ROUND_DOWN, Decimal
from fractions import Fraction
from zoneinfo import ZoneInfo

from incidents import clocks
from incidents.choices import CompanyState
from incidents.cohort import Phase

FORMULA = "availability = 100 × (period − downtime) ÷ period; downtime = outage + degraded × weight ÷ 100"
_PLACES = Decimal("0.0001")

_Stretch = tuple[datetime, datetime]


@dataclass(frozen=True, kw_only=True, slots=True)
class Impact:
    """One stretch of an incident in one state; `until_at` is None while it holds.

    `is_planned`: it lies within the window that a maintenance had announced.
    """

    state: CompanyState
    from_at: datetime
    until_at: datetime | None
    is_planned: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Measured:
    """How a period from `from_at` to `until_at` was spent: whole seconds, each counted once.

    Of an instant in several states outage counts before degraded, degraded before planned, and planned
    before unknown, which is nothing that is known.
    """

    from_at: datetime
    until_at: datetime
    outage_seconds: int
    degraded_seconds: int
    planned_seconds: int
    unknown_seconds: int
    degraded_weight_percent: int

    @property
    def period_seconds(self) -> int:
        return clocks.seconds_between(self.from_at, self.until_at)

    @property
    def downtime_seconds(self) -> int:
        """Outage, and degraded time by its weight; half a second counts as one."""
        weighted = Fraction(self.degraded_seconds * self.degraded_weight_percent, 100)
        return self.outage_seconds + int(weighted + Fraction(1, 2))

    @property
    def availability_percent(self) -> str:
        """With four places, cut and not rounded: "99.4048". Of no time at all it is "100.0000".

        >>> from datetime import UTC
        >>> week = datetime(2026, 2, 2, tzinfo=UTC), datetime(2026, 2, 9, tzinfo=UTC)
        >>> measure([], from_at=week[0], until_at=week[1]).availability_percent
        '100.0000'
        """
        period = self.period_seconds
        if period <= 0:
            return "100.0000"
        percent = Decimal(100 * (period - self.downtime_seconds)) / Decimal(period)
        return str(percent.quantize(_PLACES, ROUND_DOWN))


def measure(
    impacts: Iterable[Impact], *, from_at: datetime, until_at: datetime, degraded_weight_percent: int = 0
) -> Measured:
    """Add up what lies between the two instants; a stretch that still holds lasts to `until_at`.

    Raises ValueError for an instant without an offset and for a weight outside 0 to 100.
    """
    if not 0 <= degraded_weight_percent <= 100:
        raise ValueError(f"A weight is 0 to 100 percent, not {degraded_weight_percent}.")
    since, until = clocks.as_utc(from_at), clocks.as_utc(until_at)
    known = list(impacts)

    def of(state: CompanyState) -> list[_Stretch]:
        return _clipped((each for each in known if each.state is state and not each.is_planned), since, until)

    counted: list[_Stretch] = []
    seconds = []
    planned = _clipped(
        (each for each in known if each.is_planned and each.state is not CompanyState.UNKNOWN), since, until
    )
    for stretches in (of(CompanyState.OUTAGE), of(CompanyState.DEGRADED), planned, of(CompanyState.UNKNOWN)):
        before = _union_seconds(counted)
        counted += stretches
        seconds.append(_union_seconds(counted) - before)
    return Measured(
        from_at=since,
        until_at=until,
        outage_seconds=seconds[0],
        degraded_seconds=seconds[1],
        planned_seconds=seconds[2],
        unknown_seconds=seconds[3],
        degraded_weight_percent=degraded_weight_percent,
    )


def impacts(phases: Sequence[Phase], *, planned: _Stretch | None = None) -> tuple[Impact, ...]:
    """The phases of one incident, cut where its announced window begins and ends, oldest first."""
    cut = []
    for phase in phases:
        borders = [clocks.as_utc(phase.from_at)]
        end = None if phase.until_at is None else clocks.as_utc(phase.until_at)
        for border in sorted(clocks.as_utc(each) for each in planned or ()):
            if border > borders[0] and (end is None or border < end):
                borders.append(border)
        for start, until in zip(borders, [*borders[1:], end], strict=True):
            is_planned = planned is not None and planned[0] <= start < planned[1]
            cut.append(Impact(state=phase.state, from_at=start, until_at=until, is_planned=is_planned))
    return tuple(cut)


def month(first_on: date, zone: str) -> _Stretch:
    """The first instant of the month of that day in the zone, and of the next one, in UTC.

    >>> start, end = month(date(2026, 3, 1), "Europe/Paris")      # clocks go forward: an hour less
    >>> clocks.seconds_between(start, end) // 3600
    743
    """
    local = ZoneInfo(zone)
    first = first_on.replace(day=1)
    following = (first + timedelta(days=31)).replace(day=1)
    start, end = (
        clocks.as_utc(datetime(each.year, each.month, each.day, tzinfo=local)) for each in (first, following)
    )
    return start, end


def _clipped(impacts: Iterable[Impact], since: datetime, until: datetime) -> list[_Stretch]:
    ends = [(clocks.as_utc(each.from_at), each.until_at) for each in impacts]
    clipped = [
        (max(start, since), until if end is None else min(clocks.as_utc(end), until)) for start, end in ends
    ]
    return [(start, end) for start, end in clipped if end > start]


def _union_seconds(stretches: Iterable[_Stretch]) -> int:
    """Whole seconds covered by at least one of the stretches."""
    covered = timedelta()
    reached: datetime | None = None
    for start, end in sorted(stretches):
        begin = start if reached is None else max(start, reached)
        if end > begin:
            covered += end - begin
            reached = end
    return clocks.whole_seconds(covered)
