"""What staff type becomes a report: fields, contradictions and their footnotes, a timeline, differences."""

import time
from datetime import UTC, datetime, timedelta

import pytest

from incidents import differences, errors, report_content, report_errors, report_timeline
from incidents.fields import Record
from incidents.report_content import Prepared, Typed

STARTED_AT = datetime(2026, 2, 4, 12, 45, tzinfo=UTC)
RECORD = Record(
    started_at=STARTED_AT,
    detected_at=STARTED_AT + timedelta(minutes=5),
    affected_count=240,
    restored_ats=tuple(STARTED_AT + timedelta(minutes=265 if place < 228 else 390) for place in range(240)),
    now=STARTED_AT + timedelta(days=1),
)
TOTAL = "total_duration: 4 h 30 min"


def prepared(
    summary: str, *, acknowledged: dict[str, str] | None = None, record: Record = RECORD
) -> Prepared:
    typed = Typed(
        zone="Europe/Paris",
        sections={"summary": summary, "root_cause": "A connector."},
        timeline="",
        actions=(),
        acknowledged=acknowledged or {},
    )
    return report_content.prepare(typed, record)


def test_a_typed_number_that_disagrees_is_listed_with_the_true_one() -> None:
    ready = prepared("The total resolution took **4 h 30 min**.")
    assert [str(each) for each in ready.unanswered] == [
        "“4 h 30 min”: 4 h 25 min to the first 95%, 6 h 30 min to the last account"
    ]
    assert ready.content.footnotes == ()


def test_what_stays_with_a_reason_is_a_footnote_at_its_words() -> None:
    ready = prepared("In total it took **4 h 30 min**.", acknowledged={TOTAL: "As announced."})
    assert ready.unanswered == ()
    (note,) = ready.content.footnotes
    assert (note.number, note.words, note.reason) == (1, "4 h 30 min", "As announced.")
    text = ready.content.sections["summary"]
    assert text.markdown == "In total it took **4 h 30 min**[^1]."
    assert '<a class="footnote" href="#footnote-1">' in text.html


def test_a_reason_for_other_words_or_an_empty_one_is_none() -> None:
    for reasons in ({"total_duration: 5 h": "No."}, {TOTAL: "  "}):
        assert len(prepared("In total it took 4 h 30 min.", acknowledged=reasons).unanswered) == 1


def test_a_footnote_of_few_companies_tells_no_instant() -> None:
    few = Record(
        started_at=STARTED_AT,
        detected_at=None,
        affected_count=3,
        restored_ats=RECORD.restored_ats[-3:],
        now=RECORD.now,
    )
    (note,) = prepared(
        "In total it took 4 h 30 min.", acknowledged={TOTAL: "So."}, record=few
    ).content.footnotes
    assert "6 h 30" not in note.record_says


def test_fields_are_filled_and_others_refused() -> None:
    assert "4 h 25 min" in prepared("Back after {{ time_to_95 }}.").content.sections["summary"].html
    with pytest.raises(errors.UnknownField):
        prepared("{{ settings.SECRET_KEY }}")


@pytest.mark.parametrize(
    "hostile",
    [
        "{% debug %}{% include '/etc/passwd' %}",
        "<script>alert(1)</script><img src=x onerror=alert(1)>",
        "[click](javascript:alert(1)) ![i](https://evil.example/x.png)",
        "=cmd|' /C calc'!A0",
        "\u202edesrever مرحبا 日本語 \"quoted\" 'single' & <b>",
    ],
)
def test_hostile_text_is_inert_and_readable(hostile: str) -> None:
    html = prepared(hostile).content.sections["summary"].html
    for word in ("<script", "<img", "onerror=alert(1)>", 'href="javascript', "<b>"):
        assert word not in html


@pytest.mark.parametrize(
    "long",
    [
        "A sentence restored at 19:45 with 95% and 4 h 30 min lasted. " * 3_300,
        "a\n\n" * 66_000,
        "| a | b |\n|---|---|\n" + "| 1 | 2 |\n" * 18_000,
        "restored at 19:45 " * 11_000,
    ],
    ids=["sentences", "paragraphs", "a table", "one line"],
)
def test_200_kb_take_seconds_and_not_minutes(long: str) -> None:
    began = time.process_time()
    content = prepared(long[:200_000]).content
    differences.compare(content.sections["summary"].markdown, long[:199_000] + "\n\nnew")
    assert time.process_time() - began < 20


def test_what_is_stored_reads_as_it_was() -> None:
    ready = prepared("In total it took 4 h 30 min.", acknowledged={TOTAL: "As announced."})
    assert report_content.thawed(ready.content.frozen()) == ready.content


def test_a_timeline_is_read_in_its_zone_and_written_as_it_was() -> None:
    typed = "2026-02-04 23:50 to 00:10 | Interruption | No traffic.\n2026-02-04 13:45 | First impact"
    moments = report_timeline.read(typed, "Europe/Paris")
    assert [moment.heading for moment in moments] == ["First impact", "Interruption"]
    assert moments[0].from_at == STARTED_AT
    assert moments[1].until_at == datetime(2026, 2, 4, 23, 10, tzinfo=UTC)
    again = report_timeline.written(moments, "Europe/Paris")
    assert report_timeline.read(again, "Europe/Paris") == moments


@pytest.mark.parametrize(
    "line",
    ["13:45 | No day", "2026-02-30 13:45 | No such day", "2026-02-04 13:45", "2026-02-04 25:00 | x | y"],
)
def test_a_line_that_cannot_be_read_is_named(line: str) -> None:
    with pytest.raises(report_errors.BadTimeline, match="Line 2 of the timeline"):
        report_timeline.read(f"2026-02-04 13:45 | Well | Yes.\n{line}", "UTC")


def test_what_the_record_holds_is_added_once() -> None:
    proposed = report_timeline.read("2026-02-04 13:45 | First impact\n2026-02-04 18:10 | 95%", "UTC")
    once = report_timeline.merged("2026-02-04 13:45 | First impact | Ours.", proposed, "UTC")
    assert once.splitlines() == ["2026-02-04 13:45 | First impact | Ours.", "2026-02-04 18:10 | 95%"]
    assert report_timeline.merged(once, proposed, "UTC") == once


def test_a_difference_says_what_came_and_what_went() -> None:
    (first, second, third) = differences.compare("Same.\n\nIt took 4 h.", "Same.\n\nIt took 6 h.\n\nMore.")
    assert first.fate == "same"
    assert [(piece.fate, piece.words) for piece in second.pieces if piece.fate != "same"] == [
        ("removed", "4"),
        ("added", "6"),
    ]
    assert third.fate == "added"
