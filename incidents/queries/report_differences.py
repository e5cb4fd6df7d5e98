"""What is new in one version of a report against another, as the company that holds it reads both."""

import re
from collections.abc import Iterable, Mapping
from datetime import datetime

from incidents import differences, fields, report_content, report_facts
from incidents.models import PostMortemAnnex
from incidents.queries import report_shapes, reports
from incidents.report_content import Content, Promise, Text
from incidents.report_facts import Facts

_EMPHASIS = re.compile(r"\*\*|__|(?m:^#{1,6} )")
_FOOTNOTE = re.compile(r"\[\^(\d{1,3})\]")
_WRAPPED = re.compile(r"(?<!\n)\n(?!\s*(?:[*+|>-]|\d+[.)]|\n|$))")


def differences_page(
    reference: str, *, old: int | None, new: int | None, zone: str
) -> report_shapes.DifferencesPage:
    """What is new in version `new` (the newest) against `old` (the one before). Four statements.

    Raises ReportNotFound, also for a first version, which has none before it.
    """
    incident, versions = reports.held_versions(reference)
    later = reports.version_of(incident, versions, new)
    earlier = reports.version_of(incident, versions, later.number - 1 if old is None else old)
    of_number = {each.number: each for each in versions}
    annexes = {
        annex.version_id: annex
        for annex in PostMortemAnnex.objects.filter(version_id__in=(earlier.pk, later.pk))
    }
    before, after = (
        _in_words(
            report_content.thawed(each.content),
            report_facts.thawed(each.facts),
            reports.own_words(annexes.get(each.pk), now=each.published_at),
            zone,
        )
        for each in (earlier, later)
    )
    return report_shapes.DifferencesPage(
        reference=incident.reference,
        title=incident.title,
        old=of_number[earlier.number],
        new=of_number[later.number],
        versions=versions,
        parts=tuple(_part(title, before[title], after[title]) for title in after),
        zone=zone,
    )


def _in_words(content: Content, facts: Facts, own: fields.Own | None, zone: str) -> Mapping[str, str]:
    """The parts of a version by title, as plain paragraphs for a comparison."""

    def plain(text: Text) -> str:
        return _without_signs(fields.as_plain(text.markdown, own, zone))

    def section(name: str) -> str:
        return plain(content.sections[name]) if name in content.sections else ""

    return {
        "Summary": section("summary"),
        "Facts": "\n\n".join(_facts_in_words(facts, zone)),
        "Timeline": "\n\n".join(
            f"{_stretch(moment.from_at, moment.until_at, zone)}: {moment.heading}. {plain(moment.text)}"
            for moment in content.timeline
        ),
        "Root cause": section("root_cause"),
        "Contributing causes": section("contributing_causes"),
        "Corrective actions": "\n\n".join(
            f"{_promise(action)}\n\n{plain(action.text)}" for action in content.actions
        ),
        "What comes next": section("comes_next"),
        "Where the text departs from the record": "\n\n".join(
            f"“{note.words}”: {note.record_says}. {note.reason}" for note in content.footnotes
        ),
    }


def _without_signs(markdown: str) -> str:
    """As it reads: a paragraph on one line, rows of lists and tables on their own, no signs of emphasis."""
    joined = _WRAPPED.sub(" ", _EMPHASIS.sub("", markdown))
    return _FOOTNOTE.sub(r" (footnote \1)", joined)


def _facts_in_words(facts: Facts, zone: str) -> Iterable[str]:
    instants = {
        "Start": facts.started_at,
        "Detected": facts.detected_at,
        "First word to everyone affected": facts.first_word_at,
        "Half restored": facts.restored_half_at,
        f"First {facts.first_percent}% restored": facts.restored_share_at,
        "Last company restored": facts.all_restored_at,
    }
    for name, at in instants.items():
        yield f"{name}: {fields.instant(at, zone) if at else 'not recorded'}"
    yield f"Companies affected: {facts.affected_count}, restored: {facts.restored_count}"


def _promise(action: Promise) -> str:
    due = f"due {action.due_on.isoformat()}" if action.due_on else "no date"
    return f"{action.title} ({action.owner}, {due})"


def _stretch(from_at: datetime, until_at: datetime | None, zone: str) -> str:
    start = fields.instant(from_at, zone)
    return f"{start} to {fields.instant(until_at, zone)}" if until_at else start


def _part(title: str, before: str, after: str) -> report_shapes.DifferentPart:
    paragraphs = differences.compare(before, after)
    return report_shapes.DifferentPart(
        title=title, paragraphs=paragraphs, is_same=differences.is_same(paragraphs)
    )
