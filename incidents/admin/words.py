"""What was said: updates, written once, and the claims that published texts make."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from incidents import beginnings, fields, standings
from incidents.admin.filters import IncidentFilter
from incidents.admin.forms import ClaimForm
from incidents.admin.of_incident import OfIncident
from incidents.blocks import ReaderState
from incidents.choices import ClaimKind
from incidents.models import Claim, Incident, Update
from tenants import admin_pages as pages
from tenants import audit
from tenants.admin_pages import RecordAdmin, StaffAdmin


@admin.register(Update)
class UpdateAdmin(OfIncident, RecordAdmin):
    """Read-only once written. New ones are posted from an incident's page."""

    list_display = ("posted", "incident_reference", "kind", "audience", "author", "next_update", "beginning")
    list_display_links = ("posted", "kind")
    list_filter = (IncidentFilter, "kind", "audience")
    list_select_related = ("incident", "author")
    search_fields = ("body_markdown", "incident__reference", "incident__title")
    ordering = ("-published_at",)
    fields = (
        "incident_reference",
        "kind",
        "audience",
        "posted",
        "author",
        "text",
        "next_update",
        "corrects",
        "override_reason",
        "acknowledged",
    )
    posted = pages.instant_column("published_at", "posted")
    next_update = pages.instant_column("next_update_at", "next update promised")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Update]:
        rows = super().get_queryset(request).select_related("incident", "author", "corrects")
        return rows.prefetch_related("wordings")

    def describe(self, row: Update) -> str:
        return f"{row.get_kind_display()} of {row.incident.reference}"

    @admin.display(description="text")
    def beginning(self, update: Update) -> str:
        return beginnings.as_posted(update, zone=timezone.get_current_timezone_name(), words=14)

    @admin.display(description="text as clients read it")
    def text(self, update: Update) -> SafeString:
        zone = timezone.get_current_timezone_name()
        read = fields.as_read(update.body_html, None, zone)
        if read:
            return format_html('<div class="prose">{}</div>', mark_safe(read))  # noqa: S308 - sanitised
        wordings = [
            (
                ReaderState(each.reader_state).label,
                mark_safe(fields.as_read(each.body_html, None, zone)),  # noqa: S308 - sanitised
            )
            for each in update.wordings.order_by("reader_state")
        ]
        return format_html_join("", '<h3>{}</h3><div class="prose">{}</div>', wordings)


@admin.register(Claim)
class ClaimAdmin(OfIncident, StaffAdmin):
    """What a published text says of the facts. It stays once clients can read the incident."""

    form = ClaimForm
    list_display = ("kind", "claimed", "source", "incident_reference", "said")
    list_filter = (IncidentFilter, "kind")
    list_select_related = ("incident",)
    search_fields = ("source", "incident__reference", "incident__title")
    ordering = ("-id",)
    autocomplete_fields = ("incident", "update")
    fields = (
        "incident",
        "kind",
        "source",
        "claimed_at",
        "claimed_seconds",
        "claimed_percent",
        "posted_at",
        "update",
    )
    said = pages.instant_column("posted_at", "said at")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Claim]:
        return super().get_queryset(request).select_related("incident")

    @admin.display(description="claimed")
    def claimed(self, claim: Claim) -> SafeString | str:
        if claim.kind == ClaimKind.TOTAL_DURATION:
            return pages.length(claim.claimed_seconds)
        if claim.kind == ClaimKind.RESTORED_SHARE:
            return f"{claim.claimed_percent:.3f}".rstrip("0").rstrip(".") + "%"
        return pages.instant(claim.claimed_at)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("incident",) if obj is not None else ()

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        may = admin.ModelAdmin.has_delete_permission(self, request, obj)
        return may and obj is not None and obj.incident.is_draft

    def save_model(self, request: HttpRequest, obj: Claim, form: Any, change: bool) -> None:
        incident = Incident.objects.select_for_update(no_key=True).get(pk=obj.incident_id)
        super().save_model(request, obj, form, change)
        standings.bump(incident)
        audit.record(
            pages.staff(request).actor,
            "claim.changed" if change else "claim.added",
            obj,
            now=timezone.now(),
            incident=str(incident.pk),
            fields=form.changed_data,
        )
