"""Instants, durations and shares as a reader sees them: with zone, unit and exact UTC."""

from datetime import UTC, date, datetime

import pytest
from django.template import Context, Template
from hypothesis import given
from hypothesis import strategies as st

from portal.templatetags import portal_time

PARIS, NEW_YORK, DUBAI, KATHMANDU = "Europe/Paris", "America/New_York", "Asia/Dubai", "Asia/Kathmandu"


def at(month: int, day: int, hour: int, minute: int = 0, second: int = 0) -> datetime:
    return datetime(2026, month, day, hour, minute, second, tzinfo=UTC)


T95 = at(2, 4, 17, 10)


@pytest.mark.parametrize(
    ("zone", "text"),
    [
        (PARIS, "4 Feb 2026, 18:10 CET"),
        (NEW_YORK, "4 Feb 2026, 12:10 EST"),
        ("UTC", "4 Feb 2026, 17:10 UTC"),
        (DUBAI, "4 Feb 2026, 21:10 UTC+04:00"),
        (KATHMANDU, "4 Feb 2026, 22:55 UTC+05:45"),
        ("America/Sao_Paulo", "4 Feb 2026, 14:10 UTC−03:00"),
        ("Pacific/Auckland", "5 Feb 2026, 06:10 NZDT"),
    ],
)
def test_an_instant_is_shown_in_the_readers_zone_with_the_exact_utc_in_its_markup(
    zone: str, text: str
) -> None:
    assert portal_time.instant(T95, zone) == (
        f'<time datetime="2026-02-04T17:10:00Z" title="4 Feb 2026, 17:10:00 UTC">{text}</time>'
    )


def test_the_exact_utc_keeps_the_seconds_that_the_text_leaves_out() -> None:
    shown = portal_time.clock(at(2, 4, 17, 10, 59), PARIS)
    assert shown == '<time datetime="2026-02-04T17:10:59Z" title="4 Feb 2026, 17:10:59 UTC">18:10 CET</time>'
    assert "18:10:59 CET<" in portal_time.clock_with_seconds(at(2, 4, 17, 10, 59), PARIS)
    assert portal_time.exact(at(2, 4, 17, 10, 59)) == "2026-02-04T17:10:59Z"


def test_what_did_not_happen_says_so() -> None:
    for shown in (
        portal_time.instant(None, PARIS),
        portal_time.clock(None, PARIS),
        portal_time.period(None, None, PARIS),
        portal_time.period(None, T95, PARIS),
    ):
        assert shown == '<span class="quiet">not recorded</span>'
    assert portal_time.duration(None) == "not recorded"
    assert portal_time.signed_duration(None) == "not comparable"
    assert portal_time.percent(None) == "not known"
    assert portal_time.day(None) == "no date"


def words(shown: str) -> str:
    """The text of a piece of markup, as a reader sees it."""
    outside = [part.rpartition(">")[2] for part in shown.split("<")]
    return "".join(outside)


@pytest.mark.parametrize(
    ("since", "until", "zone", "text"),
    [
        (at(2, 4, 12, 45), at(2, 4, 19, 15), PARIS, "4 Feb 2026, 13:45 to 20:15 CET"),
        (at(2, 4, 12, 45), None, PARIS, "since 4 Feb 2026, 13:45 CET"),
        # Over midnight in Paris, within one day in UTC.
        (at(2, 4, 22, 30), at(2, 4, 23, 30), PARIS, "4 Feb 2026, 23:30 CET to 5 Feb 2026, 00:30 CET"),
        (at(2, 4, 22, 30), at(2, 4, 23, 30), "UTC", "4 Feb 2026, 22:30 to 23:30 UTC"),
        (
            at(12, 31, 22, 0),
            datetime(2027, 1, 1, 1, tzinfo=UTC),
            "UTC",
            "31 Dec 2026, 22:00 UTC to 1 Jan 2027, 01:00 UTC",
        ),
        # The night in which 02:00 to 03:00 does not exist, and the one that has it twice.
        (at(3, 29, 0, 30), at(3, 29, 1, 30), PARIS, "29 Mar 2026, 01:30 CET to 29 Mar 2026, 03:30 CEST"),
        (at(10, 25, 0, 30), at(10, 25, 1, 30), PARIS, "25 Oct 2026, 02:30 CEST to 25 Oct 2026, 02:30 CET"),
        (at(3, 29, 1, 30), at(3, 29, 2, 0), PARIS, "29 Mar 2026, 03:30 to 04:00 CEST"),
        (at(11, 1, 5, 30), at(11, 1, 6, 30), NEW_YORK, "1 Nov 2026, 01:30 EDT to 1 Nov 2026, 01:30 EST"),
    ],
)
def test_a_period_says_day_and_zone_once_where_both_ends_share_them(
    since: datetime, until: datetime | None, zone: str, text: str
) -> None:
    shown = portal_time.period(since, until, zone)
    assert words(shown) == text
    assert f'datetime="{portal_time.exact(since)}"' in shown
    if until is not None:
        assert f'datetime="{portal_time.exact(until)}"' in shown


def test_a_clock_and_a_day_name_what_the_zone_is_called_that_day() -> None:
    assert portal_time.plain_clock(at(7, 1, 10), PARIS) == "12:00 CEST"
    assert portal_time.plain_hours(at(7, 1, 10), PARIS) == "12:00"
    assert portal_time.plain_seconds(at(7, 1, 10, 0, 7), PARIS) == "12:00:07 CEST"
    assert portal_time.zone_abbreviation(at(1, 1, 10), "Europe/London") == "GMT"
    assert portal_time.day_of(at(2, 4, 23, 30), PARIS) == "5 Feb 2026"
    assert portal_time.plain_day(at(2, 4, 23, 30), PARIS) == "5 Feb"
    assert words(portal_time.short_clock(at(2, 4, 23, 30), PARIS)) == "00:30"
    assert portal_time.day(date(2026, 12, 1)) == "1 Dec 2026"
    assert portal_time.month(date(2026, 2, 1)) == "Feb 2026"
    assert portal_time.is_utc("UTC")
    assert not portal_time.is_utc("Etc/GMT-1")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 min"),
        (1, "1 s"),
        (59, "59 s"),
        (60, "1 min"),
        (270, "4 min 30 s"),
        (599, "9 min 59 s"),
        (600, "10 min"),
        (659, "10 min"),
        (3_599, "59 min"),
        (3_600, "1 h"),
        (15_900, "4 h 25 min"),
        (23_400, "6 h 30 min"),
        (23_459, "6 h 30 min"),
        (48 * 3_600 - 1, "47 h 59 min"),
        (48 * 3_600, "2 d"),
        (187_200, "2 d 4 h"),
        (-5, "0 min"),
    ],
)
def test_a_duration_has_at_most_two_units_and_is_cut(seconds: int, text: str) -> None:
    assert portal_time.duration(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-1_800, "−30 min"),
        (-1_140, "−19 min"),
        (300, "+5 min"),
        (0, "0 min"),
        (-7_200, "−2 h"),
        (-30, "−30 s"),
    ],
)
def test_a_difference_has_its_sign(seconds: int, text: str) -> None:
    assert portal_time.signed_duration(seconds) == text


@given(st.integers(min_value=-(10**8), max_value=10**8))
def test_a_difference_and_its_opposite_differ_in_the_sign_alone(seconds: int) -> None:
    shown, opposite = portal_time.signed_duration(seconds), portal_time.signed_duration(-seconds)
    assert shown.lstrip("+−") == opposite.lstrip("+−") == portal_time.duration(abs(seconds))
    assert ("−" in shown) == (seconds < 0)


@pytest.mark.parametrize(
    ("value", "places", "text"),
    [
        (88.333333, 1, "88.3%"),
        (95.0, 1, "95%"),
        (0.0, 1, "0%"),
        (100.0, 1, "100%"),
        (99.97, 1, "99.9%"),
        (100 * 99_999 / 100_000, 1, "99.9%"),
        (99.9999, 3, "99.999%"),
        (0.04, 1, "0%"),
        (29.0, 0, "29%"),
        (99.99, 0, "99%"),
        # 57.3 is a little less than 57.3 in binary, and must not be cut to 57.2.
        (57.3, 1, "57.3%"),
    ],
)
def test_a_share_is_cut_and_not_rounded(value: float, places: int, text: str) -> None:
    assert portal_time.percent(value, places) == text


@given(
    st.integers(min_value=1, max_value=1_000_000).flatmap(
        lambda count: st.tuples(st.integers(0, count - 1), st.just(count))
    )
)
def test_only_all_of_them_are_a_hundred_percent(part: tuple[int, int]) -> None:
    restored, affected = part
    assert portal_time.percent(100 * restored / affected) != "100%"
    assert portal_time.percent(100 * affected / affected) == "100%"


def test_the_tags_work_in_a_template_and_are_not_escaped_twice() -> None:
    shown = Template(
        "{% load portal_time %}{% instant at zone %}|{% period at none zone %}|{{ 23400|duration }}|"
        "{{ share|percent:3 }}|{{ -1800|signed_duration }}"
    ).render(Context({"at": T95, "none": None, "zone": PARIS, "share": 99.945}))
    assert shown.count("<time ") == 2
    assert "&lt;" not in shown
    assert words(shown) == "4 Feb 2026, 18:10 CET|since 4 Feb 2026, 18:10 CET|6 h 30 min|99.945%|−30 min"
