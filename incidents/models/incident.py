"""Incidents, what was said about them, and what was claimed."""

import secrets
from datetime import datetime, timedelta
from typing import ClassVar

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils import timezone

from incidents import clocks
from incidents.choices import (
    Audience,
    ClaimKind,
    IncidentKind,
    IncidentState,
    PostMortemKind,
    RequestPolicy,
    RosterPolicy,
    Severity,
    UpdateKind,
)
from incidents.models.base import ChoiceField, Published, PublishedManager, one_of
from incidents.models.catalogue import AffectedComponent, Component
from tenants import rls, scope
from tenants.models import User
from tenants.models.base import Business
from tenants.row_history import RowHistory

_REFERENCE_ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"


def new_reference() -> str:
    """A public reference like INC-7KQ2M9XT: random, so that it tells nobody how many there are."""
    return "INC-" + "".join(secrets.choice(_REFERENCE_ALPHABET) for _ in range(8))


MOST_REMIND_MINUTES = 14 * 24 * 60


class IncidentManager(PublishedManager["Incident"]):
    """Narrows to what is published, of the incidents in which the asking company has a recovery."""

    incident_column = "id"

    def narrow(
        self, queryset: models.QuerySet["Incident"], in_force: scope.Scope
    ) -> models.QuerySet["Incident"]:
        return super().narrow(queryset, in_force).filter(published_at__isnull=False)


class Incident(Business):
    """Something that went wrong (or a planned maintenance). A draft is seen by staff only."""

    access = rls.published(f"published_at is not null and {rls.of_own_incidents('id')}")
    row_history = RowHistory(not_kept=("version",))

    reference = models.CharField(max_length=16, unique=True, default=new_reference, editable=False)
    title = models.CharField(max_length=160)
    kind = ChoiceField(IncidentKind, default=IncidentKind.INCIDENT)
    severity = ChoiceField(Severity, default=Severity.MAJOR)
    state = ChoiceField(IncidentState, default=IncidentState.INVESTIGATING)
    started_at = models.DateTimeField(
        "start", default=timezone.now, help_text="First impact; planned start of a maintenance."
    )
    detected_at = models.DateTimeField("detected", null=True, blank=True)
    planned_end_at = models.DateTimeField("planned end", null=True, blank=True, help_text="Maintenance only.")
    remind_minutes = models.PositiveIntegerField(
        "reminder, in minutes before the start",
        null=True,
        blank=True,
        validators=[MinValueValidator(5), MaxValueValidator(MOST_REMIND_MINUTES)],
        help_text="Maintenance only. Everyone affected reads a reminder so long before; empty: none. "
        "1440 is a day.",
    )
    reminded_at = models.DateTimeField(null=True, blank=True, editable=False)
    resolved_at = models.DateTimeField(null=True, blank=True, editable=False)
    set_aside_at = models.DateTimeField(null=True, blank=True, editable=False)
    """When it was cancelled, found to be a false alarm, or merged."""
    set_aside_reason = models.TextField(
        max_length=2_000, blank=True, default="", db_default="", editable=False
    )
    """Why, in the words that clients read; a merged one needs none."""
    merged_into = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, blank=True, editable=False, related_name="merged_from"
    )
    """The incident that it turned out to be part of, always one that goes on."""
    published_at = models.DateTimeField(null=True, blank=True, editable=False)
    next_update_at = models.DateTimeField(null=True, blank=True, editable=False)
    """When the newest public update promised the next one."""
    tail_percent = models.PositiveSmallIntegerField(
        default=5,
        validators=[MinValueValidator(1), MaxValueValidator(50)],
        help_text="The last so many percent of the companies to recover are the tail.",
    )
    roster_policy = ChoiceField(RosterPolicy, default=RosterPolicy.NAMES)
    request_policy = ChoiceField(
        RequestPolicy, default=RequestPolicy.APPROVAL, verbose_name="post-mortem requests"
    )
    published_report = ChoiceField(
        PostMortemKind, default="", db_default="", blank=True, editable=False, verbose_name="post-mortem"
    )
    """The post-mortem that is out; what an accepted request gets at once. Empty before the first."""
    version = models.PositiveIntegerField(default=1, editable=False)
    """Grows with every change that a client could see."""
    components: ClassVar["models.ManyToManyField[Component, AffectedComponent]"] = models.ManyToManyField(
        Component, through=AffectedComponent, related_name="incidents"
    )

    objects = IncidentManager()

    class Meta(Business.Meta):
        permissions = [("override_record", "Can post against the record, with a reason")]
        constraints = [
            one_of("kind", IncidentKind, "incident_kind"),
            one_of("severity", Severity, "incident_severity"),
            one_of("state", IncidentState, "incident_state"),
            one_of("roster_policy", RosterPolicy, "incident_roster_policy"),
            one_of("request_policy", RequestPolicy, "incident_request_policy"),
            models.CheckConstraint(
                condition=models.Q(published_report__in=["", "preliminary", "final"]),
                name="incident_published_report",
            ),
            models.CheckConstraint(
                condition=models.Q(tail_percent__gte=1, tail_percent__lte=50), name="incident_tail_percent"
            ),
            models.CheckConstraint(
                name="incident_set_aside_when_set_aside",
                condition=models.Q(
                    state__in=[str(state) for state in IncidentState.set_aside()], set_aside_at__isnull=False
                )
                | (
                    ~models.Q(state__in=[str(state) for state in IncidentState.set_aside()])
                    & models.Q(set_aside_at__isnull=True, set_aside_reason="")
                ),
            ),
            models.CheckConstraint(
                name="incident_set_aside_has_reason",
                condition=~models.Q(state__in=["cancelled", "false_alarm"]) | ~models.Q(set_aside_reason=""),
            ),
            models.CheckConstraint(
                name="incident_merged_into_another",
                condition=(
                    models.Q(state="merged", merged_into__isnull=False)
                    & ~models.Q(merged_into=models.F("id"))
                )
                | (~models.Q(state="merged") & models.Q(merged_into__isnull=True)),
            ),
        ]
        indexes = [models.Index(fields=["-started_at"], name="incident_newest")]

    def __str__(self) -> str:
        return f"{self.reference} {self.title}"

    @property
    def is_draft(self) -> bool:
        return self.published_at is None

    @property
    def ended_at(self) -> datetime | None:
        """When nothing more was to follow: set aside, or resolved."""
        return self.set_aside_at or self.resolved_at

    @property
    def is_over(self) -> bool:
        return IncidentState(self.state).is_over

    @property
    def is_set_aside(self) -> bool:
        return IncidentState(self.state).is_set_aside

    @property
    def is_maintenance(self) -> bool:
        return bool(self.kind == IncidentKind.MAINTENANCE)

    @property
    def remind_at(self) -> datetime | None:
        """When the reminder of a maintenance is due; None where none is wanted."""
        if self.remind_minutes is None:
            return None
        due: datetime = self.started_at - timedelta(minutes=self.remind_minutes)
        return due

    def awaits_reminder(self, now: datetime) -> bool:
        """Whether a reminder is still to come, or due. Who was told of it later than that needs none."""
        due_at, published_at = self.remind_at, self.published_at
        if due_at is None or published_at is None or self.reminded_at is not None:
            return False
        return published_at <= due_at and self.state_at(now) is IncidentState.SCHEDULED

    def state_at(self, now: datetime) -> IncidentState:
        """Where it stands at `now`: a maintenance goes by the clock, whoever has written it down yet."""
        return clocks.state_by_clock(
            IncidentState(self.state),
            started_at=self.started_at,
            planned_end_at=self.planned_end_at,
            now=now,
        )


class UpdateManager(PublishedManager["Update"]):
    """Narrows to what is for everyone affected, or for the asking company among others."""

    def narrow(self, queryset: models.QuerySet["Update"], in_force: scope.Scope) -> models.QuerySet["Update"]:
        readers = self.model._meta.apps.get_model("incidents", "UpdateReader")  # noqa: SLF001
        own = readers.objects.filter(company=in_force.company_id).values("update_id")
        narrow = [str(audience) for audience in Audience if audience.is_narrow]
        is_reader = models.Q(audience__in=narrow, pk__in=own)
        return super().narrow(queryset, in_force).filter(models.Q(audience="everyone") | is_reader)


class Update(Published):
    """A text of an incident, written once. A correction is a later update that names this one."""

    access = rls.published(
        f"{rls.of_own_incidents()} and (audience = 'everyone' or (audience <> 'staff' and "  # noqa: S608
        "id = any (array(select reader.update_id from incidents_updatereader reader))))",
        columns=(
            "id",
            "incident_id",
            "kind",
            "audience",
            "body_html",
            "published_at",
            "next_update_at",
            "corrects_id",
        ),
        staff="select insert",
    )

    incident = models.ForeignKey(Incident, on_delete=models.PROTECT, related_name="updates", db_index=False)
    kind = ChoiceField(UpdateKind)
    audience = ChoiceField(Audience, default=Audience.EVERYONE)
    body_markdown = models.TextField("text (Markdown)", max_length=20_000)
    body_html = models.TextField(editable=False)
    """Empty where the text has blocks: then each company reads the wording of its own state."""
    published_at = models.DateTimeField()
    next_update_at = models.DateTimeField("next update promised for", null=True, blank=True)
    corrects = models.ForeignKey("self", on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    author = models.ForeignKey(User, on_delete=models.PROTECT, null=True, db_index=False, related_name="+")
    override_reason = models.TextField(blank=True, max_length=2_000)
    """Why staff posted a text that the record contradicts."""
    acknowledged = models.TextField(blank=True, default="", db_default="")
    """What the record says against words of the text, one a line, as its author acknowledged it."""

    objects: ClassVar[UpdateManager] = UpdateManager()

    class Meta(Published.Meta):
        constraints = [
            one_of("kind", UpdateKind, "update_kind"),
            one_of("audience", Audience, "update_audience"),
        ]
        indexes = [models.Index(fields=["incident", "-published_at"], name="update_of_incident")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.published_at:%Y-%m-%d %H:%M} UTC"


class ClaimManager(PublishedManager["Claim"]):
    """Narrows to what was claimed in general, or by an update that the asking company may read."""

    def narrow(self, queryset: models.QuerySet["Claim"], in_force: scope.Scope) -> models.QuerySet["Claim"]:
        is_readable = models.Q(update_id__isnull=True) | models.Q(update_id__in=Update.objects.values("pk"))
        return super().narrow(queryset, in_force).filter(is_readable)


class Claim(Published):
    """What a published text says of the facts; exactly one of the three values is set."""

    access = rls.published(
        f"{rls.of_own_incidents()} and (update_id is null or "  # noqa: S608 - a constant
        "update_id = any (array(select readable.id from incidents_update readable)))"
    )
    row_history = RowHistory(belongs_to=("incident_id",))

    incident = models.ForeignKey(Incident, on_delete=models.PROTECT, related_name="claims")
    update = models.ForeignKey(Update, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    kind = ChoiceField(ClaimKind)
    source = models.CharField(max_length=120, help_text="Where it was said: “Header of the status page”.")
    claimed_at = models.DateTimeField("claimed instant", null=True, blank=True)
    claimed_seconds = models.PositiveIntegerField("claimed length in seconds", null=True, blank=True)
    claimed_percent = models.DecimalField(
        "claimed share in percent", max_digits=6, decimal_places=3, null=True, blank=True
    )
    posted_at = models.DateTimeField("said at", null=True, blank=True)

    objects: ClassVar[ClaimManager] = ClaimManager()

    class Meta(Published.Meta):
        constraints = [
            one_of("kind", ClaimKind, "claim_kind"),
            models.CheckConstraint(
                name="claim_value_fits_kind",
                condition=(
                    models.Q(kind__in=["started_at", "restored_at"], claimed_at__isnull=False)
                    | models.Q(kind="total_duration", claimed_seconds__isnull=False)
                    | models.Q(kind="restored_share", claimed_percent__isnull=False, posted_at__isnull=False)
                ),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.source}"
