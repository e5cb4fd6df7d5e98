"""Texts that people wrote, on their way into a document: shown as what they are, never read."""

import pytest

from incidents import markdown
from portal.documents import flow


def words(parts: object) -> str:
    """All words of a tree, in order."""
    if isinstance(parts, str):
        return parts
    if isinstance(parts, list):
        return "".join(words(each) for each in parts)
    if isinstance(parts, dict):
        return "".join(words(parts.get(name, "")) for name in ("c", "text", "head", "rows", "items"))
    return ""


def test_each_kind_of_text_becomes_a_part() -> None:
    line = "**bold** *slant* `code` [site](https://example.com)"
    text = f"{line}\n\n* one\n* two\n\n3. three\n\n> said\n\n---\n\n```\nx\n```"
    found = flow.blocks(markdown.to_html(text))
    assert [part["t"] for part in found] == ["p", "ul", "ol", "quote", "hr", "pre"]
    assert found[0]["c"] == [
        {"t": "strong", "c": ["bold"]},
        " ",
        {"t": "em", "c": ["slant"]},
        " ",
        {"t": "code", "text": "code"},
        " ",
        {"t": "a", "href": "https://example.com", "c": ["site"]},
    ]
    assert found[2]["start"] == 3


def test_a_line_that_ends_in_the_source_does_not_end_in_the_document() -> None:
    assert flow.blocks("<p>one\ntwo <em>three\nfour</em></p>")[0]["c"] == [
        "one two ",
        {"t": "em", "c": ["three four"]},
    ]


def test_headings_leave_out_no_level() -> None:
    html = "<h4>Deep</h4><h3>High</h3><h4>Deep</h4>"
    assert [part["level"] for part in flow.blocks(html, under=1)] == [2, 2, 3]
    assert [part["t"] for part in flow.blocks(html)] == ["p", "p", "p"]
    nested = flow.blocks("<ul><li><h3>In a list</h3></li></ul>", under=1)
    assert nested[0]["items"][0][0]["t"] == "p"


@pytest.mark.parametrize("href", ["javascript:alert(1)", "file:///etc/passwd", "/admin/", "#anything", ""])
def test_a_link_to_anywhere_else_is_its_words(href: str) -> None:
    assert flow.blocks(f'<p><a href="{href}">words</a></p>') == [{"t": "p", "c": ["words"]}]


def test_a_footnote_is_a_mark_only_where_there_is_one() -> None:
    hidden = '<span class="visually-hidden">footnote </span>'
    html = f'<p>x<sup><a class="footnote" href="#footnote-1">{hidden}1</a></sup></p>'
    assert flow.blocks(html, footnotes={1}) == [
        {"t": "p", "c": ["x", {"t": "mark", "to": "footnote-1", "text": "1"}]}
    ]
    assert flow.blocks(html) == [{"t": "p", "c": ["x", "1"]}]


def test_nothing_of_a_text_is_lost_however_deep_or_wide_it_goes() -> None:
    deep = ">" * 15 + " bottom"
    wide = "|".join(f"c{number}" for number in range(40))
    table = f"|{wide}|\n|{'|'.join(['-'] * 40)}|\n|{wide}|"
    assert "bottom" in words(flow.blocks(markdown.to_html(deep)))
    found = flow.blocks(markdown.to_html(table))
    assert all(f"c{number}" in words(found) for number in range(40))


def test_a_text_that_begins_from_the_right_is_said_to() -> None:
    assert flow.blocks("<p>«שלום»</p>")[0]["rtl"] is True
    assert "rtl" not in flow.blocks("<p>word שלום</p>")[0]


def test_html_that_is_broken_does_not_break_the_reading() -> None:
    for html in ("<p>a<b>c", "</p></p>a", "<table><tr><td>a", "<ul>a<li>b", "a<br>b<hr", "<" * 5_000 + "a"):
        assert "a" in words(flow.blocks(html)) or html.startswith("<<")


def test_a_table_without_rows_is_a_table() -> None:
    (table,) = flow.blocks("<table><tbody></tbody></table>")
    assert (table["t"], words(table)) == ("table", "")


def test_a_word_that_fits_no_line_may_be_broken_and_others_are_left_alone() -> None:
    plain, long = flow.blocks("<p>Some usual words.</p><p>" + "x" * 61 + "</p>")
    assert "breaks" not in plain
    assert long["breaks"] == flow.LONGEST


def test_columns_are_as_wide_as_what_they_hold_within_bounds() -> None:
    def columns(*cells: str) -> list[dict[str, int]]:
        row = "".join(f"<td>{cell}</td>" for cell in cells)
        (table,) = flow.blocks(f"<table><tbody><tr>{row}</tr></tbody></table>")
        found: list[dict[str, int]] = table["columns"]
        return found

    assert [each["share"] for each in columns("a", "ten words " * 2, "word " * 50)] == [6, 20, 48]
    assert [each["breaks"] for each in columns("a", "some words", "word " * 50)] == [0, 0, 0]
    assert [each["breaks"] for each in columns("y" * 30, "word " * 50, "word " * 50)] == [18, 0, 0]
