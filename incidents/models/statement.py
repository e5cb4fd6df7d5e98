"""Downtime statements as they were issued: signed, kept, never changed."""

import re
import secrets
from uuid import UUID

from django.db import models

from incidents.choices import StatementKind
from incidents.models.base import ChoiceField, one_of
from incidents.models.incident import Incident
from tenants import rls
from tenants.models import User
from tenants.models.base import CompanyOwned

_ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
_LETTERS = 5
_RANDOM_GROUPS = 3
_GROUP = f"-[{_ALPHABET}]{{{_LETTERS}}}"
NUMBER_IN_BYTES = re.compile(f"DS(?:{_GROUP}){{{_RANDOM_GROUPS + 1}}}(?![-0-9A-Z])".encode())
"""Each number that stands as plain text in a file."""
NUMBER_LENGTH = len("DS") + (_RANDOM_GROUPS + 1) * (1 + _LETTERS)


def new_number(company_id: UUID) -> str:
    """A number like DS-7KQ2M-9XTAB-4HJ6W-PZ3NC: 74 random bits, so that only its holder knows it.

    The last group says among which companies its own is to be found, and no more than that.
    """
    groups = ("".join(secrets.choice(_ALPHABET) for _ in range(_LETTERS)) for _ in range(_RANDOM_GROUPS))
    ending = "".join(_ALPHABET[int(digit, 16)] for digit in company_id.hex[-_LETTERS:])
    return "-".join(("DS", *groups, ending))


def company_ending(number: str) -> str:
    """The last hexadecimal digits of the company's id in a number; empty where it is no number."""
    ending = number.rpartition("-")[2]
    is_one = len(number) == NUMBER_LENGTH and len(ending) == _LETTERS
    if not is_one or not set(ending) <= set(_ALPHABET[:16]):
        return ""
    return "".join(f"{_ALPHABET.index(letter):x}" for letter in ending)


class Statement(CompanyOwned):
    """What the record said of one account, in one incident or month, when it was asked for."""

    access = rls.company_owned(
        client="select insert", client_inserts=f"issued_by_id = {rls.CURRENT_USER}", staff="select"
    )

    number = models.CharField(max_length=NUMBER_LENGTH)
    kind = ChoiceField(StatementKind)
    incident = models.ForeignKey(
        Incident, on_delete=models.PROTECT, null=True, db_index=False, related_name="+"
    )
    month_on = models.DateField(null=True)
    """The first day of the month that it speaks of."""
    content = models.TextField()
    """The signed document, byte for byte as it is handed out."""
    record_version = models.CharField(max_length=32)
    """Of the entries that it was added up from: another one now means that it is superseded."""
    once_key = models.CharField(max_length=120)
    """Equal for two that would say the same, of which the second is not issued."""
    issued_at = models.DateTimeField()
    issued_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, db_index=False, related_name="+")
    issued_by_name = models.CharField(max_length=120)

    class Meta(CompanyOwned.Meta):
        verbose_name = "downtime statement"
        constraints = [
            models.UniqueConstraint(fields=["company", "number"], name="statement_number"),
            models.UniqueConstraint(fields=["company", "once_key"], name="statement_once"),
            # What a document is made of is named together with the company: it is its own.
            models.UniqueConstraint(fields=["company", "id"], name="statement_of_company"),
            one_of("kind", StatementKind, "statement_kind"),
            models.CheckConstraint(
                name="statement_of_incident_or_month",
                condition=models.Q(kind="incident", incident__isnull=False, month_on__isnull=True)
                | models.Q(kind="month", incident__isnull=True, month_on__isnull=False),
            ),
        ]
        indexes = [models.Index(fields=["company", "-issued_at"], name="statement_newest")]

    def __str__(self) -> str:
        return self.number
