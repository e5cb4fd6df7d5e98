"""Why the recovery of one company takes or took long, in the words of staff for staff."""

from typing import ClassVar

from django.db import models

from incidents.choices import RecoveryReason
from incidents.models.base import ChoiceField, one_of
from incidents.models.incident import Incident
from tenants import rls
from tenants.models import User
from tenants.models.base import CompanyOwned, StaffManager
from tenants.row_history import RowHistory


class RecoveryNote(CompanyOwned):
    """A reason and a note of staff on one recovery. No client's role may read any of it."""

    access = rls.staff_only(staff="select insert update")
    row_history = RowHistory(belongs_to=("company_id",), asks="incidents.view_recovery")

    incident = models.ForeignKey(Incident, on_delete=models.PROTECT, related_name="+", db_index=False)
    reason = ChoiceField(RecoveryReason, default=RecoveryReason.UNKNOWN)
    text = models.TextField(blank=True, max_length=2_000)
    written_at = models.DateTimeField()
    written_by = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, db_index=False, related_name="+"
    )

    objects: ClassVar[StaffManager["RecoveryNote"]] = StaffManager()

    class Meta(CompanyOwned.Meta):
        default_permissions = ("change",)
        constraints = [
            models.UniqueConstraint(fields=["company", "incident"], name="recovery_note_once"),
            one_of("reason", RecoveryReason, "recovery_note_reason"),
        ]
        indexes = [
            # The tail's list: the companies of an incident with one reason.
            models.Index(fields=["incident", "reason"], name="recovery_note_of_incident"),
        ]

    def __str__(self) -> str:
        return f"{self.company_id} in {self.incident_id}: {self.reason}"
