"""One company's recovery from its entries."""

from datetime import UTC, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from incidents import cohort
from incidents.choices import CompanyState

PARIS = ZoneInfo("Europe/Paris")
START = datetime(2026, 2, 4, 13, 45, tzinfo=PARIS)
API, PORTAL, REPORTS = UUID(int=101), UUID(int=102), UUID(int=103)


def paris(hour: int, minute: int = 0) -> datetime:
    """An instant on the day of the founding incident."""
    return datetime(2026, 2, 4, hour, minute, tzinfo=PARIS)


NIGHT = paris(23)


def entry(
    number: int,
    state: str,
    at: datetime,
    *,
    component_id: UUID = API,
    recorded_at: datetime | None = None,
    supersedes: int | None = None,
    superseded: bool = False,
) -> cohort.Entry:
    return cohort.Entry(
        id=UUID(int=number),
        component_id=component_id,
        state=CompanyState(state),
        at=at,
        recorded_at=recorded_at or at,
        supersedes=None if supersedes is None else UUID(int=supersedes),
        superseded=superseded,
    )


def recovery_of(
    *entries: cohort.Entry,
    components: frozenset[UUID] | None = None,
    now: datetime = NIGHT,
    closed_at: datetime | None = None,
) -> cohort.OwnRecovery:
    return cohort.own_recovery(entries, components=components, now=now, closed_at=closed_at)


def test_a_company_of_the_tail_was_down_15_minutes_and_slow_until_a_quarter_past_eight() -> None:
    recovery = recovery_of(
        entry(1, "outage", START),
        entry(2, "degraded", paris(14)),
        entry(3, "restored", paris(20, 15)),
    )

    assert recovery == cohort.OwnRecovery(
        state=CompanyState.RESTORED,
        impacted_at=datetime(2026, 2, 4, 12, 45, tzinfo=UTC),
        restored_at=datetime(2026, 2, 4, 19, 15, tzinfo=UTC),
        outage_seconds=15 * 60,
        degraded_seconds=375 * 60,
        intervals=(
            cohort.Interval(
                component_id=API,
                state=CompanyState.OUTAGE,
                from_at=paris(13, 45),
                until_at=paris(14),
            ),
            cohort.Interval(
                component_id=API,
                state=CompanyState.DEGRADED,
                from_at=paris(14),
                until_at=paris(20, 15),
            ),
            cohort.Interval(
                component_id=API,
                state=CompanyState.RESTORED,
                from_at=paris(20, 15),
                until_at=None,
            ),
        ),
        impact=(
            cohort.Phase(state=CompanyState.OUTAGE, from_at=paris(13, 45), until_at=paris(14)),
            cohort.Phase(state=CompanyState.DEGRADED, from_at=paris(14), until_at=paris(20, 15)),
        ),
    )
    assert recovery.duration_seconds == 23400
    assert recovery.restored_at is not None
    assert recovery.restored_at.tzinfo is UTC


def test_overlapping_outages_of_two_components_are_counted_once() -> None:
    recovery = recovery_of(
        entry(1, "outage", paris(14)),
        entry(2, "restored", paris(15)),
        entry(3, "outage", paris(14, 30), component_id=PORTAL),
        entry(4, "restored", paris(16), component_id=PORTAL),
    )

    assert recovery.outage_seconds == 2 * 3600
    assert recovery.restored_at == paris(16)


def test_a_degraded_component_does_not_count_while_another_is_down() -> None:
    recovery = recovery_of(
        entry(1, "degraded", paris(14)),
        entry(2, "restored", paris(18)),
        entry(3, "outage", paris(15), component_id=PORTAL),
        entry(4, "restored", paris(16), component_id=PORTAL),
    )

    assert (recovery.outage_seconds, recovery.degraded_seconds) == (3600, 3 * 3600)
    assert [str(phase.state) for phase in recovery.impact] == ["degraded", "outage", "degraded"]


def test_unknown_opens_the_impact_and_is_neither_outage_nor_degraded() -> None:
    recovery = recovery_of(entry(1, "unknown", START), entry(2, "outage", paris(14)), now=paris(15))

    assert recovery.impacted_at == START
    assert (recovery.outage_seconds, recovery.degraded_seconds) == (3600, 0)


def test_an_unknown_component_keeps_the_company_from_being_restored() -> None:
    recovery = recovery_of(
        entry(1, "outage", START),
        entry(2, "restored", paris(15)),
        entry(3, "unknown", START, component_id=PORTAL),
    )

    assert recovery.state is CompanyState.UNKNOWN
    assert recovery.restored_at is None
    assert recovery.duration_seconds is None


def test_a_component_that_no_entry_speaks_of_is_unknown() -> None:
    entries = (entry(1, "outage", START), entry(2, "restored", paris(15)))

    silent = recovery_of(*entries, components=frozenset({API, PORTAL}))
    complete = recovery_of(*entries, components=frozenset({API}))

    assert (silent.state, silent.restored_at) == (CompanyState.UNKNOWN, None)
    assert (complete.state, complete.restored_at) == (CompanyState.RESTORED, paris(15))


def test_a_company_without_entries_is_unknown_and_has_no_instants() -> None:
    recovery = recovery_of(components=frozenset({API}))

    assert recovery == cohort.OwnRecovery(
        state=CompanyState.UNKNOWN,
        impacted_at=None,
        restored_at=None,
        outage_seconds=0,
        degraded_seconds=0,
        intervals=(),
        impact=(),
    )


@pytest.mark.parametrize(
    ("states", "worst"),
    [
        (("outage", "degraded", "unknown", "restored"), "outage"),
        (("restored", "degraded", "unknown"), "degraded"),
        (("restored", "unknown"), "unknown"),
        (("restored", "restored"), "restored"),
    ],
)
def test_the_state_of_a_company_is_that_of_its_worst_component(states: tuple[str, ...], worst: str) -> None:
    recovery = recovery_of(
        *(entry(place, state, START, component_id=UUID(int=place)) for place, state in enumerate(states))
    )

    assert recovery.state == worst


def test_entries_of_components_outside_the_incident_do_not_count() -> None:
    recovery = recovery_of(
        entry(1, "degraded", START),
        entry(2, "outage", paris(12), component_id=REPORTS),
        components=frozenset({API}),
        now=paris(14, 45),
    )

    assert recovery.impacted_at == START
    assert (recovery.outage_seconds, recovery.degraded_seconds) == (0, 3600)


def test_a_relapse_takes_the_restoration_back_until_the_next_one() -> None:
    down_again = (
        entry(1, "outage", paris(14)),
        entry(2, "restored", paris(15)),
        entry(3, "outage", paris(16)),
    )

    relapsed = recovery_of(*down_again, now=paris(16, 30))
    healed = recovery_of(*down_again, entry(4, "restored", paris(17)))

    assert (relapsed.state, relapsed.restored_at) == (CompanyState.OUTAGE, None)
    assert relapsed.outage_seconds == 90 * 60
    assert healed.restored_at == paris(17)
    assert healed.outage_seconds == 2 * 3600
    assert healed.impacted_at == paris(14)
    assert healed.duration_seconds == 3 * 3600


def test_a_second_word_of_being_restored_does_not_move_the_restoration() -> None:
    recovery = recovery_of(
        entry(1, "outage", START),
        entry(2, "restored", paris(18, 10)),
        entry(3, "restored", paris(18, 40)),
    )

    assert recovery.restored_at == paris(18, 10)


def test_an_entry_that_arrives_late_changes_the_past() -> None:
    known = (entry(1, "outage", paris(14)), entry(2, "restored", paris(18)))
    late = entry(3, "degraded", paris(16), recorded_at=paris(22))

    before, after = recovery_of(*known), recovery_of(*known, late)

    assert (before.outage_seconds, before.degraded_seconds) == (4 * 3600, 0)
    assert (after.outage_seconds, after.degraded_seconds) == (2 * 3600, 2 * 3600)


def test_of_two_entries_for_one_instant_the_one_recorded_last_holds() -> None:
    recovery = recovery_of(
        entry(1, "outage", paris(14), recorded_at=paris(14, 5)),
        entry(2, "degraded", paris(14), recorded_at=paris(14, 1)),
        now=paris(15),
    )

    assert recovery.state is CompanyState.OUTAGE
    assert (recovery.outage_seconds, recovery.degraded_seconds) == (3600, 0)


def test_of_two_entries_recorded_at_once_the_greater_id_holds() -> None:
    recovery = recovery_of(entry(2, "degraded", paris(14)), entry(1, "outage", paris(14)))

    assert recovery.state is CompanyState.DEGRADED


def test_a_superseded_entry_does_not_count() -> None:
    wrong = entry(1, "outage", paris(12))
    right = entry(2, "outage", START, supersedes=1)
    end = entry(3, "restored", paris(14, 45))

    assert recovery_of(wrong, right, end).impacted_at == START
    assert recovery_of(wrong, right, end).outage_seconds == 3600
    marked = entry(1, "outage", paris(12), superseded=True)
    assert recovery_of(marked, entry(2, "outage", START), end).impacted_at == START


def test_a_corrected_correction_leaves_only_the_last_word() -> None:
    recovery = recovery_of(
        entry(1, "outage", paris(12)),
        entry(2, "outage", paris(13), supersedes=1),
        entry(3, "outage", START, supersedes=2),
        entry(4, "restored", paris(14, 45)),
    )

    assert recovery.impacted_at == START


def test_an_entry_of_the_future_is_not_in_effect_yet() -> None:
    entries = (entry(1, "outage", paris(14)), entry(2, "restored", paris(18)))

    assert recovery_of(*entries, now=paris(17)).state is CompanyState.OUTAGE
    assert recovery_of(*entries, now=paris(17)).outage_seconds == 3 * 3600
    assert recovery_of(*entries, now=paris(18)).restored_at == paris(18)


def test_what_still_holds_is_counted_to_now_and_to_the_close_once_closed() -> None:
    down = entry(1, "outage", paris(14))

    assert recovery_of(down, now=paris(16)).outage_seconds == 2 * 3600
    closed = recovery_of(down, now=paris(22), closed_at=paris(19, 45))
    assert closed.outage_seconds == 345 * 60
    assert closed.restored_at is None
    assert closed.impact[-1].until_at is None


def test_an_entry_after_the_close_shows_that_the_companys_incident_went_on() -> None:
    down = entry(1, "degraded", paris(14))
    close = paris(19, 45)

    restored_late = recovery_of(down, entry(2, "restored", paris(20, 15)), closed_at=close)
    relapsed = recovery_of(
        down, entry(2, "restored", paris(15)), entry(3, "outage", paris(20)), closed_at=close
    )

    assert restored_late.degraded_seconds == 375 * 60
    assert relapsed.outage_seconds == 3 * 3600


def test_the_night_that_skips_an_hour_has_one_hour_less() -> None:
    recovery = recovery_of(
        entry(1, "outage", datetime(2026, 3, 29, 1, 30, tzinfo=PARIS)),
        entry(2, "restored", datetime(2026, 3, 29, 3, 30, tzinfo=PARIS)),
        now=datetime(2026, 3, 29, 12, tzinfo=PARIS),
    )

    assert recovery.outage_seconds == 3600
    assert recovery.duration_seconds == 3600


def test_the_night_that_repeats_an_hour_has_one_hour_more() -> None:
    recovery = recovery_of(
        entry(1, "outage", datetime(2026, 10, 25, 1, 30, tzinfo=PARIS)),
        entry(2, "restored", datetime(2026, 10, 25, 3, 30, tzinfo=PARIS)),
        now=datetime(2026, 10, 25, 12, tzinfo=PARIS),
    )

    assert recovery.outage_seconds == 3 * 3600
    assert recovery.duration_seconds == 3 * 3600


def test_the_same_wall_clock_twice_in_one_night_is_two_instants() -> None:
    recovery = recovery_of(
        entry(2, "outage", datetime(2026, 10, 25, 2, 30, tzinfo=PARIS)),
        entry(1, "restored", datetime(2026, 10, 25, 2, 30, tzinfo=PARIS, fold=1)),
        now=datetime(2026, 10, 25, 2, 45, tzinfo=PARIS, fold=1),
    )

    assert recovery.state is CompanyState.RESTORED
    assert recovery.outage_seconds == 3600


def test_an_instant_without_an_offset_is_refused() -> None:
    with pytest.raises(ValueError, match="offset"):
        recovery_of(entry(1, "outage", paris(14).replace(tzinfo=None)))
