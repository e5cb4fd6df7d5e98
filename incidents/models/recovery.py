"""Who was down from when to when: entries, what they add up to, and what is published of all."""

from typing import Any, ClassVar

from django.db import models

from incidents import cohort
from incidents.choices import CompanyState, EntrySource
from incidents.models.base import ChoiceField, Published, one_of
from incidents.models.catalogue import Component
from incidents.models.incident import Incident
from tenants import rls
from tenants.models import Company, User
from tenants.models.base import CompanyOwned


class Recovery(CompanyOwned):
    """One company in one incident: the row that its page reads.

    State, instants and seconds add up its own entries; rank, percentile and tail are its place
    among all, written by `standings`.
    """

    incident = models.ForeignKey(
        Incident, on_delete=models.PROTECT, related_name="recoveries", db_index=False
    )
    state = ChoiceField(CompanyState, default=CompanyState.UNKNOWN)
    impacted_at = models.DateTimeField(null=True)
    restored_at = models.DateTimeField(null=True)
    outage_seconds = models.PositiveIntegerField(default=0)
    """Union of the outage intervals that have ended or, while open, up to `measured_at`."""
    degraded_seconds = models.PositiveIntegerField(default=0)
    measured_at = models.DateTimeField()
    rank = models.PositiveIntegerField(null=True)
    percentile = models.FloatField(null=True)
    in_tail = models.BooleanField(null=True)
    is_final = models.BooleanField(default=False)

    class Meta(CompanyOwned.Meta):
        verbose_name_plural = "recoveries"
        constraints = [
            models.UniqueConstraint(fields=["company", "incident"], name="recovery_once"),
            one_of("state", CompanyState, "recovery_state"),
            models.CheckConstraint(
                name="recovery_restored_when_restored",
                condition=models.Q(state="restored", restored_at__isnull=False)
                | (~models.Q(state="restored") & models.Q(restored_at__isnull=True)),
            ),
        ]
        # No index holds what changes with each recovery: a new state is written beside the old one.
        indexes = [models.Index(fields=["incident", "company"], name="recovery_of_incident")]

    def __str__(self) -> str:
        return f"{self.company_id} in {self.incident_id}: {self.state}"


class AffectedPlacement(CompanyOwned):
    """What a company ran on of an incident's components when it was published, or when one was added.

    Never changed: what it runs on later changes nothing about the past. Gone only with a component
    that was named by mistake.
    """

    access = rls.company_owned(staff="select insert delete")

    incident = models.ForeignKey(Incident, on_delete=models.PROTECT, related_name="+", db_index=False)
    component = models.ForeignKey(Component, on_delete=models.PROTECT, related_name="+", db_index=False)

    class Meta(CompanyOwned.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["company", "incident", "component"], name="affected_placement_once"
            )
        ]
        indexes = [models.Index(fields=["incident", "company"], name="placement_of_incident")]

    def __str__(self) -> str:
        return f"{self.company_id} on {self.component_id} in {self.incident_id}"


class RecoveryEntry(CompanyOwned):
    """One fact about one component of one company, written once; a later entry supersedes it."""

    FACTS: ClassVar = ("id", "component_id", "state", "at", "recorded_at", "supersedes_id")
    """The columns that the arithmetic takes, as `fact` reads them."""

    access = rls.company_owned(staff="select insert")

    # That the company ran on the component in this incident, and what it supersedes (company, id), are
    # tied as a whole; that implies each alone, and to look each up as well took half of an import's
    # writing. Who recorded it was signed in just then, and cannot be deleted afterwards (PROTECT).
    company = models.ForeignKey(
        Company, on_delete=models.CASCADE, related_name="+", db_index=False, db_constraint=False
    )
    incident = models.ForeignKey(
        Incident, on_delete=models.PROTECT, related_name="entries", db_index=False, db_constraint=False
    )
    component = models.ForeignKey(
        Component, on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False
    )
    state = ChoiceField(CompanyState)
    at = models.DateTimeField()
    source = ChoiceField(EntrySource)
    recorded_by = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, db_index=False, db_constraint=False, related_name="+"
    )
    recorded_at = models.DateTimeField()
    idempotency_key = models.CharField(max_length=128)
    supersedes = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="+", db_constraint=False
    )

    class Meta(CompanyOwned.Meta):
        verbose_name_plural = "recovery entries"
        constraints = [
            models.UniqueConstraint(fields=["company", "idempotency_key"], name="recovery_entry_idempotent"),
            # What an entry supersedes is named together with the company: it is its own.
            models.UniqueConstraint(fields=["company", "id"], name="recovery_entry_of_company"),
            one_of("state", CompanyState, "recovery_entry_state"),
            one_of("source", EntrySource, "recovery_entry_source"),
        ]
        indexes = [
            models.Index(fields=["company", "incident", "at"], name="entry_of_company"),
            models.Index(fields=["incident", "company"], name="entry_of_incident"),
        ]

    def __str__(self) -> str:
        return f"{self.state} at {self.at:%Y-%m-%d %H:%M} UTC"

    @staticmethod
    def fact(row: tuple[Any, ...]) -> cohort.Entry:
        """The entry as the arithmetic takes it, from the values of `FACTS`."""
        entry_id, component_id, state, at, recorded_at, supersedes = row
        return cohort.Entry(
            id=entry_id,
            component_id=component_id,
            state=CompanyState(state),
            at=at,
            recorded_at=recorded_at,
            supersedes=supersedes,
        )


class Cohort(Published):
    """All affected companies together, without a trace of any single one.

    Below 20 companies the instants and the curve stay empty: they would point at single ones.
    """

    access = rls.published(rls.of_own_incidents())

    incident = models.OneToOneField(Incident, on_delete=models.PROTECT, related_name="cohort")
    affected_count = models.PositiveIntegerField()
    restored_count = models.PositiveIntegerField()
    tail_percent = models.PositiveSmallIntegerField()
    tail_count = models.PositiveIntegerField(null=True)
    """Empty while the tail is not defined, or the roster policy hides it."""
    restored_half_at = models.DateTimeField(null=True)
    restored_share_at = models.DateTimeField(null=True)
    all_restored_at = models.DateTimeField(null=True)
    curve = models.JSONField(default=list)
    """[[seconds since the start, share 0-1], …], at most 200 points."""
    is_final = models.BooleanField(default=False)
    computed_at = models.DateTimeField()
    stale_since = models.DateTimeField(null=True)
    """When a recovery changed of which the places of all do not know yet; see `standings`."""

    def __str__(self) -> str:
        return f"{self.restored_count} of {self.affected_count} restored"


class RosterEntry(Published):
    """A company of the tail that agreed to be named. Others are a number and leave no row."""

    access = rls.published(rls.of_own_incidents(), columns=("id", "incident_id", "name", "restored_at"))

    incident = models.ForeignKey(Incident, on_delete=models.PROTECT, related_name="roster")
    company = models.ForeignKey(Company, on_delete=models.PROTECT, db_index=False, related_name="+")
    name = models.CharField(max_length=120)
    restored_at = models.DateTimeField(null=True)

    class Meta(Published.Meta):
        verbose_name_plural = "roster entries"
        constraints = [models.UniqueConstraint(fields=["company", "incident"], name="roster_entry_once")]

    def __str__(self) -> str:
        return self.name
