"""The recovery arithmetic: one company's recovery from its entries, and a cohort from recoveries.

Plain Python: no framework, no database, no clock (`now` is given). All instants that come out are
in UTC, whatever zone went in; all lengths are whole seconds.
"""

import bisect
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction
from uuid import UUID

from incidents import clocks
from incidents.choices import WORST_FIRST, CompanyState


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """One recorded fact: this component of the company was in `state` from `at` on."""

    id: UUID
    component_id: UUID
    state: CompanyState
    at: datetime
    recorded_at: datetime
    supersedes: UUID | None = None
    superseded: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Interval:
    """One component in one state; `until_at` is None while the state still holds."""

    component_id: UUID
    state: CompanyState
    from_at: datetime
    until_at: datetime | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Phase:
    """A stretch of the company as a whole in its worst state; `until_at` is None while it holds."""

    state: CompanyState
    from_at: datetime
    until_at: datetime | None


@dataclass(frozen=True, kw_only=True, slots=True)
class OwnRecovery:
    """What the entries of one company in one incident add up to.

    `intervals` are per component, ordered by (`from_at`, component id), restored ones included.
    `impact` is the company as a whole, oldest first: what was worst at each instant, the
    restored stretches left out.
    """

    state: CompanyState
    impacted_at: datetime | None
    restored_at: datetime | None
    outage_seconds: int
    degraded_seconds: int
    intervals: tuple[Interval, ...]
    impact: tuple[Phase, ...]

    @property
    def duration_seconds(self) -> int | None:
        """Seconds from first impact to restoration; None before either is known."""
        if self.impacted_at is None or self.restored_at is None:
            return None
        return clocks.seconds_between(self.impacted_at, self.restored_at)


@dataclass(frozen=True, kw_only=True, slots=True)
class CompanyRecovery:
    """One affected company and when it was restored; None while it is not."""

    company_id: UUID
    restored_at: datetime | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """Where one company stands in its cohort.

    `rank` is 1 + the companies restored strictly earlier; `percentile` the share, 0 to 100, of all
    affected companies that were restored at or before it. Both are None until it is restored.
    `in_tail` is None while the end of the first 95% is undefined.
    """

    company_id: UUID
    rank: int | None
    percentile: float | None
    in_tail: bool | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Cohort:
    """All companies affected by an incident, in order of recovery.

    `restored_half_at` is the instant at which half were restored, `restored_share_at` the instant
    at which all but the tail were, `all_restored_at` the last; each None until it has happened.
    `standings` are ordered by (`restored_at`, company id), those not restored last.
    """

    affected_count: int
    restored_count: int
    tail_count: int
    tail_percent: int
    restored_half_at: datetime | None
    restored_share_at: datetime | None
    all_restored_at: datetime | None
    standings: tuple[Standing, ...]

    @property
    def open_count(self) -> int:
        """Companies that are not restored."""
        return self.affected_count - self.restored_count

    @property
    def restored_percent(self) -> float | None:
        """Share of the affected companies that is restored, 0 to 100; None for no companies."""
        if self.affected_count == 0:
            return None
        return 100 * self.restored_count / self.affected_count


def own_recovery(
    entries: Iterable[Entry],
    *,
    components: frozenset[UUID] | None,
    now: datetime,
    closed_at: datetime | None = None,
) -> OwnRecovery:
    """One company's recovery: depends on the set of its entries, not on their order or copies.

    Entries take effect in the order (`at`, `recorded_at`, id); of several for one component at one
    instant the last one holds. Not counted: entries that another supersedes (or that are marked
    so), entries of components outside `components`, and entries later than `now`. With
    `components` None the components are those of the entries.

    * `state` is the worst over the components: outage, degraded, unknown, restored. A component
      of `components` without an entry is unknown; so is a company without any.
    * `impacted_at` is the start of the first interval that is not restored. Unknown opens the
      impact like any other state: it is not restored.
    * `restored_at` is the last instant at which a component became restored, once all are; None
      while one is not. A relapse takes it back until the component is restored again.
    * `outage_seconds` is the length of the union over components of the outage intervals,
      `degraded_seconds` that of the degraded ones without the outage. Unknown is neither.

    A state that still holds is counted up to `now`, or up to `closed_at` once the incident is
    closed. An entry later than `closed_at` shows that the company's own incident went on, so then
    it is counted up to `now` again.

    The interruption of the founding incident, 13:45 to 14:00 down, degraded until 18:10:

    >>> from datetime import UTC
    >>> def entry(number, state, hour, minute):
    ...     at = datetime(2026, 2, 4, hour, minute, tzinfo=UTC)
    ...     return Entry(id=UUID(int=number), component_id=UUID(int=1), state=CompanyState(state),
    ...                  at=at, recorded_at=at)
    >>> recovery = own_recovery(
    ...     [entry(1, "outage", 13, 45), entry(2, "degraded", 14, 0), entry(3, "restored", 18, 10)],
    ...     components=None, now=datetime(2026, 2, 5, tzinfo=UTC))
    >>> recovery.outage_seconds, recovery.degraded_seconds, recovery.duration_seconds
    (900, 15000, 15900)

    Raises `ValueError` for an instant without an offset.
    """
    now = clocks.as_utc(now)
    counted_until = now if closed_at is None else min(now, clocks.as_utc(closed_at))
    counted = _entries_that_count(entries, components=components, now=now)
    intervals = _intervals(counted)
    impact = _impact(intervals)
    spoken_of = {interval.component_id for interval in intervals}
    latest = [interval for interval in intervals if interval.until_at is None]
    states = {interval.state for interval in latest}
    if not spoken_of or (components is not None and components - spoken_of):
        states.add(CompanyState.UNKNOWN)
    state = next(state for state in WORST_FIRST if state in states)

    if counted and counted[-1].at > counted_until:
        counted_until = now
    return OwnRecovery(
        state=state,
        impacted_at=impact[0].from_at if impact else None,
        restored_at=(
            max(interval.from_at for interval in latest) if state is CompanyState.RESTORED else None
        ),
        outage_seconds=_seconds_in(CompanyState.OUTAGE, impact, counted_until),
        degraded_seconds=_seconds_in(CompanyState.DEGRADED, impact, counted_until),
        intervals=intervals,
        impact=impact,
    )


def entries_in_effect(entries: Iterable[Entry], *, now: datetime) -> tuple[Entry, ...]:
    """The entries that `own_recovery` goes by: the last recorded of each component and instant."""
    counted = _entries_that_count(entries, components=None, now=clocks.as_utc(now))
    return tuple({(entry.component_id, entry.at): entry for entry in counted}.values())


def standings(recoveries: Sequence[CompanyRecovery], *, tail_percent: int = 5) -> Cohort:
    """The cohort of one incident and each company's place in it.

    With n companies, the first share is complete when the k-th is restored, k = ⌈n·(100 -
    `tail_percent`)/100⌉ in whole numbers. The tail is every company restored strictly later, or
    not restored by then; who was restored at that very instant is not in it. So the tail is never
    more than `tail_percent` of the cohort, and with 5 percent it is empty below 20 companies.

    The founding incident, in minutes after its start at 13:45: of 240 companies the 228th came
    back at 18:10, the last at 20:15.

    >>> from datetime import UTC
    >>> start = datetime(2026, 2, 4, 12, 45, tzinfo=UTC)
    >>> minutes = [265 - 227 + place for place in range(228)] + [280 + 10 * i for i in range(12)]
    >>> cohort = standings([
    ...     CompanyRecovery(company_id=UUID(int=i), restored_at=start + timedelta(minutes=minute))
    ...     for i, minute in enumerate(minutes)])
    >>> clocks.seconds_between(start, cohort.restored_share_at)     # 4 h 25
    15900
    >>> clocks.seconds_between(start, cohort.all_restored_at)       # 6 h 30
    23400
    >>> cohort.tail_count, cohort.standings[227].percentile, cohort.standings[227].in_tail
    (12, 95.0, False)

    Raises `ValueError` for a company that is named twice, a `tail_percent` outside 0 to 99 and an
    instant without an offset.
    """
    if not 0 <= tail_percent <= 99:
        raise ValueError(f"The tail is a share of 0 to 99 percent, not {tail_percent}.")
    affected_count = len(recoveries)
    if len({recovery.company_id.int for recovery in recoveries}) != affected_count:
        raise ValueError("A company is named twice in one cohort.")

    by_company = sorted(recoveries, key=lambda recovery: recovery.company_id.int)
    restored = [each for each in by_company if each.restored_at is not None]
    instants = [clocks.as_utc(each.restored_at) for each in by_company if each.restored_at]
    order = sorted(range(len(instants)), key=instants.__getitem__)
    ordered = [instants[place] for place in order]

    restored_share_at = reached_at(ordered, affected_count=affected_count, percent=100 - tail_percent)
    first_count = None if restored_share_at is None else bisect.bisect_right(ordered, restored_share_at)
    in_tail = None if first_count is None else True
    return Cohort(
        affected_count=affected_count,
        restored_count=len(ordered),
        tail_count=0 if first_count is None else affected_count - first_count,
        tail_percent=tail_percent,
        restored_half_at=reached_at(ordered, affected_count=affected_count, percent=50),
        restored_share_at=restored_share_at,
        all_restored_at=reached_at(ordered, affected_count=affected_count, percent=100),
        standings=(
            *_restored_standings(
                [restored[place].company_id for place in order],
                ordered,
                affected_count=affected_count,
                first_count=first_count,
            ),
            *(
                Standing(company_id=each.company_id, rank=None, percentile=None, in_tail=in_tail)
                for each in by_company
                if each.restored_at is None
            ),
        ),
    )


def reached_at(ordered: Sequence[datetime], *, affected_count: int, percent: float) -> datetime | None:
    """The instant at which `percent` (above 0, to 100) of the cohort was restored.

    `ordered` are the restorations, earliest first; None while too few, or no company is affected.

    >>> from datetime import UTC
    >>> days = [datetime(2026, 2, day, tzinfo=UTC) for day in (1, 2, 3)]
    >>> [reached_at(days, affected_count=4, percent=percent) for percent in (75, 76)]
    [datetime.datetime(2026, 2, 3, 0, 0, tzinfo=datetime.timezone.utc), None]
    """
    place = companies_in(percent, affected_count=affected_count)
    return ordered[place - 1] if 0 < place <= len(ordered) else None


def companies_in(percent: float, *, affected_count: int) -> int:
    """How many companies make up `percent` (above 0, to 100) of a cohort: rounded up.

    >>> companies_in(95, affected_count=240), companies_in(95, affected_count=241)
    (228, 229)

    Raises `ValueError` for a percentage outside the range.
    """
    if not 0 < percent <= 100:
        raise ValueError(f"A share of a cohort is above 0 and up to 100 percent, not {percent}.")
    return math.ceil(affected_count * Fraction(str(percent)) / 100)


def _restored_standings(
    company_ids: Sequence[UUID],
    ordered: Sequence[datetime],
    *,
    affected_count: int,
    first_count: int | None,
) -> Iterator[Standing]:
    """Standings of restored companies and their instants, both earliest first.

    `first_count` is how many companies the first share holds, ties included; None while undefined.
    """
    restored_together = Counter(ordered)
    last_at, rank, percentile = None, 0, 0.0
    for place, (company_id, at) in enumerate(zip(company_ids, ordered, strict=True)):
        if at != last_at:
            last_at, rank = at, place + 1
            percentile = 100 * (place + restored_together[at]) / affected_count
        yield Standing(
            company_id=company_id,
            rank=rank,
            percentile=percentile,
            in_tail=None if first_count is None else place >= first_count,
        )


def _entries_that_count(
    entries: Iterable[Entry], *, components: frozenset[UUID] | None, now: datetime
) -> list[Entry]:
    """The entries in effect at `now`, one of each id, in their order, with instants in UTC."""
    known = list(entries)
    replaced = {entry.supersedes for entry in known if entry.supersedes is not None}
    replaced.update(entry.id for entry in known if entry.superseded)
    counted = {
        entry.id: Entry(
            id=entry.id,
            component_id=entry.component_id,
            state=CompanyState(entry.state),
            at=clocks.as_utc(entry.at),
            recorded_at=clocks.as_utc(entry.recorded_at),
        )
        for entry in known
        if entry.id not in replaced
        and (components is None or entry.component_id in components)
        and clocks.as_utc(entry.at) <= now
    }
    return sorted(counted.values(), key=lambda entry: (entry.at, entry.recorded_at, entry.id))


def _intervals(ordered: Sequence[Entry]) -> tuple[Interval, ...]:
    """What each component went through; neighbours of one state are one interval."""
    turns_of: dict[UUID, dict[datetime, CompanyState]] = {}
    for entry in ordered:
        turns_of.setdefault(entry.component_id, {})[entry.at] = entry.state
    intervals = [
        Interval(component_id=component_id, state=state, from_at=from_at, until_at=until_at)
        for component_id, turns in turns_of.items()
        for state, from_at, until_at in _stretches(turns)
    ]
    return tuple(sorted(intervals, key=lambda interval: (interval.from_at, interval.component_id)))


def _impact(intervals: Sequence[Interval]) -> tuple[Phase, ...]:
    """The worst state over all components at each instant, restored stretches left out."""
    changes: dict[datetime, Counter[CompanyState]] = {}
    for interval in intervals:
        changes.setdefault(interval.from_at, Counter())[interval.state] += 1
        if interval.until_at is not None:
            changes.setdefault(interval.until_at, Counter())[interval.state] -= 1
    present: Counter[CompanyState] = Counter()
    turns: dict[datetime, CompanyState] = {}
    for at in sorted(changes):
        for state, change in changes[at].items():
            present[state] += change
        turns[at] = next(state for state in WORST_FIRST if present[state])
    return tuple(
        Phase(state=state, from_at=from_at, until_at=until_at)
        for state, from_at, until_at in _stretches(turns)
        if state is not CompanyState.RESTORED
    )


def _stretches(
    turns: dict[datetime, CompanyState],
) -> list[tuple[CompanyState, datetime, datetime | None]]:
    """(state, from, until) of each stretch, given the state from each instant on, in time order."""
    stretches: list[tuple[CompanyState, datetime, datetime | None]] = []
    for at, state in turns.items():
        if stretches and stretches[-1][0] is state:
            continue
        if stretches:
            stretches[-1] = (*stretches[-1][:2], at)
        stretches.append((state, at, None))
    return stretches


def _seconds_in(state: CompanyState, impact: Sequence[Phase], counted_until: datetime) -> int:
    """Seconds that the company spent in this state, the one that still holds included."""
    own = [phase for phase in impact if phase.state is state]
    lengths = ((phase.until_at or counted_until) - phase.from_at for phase in own)
    return clocks.whole_seconds(sum(lengths, timedelta(0)))
