"""The recovery curve: few points, exact where it matters; the steps are chosen by the database."""

import itertools
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from incidents import curve, recovery_sums

PARIS = ZoneInfo("Europe/Paris")
START = datetime(2026, 2, 4, 13, 45, tzinfo=PARIS)

pytestmark = pytest.mark.django_db


def after(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


def drawn(
    restored: list[int], *, affected_count: int, until: int = 1000, most: int = curve.MOST_POINTS
) -> list[tuple[datetime, float]]:
    """The curve of companies restored so many minutes after the start, as pairs."""
    points = curve.recovery_curve(
        steps([after(minute) for minute in restored], affected_count, after(until), most - 2),
        affected_count=affected_count,
        started_at=START,
        until=after(until),
    )
    return [(point.at, point.share) for point in points]


def steps(
    restored_ats: list[datetime], affected_count: int, until: datetime, most_steps: int
) -> list[tuple[datetime, int]]:
    """What the statement keeps of companies restored at these instants, beside others that are not."""
    values = {
        "ats": [*restored_ats, *[None] * (affected_count - len(restored_ats))],
        "now": until,
        "tail_percent": 5,
        "most_steps": most_steps,
    }
    statement = f"with {_HELD}, {recovery_sums.RANKED}, {recovery_sums.STEPS} {_KEPT}"
    return recovery_sums.rows(statement, values)


_HELD = "held as (select restored_at from unnest(%(ats)s::timestamptz[]) as restored_at)"
_KEPT = "select at, count from kept order by at"


def test_the_curve_of_a_finished_incident_ends_with_its_last_company() -> None:
    assert drawn([30, 10, 30, 60], affected_count=4) == [
        (START, 0.0),
        (after(10), 0.25),
        (after(30), 0.75),
        (after(60), 1.0),
    ]


def test_the_curve_of_an_open_incident_goes_on_to_now() -> None:
    assert drawn([10, 30], affected_count=4, until=45) == [
        (START, 0.0),
        (after(10), 0.25),
        (after(30), 0.5),
        (after(45), 0.5),
    ]


def test_nobody_restored_is_a_flat_line() -> None:
    assert drawn([], affected_count=4, until=45) == [(START, 0.0), (after(45), 0.0)]


def test_a_recovery_later_than_the_end_of_the_curve_is_left_out() -> None:
    assert drawn([10, 60], affected_count=2, until=45)[-1] == (after(45), 0.5)


def test_a_recovery_before_the_start_counts_at_the_start() -> None:
    assert drawn([-5, 10], affected_count=2) == [(START, 0.0), (START, 0.5), (after(10), 1.0)]


def test_the_two_half_past_twos_of_one_night_are_two_steps() -> None:
    half_past_two = datetime(2026, 10, 25, 2, 30, tzinfo=PARIS)
    points = curve.recovery_curve(
        [(half_past_two, 1), (half_past_two.replace(fold=1), 2)],
        affected_count=2,
        started_at=datetime(2026, 10, 25, 1, tzinfo=PARIS),
        until=datetime(2026, 10, 25, 5, tzinfo=PARIS),
    )

    assert [point.share for point in points] == [0.0, 0.5, 1.0]
    assert points[2].at - points[1].at == timedelta(hours=1)


def test_ten_thousand_companies_are_two_hundred_points_and_the_landmarks_are_exact() -> None:
    points = drawn(list(range(1, 10_001)), affected_count=10_000, until=20_000)

    assert len(points) <= 200
    assert (after(5_000), 0.5) in points
    assert (after(9_500), 0.95) in points
    assert points[-1] == (after(10_000), 1.0)


def test_the_length_of_the_curve_does_not_grow_with_the_companies() -> None:
    lengths = {
        len(drawn(list(range(count)), affected_count=count, until=10 * count))
        for count in (500, 5_000, 50_000)
    }

    assert max(lengths) <= 200


def test_more_recoveries_than_affected_companies_are_refused() -> None:
    with pytest.raises(ValueError, match="2 recoveries of 1"):
        curve.recovery_curve([(after(1), 2)], affected_count=1, started_at=START, until=after(2))


@settings(deadline=None)
@given(
    restored=st.lists(st.integers(0, 300), max_size=120),
    waiting=st.integers(0, 20),
    until=st.integers(0, 300),
    most=st.integers(10, 40),
)
def test_every_point_is_exact_and_the_curve_never_far_off(
    restored: list[int], waiting: int, until: int, most: int
) -> None:
    count = len(restored) + waiting
    known = sorted(minute for minute in restored if minute <= until)

    points = drawn(restored, affected_count=count, until=until, most=most)

    assert len(points) <= most
    assert points[0] == (START, 0.0)
    finished = count > 0 and len(known) == count
    assert points[-1][0] == (after(known[-1]) if finished else after(until))
    for (at, share), (next_at, next_share) in itertools.pairwise(points):
        assert at <= next_at
        assert share <= next_share
    for at, share in points[1:]:
        assert share == (sum(after(minute) <= at for minute in known) / count if count else 0.0)
    for percent in (50, 95, 100):
        reached = [minute for place, minute in enumerate(known, start=1) if 100 * place >= percent * count]
        if reached:
            assert after(reached[0]) in {at for at, _ in points[1:]}
    for minute in range(until):
        true_count = sum(each <= minute for each in known)
        shown = max(share for at, share in points if at <= after(minute))
        assert true_count - shown * count <= len(known) / (most - 5) + 1e-6
