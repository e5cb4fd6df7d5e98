"""A text on its way out: fields filled, blocks told apart, claims held against the record and kept."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db.models import Q

from incidents import blocks, errors, fields, markdown, record, said
from incidents.blocks import ReaderState
from incidents.choices import Audience, ClaimKind, UpdateKind
from incidents.claims import Claim
from incidents.models import Claim as KeptClaim
from incidents.models import Incident, Update, UpdateWording
from incidents.said import Contradiction


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """A text as it will be stored; `wordings` where it has blocks, and then `body_html` is empty."""

    body_html: str
    wordings: dict[ReaderState, str]
    contradictions: tuple[Contradiction, ...]
    claims: tuple[Claim, ...] = ()
    """What it says of the facts to everybody who reads it."""

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
        claims=_claims(text, known, zone=zone),
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


def write_claims(update: Update, prepared: Prepared) -> None:
    """Keep what a posted text says of the facts, so that each account can hold it against its own record.

    A public `resolved` says that everybody is back, whatever its words; that everything is back,
    said once more after the end, is no news. What everybody could read before is not kept again. A
    maintenance has no record that its words could be held against.
    """
    incident, is_public = update.incident, update.audience == Audience.EVERYONE
    if incident.is_maintenance:
        return
    found = list(prepared.claims)
    if incident.is_over or update.kind == UpdateKind.POST_MORTEM:
        found = [
            each for each in found if (each.kind, each.at) != (ClaimKind.RESTORED_AT, update.published_at)
        ]
    is_end = update.kind == UpdateKind.RESOLVED and is_public
    if is_end and not any(each.kind is ClaimKind.RESTORED_AT for each in found):
        found.append(Claim(kind=ClaimKind.RESTORED_AT, at=update.published_at))
    made = [_kept(update, each) for each in found]
    known = {_value(each) for each in KeptClaim.objects.filter(incident=incident).exclude(_IS_FOR_SOME)}
    KeptClaim.objects.bulk_create(each for each in made if _value(each) not in known)


_IS_FOR_SOME = Q(update__isnull=False) & ~Q(update__audience=Audience.EVERYONE)


def _kept(update: Update, claim: Claim) -> KeptClaim:
    percent = None if claim.percent is None else Decimal(claim.percent).quantize(Decimal("0.001"))
    return KeptClaim(
        incident=update.incident,
        update=update,
        kind=claim.kind,
        source=f"“{UpdateKind(update.kind).label}” update",
        claimed_at=claim.at,
        claimed_seconds=claim.seconds,
        claimed_percent=percent,
        posted_at=update.published_at,
    )


def _value(claim: KeptClaim) -> tuple[object, ...]:
    return (claim.kind, claim.claimed_at, claim.claimed_seconds, claim.claimed_percent)


def _claims(text: str, known: fields.Record, *, zone: str) -> tuple[Claim, ...]:
    """What the text says to every reader: not what stands in a block, which others do not read."""
    if not blocks.has_blocks(text):
        return said.claims_of(text, known, zone=zone)
    first, *others = (
        said.claims_of(blocks.text_for(text, reader), known, zone=zone) for reader in ReaderState
    )
    return tuple(each for each in first if all(each in other for other in others))


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
