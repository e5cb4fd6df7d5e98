"""The content of a report: texts on their way from what staff typed to what is published.

Fields are filled from the record, every number that the record contradicts is found, and what was let
stand with a reason becomes a footnote.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any

from incidents import errors, fields, markdown, report_timeline, said
from incidents.fields import Record
from incidents.said import Contradiction

SECTIONS = {
    "summary": "Summary",
    "root_cause": "Root cause",
    "contributing_causes": "Contributing causes",
    "comes_next": "What comes next",
}
"""The texts of a report by name, in their order; timeline and corrective actions stand between them."""

_LONGEST_LINE = 2_000
_LINK = re.compile(r'<sup><a class="footnote".*?</sup>')
_MARK = re.compile(r"\[\^(\d{1,3})\]")


@dataclass(frozen=True, kw_only=True)
class Text:
    """Markdown and its sanitised HTML; fields of times and of the reader's account are still marks.

    A footnote is `[^1]` in the Markdown, a link to it in the HTML.
    """

    markdown: str
    html: str


@dataclass(frozen=True, kw_only=True)
class TimelineMoment:
    from_at: datetime
    until_at: datetime | None
    heading: str
    text: Text


@dataclass(frozen=True, kw_only=True)
class Promise:
    """A corrective action as it stood when the report was published."""

    number: int
    title: str
    owner: str
    due_on: date | None
    text: Text


@dataclass(frozen=True, kw_only=True)
class Footnote:
    """Words that stay although the record says otherwise, and why."""

    number: int
    words: str
    record_says: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class Content:
    """All that was written; `sections` by name, in the order of SECTIONS, empty ones left out."""

    zone: str
    sections: Mapping[str, Text]
    timeline: tuple[TimelineMoment, ...]
    actions: tuple[Promise, ...]
    footnotes: tuple[Footnote, ...]

    def frozen(self) -> dict[str, Any]:
        """As it is stored: a dictionary of what JSON knows."""
        found: dict[str, Any] = json.loads(json.dumps(asdict(self), default=_word))
        return found


@dataclass(frozen=True, kw_only=True)
class TypedAction:
    """A corrective action as staff typed it."""

    number: int
    title: str
    owner: str
    due_on: date | None
    text: str


@dataclass(frozen=True, kw_only=True)
class Typed:
    """Everything that staff typed: `sections` by name, the timeline as lines, and what they let stand.

    `acknowledged` maps the `key` of a contradiction to the reason that is published.
    """

    zone: str
    sections: Mapping[str, str]
    timeline: str
    actions: Sequence[TypedAction]
    acknowledged: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """The content, every contradiction with the record, and those for which no reason is given."""

    content: Content
    contradictions: tuple[Contradiction, ...]
    unanswered: tuple[Contradiction, ...]


def prepare(typed: Typed, record: Record) -> Prepared:
    """What would be published now.

    Raises UnknownField and FieldWithoutValue for a field of any text, and BadTimeline.
    """
    moments = report_timeline.read(typed.timeline, typed.zone)
    texts = [
        *(typed.sections.get(name, "") for name in SECTIONS),
        *(moment.text for moment in moments),
        *(action.text for action in typed.actions),
    ]
    _refuse_fields(texts, record)
    found = _contradictions(texts, record, typed.zone)
    footnotes = _footnotes(found, typed.acknowledged, record)
    return Prepared(
        content=Content(
            zone=typed.zone,
            sections={
                name: _text(typed.sections[name], record, footnotes)
                for name in SECTIONS
                if typed.sections.get(name, "").strip()
            },
            timeline=tuple(
                TimelineMoment(
                    from_at=moment.from_at,
                    until_at=moment.until_at,
                    heading=moment.heading,
                    text=_text(moment.text, record, footnotes),
                )
                for moment in moments
            ),
            actions=tuple(
                Promise(
                    number=action.number,
                    title=action.title,
                    owner=action.owner,
                    due_on=action.due_on,
                    text=_text(action.text, record, footnotes),
                )
                for action in typed.actions
            ),
            footnotes=footnotes,
        ),
        contradictions=found,
        unanswered=tuple(each for each in found if not typed.acknowledged.get(key(each), "").strip()),
    )


def key(contradiction: Contradiction) -> str:
    """What a reason is given for: these words, whatever the record will say when they are published."""
    return f"{contradiction.kind}: {contradiction.words}"


def thawed(stored: Mapping[str, Any]) -> Content:
    """The content of a published version, from its dictionary."""
    return Content(
        zone=stored["zone"],
        sections={name: Text(**stored["sections"][name]) for name in SECTIONS if name in stored["sections"]},
        timeline=tuple(
            TimelineMoment(
                from_at=datetime.fromisoformat(each["from_at"]),
                until_at=datetime.fromisoformat(each["until_at"]) if each["until_at"] else None,
                heading=each["heading"],
                text=Text(**each["text"]),
            )
            for each in stored["timeline"]
        ),
        actions=tuple(
            Promise(
                number=each["number"],
                title=each["title"],
                owner=each["owner"],
                due_on=date.fromisoformat(each["due_on"]) if each["due_on"] else None,
                text=Text(**each["text"]),
            )
            for each in stored["actions"]
        ),
        footnotes=tuple(Footnote(**each) for each in stored["footnotes"]),
    )


def without_footnotes(html: str) -> str:
    """The HTML of a text without its links to footnotes."""
    return _LINK.sub("", html)


def digest(
    *, kind: str, number: int, record_version: int, content: Mapping[str, Any], facts: Mapping[str, Any]
) -> str:
    """SHA-256 in hexadecimal of a version: of its JSON with sorted keys and no spaces, in UTF-8."""
    whole = {
        "kind": kind,
        "number": number,
        "record_version": record_version,
        "content": content,
        "facts": facts,
    }
    written = json.dumps(whole, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(written.encode()).hexdigest()


def _refuse_fields(texts: Sequence[str], record: Record) -> None:
    everything = "\n".join(texts)
    unknown = fields.unknown(everything)
    if unknown:
        raise errors.UnknownField(unknown, tuple(fields.MEANINGS))
    without_value = fields.without_value(everything, record)
    if without_value:
        raise errors.FieldWithoutValue(without_value)


def _contradictions(texts: Iterable[str], record: Record, zone: str) -> tuple[Contradiction, ...]:
    found: dict[Contradiction, None] = {}
    for text in texts:
        for each in said.contradictions(_in_short_lines(text), record, zone=zone):
            found[each] = None
    return tuple(found)


def _in_short_lines(text: str) -> str:
    """Without endless lines, which would take endless time to look through."""
    return "\n".join(
        line[start : start + _LONGEST_LINE]
        for line in text.splitlines()
        for start in range(0, max(1, len(line)), _LONGEST_LINE)
    )


def _footnotes(
    found: Iterable[Contradiction], acknowledged: Mapping[str, str], record: Record
) -> tuple[Footnote, ...]:
    """One for each contradiction that was let stand; of few companies it tells no instant of any."""
    is_told = record.affected_count >= fields.SMALLEST_SHOWN
    kept = [(each, acknowledged.get(key(each), "").strip()) for each in found]
    return tuple(
        Footnote(
            number=number,
            words=each.words,
            record_says=each.record_says
            if is_told
            else "otherwise; of so few companies no figure is published",
            reason=reason,
        )
        for number, (each, reason) in enumerate(((each, reason) for each, reason in kept if reason), start=1)
    )


def _text(typed: str, record: Record, footnotes: Sequence[Footnote]) -> Text:
    source = fields.fill(typed, record)
    for footnote in footnotes:
        source = _marked(source, footnote)
    return Text(markdown=source, html=_linked(markdown.to_html(source), footnotes))


def _marked(source: str, footnote: Footnote) -> str:
    """The text with the footnote's mark after the first place of its words, if they stand in it."""
    words = r"[\s*_`#>|]+".join(re.escape(word) for word in footnote.words.split())
    place = re.search(rf"(?<!\w){words}(?!\w)[*_`]*", source)
    if place is None:
        return source
    return f"{source[: place.end()]}[^{footnote.number}]{source[place.end() :]}"


def _linked(html: str, footnotes: Sequence[Footnote]) -> str:
    numbers = {str(footnote.number) for footnote in footnotes}

    def link(found: re.Match[str]) -> str:
        if found[1] not in numbers:
            return found[0]
        return (
            f'<sup><a class="footnote" href="#footnote-{found[1]}">'
            f'<span class="visually-hidden">footnote </span>{found[1]}</a></sup>'
        )

    return _MARK.sub(link, html)


def _word(value: Any) -> str:
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%dT%H:%M:%S}+00:00"
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"Nothing that a report holds: {value!r}")
