"""A text before it is posted: what each kind of reader, or one company, would read, and how many they are."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.utils.safestring import SafeString, mark_safe

from incidents import audiences, blocks, clocks, fields, record
from incidents.audiences import Count, Readers
from incidents.blocks import ReaderState
from incidents.choices import Audience, CompanyState
from incidents.models import Incident, Recovery
from incidents.operations import texts
from incidents.said import Contradiction


@dataclass(frozen=True, kw_only=True)
class Wording:
    """The text as it is read by those whom `reader` names; None where they do not read it at all."""

    reader: str
    html: SafeString | None


@dataclass(frozen=True, kw_only=True)
class Preview:
    count: Count | None
    """How many would read it; None for a note of staff."""
    wordings: tuple[Wording, ...]
    contradictions: tuple[Contradiction, ...]


@dataclass(frozen=True, kw_only=True)
class Field:
    """A field as the list beside the editor shows it: what to type, what it says, its value now."""

    typed: str
    meaning: str
    value: SafeString


def preview(
    incident: Incident, text: str, readers: Readers, *, read_as: UUID | None, now: datetime, zone: str
) -> Preview:
    """Times in `zone`, a company's in its own. Raises what posting would raise of the text. Staff scope."""
    if readers.audience is Audience.STAFF:
        noted = texts.note(incident, text, now=now)
        html = _safe(noted.body_html, None, zone)
        return Preview(count=None, wordings=(Wording(reader="Staff", html=html),), contradictions=())
    prepared = texts.prepare(incident, text, now=now, zone=zone)
    wordings: tuple[Wording, ...]
    if read_as:
        wordings = (_as_company(incident, prepared, readers, read_as, now=now),)
    elif prepared.wordings:
        wordings = tuple(
            Wording(
                reader=f"Accounts: {reader.label.lower()}", html=_safe(prepared.wording(reader), None, zone)
            )
            for reader in ReaderState
        )
    else:
        wordings = (Wording(reader="", html=_safe(prepared.body_html, None, zone)),)
    return Preview(
        count=audiences.count(incident, readers), wordings=wordings, contradictions=prepared.contradictions
    )


def field_list(incident: Incident, *, now: datetime, zone: str) -> tuple[Field, ...]:
    """Every field that a text may hold, with what the record says now."""
    known = record.of_incident(incident, now=now)
    return tuple(
        Field(typed=f"{{{{ {name} }}}}", meaning=meaning, value=_value(name, known, zone))
        for name, meaning in fields.MEANINGS.items()
    )


def _value(name: str, known: fields.Record, zone: str) -> SafeString:
    mark = f"{{{{ {name} }}}}"
    if name in fields.OF_READER:
        return mark_safe("each account its own")
    if fields.without_value(mark, known):
        return mark_safe("no value yet")
    return _safe(fields.fill(mark, known), None, zone)


def _as_company(
    incident: Incident, prepared: texts.Prepared, readers: Readers, company_id: UUID, *, now: datetime
) -> Wording:
    recovery = (
        Recovery.objects.select_related("company").filter(incident=incident, company_id=company_id).get()
    )
    if not audiences.recoveries(incident, readers).filter(company_id=company_id).exists():
        return Wording(reader=f"{recovery.company.name}, who would not read it", html=None)
    state = CompanyState(recovery.state)
    own = fields.Own(
        state=state.label,
        impacted_at=recovery.impacted_at,
        restored_at=recovery.restored_at,
        total_seconds=clocks.seconds_between(recovery.impacted_at, recovery.restored_at or now)
        if recovery.impacted_at
        else None,
    )
    return Wording(
        reader=f"{recovery.company.name} ({state.label.lower()})",
        html=_safe(prepared.wording(blocks.reader_state(state)), own, recovery.company.time_zone or "UTC"),
    )


def _safe(html: str, own: fields.Own | None, zone: str) -> SafeString:
    return mark_safe(fields.as_read(html, own, zone))  # noqa: S308 - sanitised when it was prepared
