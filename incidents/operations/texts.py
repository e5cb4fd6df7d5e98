"""A text on its way to be posted: fields filled, blocks told apart, claims held against the record."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from incidents import blocks, errors, fields, markdown, record, said
from incidents.blocks import ReaderState
from incidents.models import Incident, Update, UpdateWording
from incidents.said import Contradiction


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """A text as it will be stored; `wordings` where it has blocks, and then `body_html` is empty."""

    body_html: str
    wordings: dict[ReaderState, str]
    contradictions: tuple[Contradiction, ...]

    def wording(self, reader: ReaderState) -> str:
        """What accounts in this state read."""
        return self.wordings.get(reader, self.body_html)


def prepare(incident: Incident, text: str, *, now: datetime, zone: str) -> Prepared:
    """The text of a client's update, ready to be stored or looked at. Staff scope.

    A clock that is typed without a zone is meant in `zone`. Raises EmptyText, also where one state
    would read nothing at all, UnknownField, FieldWithoutValue and WrongBlock.
    """
    known = record.of_incident(incident, now=now)
    filled = _filled(text, known)
    fault = blocks.fault(text)
    if fault:
        raise errors.WrongBlock(fault.value)
    wordings = {}
    if blocks.has_blocks(text):
        wordings = {reader: _html(blocks.text_for(filled, reader)) for reader in ReaderState}
    return Prepared(
        body_html="" if wordings else _html(filled),
        wordings=wordings,
        contradictions=said.contradictions(text, known, zone=zone),
    )


def note(incident: Incident, text: str, *, now: datetime) -> Prepared:
    """A text that staff alone read: its fields are filled, nothing else is looked at."""
    filled = _filled(text, record.of_incident(incident, now=now))
    return Prepared(body_html=_html(filled), wordings={}, contradictions=())


def refuse_unacknowledged(prepared: Prepared, acknowledged: Collection[str]) -> None:
    """Raise ContradictsRecord unless each contradiction, as it reads, is among the acknowledged."""
    unseen = [str(each) for each in prepared.contradictions if str(each) not in acknowledged]
    if unseen:
        raise errors.ContradictsRecord(tuple(map(str, prepared.contradictions)))


def write_wordings(update: Update, prepared: Prepared) -> None:
    """Store what each state reads of a text with blocks."""
    UpdateWording.objects.bulk_create(
        UpdateWording(incident_id=update.incident_id, update=update, reader_state=reader, body_html=html)
        for reader, html in prepared.wordings.items()
    )


def _filled(text: str, known: fields.Record) -> str:
    unknown = fields.unknown(text)
    if unknown:
        raise errors.UnknownField(unknown, tuple(fields.MEANINGS))
    without_value = fields.without_value(text, known)
    if without_value:
        raise errors.FieldWithoutValue(without_value)
    return fields.fill(text, known)


def _html(text: str) -> str:
    if not text.strip():
        raise errors.EmptyText
    return markdown.to_html(text)
