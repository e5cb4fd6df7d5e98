"""What changed in a row: written by the database's own triggers, read by staff, changed by nobody."""

from enum import StrEnum
from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models

from tenants import rls
from tenants.models.base import Business, StaffManager


class ChangeKind(StrEnum):
    """What happened to a row."""

    ADDED = "added"
    CHANGED = "changed"
    REMOVED = "removed"


class RowChange(Business):
    """One row of one table, added, changed or removed by one statement.

    No key of another table is held here by a constraint: history stands in nobody's way.
    """

    access = rls.Access(
        kind="staff-only",
        rules=(
            rls.Rule(role=rls.STAFF, command="select"),
            # The triggers' function alone works as the owner, and nobody logs in as it.
            rls.Rule(role=rls.OWNER, command="insert"),
        ),
    )

    at = models.DateTimeField()
    table_name = models.CharField(max_length=64)
    row_id = models.CharField(max_length=64)
    object_ids = ArrayField(models.UUIDField())
    """Rows of other tables to which this one belongs, or belonged."""
    kind = models.CharField(max_length=16, choices=[(each.value, each.value) for each in ChangeKind])
    changes = models.JSONField()
    """Column → [before, after]; [] for a secret one."""
    actor_id = models.UUIDField(null=True)
    """The person whose request it was; nobody for the portal itself and for a DBA."""
    role = models.CharField(max_length=64)
    """The database role that wrote, or the login where none had been entered."""

    objects: ClassVar[StaffManager["RowChange"]] = StaffManager()

    class Meta(Business.Meta):
        default_permissions = ("view",)
        verbose_name = "row change"
        indexes = [
            models.Index(fields=["row_id", "table_name"], name="row_change_of_row"),
            GinIndex(fields=["object_ids"], name="row_change_of_object"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(kind__in=[each.value for each in ChangeKind]), name="row_change_kind"
            )
        ]

    def __str__(self) -> str:
        return f"{self.table_name} {self.row_id} {self.kind}"
