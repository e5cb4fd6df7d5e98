"""Texts of staff's own: what an update can begin with, and what waits before it leaves."""

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models

from incidents.choices import Audience, IncidentKind, UpdateKind, WaitingState
from incidents.models.base import ChoiceField, one_of
from incidents.models.incident import Incident, Update
from tenants import rls
from tenants.models import User
from tenants.models.base import Business, StaffManager


class UpdateTemplate(Business):
    """A text that staff keep for one phase of an incident or a maintenance, with fields and blocks."""

    access = rls.staff_only()

    name = models.CharField(max_length=80, help_text="What staff choose it by: “First word, cause unknown”.")
    incident_kind = ChoiceField(IncidentKind, default=IncidentKind.INCIDENT, verbose_name="for")
    kind = ChoiceField(UpdateKind, verbose_name="phase")
    body_markdown = models.TextField(
        "text (Markdown)", max_length=20_000, help_text="May hold fields and blocks, as an update may."
    )

    objects: ClassVar[StaffManager["UpdateTemplate"]] = StaffManager()

    class Meta(Business.Meta):
        verbose_name = "update template"
        constraints = [
            models.UniqueConstraint(fields=["incident_kind", "kind", "name"], name="update_template_once"),
            one_of("incident_kind", IncidentKind, "update_template_incident_kind"),
            one_of("kind", UpdateKind, "update_template_kind"),
        ]

    def __str__(self) -> str:
        return self.name


class WaitingUpdate(Business):
    """An update as its author sent it off, until it leaves; then the update has the same id.

    Nobody but staff ever reads it. When it leaves, it is held against the record once more.
    """

    access = rls.staff_only(staff="select insert update")

    incident = models.ForeignKey(Incident, on_delete=models.PROTECT, related_name="waiting_updates")
    form_key = models.UUIDField(unique=True)
    """Of the form that it was sent with: the same form sent again is the same text."""
    state = ChoiceField(WaitingState)
    kind = ChoiceField(UpdateKind)
    audience = ChoiceField(Audience)
    component_ids = ArrayField(models.UUIDField(), default=list)
    data_center_ids = ArrayField(models.UUIDField(), default=list)
    company_ids = ArrayField(models.UUIDField(), default=list)
    body_markdown = models.TextField(max_length=20_000)
    next_update_at = models.DateTimeField(null=True)
    corrects = models.ForeignKey(Update, on_delete=models.PROTECT, null=True, related_name="+")
    override_reason = models.TextField(blank=True, max_length=2_000)
    contradicted = models.CharField(max_length=32, blank=True)
    """Digest of the contradictions that its author let stand; others stop it."""
    zone = models.CharField(max_length=64)
    """In which a clock without a zone is meant."""
    author = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    written_at = models.DateTimeField()
    approved_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    due_at = models.DateTimeField(null=True)
    """When it leaves; none before a second person has approved it."""
    settled_at = models.DateTimeField(null=True)
    """When it left, was taken back, sent back or stopped."""
    reason = models.TextField(blank=True, max_length=2_000)
    """Why it was sent back or stopped."""

    objects: ClassVar[StaffManager["WaitingUpdate"]] = StaffManager()

    class Meta(Business.Meta):
        verbose_name = "waiting update"
        permissions = [("approve_update", "Can approve another's update of a critical incident")]
        constraints = [
            one_of("state", WaitingState, "waiting_update_state"),
            one_of("kind", UpdateKind, "waiting_update_kind"),
            one_of("audience", Audience, "waiting_update_audience"),
            models.CheckConstraint(
                condition=~models.Q(state="waiting") | models.Q(due_at__isnull=False),
                name="waiting_update_is_due",
            ),
            models.CheckConstraint(
                condition=models.Q(approved_by__isnull=True) | ~models.Q(approved_by=models.F("author")),
                name="waiting_update_second_person",
            ),
            models.CheckConstraint(
                condition=~models.Q(state__in=["sent_back", "stopped"]) | ~models.Q(reason=""),
                name="waiting_update_says_why",
            ),
        ]
        indexes = [
            # The sweep: what is due. The console: what is not settled.
            models.Index(fields=["due_at"], name="waiting_update_due", condition=models.Q(state="waiting")),
            models.Index(
                fields=["written_at"],
                name="waiting_update_open",
                condition=models.Q(state__in=WaitingState.unsettled()),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_state_display()}: {self.get_kind_display()}"

    @property
    def is_unsettled(self) -> bool:
        return self.state in WaitingState.unsettled()
