"""Who belongs to which company, and as what."""

from typing import ClassVar

from django.db import models
from django.utils import timezone

from tenants import rls
from tenants.models.base import Keyed
from tenants.models.company import Company
from tenants.models.user import User
from tenants.permissions import Role
from tenants.row_history import RowHistory


class Membership(Keyed):
    """One person in one company; a person may have several."""

    access: ClassVar[rls.Access] = rls.identity(
        client="select", client_rows=f"company_id = {rls.CURRENT_COMPANY}"
    )
    row_history: ClassVar[RowHistory] = RowHistory(belongs_to=("company_id", "user_id"))

    company = models.ForeignKey(Company, on_delete=models.CASCADE, related_name="memberships", db_index=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(
        max_length=16, choices=[(role.value, role.label) for role in Role], default=Role.READER
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["company", "user"], name="membership_once"),
            models.CheckConstraint(
                condition=models.Q(role__in=[role.value for role in Role]), name="membership_role"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} in {self.company_id} as {self.role}"
