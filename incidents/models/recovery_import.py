"""Files of recoveries: the file, how far the worker is with it, and what it found in it."""

from datetime import datetime, timedelta
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models

from incidents.choices import CompanyState, ImportState, RowKind
from incidents.models.base import ChoiceField, one_of
from incidents.models.incident import Incident
from tenants import rls
from tenants.models import User
from tenants.models.base import Business, StaffManager


class ImportManager(StaffManager["RecoveryImport"]):
    """Leaves the file where it is until somebody asks for it: it may be large."""

    def get_queryset(self) -> models.QuerySet["RecoveryImport"]:
        return super().get_queryset().defer("content")


class RecoveryImport(Business):
    """One file of recoveries for one incident. The row is the truth; a worker's message only wakes."""

    access = rls.staff_only(staff="select insert update")

    incident = models.ForeignKey(Incident, on_delete=models.PROTECT, related_name="imports")
    state = ChoiceField(ImportState, default=ImportState.UPLOADED)
    file_name = models.CharField(max_length=120)
    content = models.BinaryField()
    line_count = models.PositiveIntegerField()
    """Lines of the file, counted at the upload: what the time left is reckoned from."""
    uploaded_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    uploaded_at = models.DateTimeField()
    mapping = models.JSONField(default=dict)
    """Which column holds what, the encoding and the zone of times without one."""
    started_at = models.DateTimeField(null=True)
    """When the worker was first asked to read it."""
    leased_until = models.DateTimeField(null=True)
    """Until when whoever works on it is thought to live; after it another worker goes on."""
    attempts = models.PositiveSmallIntegerField(default=0)
    """How often a worker has begun the step that the import stands at."""
    failed_at_step = ChoiceField(ImportState, blank=True, default="")
    """The step at which the worker gave up, and which can be tried again; '' where that would not help."""
    rows_read = models.PositiveIntegerField(default=0)
    counts = models.JSONField(default=dict)
    """Kind of row → how many; all are counted, also those of which no more is kept."""
    preview = models.JSONField(default=dict, encoder=DjangoJSONEncoder)
    """What applying would change, for staff: names of who enters and leaves the tail."""
    trouble = models.CharField(max_length=200, blank=True)
    """Why it failed, or why it has to be looked at again; a sentence for staff."""
    asked_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    """Who asked for it to be applied or taken back."""
    entry_count = models.PositiveIntegerField(default=0)
    """Entries that it has added."""
    finished_at = models.DateTimeField(null=True)

    objects = ImportManager()

    class Meta(Business.Meta):
        verbose_name = "recovery import"
        constraints = [
            one_of("state", ImportState, "recovery_import_state"),
            models.CheckConstraint(
                name="recovery_import_failed_at_step",
                condition=models.Q(failed_at_step="")
                | models.Q(state="failed", failed_at_step__in=ImportState.in_work()),
            ),
        ]
        indexes = [
            # The sweep: what a worker should be at.
            models.Index(
                fields=["leased_until"],
                name="recovery_import_in_work",
                condition=models.Q(state__in=ImportState.in_work()),
            ),
        ]

    def __str__(self) -> str:
        return self.file_name

    @property
    def is_in_work(self) -> bool:
        return self.state in ImportState.in_work()

    @property
    def can_be_cancelled(self) -> bool:
        """Whether it can be left without anything of it in the record."""
        unrecorded = {ImportState.UPLOADED, ImportState.READING, ImportState.CHECKING, ImportState.READY}
        # A worker that gave up has left nothing of the step that it was at.
        return self.state in unrecorded or self.failed_at_step in unrecorded | {ImportState.APPLYING}

    @property
    def problem_count(self) -> int:
        return sum(self.counts.get(kind, 0) for kind in RowKind.problems())

    def seconds_left(self, *, now: datetime) -> int | None:
        """How long reading the rest will take at the pace so far; None before anything was read."""
        if not self.rows_read or self.started_at is None or self.state != ImportState.READING:
            return None
        rest = max(self.line_count - 1 - self.rows_read, 0)
        return round(max(now - self.started_at, timedelta()).total_seconds() / self.rows_read * rest)


class ImportPortion(Business):
    """The facts that a run of a file's rows states, column by column: the nth of each column is one fact.

    As rows of their own they would take longer to keep than to read.
    """

    access = rls.staff_only(staff="select insert delete")

    recovery_import = models.ForeignKey(RecoveryImport, on_delete=models.CASCADE, related_name="portions")
    lines = ArrayField(models.PositiveIntegerField())
    company_ids = ArrayField(models.UUIDField())
    component_ids = ArrayField(models.UUIDField())
    states = ArrayField(ChoiceField(CompanyState))
    ats = ArrayField(models.DateTimeField())

    objects: Any = StaffManager()

    def __str__(self) -> str:
        return f"{len(self.lines)} facts"


class ImportRow(Business):
    """A row of a file with which something is wrong."""

    access = rls.staff_only(staff="select insert delete")

    recovery_import = models.ForeignKey(
        RecoveryImport, on_delete=models.CASCADE, related_name="rows", db_index=False
    )
    line = models.PositiveIntegerField()
    """Line of the file on which the row ends, the header being line 1."""
    problem = ChoiceField(RowKind)
    typed = models.CharField(max_length=300, blank=True)
    """The row as it was typed; empty where it could not be read at all."""

    objects: Any = StaffManager()

    class Meta(Business.Meta):
        constraints = [one_of("problem", RowKind, "import_row_problem")]
        indexes = [models.Index(fields=["recovery_import", "line"], name="import_row_in_order")]

    def __str__(self) -> str:
        return f"line {self.line}"
