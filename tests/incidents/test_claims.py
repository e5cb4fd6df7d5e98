"""What was announced against what was recorded, with the figures of the founding incident."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from incidents import claims
from incidents.choices import ClaimKind, Verdict

PARIS = ZoneInfo("Europe/Paris")


def paris(hour: int, minute: int = 0) -> datetime:
    """An instant on the day of the founding incident."""
    return datetime(2026, 2, 4, hour, minute, tzinfo=PARIS)


NOW = paris(23)
LAST_CLIENT = claims.Facts(impacted_at=paris(13, 45), restored_at=paris(20, 15), now=NOW)
FIRST_SHARE = claims.Facts(impacted_at=paris(13, 45), restored_at=paris(18, 10), now=NOW)
FOUNDING_RESTORED_ATS = [
    *[paris(14) + timedelta(minutes=minute) for minute in range(227)],
    paris(18, 10),
    *[paris(18, 20) + timedelta(minutes=10 * place) for place in range(11)],
    paris(20, 15),
]


def started(at: datetime) -> claims.Claim:
    return claims.Claim(kind=ClaimKind.STARTED_AT, at=at)


def restored(at: datetime) -> claims.Claim:
    return claims.Claim(kind=ClaimKind.RESTORED_AT, at=at)


def lasted(minutes: float) -> claims.Claim:
    return claims.Claim(kind=ClaimKind.TOTAL_DURATION, seconds=int(minutes * 60))


def share(percent: float, at: datetime) -> claims.Claim:
    return claims.Claim(kind=ClaimKind.RESTORED_SHARE, at=at, percent=percent)


@pytest.mark.parametrize(
    ("claim", "facts", "difference_seconds", "verdict"),
    [
        (started(paris(13, 50)), LAST_CLIENT, 300, Verdict.ANNOUNCED_TOO_LATE),
        (started(paris(13, 45)), LAST_CLIENT, 0, Verdict.AGREES),
        (restored(paris(18, 10)), FIRST_SHARE, 0, Verdict.AGREES),
        (restored(paris(18, 10)), LAST_CLIENT, -125 * 60, Verdict.ANNOUNCED_TOO_EARLY),
        (restored(paris(19, 45)), LAST_CLIENT, -30 * 60, Verdict.ANNOUNCED_TOO_EARLY),
        (restored(paris(19, 56)), LAST_CLIENT, -19 * 60, Verdict.ANNOUNCED_TOO_EARLY),
        (restored(paris(19, 45)), FIRST_SHARE, 95 * 60, Verdict.ANNOUNCED_TOO_LATE),
        (lasted(270), FIRST_SHARE, 5 * 60, Verdict.OVERSTATED),
        (lasted(270), LAST_CLIENT, -120 * 60, Verdict.UNDERSTATED),
        (lasted(368), LAST_CLIENT, -22 * 60, Verdict.UNDERSTATED),
        (lasted(390), LAST_CLIENT, 0, Verdict.AGREES),
    ],
)
def test_the_claims_of_the_founding_incident_are_off_by_the_recorded_differences(
    claim: claims.Claim, facts: claims.Facts, difference_seconds: int, verdict: Verdict
) -> None:
    compared = claims.compare(claim, facts)

    assert compared.difference_seconds == difference_seconds
    assert compared.verdict is verdict
    assert compared.is_open is False
    assert compared.agrees is (verdict is Verdict.AGREES)
    assert compared.is_contradicted is (verdict is not Verdict.AGREES)


def test_a_comparison_shows_what_was_experienced_in_utc() -> None:
    end = claims.compare(restored(paris(19, 45)), LAST_CLIENT)
    length = claims.compare(lasted(270), LAST_CLIENT)

    assert end.experienced_at == datetime(2026, 2, 4, 19, 15, tzinfo=UTC)
    assert end.experienced_at.tzinfo is UTC
    assert length.experienced_seconds == 23400


def test_resolved_is_not_yet_true_for_a_company_that_is_not_restored() -> None:
    still_down = claims.Facts(impacted_at=paris(13, 45), restored_at=None, now=paris(20))

    end = claims.compare(restored(paris(19, 45)), still_down)
    length = claims.compare(lasted(270), still_down)

    assert (end.verdict, end.difference_seconds, end.is_open) == (
        Verdict.NOT_YET_TRUE,
        -15 * 60,
        True,
    )
    assert (length.verdict, length.difference_seconds, length.is_open) == (
        Verdict.NOT_YET_TRUE,
        -105 * 60,
        True,
    )
    assert end.experienced_at is None
    assert length.experienced_seconds is None
    assert end.is_contradicted


def test_a_company_whose_impact_is_not_known_is_not_compared() -> None:
    nothing = claims.Facts(impacted_at=None, restored_at=None, now=NOW)

    for claim in (started(paris(13, 45)), lasted(270)):
        compared = claims.compare(claim, nothing)
        assert compared.verdict is Verdict.NOT_COMPARABLE
        assert compared.difference_seconds is None
        assert not compared.agrees
        assert not compared.is_contradicted


@pytest.mark.parametrize(
    ("seconds", "verdict"),
    [
        (-61, Verdict.ANNOUNCED_TOO_EARLY),
        (-60, Verdict.AGREES),
        (60, Verdict.AGREES),
        (61, Verdict.ANNOUNCED_TOO_LATE),
    ],
)
def test_a_claim_agrees_to_the_minute(seconds: int, verdict: Verdict) -> None:
    claim = restored(paris(20, 15) + timedelta(seconds=seconds))

    assert claims.compare(claim, LAST_CLIENT).verdict is verdict


def test_a_duration_over_the_night_that_repeats_an_hour_is_compared_in_utc() -> None:
    facts = claims.Facts(
        impacted_at=datetime(2026, 10, 25, 1, 30, tzinfo=PARIS),
        restored_at=datetime(2026, 10, 25, 3, 30, tzinfo=PARIS),
        now=datetime(2026, 10, 25, 12, tzinfo=PARIS),
    )

    assert claims.compare(lasted(180), facts).verdict is Verdict.AGREES
    assert claims.compare(lasted(120), facts).difference_seconds == -3600


def test_an_end_in_the_night_that_skips_an_hour_is_compared_in_utc() -> None:
    facts = claims.Facts(
        impacted_at=datetime(2026, 3, 29, 1, tzinfo=PARIS),
        restored_at=datetime(2026, 3, 29, 3, 15, tzinfo=PARIS),
        now=datetime(2026, 3, 29, 12, tzinfo=PARIS),
    )

    compared = claims.compare(restored(datetime(2026, 3, 29, 1, 45, tzinfo=PARIS)), facts)
    assert compared.difference_seconds == -1800


def test_the_share_that_was_back_at_ten_past_six_is_as_announced() -> None:
    compared = claims.compare_share(
        share(95, paris(18, 10)), restored_ats=FOUNDING_RESTORED_ATS, affected_count=240, now=NOW
    )

    assert compared.agrees
    assert (compared.experienced_percent, compared.difference_percent) == (95.0, 0.0)
    assert (compared.experienced_at, compared.difference_seconds) == (paris(18, 10), 0)


def test_everyone_back_at_a_quarter_to_eight_overstates_by_the_companies_still_open() -> None:
    compared = claims.compare_share(
        share(100, paris(19, 45)), restored_ats=FOUNDING_RESTORED_ATS, affected_count=240, now=NOW
    )

    assert compared.verdict is Verdict.OVERSTATED
    assert compared.experienced_percent == pytest.approx(100 * 237 / 240)
    assert compared.difference_seconds == -30 * 60


def test_a_share_that_was_passed_long_before_is_understated() -> None:
    compared = claims.compare_share(
        share(50, paris(18, 10)), restored_ats=FOUNDING_RESTORED_ATS, affected_count=240, now=NOW
    )

    assert compared.verdict is Verdict.UNDERSTATED
    assert compared.difference_percent == -45.0
    assert compared.experienced_at == paris(15, 59)


def test_a_share_that_is_not_reached_is_not_yet_true() -> None:
    compared = claims.compare_share(
        share(100, paris(19, 45)),
        restored_ats=FOUNDING_RESTORED_ATS[:-1],
        affected_count=240,
        now=paris(20),
    )

    assert compared.verdict is Verdict.NOT_YET_TRUE
    assert compared.is_open
    assert compared.experienced_at is None
    assert compared.difference_seconds == -15 * 60


def test_a_rounded_share_agrees() -> None:
    compared = claims.compare_share(
        share(88.3, paris(18)),
        restored_ats=[paris(17)] * 212,
        affected_count=240,
        now=paris(18),
    )

    assert compared.agrees
    assert compared.difference_percent == pytest.approx(-0.0333, abs=0.001)


def test_a_share_reached_within_the_minute_agrees_however_high_the_step() -> None:
    compared = claims.compare_share(
        share(100, paris(18)),
        restored_ats=[paris(18) + timedelta(seconds=40)] * 5,
        affected_count=5,
        now=NOW,
    )

    assert compared.agrees
    assert compared.difference_seconds == -40


def test_a_share_of_nobody_is_not_compared() -> None:
    compared = claims.compare_share(share(95, paris(18)), restored_ats=[], affected_count=0, now=NOW)

    assert compared.verdict is Verdict.NOT_COMPARABLE


def test_a_share_says_nothing_of_one_company() -> None:
    compared = claims.compare(share(95, paris(18, 10)), LAST_CLIENT)

    assert compared.verdict is Verdict.NOT_COMPARABLE


def test_another_kind_of_claim_is_no_share() -> None:
    with pytest.raises(ValueError, match="Not a claim of a restored share"):
        claims.compare_share(lasted(270), restored_ats=[], affected_count=1, now=NOW)


@pytest.mark.parametrize("kind", list(ClaimKind))
def test_a_claim_without_its_values_is_refused(kind: ClaimKind) -> None:
    with pytest.raises(ValueError, match="carries"):
        claims.Claim(kind=kind)


def test_a_claim_with_more_than_its_values_is_refused() -> None:
    with pytest.raises(ValueError, match="carries at and nothing else"):
        claims.Claim(kind=ClaimKind.STARTED_AT, at=paris(14), seconds=60)


@settings(deadline=None)
@given(
    announced=st.integers(-100_000, 100_000),
    experienced=st.integers(-100_000, 100_000),
)
def test_too_early_and_too_late_are_mirror_images(announced: int, experienced: int) -> None:
    origin = paris(12)
    first, second = (origin + timedelta(seconds=each) for each in (announced, experienced))
    facts = claims.Facts(impacted_at=origin, restored_at=second, now=NOW)
    mirrored = claims.Facts(impacted_at=origin, restored_at=first, now=NOW)

    one = claims.compare(restored(first), facts)
    other = claims.compare(restored(second), mirrored)

    assert one.difference_seconds == announced - experienced
    assert other.difference_seconds == experienced - announced
    assert one.agrees is other.agrees
    assert {one.verdict, other.verdict} in (
        {Verdict.AGREES},
        {Verdict.ANNOUNCED_TOO_EARLY, Verdict.ANNOUNCED_TOO_LATE},
    )
