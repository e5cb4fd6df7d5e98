"""The cohort of an incident: when half, the first share and all were back, and who was last."""

import doctest
import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from types import ModuleType
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from incidents import choices, claims, clocks, cohort, curve

PARIS = ZoneInfo("Europe/Paris")
START = datetime(2026, 2, 4, 13, 45, tzinfo=PARIS)


def after(minutes: float) -> datetime:
    """So many minutes after the start of the founding incident."""
    return START + timedelta(minutes=minutes)


def recoveries(minutes: Sequence[float | None]) -> list[cohort.CompanyRecovery]:
    """One company per value: restored so many minutes after the start, None for not restored."""
    return [
        cohort.CompanyRecovery(
            company_id=UUID(int=place),
            restored_at=None if minute is None else after(minute),
        )
        for place, minute in enumerate(minutes)
    ]


def by_place(result: cohort.Cohort) -> dict[int, cohort.Standing]:
    return {standing.company_id.int: standing for standing in result.standings}


FOUNDING_MINUTES = [20 + place for place in range(220)] + [265] * 8 + [
    270, 280, 290, 300, 310, 320, 330, 340, 350, 360, 375, 390,
]  # fmt: skip


@pytest.mark.parametrize("module", [choices, claims, clocks, cohort, curve])
def test_the_worked_examples_in_the_docstrings_hold(module: ModuleType) -> None:
    results = doctest.testmod(module)

    assert results.attempted > 0
    assert results.failed == 0


def test_the_founding_cohort_comes_out_exactly() -> None:
    result = cohort.standings(recoveries(FOUNDING_MINUTES), tail_percent=5)

    assert (result.affected_count, result.restored_count, result.open_count) == (240, 240, 0)
    assert result.restored_half_at == after(139)
    assert result.restored_share_at == datetime(2026, 2, 4, 18, 10, tzinfo=PARIS)
    assert result.all_restored_at == datetime(2026, 2, 4, 20, 15, tzinfo=PARIS)
    assert result.restored_share_at is not None
    assert result.all_restored_at is not None
    assert clocks.seconds_between(START, result.restored_share_at) == 15900
    assert clocks.seconds_between(START, result.all_restored_at) == 23400
    assert result.tail_count == 12
    tail = [standing.company_id.int for standing in result.standings if standing.in_tail]
    assert tail == list(range(228, 240))


def test_the_last_company_of_the_founding_cohort_knows_its_place() -> None:
    standing = by_place(cohort.standings(recoveries(FOUNDING_MINUTES)))[239]

    assert standing == cohort.Standing(company_id=UUID(int=239), rank=240, percentile=100.0, in_tail=True)


def test_ties_at_the_end_of_the_first_share_are_inside_it() -> None:
    result = cohort.standings(recoveries([1] * 10 + [7] * 10))

    assert result.restored_share_at == after(7)
    assert result.tail_count == 0
    assert {standing.in_tail for standing in result.standings} == {False}


def test_companies_restored_together_share_rank_and_percentile() -> None:
    placed = by_place(cohort.standings(recoveries([5, 3, 5, 9])))

    assert [placed[place].rank for place in range(4)] == [2, 1, 2, 4]
    assert [placed[place].percentile for place in range(4)] == [75.0, 25.0, 75.0, 100.0]


def test_nineteen_companies_have_no_tail_and_twenty_have_one_company_in_it() -> None:
    nineteen = cohort.standings(recoveries(range(19)))
    twenty = cohort.standings(recoveries(range(20)))

    assert (nineteen.tail_count, nineteen.restored_share_at) == (0, after(18))
    assert (twenty.tail_count, twenty.restored_share_at) == (1, after(18))
    assert by_place(twenty)[19].in_tail is True


def test_nobody_is_in_the_tail_before_the_first_share_is_back() -> None:
    result = cohort.standings(recoveries([*range(18), None, None]))

    assert result.restored_half_at == after(9)
    assert (result.restored_share_at, result.all_restored_at) == (None, None)
    assert {standing.in_tail for standing in result.standings} == {None}
    assert result.tail_count == 0
    assert (result.open_count, result.restored_percent) == (2, 90.0)


def test_who_is_not_back_when_the_first_share_is_belongs_to_the_tail() -> None:
    result = cohort.standings(recoveries([*range(19), None]))

    assert result.tail_count == 1
    assert result.standings[-1] == cohort.Standing(
        company_id=UUID(int=19), rank=None, percentile=None, in_tail=True
    )


def test_standings_are_ordered_by_recovery_then_company_those_not_back_last() -> None:
    result = cohort.standings(recoveries([None, 5, 3, 5, None]))

    assert [standing.company_id.int for standing in result.standings] == [2, 1, 3, 0, 4]


def test_the_share_of_the_tail_is_a_setting_of_the_incident() -> None:
    ten_percent = cohort.standings(recoveries(range(20)), tail_percent=10)
    nobody = cohort.standings(recoveries(range(20)), tail_percent=0)

    assert (ten_percent.tail_count, ten_percent.restored_share_at) == (2, after(17))
    assert (nobody.tail_count, nobody.restored_share_at) == (0, after(19))


def test_a_cohort_of_nobody_has_no_instants() -> None:
    result = cohort.standings([])

    assert (result.affected_count, result.restored_percent, result.standings) == (0, None, ())
    assert (result.restored_half_at, result.all_restored_at) == (None, None)


def test_the_two_half_past_twos_of_one_night_are_two_places() -> None:
    first = datetime(2026, 10, 25, 2, 30, tzinfo=PARIS)
    result = cohort.standings(
        [
            cohort.CompanyRecovery(company_id=UUID(int=1), restored_at=first.replace(fold=1)),
            cohort.CompanyRecovery(company_id=UUID(int=2), restored_at=first),
        ]
    )

    assert [(each.company_id.int, each.rank) for each in result.standings] == [(2, 1), (1, 2)]
    assert result.all_restored_at == datetime(2026, 10, 25, 1, 30, tzinfo=UTC)


def test_a_company_named_twice_is_refused() -> None:
    twice = recoveries([1]) * 2

    with pytest.raises(ValueError, match="twice"):
        cohort.standings(twice)


@pytest.mark.parametrize("tail_percent", [-1, 100])
def test_a_tail_of_everybody_or_less_than_nobody_is_refused(tail_percent: int) -> None:
    with pytest.raises(ValueError, match="percent"):
        cohort.standings(recoveries([1, 2]), tail_percent=tail_percent)


@pytest.mark.parametrize("count", range(1, 61))
def test_the_tail_is_never_more_than_five_percent(count: int) -> None:
    everyone = cohort.standings(recoveries(range(count)))
    waiting = cohort.standings(recoveries([*range(count - count // 20), *[None] * (count // 20)]))

    assert everyone.tail_count == waiting.tail_count == count // 20
    assert everyone.tail_count * 100 <= 5 * count


MINUTES = st.lists(st.none() | st.integers(0, 12), max_size=60)


def counted_one_by_one(
    members: list[cohort.CompanyRecovery], tail_percent: int
) -> dict[UUID, tuple[int | None, float | None, bool | None]]:
    """Rank, percentile and tail of each company by counting all the others."""
    known = [each.restored_at for each in members if each.restored_at is not None]
    # The first share is complete at the earliest recovery by which so many were back.
    complete = [
        at for at in known
        if 100 * sum(each <= at for each in known) >= (100 - tail_percent) * len(members)
    ]  # fmt: skip
    share_at = min(complete, default=None)
    answer: dict[UUID, tuple[int | None, float | None, bool | None]] = {}
    for member in members:
        at = member.restored_at
        in_tail = None if share_at is None else at is None or at > share_at
        if at is None:
            answer[member.company_id] = (None, None, in_tail)
        else:
            answer[member.company_id] = (
                1 + sum(each < at for each in known),
                100 * sum(each <= at for each in known) / len(members),
                in_tail,
            )
    return answer


@settings(deadline=None)
@given(minutes=MINUTES, tail_percent=st.integers(0, 99))
def test_the_standings_equal_counting_one_by_one(minutes: list[int | None], tail_percent: int) -> None:
    members = recoveries(minutes)

    result = cohort.standings(members, tail_percent=tail_percent)

    assert {
        each.company_id: (each.rank, each.percentile, each.in_tail) for each in result.standings
    } == counted_one_by_one(members, tail_percent)
    assert result.tail_count == sum(each.in_tail is True for each in result.standings)
    assert result.tail_count * 100 <= tail_percent * len(members)


@settings(deadline=None)
@given(minutes=MINUTES, shuffling=st.randoms(use_true_random=False))
def test_the_order_of_companies_does_not_change_the_standings(
    minutes: list[int | None], shuffling: random.Random
) -> None:
    members = recoveries(minutes)
    mixed = members.copy()
    shuffling.shuffle(mixed)

    assert cohort.standings(mixed) == cohort.standings(members)


@settings(deadline=None)
@given(percent=st.integers(1, 100), count=st.integers(0, 10_000))
def test_a_share_of_companies_is_the_smallest_number_that_makes_it(percent: int, count: int) -> None:
    needed = cohort.companies_in(percent, affected_count=count)

    assert needed * 100 >= percent * count
    assert (needed - 1) * 100 < percent * count or count == 0
    assert cohort.companies_in(float(percent), affected_count=count) == needed
