"""What a text says of the facts is found in plain English, and held against the record."""

from datetime import UTC, datetime, timedelta

import pytest

from incidents import fields, said
from incidents.demo import founding

AT_1945 = founding.STARTED_AT + timedelta(hours=6)
THE_END = founding.STARTED_AT + timedelta(hours=9)
RESTORED = sorted(
    founding.STARTED_AT + timedelta(minutes=founding.restored_minute(n, 240)) for n in range(240)
)


def record(now: datetime) -> fields.Record:
    """The founding incident as it was known at `now`: 240 companies from 13:45 CET on."""
    return fields.Record(
        started_at=founding.STARTED_AT.astimezone(UTC),
        detected_at=founding.DETECTED_AT,
        affected_count=240,
        restored_ats=tuple(at for at in RESTORED if at <= now),
        now=now,
    )


def found(text: str, now: datetime = THE_END, zone: str = "Europe/Paris") -> list[tuple[str, str]]:
    return [(each.words, each.record_says) for each in said.contradictions(text, record(now), zone=zone)]


def test_all_resolved_at_19_45_names_who_is_not_restored() -> None:
    text = "Everything works again for everyone."
    assert found(text, AT_1945) == [("Everything works", "4 of 240 are not restored")]
    assert found(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "All services are **restored**.",
        "The incident is resolved for all clients.",
        "We are fully operational.",
        "Every account is back",
        "Good news.\n\n* everybody's systems are operational",
    ],
)
def test_all_is_found_in_many_words(text: str) -> None:
    assert [says for _words, says in found(text, AT_1945)] == ["4 of 240 are not restored"]


@pytest.mark.parametrize(
    "text",
    [
        "Not all services are restored.",
        "We will post again once everything is restored.",
        "Most accounts are back, and some are not.",
        "We are looking into all reports.",
        "All hands are on it.",
        "{{ restored_count }} of {{ affected_count }} are restored.",
        "Next update in 30 minutes.",
        "Restarting takes 10 minutes for each host.",
    ],
)
def test_what_claims_nothing_is_let_through(text: str) -> None:
    assert found(text, AT_1945) == []


def test_a_total_of_4_h_30_fits_neither_the_first_95_percent_nor_the_last() -> None:
    truth = "4 h 25 min to the first 95%, 6 h 30 min to the last account"
    for written in ("4 h 30 min", "4h30", "4.5 hours", "4 hours and 30 minutes", "270 minutes"):
        assert [says for _words, says in found(f"The outage lasted {written} in total.")] == [truth], written
    for written in ("4 h 25", "4 hours 25 minutes", "6 h 30 min", "6.5 hours", "390 min"):
        assert found(f"The outage lasted {written} in total.") == [], written


def test_a_length_is_not_known_while_somebody_is_down() -> None:
    ((words, says),) = found("The outage lasted 6 hours.", AT_1945)
    assert words == "6 hours"
    assert says == "4 h 25 min to the first 95%; 4 of 240 not restored after 6 h"


def test_a_share_is_compared_at_its_clock_or_now() -> None:
    assert found("By 18:10, 95% were back.") == []
    assert found("100% are restored.", AT_1945) == [("100%", "98.3% now, 236 of 240")]
    assert found("98.3% are restored.", AT_1945) == []
    assert found("Recovery of the last 5%, now restored.", AT_1945) == []
    ((words, says),) = found("By 17:10 UTC 99% were back.")
    assert (words, says) == ("99%", "95% at 4 Feb 2026, 18:10 CET, 228 of 240")


def test_counts_are_compared() -> None:
    assert found("238 of 240 accounts are restored.", AT_1945) == [("238 of 240", "236 of 240 now")]
    assert found("236 of 240 accounts are restored.", AT_1945) == []


def test_times_of_start_and_end_are_compared_in_the_zone_that_is_named_or_meant() -> None:
    assert found("It started at 13:45.") == []
    assert found("It started at 12:45 UTC.") == []
    assert found("It started at 13:50 CET.") == [("13:50 CET", "it began 4 Feb 2026, 13:45 CET")]
    assert found("It started at 13:45.", zone="UTC") == [("13:45", "it began 4 Feb 2026, 12:45 UTC")]
    assert found("Service was restored at 20:15.") == []
    assert found("Service was restored at 18:10.") == []
    ends = "the last account was restored 4 Feb 2026, 20:15 CET, the first 95% 4 Feb 2026, 18:10 CET"
    assert found("Service was restored at 19:45.") == [("19:45", ends)]
    assert ("19:45", "4 of 240 are not restored") in found("Service was restored at 19:45.", AT_1945)


def test_a_digest_changes_with_the_words_and_not_with_the_clock() -> None:
    first = said.contradictions("The outage lasted 6 hours.", record(AT_1945), zone="UTC")
    later = said.contradictions(
        "The outage lasted 6 hours.", record(AT_1945 + timedelta(minutes=2)), zone="UTC"
    )
    other = said.contradictions("The outage lasted 5 hours.", record(AT_1945), zone="UTC")
    assert said.digest(first) == said.digest(later) != said.digest(other)
    assert said.digest(()) == ""


def test_a_long_hostile_text_is_read_in_no_time() -> None:
    began = datetime.now(tz=UTC)
    for piece in (
        "restored " * 2_000,
        "1 h " * 5_000,
        "all not " * 2_500,
        "9" * 20_000,
        "12:00" * 4_000,
        "{{" * 10_000,
    ):
        found(piece, AT_1945)
    assert datetime.now(tz=UTC) - began < timedelta(seconds=5)


def test_of_a_text_those_lines_are_left_that_the_record_bears_out() -> None:
    text = "Everything works again. Yours, too.\n\n::: restored\nYou are back.\n:::\n\nWe are sorry."
    kept = "::: restored\nYou are back.\n:::\n\nWe are sorry."
    assert said.borne_out(text, record(AT_1945), zone="UTC") == kept
    assert said.borne_out(text, record(THE_END), zone="UTC") == text
