"""Files of recoveries as they are sent: encodings, separators, quotes, times."""

import tracemalloc
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incidents import import_files
from incidents.choices import CompanyState
from incidents.import_files import Encoding, UnreadableFile

PARIS = ZoneInfo("Europe/Paris")


@pytest.mark.parametrize(
    ("encoding", "guessed"),
    [
        ("utf-8", Encoding.UTF_8),
        ("utf-8-sig", Encoding.UTF_8),
        ("utf-16", Encoding.UTF_16),
        ("latin-1", Encoding.WINDOWS),
    ],
)
@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_the_header_reads_the_same_in_each_encoding_with_each_separator(
    encoding: str, guessed: Encoding, separator: str
) -> None:
    text = separator.join(("company", "since")) + "\r\n" + separator.join(("Café", "2026-02-04 18:10"))
    found = import_files.beginning(text.encode(encoding))
    assert (found.encoding, found.separator) == (guessed, separator)
    assert found.header == ("company", "since")
    assert found.rows == (("Café", "2026-02-04 18:10"),)


@pytest.mark.parametrize(
    "content", [b"", b" \n\n", b"\x00\x01\x02", b",,,\n", b"PK\x03\x04\x00\x00zip", b"," * 500]
)
def test_what_is_no_table_is_refused_with_a_sentence(content: bytes) -> None:
    with pytest.raises(UnreadableFile, match=r"\.$"):
        import_files.beginning(content)


def test_a_file_in_another_encoding_than_was_chosen_is_refused_as_a_whole() -> None:
    content = "company,at\nCafé,now\n".encode("latin-1")
    with pytest.raises(UnreadableFile, match="chosen encoding"):
        list(import_files.lines(content, Encoding.UTF_8, ","))


def test_quotes_hold_separators_and_line_ends_and_an_endless_one_costs_only_its_row() -> None:
    content = b'a,b\n"x, y","two\nlines"\n\n"' + b"z" * 200_000 + b"\nlast,row\n"
    found = list(import_files.lines(content, Encoding.UTF_8, ","))
    assert [line.cells for line in found][:2] == [["a", "b"], ["x, y", "two\nlines"]]
    assert None in [line.cells for line in found]
    assert found[-1].cells == ["last", "row"]
    assert found[1].number == 3


def test_reading_does_not_take_the_memory_of_all_rows() -> None:
    content = b"a,b\n" + b"company,2026-02-04 18:10\n" * 200_000
    tracemalloc.start()
    assert sum(1 for _ in import_files.lines(content, Encoding.UTF_8, ",")) == 200_001
    _now, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2_000_000 + len(content)


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("2026-02-04 19:10", "2026-02-04T18:10:00+00:00"),
        ("2026-02-04T18:10:00Z", "2026-02-04T18:10:00+00:00"),
        (" 2026-02-04T19:10:30+01:00 ", "2026-02-04T18:10:30+00:00"),
        ("4/2/2026 19:10", "2026-02-04T18:10:00+00:00"),
        ("04.02.2026 19:10:05", "2026-02-04T18:10:05+00:00"),
        ("2026-10-25 02:30", "2026-10-25T00:30:00+00:00"),  # shown twice: the first
    ],
)
def test_a_time_is_read_in_the_zone_that_was_named(typed: str, read: str) -> None:
    found = import_files.read_instant(typed, PARIS)
    assert found is not None
    assert found.isoformat() == read


@pytest.mark.parametrize(
    "typed",
    [
        *(
            "",
            "soon",
            "2026-02-04",
            "2026-03-29 02:30",
            "31/02/2026 10:00",
            "0001-01-01 00:00+14:00",
            "18:10",
        ),
        *("9999-12-31 23:59-12:00", "２０２６-02-04 18:10", "1770228600", "=NOW()", "2026-02-04 25:00", "\0"),
    ],
)
def test_what_is_no_instant_is_none(typed: str) -> None:
    assert import_files.read_instant(typed, PARIS) is None


@given(st.text(max_size=40))
def test_no_text_makes_the_reading_fail(typed: str) -> None:
    import_files.read_instant(typed, PARIS)
    import_files.read_state(typed)
    assert import_files.formula_safe(typed).lstrip(" ")[:1] not in tuple("=+-@\t\r\n")


def test_a_state_is_read_by_its_word_or_its_label() -> None:
    assert import_files.read_state("OUTAGE") is CompanyState.OUTAGE
    assert import_files.read_state("not known yet") is CompanyState.UNKNOWN
    assert import_files.read_state("ok") is None
