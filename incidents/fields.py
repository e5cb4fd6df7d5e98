"""Fields of an update's text: numbers and times are inserted from the record, not typed.

A closed list, not a template engine. What is the same for all is filled when the text is posted, what
is each company's own when that company reads; times are written in its reader's zone.
"""

import html
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from incidents import clocks, cohort

SMALLEST_SHOWN = 20
"""Below so many companies an instant of all of them would point at a single one: such fields stay empty."""


@dataclass(frozen=True, kw_only=True)
class Record:
    """What is recorded of all companies of one incident; `restored_ats` earliest first."""

    started_at: datetime
    detected_at: datetime | None
    affected_count: int
    restored_ats: tuple[datetime, ...]
    now: datetime
    planned_end_at: datetime | None = None

    @property
    def restored_count(self) -> int:
        return len(self.restored_ats)

    @property
    def open_count(self) -> int:
        return self.affected_count - self.restored_count

    def reached_at(self, percent: float) -> datetime | None:
        """When so many percent were restored; None while fewer are."""
        return cohort.reached_at(self.restored_ats, affected_count=self.affected_count, percent=percent)

    def seconds_to(self, percent: float) -> int | None:
        """Start of the incident to `reached_at`."""
        at = self.reached_at(percent)
        return None if at is None else clocks.seconds_between(self.started_at, at)


@dataclass(frozen=True, kw_only=True)
class Own:
    """What is recorded of the company that reads; `total_seconds` runs to now while not restored."""

    state: str
    impacted_at: datetime | None
    restored_at: datetime | None
    total_seconds: int | None


_FIELD = re.compile(r"\{\{\s*([^{}\n]*?)\s*\}\}")
_ELEMENT = re.compile(r"</?time[^>]*>")
_INSTANT = re.compile(r"instant (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def percent(part: int, whole: int) -> str:
    """A share, cut and not rounded: 239 of 240 never reads as 100%."""
    tenths = 1000 * part // whole if whole else 0
    return f"{tenths // 10}.{tenths % 10}%" if tenths % 10 else f"{tenths // 10}%"


def _share(record: Record) -> str:
    return percent(record.restored_count, record.affected_count)


OF_ALL: Mapping[str, tuple[str, Callable[[Record], str | None]]] = {
    "affected_count": ("How many companies are affected", lambda record: str(record.affected_count)),
    "restored_count": ("How many of them are restored", lambda record: str(record.restored_count)),
    "open_count": ("How many are not restored yet", lambda record: str(record.open_count)),
    "share_restored": ("Share restored, in percent", _share),
    "started_at": ("Start of the incident", lambda record: _mark(record.started_at)),
    "detected_at": ("When we noticed", lambda record: _mark(record.detected_at)),
    "planned_end_at": ("Planned end of a maintenance", lambda record: _mark(record.planned_end_at)),
    "half_restored_at": ("When half were restored", lambda record: _reached(record, 50)),
    "restored_95_at": ("When the first 95% were restored", lambda record: _reached(record, 95)),
    "last_restored_at": ("When the last one was restored", lambda record: _reached(record, 100)),
    "time_to_50": ("Start to half restored", lambda record: _length_to(record, 50)),
    "time_to_95": ("Start to the first 95% restored", lambda record: _length_to(record, 95)),
    "time_to_last": ("Start to the last one restored", lambda record: _length_to(record, 100)),
}
"""Name → what it says, and its value; None while the record has none."""

OF_READER: Mapping[str, tuple[str, Callable[[Own, str], str]]] = {
    "your_state": ("State of the account that reads", lambda own, _zone: html.escape(own.state)),
    "your_impacted_at": (
        "When that account was first hit",
        lambda own, zone: _written(own.impacted_at, zone, "not recorded yet"),
    ),
    "your_restored_at": (
        "When that account was restored",
        lambda own, zone: _written(own.restored_at, zone, "not restored yet"),
    ),
    "your_duration": (
        "Its first impact to its restoration, or to now",
        lambda own, _zone: "not recorded yet" if own.total_seconds is None else length(own.total_seconds),
    ),
}
"""Name → what it says, and how it reads for one account in one zone."""

MEANINGS = {name: meaning for name, (meaning, _value) in (*OF_ALL.items(), *OF_READER.items())}


def unknown(text: str) -> tuple[str, ...]:
    """The fields of a text that are not on the list, each once, in order."""
    return tuple(dict.fromkeys(name for name in _FIELD.findall(text) if name not in MEANINGS))


def without_value(text: str, record: Record) -> tuple[str, ...]:
    """The fields of a text of which the record knows nothing yet, each once, in order."""
    named = dict.fromkeys(_FIELD.findall(text))
    return tuple(name for name in named if name in OF_ALL and OF_ALL[name][1](record) is None)


def fill(text: str, record: Record) -> str:
    """The text with what is the same for all filled in; times and own fields stay marks for `as_read`.

    A field without a value stays as it is: ask `without_value` before.
    """

    def value(found: re.Match[str]) -> str:
        name = found[1]
        filled = OF_ALL[name][1](record) if name in OF_ALL else None
        return found[0] if filled is None else filled

    return _FIELD.sub(value, text)


def as_read(body_html: str, own: Own | None, zone: str) -> str:
    """Posted HTML as one account reads it: marks of `fill` become times in `zone` and own values.

    Without an account its own fields read as what they mean, in brackets.
    """

    return _FIELD.sub(lambda found: _value(found, own, zone), body_html)


def as_plain(text: str, own: Own | None, zone: str) -> str:
    """The same of a text that is not HTML: times and values as plain words."""

    def value(found: re.Match[str]) -> str:
        return html.unescape(_ELEMENT.sub("", _value(found, own, zone)))

    return _FIELD.sub(value, text)


def in_words(filled: str, zone: str) -> str:
    """A text after `fill` in plain words: times in `zone`, and nothing for what is each account's own."""

    def value(found: re.Match[str]) -> str:
        at = _INSTANT.fullmatch(found[1])
        return instant(datetime.fromisoformat(at[1]), zone) if at else " "

    return _FIELD.sub(value, filled)


def is_of_reader(text: str) -> bool:
    """Whether a text after `fill` says something that is each account's own."""
    return any(name in OF_READER for name in _FIELD.findall(text))


def on_one_line(text: str) -> str:
    """The text with each field written as it is listed, however it was typed."""
    return _FIELD.sub(r"{{ \1 }}", text)


def removed(text: str) -> str:
    """The text without its fields: what was typed by hand."""
    return _FIELD.sub(" ", text)


def instant(at: datetime, zone: str) -> str:
    """Plain words: "4 Feb 2026, 18:10 CET"."""
    local = at.astimezone(ZoneInfo(zone))
    name = local.tzname() or "UTC"
    shown = f"UTC{local:%z}" if name[0] in "+-" else name
    return f"{local.day} {_MONTHS[local.month - 1]} {local.year}, {local:%H:%M} {shown}"


def length(seconds: int) -> str:
    """Hours and minutes, cut and not rounded: 15900 is "4 h 25 min"."""
    hours, minutes = divmod(max(0, seconds) // 60, 60)
    if not hours:
        return f"{minutes} min"
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"


def _value(found: re.Match[str], own: Own | None, zone: str) -> str:
    """The HTML that stands for a mark; what is none stays."""
    name = found[1]
    if name in OF_READER:
        meaning, written = OF_READER[name]
        return written(own, zone) if own else f"[{html.escape(meaning)}]"
    instant = _INSTANT.fullmatch(name)
    return _written(datetime.fromisoformat(instant[1]), zone, "") if instant else found[0]


def _reached(record: Record, share: float) -> str | None:
    return None if record.affected_count < SMALLEST_SHOWN else _mark(record.reached_at(share))


def _length_to(record: Record, share: float) -> str | None:
    seconds = record.seconds_to(share)
    return None if seconds is None or record.affected_count < SMALLEST_SHOWN else length(seconds)


def _mark(at: datetime | None) -> str | None:
    return None if at is None else f"{{{{ instant {at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ} }}}}"


def _written(at: datetime | None, zone: str, otherwise: str) -> str:
    if at is None:
        return otherwise
    exact = f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
    return f'<time datetime="{exact}" title="{instant(at, "UTC")}">{html.escape(instant(at, zone))}</time>'
