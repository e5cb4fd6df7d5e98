"""The post-mortem: its draft, its published versions, each company's annex, and what was promised in it."""

from typing import Any, ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models

from incidents.choices import (
    ActionChangeKind,
    ActionState,
    CompanyState,
    DraftState,
    PublicationKind,
    RequestState,
)
from incidents.models.base import ChoiceField, Published, PublishedManager, one_of
from incidents.models.incident import Incident
from incidents.models.postmortem import PostMortemRequest
from tenants import rls, scope
from tenants.models import User
from tenants.models.base import Business, CompanyOwned, StaffManager

LONGEST_TEXT = 200_000
"""Characters of one section."""
HOLDING = (RequestState.ACCEPTED, RequestState.PRELIMINARY_DELIVERED, RequestState.FINAL_DELIVERED)
"""States of a request with which a company holds the report."""
_HELD = (
    "incident_id = any (array(select own.incident_id from incidents_postmortemrequest own "
    "where own.state = 'accepted' or own.state = 'preliminary_delivered' or own.state = 'final_delivered'))"
)
"""Row condition: of an incident whose report the company holds. The requests' own policy narrows it."""
_PROMISED = "action_id = any (array(select readable.id from incidents_correctiveaction readable))"
_TOUCHED = f"""{_PROMISED} and (again_id is null or again_id = any (array(
    select later.id from incidents_incident later)))"""  # noqa: S608 - constants of the row policies
_OWN_READING = f"""user_id = {rls.CURRENT_USER} and version_id = any (array(
    select readable.id from incidents_postmortemversion readable))"""  # noqa: S608
_OWN_FOLLOW = f"""user_id = {rls.CURRENT_USER} and incident_id = any (array(
    select readable.incident_id from incidents_postmortemversion readable))
    and (action_id is null or {_PROMISED})"""  # noqa: S608


class PostMortem(Business):
    """The text of a report that staff work on. What clients read is a version of it, frozen."""

    access = rls.staff_only("select insert update")

    incident = models.OneToOneField(Incident, on_delete=models.PROTECT, related_name="post_mortem")
    state = ChoiceField(DraftState, default=DraftState.DRAFT)
    zone = models.CharField(max_length=64, default="UTC")
    """IANA name of the zone in which its text names clocks."""
    summary = models.TextField(blank=True, max_length=LONGEST_TEXT)
    timeline = models.TextField(blank=True, max_length=LONGEST_TEXT)
    """One moment a line, as `report_timeline` reads them."""
    root_cause = models.TextField(blank=True, max_length=LONGEST_TEXT)
    contributing_causes = models.TextField(blank=True, max_length=LONGEST_TEXT)
    comes_next = models.TextField(blank=True, max_length=LONGEST_TEXT)
    acknowledged = models.JSONField(default=dict)
    """`report_content.key` of what stays against the record → the reason, which is published."""
    saved_count = models.PositiveIntegerField(default=0)
    """Grows with every save, so that who saves knows what has been saved in between."""
    saved_at = models.DateTimeField()
    saved_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, db_index=False, related_name="+")
    written_by_ids = ArrayField(models.UUIDField(), default=list)
    """Who has changed the text since it was last published: none of them reviews it."""
    reviewed_by = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, db_index=False, related_name="+"
    )
    review_note = models.TextField(blank=True, max_length=2_000)
    """What the reviewer asks for, where the text was given back."""

    objects: ClassVar[StaffManager["PostMortem"]] = StaffManager()

    class Meta(Business.Meta):
        verbose_name = "post-mortem"
        constraints = [
            one_of("state", DraftState, "post_mortem_state"),
            models.CheckConstraint(
                condition=~models.Q(state="reviewed") | models.Q(reviewed_by__isnull=False),
                name="post_mortem_reviewed_by_somebody",
            ),
        ]

    def __str__(self) -> str:
        return f"Post-mortem of {self.incident_id}"


class HeldManager(PublishedManager[Any]):
    """Narrows to incidents whose report the asking company holds."""

    def narrow(self, queryset: models.QuerySet[Any], in_force: scope.Scope) -> models.QuerySet[Any]:
        held = PostMortemRequest.objects.filter(company=in_force.company_id, state__in=HOLDING)
        return queryset.filter(incident_id__in=held.values("incident_id"))


class PostMortemVersion(Published):
    """A version of the report as it was published: written once, read by the companies that hold it."""

    access = rls.published(
        _HELD,
        columns=(
            *("id", "incident_id", "number", "kind", "content", "facts", "record_version"),
            *("sha256", "change_note", "published_at"),
        ),
        staff="select insert",
    )

    incident = models.ForeignKey(
        Incident, on_delete=models.PROTECT, related_name="post_mortem_versions", db_index=False
    )
    number = models.PositiveSmallIntegerField()
    kind = ChoiceField(PublicationKind)
    content = models.JSONField()
    """Sections, timeline, actions and footnotes: `report_content.Content` as a dictionary."""
    facts = models.JSONField()
    """The record at publication: `report_facts.frozen`."""
    record_version = models.PositiveIntegerField()
    """The incident's version from which facts and annexes were taken."""
    sha256 = models.CharField(max_length=64)
    """Of kind, number, record version, content and facts (`report_content.digest`)."""
    change_note = models.TextField(blank=True, max_length=2_000)
    """What is new in it, for those who read the one before."""
    published_at = models.DateTimeField()
    published_by = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, db_index=False, related_name="+"
    )
    reviewed_by = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, db_index=False, related_name="+"
    )

    objects: ClassVar[HeldManager] = HeldManager()

    class Meta(Published.Meta):
        verbose_name = "post-mortem version"
        constraints = [
            models.UniqueConstraint(fields=["incident", "number"], name="post_mortem_version_number"),
            one_of("kind", PublicationKind, "post_mortem_version_kind"),
            # One preliminary and one final; whatever comes besides is a revision.
            models.UniqueConstraint(
                fields=["incident", "kind"],
                condition=~models.Q(kind="revision"),
                name="post_mortem_version_once_of_kind",
            ),
        ]

    def __str__(self) -> str:
        return f"Version {self.number} of {self.incident_id}"


class PostMortemAnnex(CompanyOwned):
    """*Your account in this incident*: one company's own record when a version was published."""

    access = rls.company_owned(staff="select insert")

    incident = models.ForeignKey(Incident, on_delete=models.PROTECT, related_name="+", db_index=False)
    version = models.ForeignKey(
        PostMortemVersion, on_delete=models.PROTECT, related_name="annexes", db_index=False
    )
    state = ChoiceField(CompanyState)
    impacted_at = models.DateTimeField(null=True)
    restored_at = models.DateTimeField(null=True)
    outage_seconds = models.PositiveIntegerField()
    degraded_seconds = models.PositiveIntegerField()
    rank = models.PositiveIntegerField(null=True)
    percentile = models.FloatField(null=True)
    in_tail = models.BooleanField(null=True)
    is_final = models.BooleanField()
    timeline = models.JSONField(default=list)
    """[[instant, state, [component, …]], …]: its entries in effect, oldest first."""

    class Meta(CompanyOwned.Meta):
        verbose_name_plural = "post-mortem annexes"
        constraints = [
            models.UniqueConstraint(fields=["company", "version"], name="post_mortem_annex_once"),
            one_of("state", CompanyState, "post_mortem_annex_state"),
        ]

    def __str__(self) -> str:
        return f"{self.company_id} in {self.version_id}"


class PromiseManager(HeldManager):
    """Narrows further: to what a published version holds."""

    def narrow(self, queryset: models.QuerySet[Any], in_force: scope.Scope) -> models.QuerySet[Any]:
        return super().narrow(queryset, in_force).filter(published_at__isnull=False)


class CorrectiveAction(Published):
    """A promise from a report. Its words are fixed with the version that first holds it."""

    access = rls.published(f"published_at is not null and {_HELD}")

    incident = models.ForeignKey(
        Incident, on_delete=models.PROTECT, related_name="corrective_actions", db_index=False
    )
    number = models.PositiveSmallIntegerField()
    title = models.CharField(max_length=160)
    text = models.TextField(blank=True, max_length=5_000)
    owner = models.CharField(max_length=120, help_text="Who sees to it: a team or a role. Clients read it.")
    due_on = models.DateField("due", null=True, blank=True)
    state = ChoiceField(ActionState, default=ActionState.OPEN)
    note = models.TextField(blank=True, max_length=2_000)
    """Evidence of what is done, or why it was dropped."""
    changed_at = models.DateTimeField()
    published_at = models.DateTimeField(null=True, editable=False)

    objects: ClassVar[PromiseManager] = PromiseManager()

    class Meta(Published.Meta):
        constraints = [
            models.UniqueConstraint(fields=["incident", "number"], name="corrective_action_number"),
            one_of("state", ActionState, "corrective_action_state"),
            models.CheckConstraint(
                condition=~models.Q(state__in=["done", "dropped"]) | ~models.Q(note=""),
                name="corrective_action_over_says_why",
            ),
        ]

    def __str__(self) -> str:
        return self.title


class ActionChangeManager(HeldManager):
    """Narrows further: what happened again is named only to companies that it has touched again."""

    def narrow(self, queryset: models.QuerySet[Any], in_force: scope.Scope) -> models.QuerySet[Any]:
        is_touched = models.Q(again_id__isnull=True) | models.Q(again_id__in=Incident.objects.values("pk"))
        held = super().narrow(queryset, in_force)
        return held.filter(is_touched, action_id__in=CorrectiveAction.objects.values("pk"))


class ActionChange(Published):
    """One thing that happened to a corrective action; written once."""

    access = rls.published(
        _TOUCHED,
        columns=("id", "incident_id", "action_id", "kind", "state", "due_on", "note", "again_id", "at"),
        staff="select insert",
    )

    incident = models.ForeignKey(Incident, on_delete=models.PROTECT, related_name="+", db_index=False)
    action = models.ForeignKey(
        CorrectiveAction, on_delete=models.PROTECT, related_name="changes", db_index=False
    )
    kind = ChoiceField(ActionChangeKind)
    state = ChoiceField(ActionState)
    due_on = models.DateField(null=True)
    note = models.TextField(blank=True, max_length=2_000)
    again = models.ForeignKey(Incident, on_delete=models.PROTECT, null=True, related_name="+", db_index=False)
    """The later incident with the same cause."""
    at = models.DateTimeField()
    by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, db_index=False, related_name="+")

    objects: ClassVar[ActionChangeManager] = ActionChangeManager()

    class Meta(Published.Meta):
        constraints = [
            one_of("kind", ActionChangeKind, "action_change_kind"),
            one_of("state", ActionState, "action_change_state"),
            models.CheckConstraint(
                condition=models.Q(kind="again", again__isnull=False)
                | (~models.Q(kind="again") & models.Q(again__isnull=True)),
                name="action_change_again_names_incident",
            ),
            models.UniqueConstraint(fields=["action", "again"], name="action_change_again_once"),
        ]
        indexes = [models.Index(fields=["incident", "at"], name="action_change_of_incident")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.at:%Y-%m-%d %H:%M} UTC"


class ReportReading(CompanyOwned):
    """That a person has said to have read a version; in that person's own name."""

    access = rls.company_owned(client="select insert", client_inserts=_OWN_READING, staff="select")

    version = models.ForeignKey(PostMortemVersion, on_delete=models.PROTECT, related_name="+", db_index=False)
    user = models.ForeignKey(User, on_delete=models.PROTECT, null=True, db_index=False, related_name="+")
    user_name = models.CharField(max_length=120)
    read_at = models.DateTimeField()

    class Meta(CompanyOwned.Meta):
        constraints = [
            models.UniqueConstraint(fields=["company", "version", "user"], name="report_reading_once")
        ]

    def __str__(self) -> str:
        return f"{self.user_id} has read {self.version_id}"


class ActionFollow(CompanyOwned):
    """A member's wish to hear of one corrective action, or of all of a report (`action` empty)."""

    access = rls.company_owned(
        client="select insert delete",
        client_inserts=_OWN_FOLLOW,
        client_deletes=f"user_id = {rls.CURRENT_USER}",
        staff="select",
    )

    incident = models.ForeignKey(Incident, on_delete=models.PROTECT, related_name="+", db_index=False)
    action = models.ForeignKey(
        CorrectiveAction, on_delete=models.PROTECT, null=True, related_name="+", db_index=False
    )
    user = models.ForeignKey(User, on_delete=models.PROTECT, null=True, db_index=False, related_name="+")
    followed_at = models.DateTimeField()

    class Meta(CompanyOwned.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["company", "incident", "user", "action"],
                name="action_follow_once",
                nulls_distinct=False,
            )
        ]

    def __str__(self) -> str:
        return f"{self.user_id} follows {self.action_id or 'all'} of {self.incident_id}"
