"""What was done, by whom, to whose record: a table that only grows."""

from django.db import models

from tenants import rls
from tenants.models.base import Business, ScopedManager
from tenants.models.company import Company
from tenants.models.user import User


class AuditEvent(Business):
    """One thing that somebody did. Rows without a company are the vendor's own."""

    access = rls.company_owned(
        client="select insert",
        client_columns=(("select", ("id", "company_id")),),
        client_inserts=f"actor_id = {rls.CURRENT_USER}",
        staff="select insert",
    )

    company = models.ForeignKey(
        Company, on_delete=models.PROTECT, null=True, db_index=False, related_name="+"
    )
    actor = models.ForeignKey(User, on_delete=models.PROTECT, null=True, db_index=False, related_name="+")
    actor_name = models.CharField(max_length=254)
    """The name at the time; "portal" for what the portal did by itself."""
    action = models.CharField(max_length=64)
    object_type = models.CharField(max_length=64)
    object_id = models.CharField(max_length=64)
    detail = models.JSONField(default=dict)
    at = models.DateTimeField()

    objects = ScopedManager()

    class Meta(Business.Meta):
        indexes = [
            models.Index(fields=["company", "-at"], name="audit_of_company"),
            models.Index(fields=["-at"], name="audit_newest"),
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.object_type} {self.object_id}"
