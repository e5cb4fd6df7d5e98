"""Whether a downtime statement is what was issued: asked by anybody, without signing in.

A visitor can read no statement. The end of a number says among which companies to look, and a scope of
such a company is entered to read this one statement. What a statement says is answered to who shows its
words, never to who knows its number alone.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from django.conf import settings

from incidents import signatures
from incidents.models import Document, Statement
from incidents.models.statement import NUMBER_IN_BYTES, company_ending
from incidents.queries import statements
from tenants import scope
from tenants.models import Company
from tenants.models.company import Ending


class Verdict(StrEnum):
    """What can be said of a document that somebody shows."""

    VALID = "valid"
    SUPERSEDED = "superseded"
    ALTERED = "altered"
    """Or never issued here: the signature is not one of this portal over these words."""
    NOT_KEPT = "not_kept"
    """Signed here, but not among what is kept: whether the record has changed cannot be said."""
    UNREADABLE = "unreadable"
    UNKNOWN = "unknown"
    """No statement has the number."""
    OTHER_FILE = "other_file"
    """A PDF with the number of a statement that was issued, which is not the file that was issued."""
    NO_NUMBER = "no_number"
    """A PDF in which no number of a statement can be read."""


@dataclass(frozen=True, kw_only=True)
class Verification:
    verdict: Verdict
    document: Mapping[str, Any] | None = None
    """What was signed; none where its words were not shown, or none of them can be trusted."""
    can_be_renewed: bool = False
    """Whether a new one can be asked for; told to who shows its words."""


MOST_FILE_BYTES = 1024 * 1024
"""Of a file that is looked at."""
_PDF = b"%PDF-"
_MOST_NUMBERS = 3
"""So many numbers that stand in one PDF are looked up."""


def is_too_large(content: bytes) -> bool:
    """Whether a file is larger than what is looked at of its kind."""
    return len(content) > (MOST_FILE_BYTES if content.startswith(_PDF) else signatures.MOST_BYTES)


def verify_file(content: bytes, *, now: datetime) -> Verification:
    """Say what a file is, the JSON or the PDF of a statement. Nothing in it is unpacked or run."""
    if is_too_large(content):
        return Verification(verdict=Verdict.UNREADABLE)
    return verify_pdf(content, now=now) if content.startswith(_PDF) else verify_text(content, now=now)


def verify_pdf(content: bytes, *, now: datetime) -> Verification:
    """Whether a PDF is, byte for byte, the one that was made of a statement.

    Its number stands in the properties of the file, as text. A PDF is not signed: one that was printed or
    saved anew says no more than its number does.
    """
    found = dict.fromkeys(number.decode() for number in NUMBER_IN_BYTES.findall(content))
    verdicts = []
    for number in list(found)[:_MOST_NUMBERS]:
        kept = _kept(number, now=now)
        if kept is None:
            verdicts.append(Verdict.UNKNOWN)
            continue
        if kept.pdf_digest and kept.pdf_digest == hashlib.sha256(content).hexdigest():
            return Verification(
                verdict=kept.verdict, document=kept.document, can_be_renewed=kept.can_be_renewed
            )
        verdicts.append(Verdict.OTHER_FILE)
    return Verification(verdict=max(verdicts, key=_TELLS_MORE.index, default=Verdict.NO_NUMBER))


_TELLS_MORE = (Verdict.UNKNOWN, Verdict.OTHER_FILE)


def verify_text(text: str | bytes, *, now: datetime) -> Verification:
    """Hold a whole document against its signature, and against the record of today."""
    try:
        document = signatures.parsed(text)
    except signatures.Unreadable:
        return Verification(verdict=Verdict.UNREADABLE)
    if not signatures.is_signed(document, known_keys()):
        return Verification(verdict=Verdict.ALTERED)
    kept = _kept(str(document.get("number", "")), now=now)
    if kept is None:
        return Verification(verdict=Verdict.NOT_KEPT, document=document)
    return Verification(verdict=kept.verdict, document=document, can_be_renewed=kept.can_be_renewed)


def verify_number(number: str, *, now: datetime) -> Verification:
    """Whether a statement has that number, and whether the record has changed since; nothing of its words."""
    kept = _kept(number, now=now)
    return Verification(verdict=kept.verdict if kept else Verdict.UNKNOWN)


@dataclass(frozen=True, kw_only=True)
class _Kept:
    """A statement as it was issued, and the SHA-256 of its PDF; empty while there is none."""

    verdict: Verdict
    document: Mapping[str, Any]
    can_be_renewed: bool
    pdf_digest: str


def _kept(number: str, *, now: datetime) -> _Kept | None:
    """The statement of a number; None for one that nobody was given."""
    asked = number.strip().upper()
    for company_id in _companies(asked):
        with scope.as_company(company_id, read_only=True):
            kept = Statement.objects.filter(number=asked).first()
            if kept is not None:
                is_superseded = statements.is_superseded(kept, now=now)
                verdict = Verdict.SUPERSEDED if is_superseded else Verdict.VALID
                made = Document.objects.filter(statement=kept).values_list("digest", flat=True).first()
                return _Kept(
                    verdict=verdict,
                    document=signatures.parsed(kept.content),
                    can_be_renewed=statements.can_be_renewed(kept, now=now),
                    pdf_digest=made or "",
                )
    return None


def _companies(number: str) -> list[UUID]:
    """The companies whose statement it may be: nearly always one, and none for what is no number."""
    ending = company_ending(number)
    if not ending:
        return []
    found = Company.objects.annotate(ending=Ending("pk")).filter(ending=ending)
    return list(found.order_by("pk").values_list("pk", flat=True))


def known_keys() -> dict[str, str]:
    """Id → public key of the signing key in force and of those before it."""
    current = settings.STATEMENT_SIGNING_KEY
    texts = [signatures.SigningKey(current).public_text] if current else []
    return signatures.public_keys([*texts, *settings.STATEMENT_OLD_PUBLIC_KEYS])
