"""Incidents, for staff: drafts are edited plainly, what has consequences is a page of its own."""

from datetime import datetime
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.options import IS_POPUP_VAR
from django.contrib.admin.views.main import ChangeList
from django.db.models import F, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from incidents import errors, standings
from incidents.admin import forms, glance
from incidents.admin.component_pages import ComponentPages
from incidents.admin.course_pages import CoursePages
from incidents.admin.roster_page import RosterPage
from incidents.admin.tail_pages import TailPages
from incidents.admin.update_page import UpdatePage
from incidents.choices import CompanyState, IncidentKind, IncidentState, RequestPolicy, Severity
from incidents.models import AffectedComponent, Incident
from incidents.operations import incidents, postmortems
from incidents.promises import Tally
from incidents.queries import staff_promises, staff_reports, staff_waiting
from tenants import admin_pages as pages
from tenants import audit
from tenants.admin_pages import StaffAdmin
from tenants.errors import Refusal

NAMED = 12
"""So many clients who say otherwise are named on an incident's page."""
_SAVED_APART = frozenset({"affected", "whole_centers", "request_policy"})
FIXED_ONCE_PUBLISHED = ("kind", "started", "planned_end", "tail_percent", "roster_policy", "components_named")


class StandingFilter(admin.SimpleListFilter):
    """Drafts, what is open for somebody, and what is over for everyone."""

    title = "standing"
    parameter_name = "standing"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("draft", "Drafts"), ("open", "Open"), ("over", "Over")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Incident]) -> QuerySet[Incident]:
        is_open_for_somebody = Q(
            kind=IncidentKind.INCIDENT, cohort__restored_count__lt=F("cohort__affected_count")
        )
        over = Q(state__in=IncidentState.over()) & ~is_open_for_somebody
        published = queryset.filter(published_at__isnull=False)
        match self.value():
            case "draft":
                return queryset.filter(published_at=None)
            case "open":
                return published.exclude(over)
            case "over":
                return published.filter(over)
            case _:
                return queryset


class IncidentsOfPage(ChangeList):
    """The incidents of one page of the list, each with its promises of a next update counted."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        self.result_list: Any = list(self.result_list)
        tallies = staff_promises.tallies([each.pk for each in self.result_list], now=timezone.now())
        for each in self.result_list:
            each.tally = tallies[each.pk]


@admin.register(Incident)
class IncidentAdmin(UpdatePage, CoursePages, TailPages, RosterPage, ComponentPages, StaffAdmin):
    form = forms.IncidentForm
    change_form_template = "admin/incident_change_form.html"
    list_display = (
        "named",
        "severity",
        "standing",
        "restored",
        "started",
        "next_word",
    )
    list_display_links = ("named",)
    list_filter = (StandingFilter, "kind", "severity", "state", "components__data_center")
    list_select_related = ("cohort",)
    search_fields = ("reference", "title")
    search_help_text = "Reference or title."
    ordering = ("-started_at",)
    object_pages = {
        "publish": "publish_page",
        "post-update": "post_update_page",
        "tail": "tail_page",
        "tail-csv": "tail_csv_page",
        "tail-note": "tail_note_page",
        "roster": "roster_page",
        "components": "components_page",
        "add-component": "add_component_page",
        "remove-component": "remove_component_page",
        "extend": "extend_page",
        "move": "move_page",
        "cancel": "cancel_page",
        "end-early": "end_early_page",
        "false-alarm": "false_alarm_page",
        "merge": "merge_page",
    }
    started = pages.instant_column("started_at", "start")
    planned_end = pages.instant_column("planned_end_at", "planned end")
    published = pages.instant_column("published_at", "published")
    resolved = pages.instant_column("resolved_at", "resolved")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Incident]:
        return super().get_queryset(request).select_related("cohort")

    # Columns and read-only fields.

    @admin.display(description="incident", ordering="title")
    def named(self, incident: Incident) -> SafeString:
        kind = f" · {incident.get_kind_display()}" if incident.is_maintenance else ""
        return format_html('{}<br><span class="quiet">{}{}</span>', incident.title, incident.reference, kind)

    @admin.display(description="state", ordering="state")
    def standing(self, incident: Incident) -> str:
        return "Draft" if incident.is_draft else incident.state_at(timezone.now()).label

    @admin.display(description="restored", ordering="cohort__restored_count")
    def restored(self, incident: Incident) -> str:
        counts = getattr(incident, "cohort", None)
        if incident.is_maintenance and incident.started_at > timezone.now():
            return pages.NOTHING
        return f"{counts.restored_count} of {counts.affected_count}" if counts else pages.NOTHING

    @admin.display(description="next update promised", ordering="next_update_at")
    def next_update(self, incident: Incident) -> SafeString | str:
        return pages.due(incident.next_update_at, now=timezone.now())

    @admin.display(description="next update", ordering="next_update_at")
    def next_word(self, incident: Incident) -> SafeString | str:
        """When it is promised for, and how many promises were kept so far."""
        tally: Tally = incident.tally  # type: ignore[attr-defined]  # see IncidentsOfPage
        due = pages.due(tally.late_due_at or incident.next_update_at, now=timezone.now())
        return format_html('{}<br><span class="quiet">{}</span>', due, tally.words) if tally.made else due

    def get_changelist(self, request: HttpRequest, **options: Any) -> type[ChangeList]:
        return IncidentsOfPage

    @admin.display(description="components")
    def components_named(self, incident: Incident) -> str:
        return ", ".join(incident.components.order_by("name").values_list("name", flat=True)) or pages.NOTHING

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        is_edited = obj is None or (obj.is_draft and self.has_change_permission(request, obj))
        window = ("planned_end_at" if is_edited else "planned_end", "remind_minutes")
        is_maintenance = obj is not None and not obj.is_draft and obj.is_maintenance
        first = (
            "title",
            "kind",
            "severity",
            "started_at" if is_edited else "started",
            *(() if is_maintenance else ("detected_at",)),
            *(window if is_maintenance else ()),
        )
        shown = () if obj is None or obj.is_draft else ("published", "resolved", "next_update")
        where = ("whole_centers", "affected") if is_edited else ("components_named",)
        is_draft = obj is None or obj.is_draft
        return (
            (None, {"fields": (*first, *shown, *where)}),
            *((("For a maintenance only", {"fields": window}),) if is_draft else ()),
            ("What clients may see and ask", {"fields": ("tail_percent", "roster_policy", "request_policy")}),
        )

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        if obj is None or obj.is_draft:
            return ("started", "planned_end", "components_named")
        return (*FIXED_ONCE_PUBLISHED, "published", "resolved", "next_update")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """What was set aside stays as it is."""
        may = super().has_change_permission(request, obj)
        return may and not (obj is not None and obj.is_set_aside)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """A draft that nobody has read, and of which nothing was claimed."""
        may = admin.ModelAdmin.has_delete_permission(self, request, obj)
        return may and obj is not None and obj.is_draft and not obj.claims.exists()

    # Saving: under the row's lock, so that an update posted meanwhile is not written over.

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        found = super().get_object(request, object_id, from_field)
        if found is None or request.method != "POST":
            return found
        Incident.objects.select_for_update(no_key=True).get(pk=found.pk)
        return super().get_object(request, object_id, from_field)

    def save_model(self, request: HttpRequest, obj: Incident, form: Any, change: bool) -> None:
        if obj.is_draft:
            obj.state = form.first_state()
            super().save_model(request, obj, form, change)
            return
        own = [name for name in form.changed_data if name not in _SAVED_APART]
        if "request_policy" in form.changed_data:
            self._change_policy(request, obj)
        if not own:
            return
        obj.save(update_fields=own)
        standings.bump(obj)
        audit.record(pages.staff(request).actor, "incident.edited", obj, now=timezone.now(), fields=own)

    def _change_policy(self, request: HttpRequest, incident: Incident) -> None:
        accepted = postmortems.change_policy(
            pages.staff(request).actor,
            incident=incident,
            policy=RequestPolicy(incident.request_policy),
            now=timezone.now(),
        )
        if accepted:
            waited = "request that waited was" if accepted == 1 else "requests that waited were"
            messages.info(request, f"{accepted} {waited} accepted.")

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        if "affected" not in form.cleaned_data or not form.instance.is_draft:
            return
        chosen = {component.pk for component in form.cleaned_data["affected"]}
        AffectedComponent.objects.filter(incident=form.instance).exclude(component__in=chosen).delete()
        AffectedComponent.objects.bulk_create(
            [AffectedComponent(incident=form.instance, component_id=each) for each in sorted(chosen)],
            ignore_conflicts=True,
        )

    def response_add(self, request: HttpRequest, obj: Incident, post_url_continue: str | None = None) -> Any:
        """To the draft, where it is published: the list would say nothing of what comes next."""
        if IS_POPUP_VAR in request.POST:
            return super().response_add(request, obj, post_url_continue)
        messages.success(request, f"Draft {obj.reference} is saved. No client sees it before you publish it.")
        return self.to_row(obj)

    # Pages.

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        title = {"title": "Declare an incident or a maintenance"}
        return super().add_view(request, form_url, {**title, **(extra_context or {})})

    def render_change_form(
        self, request: HttpRequest, context: Any, *positional: Any, **named: Any
    ) -> HttpResponse:
        incident = named.get("obj")
        context["show_save_and_add_another"] = False
        if incident is not None:
            context["glance"] = glance.glance(incident, now=timezone.now())
            if request.user.has_perm("incidents.view_clientreport"):
                context["open_reports"] = staff_reports.open_reports(most=NAMED, incident_id=incident.pk)
            if request.user.has_perm("incidents.view_waitingupdate"):
                context["waiting"] = staff_waiting.unsettled(now=timezone.now(), incident_id=incident.pk)
            context["may_act"] = self.has_change_permission(request, incident)
            context |= self._course(incident, now=timezone.now())
        return super().render_change_form(request, context, *positional, **named)

    def _course(self, incident: Incident, *, now: datetime) -> dict[str, Any]:
        """Where a maintenance stands by the clock, and what of it is still to come."""
        return {
            "has_begun": incident.started_at <= now,
            "state_now": incident.state_at(now),
            "is_overrun": incident.state_at(now) is IncidentState.VERIFYING,
            "remind_at": incident.remind_at if incident.awaits_reminder(now) else None,
        }

    def publish_page(self, request: HttpRequest, object_id: Any) -> HttpResponse:
        """Say how many companies a draft will reach and in which state, then publish it."""
        incident: Incident = self.subject(request, object_id)
        if not incident.is_draft:
            messages.warning(request, errors.AlreadyPublished.message)
            return self.to_row(incident)
        form = forms.PublicationForm(
            request.POST or None,
            initial={"severity": incident.severity, "detected_at": incident.detected_at},
        )
        if request.method == "POST" and form.is_valid():
            return self._publish(request, incident, form.cleaned_data)
        count = forms.reached_count(incident)
        window = {"Planned end": pages.instant(incident.planned_end_at)} if incident.is_maintenance else {}
        return self.page(
            request,
            "admin/consequence.html",
            f"Publish “{incident.title}”?",
            original=incident,
            back=self.address("change", incident),
            facts={
                "Companies that it will reach": count,
                **{f"in {code}": each for code, each in forms.reached_by_data_center(incident).items()},
                "Components": self.components_named(incident),
                "Start": pages.instant(incident.started_at),
                **window,
            },
            says=(
                "Each of them sees it at once, on its own page. This cannot be taken back: a mistake can "
                "only be called a false alarm, and they read that, too."
                if count
                else "No company is placed on its components, so it would reach nobody. Go back to the draft "
                "and choose components."
            ),
            form=form if count and not incident.is_maintenance else None,
            leave="" if count else "Back to the draft",
            media=self.media + form.media,
            hidden=[("state", CompanyState.UNKNOWN)] if incident.is_maintenance else [],
            submit=f"Publish to {count} {'company' if count == 1 else 'companies'}" if count else "",
        )

    def _publish(self, request: HttpRequest, incident: Incident, typed: dict[str, Any]) -> HttpResponse:
        try:
            count = incidents.publish(
                pages.staff(request).actor,
                incident_id=incident.pk,
                now=timezone.now(),
                state=CompanyState(typed["state"]),
                severity=Severity(typed["severity"]) if typed["severity"] else None,
                detected_at=typed["detected_at"],
            )
        except Refusal as refusal:
            messages.error(request, refusal.message)
        else:
            messages.success(
                request,
                f"Published: {count} {'company sees' if count == 1 else 'companies see'} it now. "
                "Post an update next: it says what you know.",
            )
        return self.to_row(incident)
