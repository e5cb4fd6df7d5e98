"""One company's recovery against slow, obvious ways to find the same."""

import itertools
import random
from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from incidents import cohort
from incidents.choices import CompanyState

START = datetime(2026, 2, 4, 12, 45, tzinfo=UTC)
COMPONENTS = [UUID(int=101), UUID(int=102), UUID(int=103)]
SPAN_MINUTES = 60


def recovery_of(entries: list[cohort.Entry], *, now_minute: int = 90) -> cohort.OwnRecovery:
    """The recovery so many minutes after the start."""
    now = START + timedelta(minutes=now_minute)
    return cohort.own_recovery(entries, components=None, now=now)


@st.composite
def entry_sets(draw: st.DrawFn) -> list[cohort.Entry]:
    """Up to twelve entries of three components at whole minutes, some superseding others."""
    count = draw(st.integers(0, 12))
    minutes = st.integers(0, SPAN_MINUTES)
    return [
        cohort.Entry(
            id=UUID(int=number),
            component_id=draw(st.sampled_from(COMPONENTS)),
            state=draw(st.sampled_from(list(CompanyState))),
            at=START + timedelta(minutes=draw(minutes)),
            recorded_at=START + timedelta(minutes=draw(minutes)),
            supersedes=UUID(int=draw(st.integers(0, number - 1)))
            if number and draw(st.sampled_from([False, False, True]))
            else None,
            superseded=draw(st.sampled_from([False, False, False, True])),
        )
        for number in range(count)
    ]


def sampled_minute_by_minute(
    entries: list[cohort.Entry], now_minute: int
) -> tuple[str, datetime | None, datetime | None, int, int]:
    """State, impact, restoration, outage and degraded seconds by asking for every minute."""
    gone = {each.supersedes for each in entries} | {each.id for each in entries if each.superseded}
    left = [each for each in entries if each.id not in gone]
    left = [each for each in left if each.at <= START + timedelta(minutes=now_minute)]
    components = {each.component_id for each in left}

    def state_at(component_id: UUID, minute: int) -> str | None:
        spoken = [
            (each.at, each.recorded_at, each.id, each.state)
            for each in left
            if each.component_id == component_id and each.at <= START + timedelta(minutes=minute)
        ]
        return max(spoken)[3] if spoken else None

    grid = [
        {component_id: state_at(component_id, minute) for component_id in components}
        for minute in range(now_minute + 1)
    ]
    present = [set(states.values()) for states in grid]
    hurt = [bool(states & {"outage", "degraded", "unknown"}) for states in present]
    ranking = ["outage", "degraded", "unknown", "restored"]
    state = next((each for each in ranking if each in present[-1]), "unknown")
    restored_minute = 0
    for component_id in components:
        minute = now_minute
        while minute > 0 and grid[minute - 1][component_id] == "restored":
            minute -= 1
        restored_minute = max(restored_minute, minute)
    return (
        state,
        START + timedelta(minutes=hurt.index(True)) if any(hurt) else None,
        START + timedelta(minutes=restored_minute) if state == "restored" else None,
        60 * sum("outage" in states for states in present[:-1]),
        60 * sum("degraded" in states and "outage" not in states for states in present[:-1]),
    )


@settings(deadline=None)
@given(entries=entry_sets(), now_minute=st.integers(0, SPAN_MINUTES + 5))
def test_the_arithmetic_equals_asking_for_every_minute(entries: list[cohort.Entry], now_minute: int) -> None:
    recovery = recovery_of(entries, now_minute=now_minute)

    assert (
        recovery.state,
        recovery.impacted_at,
        recovery.restored_at,
        recovery.outage_seconds,
        recovery.degraded_seconds,
    ) == sampled_minute_by_minute(entries, now_minute)


@settings(deadline=None)
@given(entries=entry_sets(), shuffling=st.randoms(use_true_random=False))
def test_neither_the_order_nor_copies_of_entries_change_the_result(
    entries: list[cohort.Entry], shuffling: random.Random
) -> None:
    mixed = [*entries, *shuffling.choices(entries, k=5)] if entries else []
    shuffling.shuffle(mixed)

    assert recovery_of(mixed) == recovery_of(entries)


@settings(deadline=None)
@given(entries=entry_sets())
def test_the_intervals_of_a_component_follow_each_other_without_gap_or_repetition(
    entries: list[cohort.Entry],
) -> None:
    intervals = recovery_of(entries).intervals

    assert list(intervals) == sorted(
        intervals, key=lambda interval: (interval.from_at, interval.component_id)
    )
    for component_id in {interval.component_id for interval in intervals}:
        own = [interval for interval in intervals if interval.component_id == component_id]
        assert own[-1].until_at is None
        for interval, following in itertools.pairwise(own):
            assert interval.until_at == following.from_at
            assert interval.from_at < following.from_at
            assert interval.state is not following.state
