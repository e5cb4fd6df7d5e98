"""Downtime statements as they were issued: signed, kept, never changed."""

import hashlib
import secrets
from typing import ClassVar

from django.db import models

from incidents.choices import StatementKind
from incidents.models.base import ChoiceField, one_of
from incidents.models.incident import Incident
from tenants import rls
from tenants.models import Company, User
from tenants.models.base import CompanyOwned, Keyed

_ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
_GROUPS, _LETTERS = 4, 5
NUMBER_LENGTH = len("DS") + _GROUPS * (1 + _LETTERS)


def new_number() -> str:
    """A number like DS-7KQ2M-9XTAB-4HJ6W-PZ3NC: 99 random bits, so that only its holder knows it."""
    groups = ("".join(secrets.choice(_ALPHABET) for _ in range(_LETTERS)) for _ in range(_GROUPS))
    return "-".join(("DS", *groups))


class Statement(CompanyOwned):
    """What the record said of one account, in one incident or month, when it was asked for."""

    access = rls.company_owned(
        client="select insert", client_inserts=f"issued_by_id = {rls.CURRENT_USER}", staff="select"
    )

    number = models.CharField(max_length=NUMBER_LENGTH, unique=True, default=new_number)
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


class StatementNumber(Keyed):
    """Whose statement a number is: what a visitor who holds the number is let find out, and no more."""

    access: ClassVar[rls.Access] = rls.identity(
        visitor="select",
        visitor_columns=(("select", ("digest", "company_id")),),
        client="insert",
        client_rows=f"company_id = {rls.CURRENT_COMPANY}",
        staff="select",
    )

    digest = models.CharField(max_length=64, unique=True)
    company = models.ForeignKey(Company, on_delete=models.CASCADE, db_index=False, related_name="+")

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return str(self.pk)

    @staticmethod
    def digest_of(number: str) -> str:
        return hashlib.sha256(number.encode()).hexdigest()
