"""Whether a downtime statement is what was issued: asked by anybody, without signing in.

A visitor can read no statement. The end of a number says among which companies to look, and a scope of
such a company is entered to read this one statement. Nothing is answered but what stands in
the document that was shown, or in the one whose number was known.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from django.conf import settings

from incidents import signatures
from incidents.models import Statement
from incidents.models.statement import company_ending
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


@dataclass(frozen=True, kw_only=True)
class Verification:
    verdict: Verdict
    document: Mapping[str, Any] | None = None
    """What was signed; none where there is no word of it that can be trusted."""


def verify_text(text: str | bytes, *, now: datetime) -> Verification:
    """Hold a whole document against its signature, and against the record of today."""
    try:
        document = signatures.parsed(text)
    except signatures.Unreadable:
        return Verification(verdict=Verdict.UNREADABLE)
    if not signatures.is_signed(document, known_keys()):
        return Verification(verdict=Verdict.ALTERED)
    found = verify_number(str(document.get("number", "")), now=now)
    if found is None:
        return Verification(verdict=Verdict.NOT_KEPT, document=document)
    return Verification(verdict=found.verdict, document=document)


def verify_number(number: str, *, now: datetime) -> Verification | None:
    """The kept document of a number, as it was issued; None for a number that nobody was given."""
    asked = number.strip().upper()
    for company_id in _companies(asked):
        with scope.as_company(company_id, read_only=True):
            kept = Statement.objects.filter(number=asked).first()
            if kept is not None:
                is_superseded = statements.is_superseded(kept, now=now)
                verdict = Verdict.SUPERSEDED if is_superseded else Verdict.VALID
                return Verification(verdict=verdict, document=signatures.parsed(kept.content))
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
