"""What the documents on security say that a program can hold: numbers, sums, files, tests, links."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
STATES = ("met", "partly", "not yet", "not applicable")
LEVELS_OF_SECTIONS = """
1.1 22, 1.2 1111122223, 1.3 112222222223, 1.4 222, 1.5 123, 2.1 122, 2.2 112, 2.3 12223, 2.4 23,
3.1 3, 3.2 113, 3.3 12223, 3.4 11222233, 3.5 11122333, 3.6 3, 3.7 22333, 4.1 12233, 4.2 23333,
4.3 22, 4.4 1222, 5.1 2, 5.2 112333, 5.3 113, 5.4 222, 6.1 122, 6.2 111111112222, 6.3 11223333,
6.4 112233, 6.5 22222333, 6.6 2223, 6.7 33, 6.8 2222, 7.1 222, 7.2 1111, 7.3 22, 7.4 11222, 7.5 223,
7.6 22, 8.1 1233, 8.2 1123, 8.3 133, 8.4 23, 9.1 111, 9.2 1222, 10.1 22, 10.2 223, 10.3 22223,
10.4 1111122222233333, 10.5 22222, 10.6 22, 10.7 222, 11.1 2233, 11.2 22233, 11.3 11233, 11.4 1222,
11.5 23, 11.6 23, 11.7 33, 12.1 12233, 12.2 11, 12.3 22223, 13.1 2333, 13.2 222223, 13.3 2233,
13.4 1222233, 14.1 22, 14.2 12223333, 14.3 122, 15.1 12233, 15.2 12233, 15.3 1222222, 15.4 3333,
16.1 2, 16.2 22222, 16.3 2222, 16.4 222, 16.5 2223, 17.1 23, 17.2 22223333, 17.3 22
"""
"""Each section of ASVS 5.0.0, and the level of its first, second, third … requirement."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One row of the table: what it says of one or several requirements."""

    numbers: tuple[str, ...]
    bold: tuple[str, ...]
    state: str
    where: str


def document(name: str) -> str:
    return (ROOT / "docs" / name).read_text()


def levels() -> dict[str, int]:
    """Requirement number → level, of the whole standard."""
    sections = (each.split() for each in LEVELS_OF_SECTIONS.split(","))
    return {
        f"{section}.{place}": int(level)
        for section, digits in sections
        for place, level in enumerate(digits, start=1)
    }


def rows() -> Iterator[Row]:
    for line in document("asvs.md").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split(" | ")]
        if re.match(r"\| \**\d+\.\d+\.\d+", line):
            assert len(cells) == 4, line
            yield Row(
                numbers=tuple(re.findall(r"\d+\.\d+\.\d+", cells[0])),
                bold=tuple(re.findall(r"\*\*(\d+\.\d+\.\d+)\*\*", cells[0])),
                state=cells[2],
                where=cells[3],
            )


def named(text: str) -> set[str]:
    """The files and tests that a text names in backticks: a path, or a path and a test."""
    return set(re.findall(r"`((?:[\w.-]+/)*[\w-]+\.(?:py|md|html|js|toml|lock)(?:::\w+)?)`", text))


def test_the_standard_has_its_345_requirements() -> None:
    assert Counter(levels().values()) == {1: 70, 2: 183, 3: 92}


def test_every_requirement_of_levels_1_and_2_stands_in_the_table_once() -> None:
    listed = Counter(number for row in rows() for number in row.numbers)
    expected = {number for number, level in levels().items() if level < 3}
    assert expected - set(listed) == set(), "missing"
    assert set(listed) - expected == set(), "not of these levels"
    assert [number for number, times in listed.items() if times > 1] == []


def test_the_numbers_of_level_1_are_bold_and_no_others() -> None:
    level = levels()
    for row in rows():
        assert row.bold == tuple(number for number in row.numbers if level[number] == 1), row.numbers


def test_a_row_has_a_state_and_whatever_is_met_names_what_shows_it() -> None:
    for row in rows():
        assert row.state in STATES, row.numbers
        assert row.where, row.numbers
        if row.state == "met":
            assert named(row.where), row.numbers


@pytest.mark.parametrize("name", ["asvs.md", "security.md"])
def test_the_sums_are_those_of_the_rows(name: str) -> None:
    level = levels()
    counted = Counter((level[number], row.state) for row in rows() for number in row.numbers)
    for asked in (1, 2):
        sums = [counted[asked, state] for state in STATES]
        line = f"| {asked} | " + " | ".join(str(number) for number in (*sums, sum(sums))) + " |"
        assert line in document(name).splitlines(), f"the line should be: {line}"


@pytest.mark.parametrize("name", ["asvs.md", "security.md", "limits.md"])
def test_every_file_and_test_that_is_named_exists(name: str) -> None:
    wrong = []
    for each in sorted(named(document(name))):
        path, _, test = each.partition("::")
        file = ROOT / path
        if not file.is_file() or (test and f"\ndef {test}(" not in file.read_text()):
            wrong.append(each)
    assert wrong == []


@pytest.mark.parametrize("name", ["asvs.md", "security.md", "limits.md", "deployment.md"])
def test_every_link_to_another_document_leads_somewhere(name: str) -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", document(name)):
        assert (ROOT / "docs" / target).exists(), target


def test_the_list_of_limits_says_the_numbers_of_the_code() -> None:
    text = " ".join(document("limits.md").split())
    for module, line, words in (
        ("portal/settings.py", "SESSION_COOKIE_AGE = 60 * 60 * 12", "ends 12 hours after"),
        ("portal/settings.py", '"login_failed": "10/m/ip,100/5m/key"', "10 a minute; 100 in five minutes"),
        ("portal/settings.py", "PASSWORD_RESET_TIMEOUT = 60 * 60 * 24 * 3", "works once, for three days"),
        ("portal/settings.py", "DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024", "1 MiB and 1,000 fields"),
        ("portal/settings.py", '{"min_length": 12}', "12 characters or more"),
        ("incidents/operations/recoveries.py", "CLOCK_TOLERANCE = timedelta(minutes=2)", "two minutes ahead"),
        ("incidents/operations/recoveries.py", "EARLIEST_BEFORE_START = timedelta(days=7)", "seven days"),
        ("incidents/standings.py", "SMALLEST_SHOWN_COHORT = 20", "Below 20 affected companies"),
        ("incidents/queries/incident_lists.py", "PAGE_SIZE = 25", "25 rows a page"),
        ("incidents/queries/incident_lists.py", "MOST_PAGES = 400", "400 pages at most"),
        ("tenants/mail.py", "GIVE_UP_AFTER = 12", "12 tries"),
    ):
        assert line in (ROOT / module).read_text(), f"{module} has changed: see docs/limits.md, “{words}”"
        assert words in text, words
