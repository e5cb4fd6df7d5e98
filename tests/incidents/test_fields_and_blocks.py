"""Fields are a closed list that the record fills; blocks are read by the state of the account."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from incidents import blocks, fields, markdown
from incidents.blocks import Fault, ReaderState

START = datetime(2026, 2, 4, 12, 45, tzinfo=UTC)
OWN = fields.Own(
    state="Restored", impacted_at=START, restored_at=START + timedelta(hours=2), total_seconds=7_200
)
DOWN = fields.Own(state="Outage", impacted_at=START, restored_at=None, total_seconds=600)


def record(affected: int, restored: int) -> fields.Record:
    return fields.Record(
        started_at=START,
        detected_at=None,
        affected_count=affected,
        restored_ats=tuple(START + timedelta(minutes=n + 1) for n in range(restored)),
        now=START + timedelta(hours=5),
    )


def read(text: str, own: fields.Own | None = OWN, zone: str = "Europe/Paris") -> str:
    """A text as it goes through posting and reading."""
    return fields.as_read(markdown.to_html(fields.fill(text, record(20, 20))), own, zone)


def test_what_is_the_same_for_all_is_filled_when_it_is_posted() -> None:
    text = "{{restored_count}} of {{ affected_count }}, {{ share_restored }}; "
    text += "{{ time_to_95 }}, {{ time_to_last }}"
    assert fields.fill(text, record(40, 39)) == "39 of 40, 97.5%; 38 min, {{ time_to_last }}"
    assert fields.without_value(text, record(40, 39)) == ("time_to_last",)
    assert fields.without_value(text, record(40, 40)) == ()


def test_a_share_is_cut_so_that_it_never_reads_as_everybody() -> None:
    assert fields.fill("{{ share_restored }}", record(10_000, 9_999)) == "99.9%"


def test_few_companies_have_no_instants_that_would_point_at_one() -> None:
    assert fields.without_value("{{ last_restored_at }} {{ time_to_50 }}", record(19, 19)) == (
        "last_restored_at",
        "time_to_50",
    )
    assert fields.without_value("{{ last_restored_at }}", record(20, 20)) == ()


def test_times_are_read_in_the_readers_own_zone() -> None:
    assert ">4 Feb 2026, 13:45 CET</time>" in read("{{ started_at }}")
    assert ">4 Feb 2026, 07:45 EST</time>" in read("{{ started_at }}", zone="America/New_York")
    assert ">4 Feb 2026, 16:45 UTC+0400</time>" in read("{{ started_at }}", zone="Asia/Dubai")


def test_own_fields_say_what_the_account_that_reads_has_recorded() -> None:
    text = "{{ your_state }}, {{ your_restored_at }}, {{ your_duration }}"
    assert read(text).startswith('<p>Restored, <time datetime="2026-02-04T14:45:00Z"')
    assert read(text).endswith("2 h</p>\n")
    assert read(text, DOWN) == "<p>Outage, not restored yet, 10 min</p>\n"
    assert read("{{ your_state }}", None) == "<p>[State of the account that reads]</p>\n"


@pytest.mark.parametrize(
    "text",
    ["{{ password }}", "{{ 7*7 }}", "{{ your_state.pk }}", "{{ instant 2026-02-04T12:45:00Z }}", "{{}}"],
)
def test_a_field_that_is_not_on_the_list_is_unknown(text: str) -> None:
    assert len(fields.unknown(text)) == 1


@pytest.mark.parametrize(
    "link",
    [
        "[x](https://a.example/{{your_state}})",
        "[x](<https://a.example/{{ started_at }}>)",
        '[x](https://a.example "{{ your_restored_at }}")',
        "<https://a.example/{{your_restored_at}}>",
        "[x][y]\n\n[y]: <https://a.example/{{ your_restored_at }}>",
    ],
)
def test_no_field_is_filled_within_a_tag(link: str) -> None:
    html = read(link)
    assert 'href="https://a.example' in html
    for address in re.findall(r'href="([^"]*)"', html):
        assert "Restored" not in address
        assert "<" not in address
    assert "title=" not in re.sub(r"<time[^>]*>", "", html)


def test_each_state_reads_its_own_blocks_only() -> None:
    text = "A\n::: restored\nB\n:::\n::: Not  Restored\nC\n:::\n::: affected\nD\n:::\nE"
    assert blocks.fault(text) is None
    assert blocks.text_for(text, ReaderState.RESTORED).split() == ["A", "B", "D", "E"]
    assert blocks.text_for(text, ReaderState.AFFECTED).split() == ["A", "C", "D", "E"]
    assert blocks.text_for(text, ReaderState.UNKNOWN).split() == ["A", "C", "E"]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("::: restored\nA", Fault.OPEN),
        ("::: everyone\nA\n:::", Fault.UNKNOWN),
        ("::: restored\n::: not restored\n:::\n:::", Fault.NESTED),
        ("A\n:::", Fault.STRAY),
        ("A ::: restored", None),
    ],
)
def test_fences_that_do_not_fit_are_said(text: str, fault: Fault | None) -> None:
    assert blocks.fault(text) is fault
