"""PDFs that the worker makes: a row is the truth, a worker's message only wakes somebody."""

from typing import ClassVar
from uuid import UUID

from django.db import models

from incidents.choices import DocumentKind, DocumentState
from incidents.models.base import ChoiceField, one_of
from incidents.models.statement import Statement
from tenants import rls, scope
from tenants.models import User
from tenants.models.base import CompanyOwned, ScopedManager

_ASKED = (
    f"asked_by_id = {rls.CURRENT_USER} and state = 'waiting' and attempts = 0 and trouble = '' "
    "and content is null and made_at is null"
)
"""What a client may write: that it wants one, in its own name."""


class DocumentManager(ScopedManager["Document"]):
    """Leaves the bytes where they are until somebody asks for them, and clients what is for staff."""

    def get_queryset(self) -> models.QuerySet["Document"]:
        return super().get_queryset().defer("content")

    def narrow(
        self, queryset: models.QuerySet["Document"], in_force: scope.Scope
    ) -> models.QuerySet["Document"]:
        return super().narrow(queryset, in_force).defer("trouble", "attempts", "due_at")


class Document(CompanyOwned):
    """One PDF for one company: of a statement, or of a report's version for one reader in one zone."""

    access = rls.company_owned(
        client="select insert",
        client_columns=(
            (
                "select",
                (
                    *("id", "company_id", "kind", "statement_id", "version_id", "once_key", "state"),
                    *("zone", "asked_at", "asked_by_id", "reader_name", "made_at", "content", "digest"),
                ),
            ),
        ),
        client_inserts=_ASKED,
        staff="select update",
    )

    kind = ChoiceField(DocumentKind)
    statement = models.ForeignKey(
        Statement, on_delete=models.CASCADE, null=True, db_index=False, related_name="+"
    )
    version_id = models.UUIDField(null=True)
    """Of a report: its published version."""
    once_key = models.CharField(max_length=200)
    """Equal for two that would show the same: there is one of them."""
    zone = models.CharField(max_length=64)
    """IANA name of the zone in which its times are shown."""
    reader_name = models.CharField(max_length=120, blank=True)
    """In the footer of a report: for whom it was made."""
    asked_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, db_index=False, related_name="+")
    asked_at = models.DateTimeField()
    state = ChoiceField(DocumentState, default=DocumentState.WAITING)
    due_at = models.DateTimeField()
    """When it may be made (again); moved forward as a lease while somebody makes it."""
    attempts = models.PositiveSmallIntegerField(default=0)
    trouble = models.CharField(max_length=500, blank=True)
    """Why it was not made the last time; for staff."""
    made_at = models.DateTimeField(null=True)
    content = models.BinaryField(null=True)
    digest = models.CharField(max_length=64, blank=True)
    """SHA-256 of the bytes."""

    objects: ClassVar[DocumentManager] = DocumentManager()

    class Meta(CompanyOwned.Meta):
        constraints = [
            models.UniqueConstraint(fields=["company", "once_key"], name="document_once"),
            one_of("kind", DocumentKind, "document_kind"),
            one_of("state", DocumentState, "document_state"),
            models.CheckConstraint(
                name="document_of_statement_or_report",
                condition=models.Q(kind="statement", statement__isnull=False, version_id__isnull=True)
                | models.Q(kind="report", statement__isnull=True, version_id__isnull=False),
            ),
            models.CheckConstraint(
                name="document_made_when_made",
                condition=models.Q(state="made", content__isnull=False, made_at__isnull=False)
                | (~models.Q(state="made") & models.Q(content__isnull=True, made_at__isnull=True)),
            ),
        ]
        indexes = [
            # The sweep: what the worker should be at.
            models.Index(
                fields=["due_at"], name="document_due", condition=models.Q(state=DocumentState.WAITING)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"

    @staticmethod
    def key_of_report(version_id: UUID, *, user_id: UUID | None, zone: str) -> str:
        """The `once_key` of a report's version for one reader in one zone."""
        return f"report:{version_id}:{user_id}:{zone}"
