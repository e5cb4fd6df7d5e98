"""Files of recoveries as they are sent: encodings, separators, columns, times. Knows no database."""

import codecs
import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from incidents.choices import Choice, CompanyState

SEPARATORS = ",;\t|"
MOST_COLUMNS = 200
_SAMPLE_BYTES = 64 * 1024
_LONGEST_HEADER = 80
_DAY_FIRST = re.compile(
    r"([0-9]{1,2})[./]([0-9]{1,2})[./]([0-9]{4})[ T]+([0-9]{1,2}):([0-9]{2})(?::([0-9]{2}))?", re.ASCII
)
_YEAR_FIRST = re.compile(r"[0-9]{4}-?[0-9]{2}-?[0-9]{2}[ T][0-9]{2}.*", re.ASCII | re.DOTALL)


class Encoding(Choice):
    """How the characters of a file are written."""

    UTF_8 = "utf-8-sig", "UTF-8"
    UTF_16 = "utf-16", "UTF-16 (Excel's “Unicode text”)"
    WINDOWS = "cp1252", "Windows-1252 (Western European)"


class UnreadableFile(Exception):
    """The file as a whole cannot be read; the message is for staff."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Beginning:
    """A file's header and first rows, as they read with one encoding and separator."""

    encoding: Encoding
    separator: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


class Line(NamedTuple):
    """One row: the line on which it ends and its cells; None where it cannot be read."""

    number: int
    cells: list[str] | None


def guess_encoding(content: bytes) -> Encoding:
    """UTF-16 by its mark, UTF-8 where it is that, else what Windows writes in western Europe."""
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return Encoding.UTF_16
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return Encoding.WINDOWS
    return Encoding.UTF_8


def beginning(content: bytes, encoding: Encoding | None = None, *, count: int = 5) -> Beginning:
    """The header and the first `count` rows. Raises UnreadableFile."""
    if not content.strip():
        raise UnreadableFile("The file is empty.")
    chosen = encoding or guess_encoding(content)
    sample = content[:_SAMPLE_BYTES]
    try:
        with io.TextIOWrapper(io.BytesIO(sample), encoding=chosen, errors="replace", newline="") as text:
            first = text.readline()
    except UnicodeError as error:
        raise UnreadableFile(f"The file is not written in {chosen.label}.") from error
    if "\0" in first:
        raise UnreadableFile("The file is not text. Save it as CSV in UTF-8.")
    separator = max(SEPARATORS, key=first.count)
    found = [
        line.cells
        for line, _ in zip(lines(sample, chosen, separator, errors="replace"), range(count + 1), strict=False)
    ]
    header = found[0] if found else None
    if not header or not any(cell.strip() for cell in header):
        raise UnreadableFile("The first line names no columns.")
    if len(header) > MOST_COLUMNS:
        raise UnreadableFile(f"The file has more than {MOST_COLUMNS} columns.")
    return Beginning(
        encoding=chosen,
        separator=separator,
        header=tuple(cell.strip()[:_LONGEST_HEADER] for cell in header),
        rows=tuple(tuple(cells) for cells in found[1:] if cells),
    )


def lines(content: bytes, encoding: str, separator: str, *, errors: str = "strict") -> Iterator[Line]:
    """Every row of the file, the header first; empty lines are left out.

    Raises UnreadableFile where the characters are not written in `encoding`.
    """
    with io.TextIOWrapper(io.BytesIO(content), encoding=encoding, errors=errors, newline="") as text:
        reader = csv.reader(text, delimiter=separator)
        while True:
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error:
                # A quote that never ends, or a cell beyond every measure: the next line is a new row.
                yield Line(reader.line_num, None)
                continue
            except UnicodeError as error:
                raise UnreadableFile(
                    f"Near line {reader.line_num + 1} the file is not written in the chosen encoding."
                ) from error
            if any(cells):
                yield Line(reader.line_num, cells)


def read_instant(typed: str, zone: ZoneInfo) -> datetime | None:
    """An instant in UTC; None for what is none, or for a time that the clocks of `zone` skipped.

    ISO 8601, or day/month/year with a time; read in `zone` where it names no offset. A time that
    the clocks show twice is the first.

    >>> read_instant("2026-02-04 19:10", ZoneInfo("Europe/Paris"))
    datetime.datetime(2026, 2, 4, 18, 10, tzinfo=datetime.timezone.utc)
    >>> read_instant("4/2/2026 18:10", ZoneInfo("UTC")).isoformat()
    '2026-02-04T18:10:00+00:00'
    >>> read_instant("2026-02-04", ZoneInfo("UTC")) is None
    True
    """
    text = typed.strip()
    try:
        if _YEAR_FIRST.fullmatch(text):
            read = datetime.fromisoformat(text)
        elif day_first := _DAY_FIRST.fullmatch(text):
            day, month, year, hour, minute, second = (int(part or 0) for part in day_first.groups())
            read = datetime(year, month, day, hour, minute, second)  # noqa: DTZ001 - `zone` is its own
        else:
            return None
        if read.tzinfo is not None:
            return read.astimezone(UTC)
        local = read.replace(tzinfo=zone)
        instant = local.astimezone(UTC)
        is_skipped = instant.astimezone(zone) != local  # In one zone it is the clock that is compared.
    except (ValueError, OverflowError):
        return None
    return None if is_skipped else instant


_STATES = {
    **{state.value: state for state in CompanyState},
    **{state.label.casefold(): state for state in CompanyState},
}


def read_state(typed: str) -> CompanyState | None:
    """A state by its word or its label, in any case.

    >>> read_state(" Restored ") is CompanyState.RESTORED
    True
    >>> read_state("fine") is None
    True
    """
    return _STATES.get(typed.strip().casefold())


def formula_safe(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula.

    >>> formula_safe("=1+1")
    "'=1+1"
    """
    return f"'{cell}" if cell.lstrip(" ").startswith(("=", "+", "-", "@", "\t", "\r", "\n")) else cell
