"""Promises of a next update: what keeps one, what does not, and for whom it counts."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from incidents.choices import UpdateKind
from incidents.promises import Promise, Said, Tally, promises, tally

ACME, GLOBEX = UUID(int=1), UUID(int=2)


def clock(hour: int, minute: int) -> datetime:
    return datetime(2026, 2, 4, hour, minute, tzinfo=UTC)


NOW = clock(18, 0)


def said(at: datetime, promised_at: datetime | None = None, *readers: UUID, kind: str = "update") -> Said:
    return Said(kind=UpdateKind(kind), at=at, promised_at=promised_at, readers=readers or None)


def of(*texts: Said, ended_at: datetime | None = None, now: datetime = NOW) -> list[Promise | None]:
    return list(promises(texts, ended_at=ended_at, now=now))


@pytest.mark.parametrize(
    ("came", "is_kept", "late_seconds"),
    [(clock(13, 50), True, 0), (clock(14, 0), True, 0), (clock(14, 12), False, 720)],
)
def test_a_promise_is_kept_by_a_text_that_comes_at_or_before_it(
    came: datetime, is_kept: bool, late_seconds: int
) -> None:
    promise, none = of(said(clock(13, 0), clock(14, 0)), said(came))
    assert none is None
    assert promise is not None
    assert (promise.is_kept, promise.is_missed, promise.late_seconds) == (is_kept, not is_kept, late_seconds)
    assert not promise.is_open
    assert not promise.is_late


def test_one_that_has_not_come_is_open_and_late_once_its_time_has_passed() -> None:
    texts = said(clock(13, 0), clock(14, 0))
    (before,), (after,) = of(texts, now=clock(14, 0)), of(texts, now=clock(14, 5))
    assert before is not None
    assert (before.is_open, before.is_missed, before.is_kept) == (True, False, False)
    assert after is not None
    assert (after.is_open, after.is_late, after.late_seconds) == (True, True, 300)
    assert tally([before]) == Tally(kept=0, missed=0)
    assert tally([after]) == Tally(kept=0, missed=1, late_due_at=clock(14, 0))


def test_only_the_next_text_counts() -> None:
    first, second, _ = of(
        said(clock(13, 0), clock(13, 30)), said(clock(13, 20), clock(15, 0)), said(clock(16, 0))
    )
    assert first is not None
    assert second is not None
    assert (first.is_kept, second.is_kept) == (True, False)
    assert tally([first, second]) == Tally(kept=1, missed=1)
    assert tally([first, second]).words == "1 kept, 1 missed"


def test_the_end_of_the_incident_is_a_word_and_nothing_is_promised_by_it_or_after_it() -> None:
    before, end, after = of(
        said(clock(13, 0), clock(14, 0)),
        said(clock(13, 45), clock(15, 0), kind="resolved"),
        said(clock(16, 0), clock(16, 30)),
        ended_at=clock(13, 45),
    )
    assert before is not None
    assert before.is_kept
    assert (end, after) == (None, None)
    (quiet,) = of(said(clock(13, 0), clock(14, 0)), ended_at=clock(15, 0))
    assert quiet is not None
    assert (quiet.is_missed, quiet.is_open, quiet.late_seconds) == (True, False, 3600)


def test_a_promise_to_some_is_kept_only_by_what_all_of_them_read() -> None:
    to_both = said(clock(13, 0), clock(14, 0), ACME, GLOBEX)
    one, *_ = of(to_both, said(clock(13, 30), None, ACME), said(clock(14, 30), None))
    both, *_ = of(to_both, said(clock(13, 30), None, GLOBEX, ACME))
    everyone, *_ = of(to_both, said(clock(13, 30)))
    assert one is not None
    assert (one.is_kept, one.late_seconds, one.is_for_some) == (False, 1800, True)
    assert both is not None
    assert both.is_kept
    assert everyone is not None
    assert everyone.is_kept


def test_a_text_for_some_keeps_no_promise_to_everyone() -> None:
    promise, _ = of(said(clock(13, 0), clock(14, 0)), said(clock(13, 30), None, ACME, GLOBEX))
    assert promise is not None
    assert promise.is_late
