"""What published texts say of the facts, held against what was recorded."""

import bisect
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from incidents import clocks, cohort
from incidents.choices import ClaimKind, Verdict

TOLERANCE_SECONDS = 60
TOLERANCE_PERCENT = 0.5
VALUES_OF = {
    ClaimKind.STARTED_AT: {"at"},
    ClaimKind.RESTORED_AT: {"at"},
    ClaimKind.TOTAL_DURATION: {"seconds"},
    ClaimKind.RESTORED_SHARE: {"at", "percent"},
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Claim:
    """One claim of a text; which values it carries follows from its kind.

    `started_at` and `restored_at` carry `at`; `total_duration` carries `seconds`;
    `restored_share` carries `percent` (above 0, to 100) and the instant `at` it is claimed for.
    A claim with other values than its own raises `ValueError`.

    >>> Claim(kind=ClaimKind.TOTAL_DURATION, percent=95)
    Traceback (most recent call last):
    ValueError: A claim of total duration carries seconds and nothing else, not percent.
    """

    kind: ClaimKind
    at: datetime | None = None
    seconds: int | None = None
    percent: float | None = None

    def __post_init__(self) -> None:
        values = {"at": self.at, "seconds": self.seconds, "percent": self.percent}
        carried = {name for name, value in values.items() if value is not None}
        if carried != VALUES_OF[self.kind]:
            raise ValueError(
                f"A claim of {ClaimKind(self.kind).label.lower()} carries"
                f" {' and '.join(sorted(VALUES_OF[self.kind]))} and nothing else,"
                f" not {' and '.join(sorted(carried)) or 'nothing'}."
            )


@dataclass(frozen=True, kw_only=True, slots=True)
class Facts:
    """From when to when, by the record: of one company, of the first 95%, or of everyone.

    One company: its `impacted_at` and `restored_at`. The first 95%: the incident's `started_at`
    and the cohort's `restored_share_at`. Everyone: `started_at` and `all_restored_at`.
    `restored_at` is None while not restored, `impacted_at` while no impact is known.
    """

    impacted_at: datetime | None
    restored_at: datetime | None
    now: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class ComparedClaim:
    """A claim beside the record.

    Differences are announced - experienced: -1800 seconds for "resolved at 19:45" when it was
    20:15. While `is_open` (not restored yet) `experienced` is None and the difference is against
    `now`. `experienced_percent` and `difference_percent` (percentage points) are filled for shares
    only.
    """

    claim: Claim
    verdict: Verdict
    difference_seconds: int | None = None
    difference_percent: float | None = None
    experienced_at: datetime | None = None
    experienced_seconds: int | None = None
    experienced_percent: float | None = None
    is_open: bool = False

    @property
    def agrees(self) -> bool:
        """Whether the record bears the claim out, to a minute or half a percentage point."""
        return self.verdict is Verdict.AGREES

    @property
    def is_contradicted(self) -> bool:
        """Whether the record says otherwise; a claim without a record is neither."""
        return self.verdict not in (Verdict.AGREES, Verdict.NOT_COMPARABLE)


def compare(claim: Claim, facts: Facts) -> ComparedClaim:
    """A claim of a start, an end or a duration held against one line of facts.

    To a minute it agrees. A start or an end that is announced before the recorded one is "too
    early", a longer duration than the recorded one "overstated". While not restored, every end and
    every duration is "not yet true". A share is not comparable here: see `compare_share`.

    The founding incident for its last client, 13:45 to 20:15 Central European Time:

    >>> from datetime import UTC
    >>> def clock(hour, minute):
    ...     return datetime(2026, 2, 4, hour - 1, minute, tzinfo=UTC)
    >>> last = Facts(impacted_at=clock(13, 45), restored_at=clock(20, 15), now=clock(21, 0))
    >>> resolved = compare(Claim(kind=ClaimKind.RESTORED_AT, at=clock(19, 45)), last)
    >>> resolved.difference_seconds, str(resolved.verdict)
    (-1800, 'announced_too_early')
    >>> total = Claim(kind=ClaimKind.TOTAL_DURATION, seconds=270 * 60)
    >>> compare(total, last).difference_seconds, str(compare(total, last).verdict)
    (-7200, 'understated')
    >>> first = Facts(impacted_at=clock(13, 45), restored_at=clock(18, 10), now=clock(21, 0))
    >>> compare(total, first).difference_seconds, str(compare(total, first).verdict)
    (300, 'overstated')

    Raises `ValueError` for an instant without an offset.
    """
    if claim.kind == ClaimKind.STARTED_AT:
        return _compare_start(claim, facts)
    if claim.kind == ClaimKind.RESTORED_AT:
        return _compare_restoration(claim, facts)
    if claim.kind == ClaimKind.TOTAL_DURATION:
        return _compare_duration(claim, facts)
    return ComparedClaim(claim=claim, verdict=Verdict.NOT_COMPARABLE)


def compare_share(
    claim: Claim, *, restored_ats: Iterable[datetime], affected_count: int, now: datetime
) -> ComparedClaim:
    """A claimed share at an instant held against the restorations of the cohort, in any order.

    It agrees when the recorded share at that instant is within half a point (texts round), or when
    the claimed share was reached within a minute of it. Otherwise it is "overstated" or
    "understated", and "not yet true" while the claimed share is not reached at all.
    `experienced_at` is when it was reached, `difference_seconds` the claimed instant - that.

    "95% at 18:10" when 8 of 10 were back by then and the rest an hour later:

    >>> from datetime import UTC, timedelta
    >>> six = datetime(2026, 2, 4, 17, 10, tzinfo=UTC)
    >>> compared = compare_share(Claim(kind=ClaimKind.RESTORED_SHARE, at=six, percent=95),
    ...     restored_ats=[six] * 8 + [six + timedelta(hours=1)] * 2, affected_count=10,
    ...     now=six + timedelta(hours=2))
    >>> compared.difference_percent, compared.difference_seconds, str(compared.verdict)
    (15.0, -3600, 'overstated')

    Raises `ValueError` for another kind of claim, a share that is not above 0 and up to 100, and
    an instant without an offset.
    """
    if claim.kind != ClaimKind.RESTORED_SHARE or claim.at is None or claim.percent is None:
        raise ValueError(f"Not a claim of a restored share: {claim}.")
    if affected_count == 0:
        return ComparedClaim(claim=claim, verdict=Verdict.NOT_COMPARABLE)
    at = clocks.as_utc(claim.at)
    ordered = sorted(map(clocks.as_utc, restored_ats))
    experienced_percent = 100 * bisect.bisect_right(ordered, at) / affected_count
    experienced_at = cohort.reached_at(ordered, affected_count=affected_count, percent=claim.percent)
    difference_seconds = clocks.seconds_between(experienced_at or now, at)
    difference_percent = claim.percent - experienced_percent
    if abs(difference_percent) <= TOLERANCE_PERCENT:
        verdict = Verdict.AGREES
    elif experienced_at is None:
        verdict = Verdict.NOT_YET_TRUE
    elif abs(difference_seconds) <= TOLERANCE_SECONDS:
        verdict = Verdict.AGREES
    else:
        verdict = Verdict.OVERSTATED if difference_percent > 0 else Verdict.UNDERSTATED
    return ComparedClaim(
        claim=claim,
        verdict=verdict,
        difference_seconds=difference_seconds,
        difference_percent=difference_percent,
        experienced_at=experienced_at,
        experienced_percent=experienced_percent,
        is_open=experienced_at is None,
    )


def _compare_start(claim: Claim, facts: Facts) -> ComparedClaim:
    if claim.at is None or facts.impacted_at is None:
        return ComparedClaim(claim=claim, verdict=Verdict.NOT_COMPARABLE)
    difference_seconds = clocks.seconds_between(facts.impacted_at, claim.at)
    return ComparedClaim(
        claim=claim,
        verdict=_verdict_on_instant(difference_seconds),
        difference_seconds=difference_seconds,
        experienced_at=clocks.as_utc(facts.impacted_at),
    )


def _compare_restoration(claim: Claim, facts: Facts) -> ComparedClaim:
    if claim.at is None:
        return ComparedClaim(claim=claim, verdict=Verdict.NOT_COMPARABLE)
    if facts.restored_at is None:
        return ComparedClaim(
            claim=claim,
            verdict=Verdict.NOT_YET_TRUE,
            difference_seconds=clocks.seconds_between(facts.now, claim.at),
            is_open=True,
        )
    difference_seconds = clocks.seconds_between(facts.restored_at, claim.at)
    return ComparedClaim(
        claim=claim,
        verdict=_verdict_on_instant(difference_seconds),
        difference_seconds=difference_seconds,
        experienced_at=clocks.as_utc(facts.restored_at),
    )


def _compare_duration(claim: Claim, facts: Facts) -> ComparedClaim:
    if claim.seconds is None or facts.impacted_at is None:
        return ComparedClaim(claim=claim, verdict=Verdict.NOT_COMPARABLE)
    if facts.restored_at is None:
        so_far_seconds = clocks.seconds_between(facts.impacted_at, facts.now)
        return ComparedClaim(
            claim=claim,
            verdict=Verdict.NOT_YET_TRUE,
            difference_seconds=claim.seconds - so_far_seconds,
            is_open=True,
        )
    experienced_seconds = clocks.seconds_between(facts.impacted_at, facts.restored_at)
    difference_seconds = claim.seconds - experienced_seconds
    return ComparedClaim(
        claim=claim,
        verdict=_verdict_on_amount(difference_seconds),
        difference_seconds=difference_seconds,
        experienced_seconds=experienced_seconds,
    )


def _verdict_on_instant(difference_seconds: int) -> Verdict:
    if abs(difference_seconds) <= TOLERANCE_SECONDS:
        return Verdict.AGREES
    return Verdict.ANNOUNCED_TOO_EARLY if difference_seconds < 0 else Verdict.ANNOUNCED_TOO_LATE


def _verdict_on_amount(difference_seconds: int) -> Verdict:
    if abs(difference_seconds) <= TOLERANCE_SECONDS:
        return Verdict.AGREES
    return Verdict.UNDERSTATED if difference_seconds < 0 else Verdict.OVERSTATED
