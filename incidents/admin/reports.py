"""Reports, for staff: write them together, review, preview as any company, publish."""

from collections.abc import Collection
from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from incidents import errors, report_errors
from incidents.admin.filters import IncidentFilter
from incidents.admin.of_incident import OfIncident
from incidents.admin.report_editor import ReportEditor
from incidents.admin.report_forms import BeginForm, PublishForm
from incidents.choices import PublicationKind
from incidents.models import (
    Incident,
    PostMortem,
    PostMortemRequest,
    PostMortemVersion,
    Recovery,
    ReportReading,
)
from incidents.models.report import HOLDING
from incidents.operations import report_drafts, reports
from incidents.queries import report_previews
from tenants import admin_pages as pages
from tenants import audit
from tenants.admin_pages import RecordAdmin
from tenants.errors import Refusal
from tenants.models import Company


@admin.register(PostMortem)
class PostMortemAdmin(OfIncident, ReportEditor):
    """Each report is a page on which it is written; what clients read are its versions."""

    list_display = ("incident_title", "incident_reference", "state", "saved", "saved_by")
    list_display_links = ("incident_title",)
    list_filter = ("state", IncidentFilter)
    list_select_related = ("incident", "saved_by")
    search_fields = ("incident__reference", "incident__title")
    ordering = ("-saved_at",)
    object_pages = {"preview": "preview_page", "publish": "publish_page"}
    saved = pages.instant_column("saved_at", "last saved")

    def get_queryset(self, request: HttpRequest) -> QuerySet[PostMortem]:
        return super().get_queryset(request).select_related("incident", "saved_by", "reviewed_by")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return admin.ModelAdmin.has_add_permission(self, request)

    @admin.display(description="report on", ordering="incident__title")
    def incident_title(self, draft: PostMortem) -> str:
        return draft.incident.title

    def describe(self, row: PostMortem) -> str:
        return f"Post-mortem of {row.incident.reference} {row.incident.title}"

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """Begin a report; one that is there already is opened."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        wanted = request.GET.get("incident", "")
        there = _report_of(wanted)
        if there is not None and request.method == "GET":
            return self.to_row(there)
        form = BeginForm(
            request.POST or None,
            initial={"report_on": wanted, "zone": timezone.get_current_timezone_name()},
        )
        if request.method == "POST" and form.is_valid():
            with pages.refusals_shown(request):
                made = report_drafts.begin(
                    pages.staff(request).actor,
                    incident_id=form.cleaned_data["report_on"].pk,
                    zone=form.cleaned_data["zone"],
                    now=timezone.now(),
                )
                messages.success(request, "Begun. The timeline holds what the record knows.")
                return self.to_row(made)
        return self.page(
            request,
            "admin/consequence.html",
            "Begin a post-mortem",
            back=self.address("changelist"),
            facts={},
            says="Its timeline is filled from the record. No client sees anything before it is published.",
            form=form,
            submit="Begin",
        )

    def preview_page(self, request: HttpRequest, object_id: Any) -> HttpResponse:
        """The report as it would be read, by nobody in particular or by the company that is named."""
        draft = self.readable(request, object_id)
        now, zone = timezone.now(), timezone.get_current_timezone_name()
        typed = request.GET.get("company", "").strip().replace("\0", "")[:160]
        company = _affected(draft.incident, typed)
        if company is not None:
            audit.record_read(
                pages.staff(request).actor, draft, company_ids={company.pk}, now=now, page="report_preview"
            )
            zone = company.time_zone or zone
        context: dict[str, Any] = {"typed": typed, "account": company.name if company else ""}
        try:
            ready = report_drafts.prepared(draft, now=now)
            context["contradictions"] = ready.unanswered
            context["page"] = report_previews.preview_page(
                draft.incident,
                ready.content,
                company_id=company.pk if company else None,
                zone=zone,
                now=now,
            )
        except Refusal as refusal:
            context["trouble"] = refusal.message
        title = f"Preview of {self.describe(draft)}"
        return self.page(
            request,
            "admin/report_preview.html",
            title,
            zone=zone,
            back=self.address("change", draft),
            is_unknown=bool(typed) and company is None,
            **context,
        )

    def publish_page(self, request: HttpRequest, object_id: Any) -> HttpResponse:
        """Say who will read it and what stays against the record, then freeze and deliver it."""
        draft: PostMortem = self.subject(request, object_id)
        incident, number = draft.incident, reports.next_number(draft.incident)
        form = PublishForm(request.POST or None, kinds=reports.next_kinds(incident), number=number)
        if request.method == "POST" and form.is_valid() and self._publish(request, draft, form):
            return self.to_row(draft)
        trouble, footnotes = "", 0
        try:
            if incident.is_set_aside:
                raise errors.SetAside
            ready = report_drafts.prepared(draft, now=timezone.now())
            report_drafts.refuse_unfinished(draft, ready)
            footnotes = len(ready.content.footnotes)
        except Refusal as refusal:
            trouble = refusal.message
        holders = PostMortemRequest.objects.filter(incident=incident, state__in=HOLDING).count()
        affected = Recovery.objects.filter(incident=incident).count()
        return self.page(
            request,
            "admin/consequence.html",
            f"Publish version {number}?",
            original=draft.incident,
            back=self.address("change", draft),
            warning=trouble or ("" if self.may_publish(draft) else report_errors.NotReviewed.message),
            facts={
                "Report on": str(incident),
                "Companies that hold it and get it at once": holders,
                "Companies whose annex is frozen": affected,
                "Footnotes where the text departs from the record": footnotes,
                "Reviewed by": draft.reviewed_by or "nobody",
            },
            says=(
                "What is published is frozen. A mistake is put right by a later version, beside this one. "
                "Who asks later gets it once the request is accepted. "
                "After a preliminary report a final one is still owed."
            ),
            form=None if incident.is_set_aside else form,
            submit="" if trouble or not self.may_publish(draft) else "Publish",
        )

    def _publish(self, request: HttpRequest, draft: PostMortem, form: PublishForm) -> bool:
        try:
            version = reports.publish(
                pages.staff(request).actor,
                post_mortem_id=draft.pk,
                kind=PublicationKind(form.cleaned_data["kind"]),
                number=form.cleaned_data["number"],
                change_note=form.cleaned_data.get("change_note", ""),
                now=timezone.now(),
            )
        except Refusal as refusal:
            form.add_error(None, refusal.message)
            return False
        messages.success(request, f"Version {version.number} is published. Its holders can read it now.")
        return True


@admin.register(PostMortemVersion)
class PostMortemVersionAdmin(OfIncident, RecordAdmin):
    """What was published: frozen, with who may read it and who says to have read it."""

    list_display = ("title_of", "incident_reference", "number", "kind", "published", "published_by")
    list_display_links = ("title_of",)
    list_filter = ("kind", IncidentFilter)
    list_select_related = ("incident", "published_by")
    search_fields = ("incident__reference", "incident__title", "sha256")
    ordering = ("-published_at",)
    fields = (
        *("incident_reference", "number", "kind", "change_note", "published", "published_by", "reviewed_by"),
        *("record_version", "sha256", "held_by", "read_by"),
    )
    published = pages.instant_column("published_at", "published")

    def get_queryset(self, request: HttpRequest) -> QuerySet[PostMortemVersion]:
        found = super().get_queryset(request).select_related("incident", "published_by", "reviewed_by")
        return found.defer("content", "facts")

    @admin.display(description="report on", ordering="incident__title")
    def title_of(self, version: PostMortemVersion) -> str:
        return version.incident.title

    def describe(self, row: PostMortemVersion) -> str:
        return f"Version {row.number} of the post-mortem of {row.incident.reference}"

    @admin.display(description="held by")
    def held_by(self, version: PostMortemVersion) -> str:
        held = PostMortemRequest.objects.filter(incident_id=version.incident_id, state__in=HOLDING)
        return _companies(held.count())

    @admin.display(description="said to be read in")
    def read_by(self, version: PostMortemVersion) -> str:
        return _companies(
            ReportReading.objects.filter(version=version).values("company_id").distinct().count()
        )

    def companies_of(self, row: PostMortemVersion) -> Collection[UUID]:
        """It holds nothing of a single company: annexes are not shown here."""
        return ()


def _companies(count: int) -> str:
    return "1 company" if count == 1 else f"{count} companies"


def _report_of(incident_id: str) -> PostMortem | None:
    try:
        return PostMortem.objects.filter(incident_id=UUID(incident_id)).first()
    except ValueError:
        return None


def _affected(incident: Incident, words: str) -> Company | None:
    """The affected company of that name or short name; None where none or several are meant."""
    if not words:
        return None
    is_named = Q(company__slug__iexact=words) | Q(company__name__iexact=words)
    found = Recovery.objects.filter(is_named, incident=incident).select_related("company")[:2]
    return found[0].company if len(found) == 1 else None
