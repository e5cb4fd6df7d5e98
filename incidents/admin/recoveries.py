"""Recoveries and what they are made of, for staff: written by operations only."""

from typing import Any, ClassVar

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from incidents import errors
from incidents.admin import forms
from incidents.admin.filters import IncidentFilter, RestoredFilter, incident_of
from incidents.admin.of_incident import OfIncident
from incidents.choices import CompanyState
from incidents.models import Cohort, Incident, Recovery, RecoveryEntry, RosterEntry
from incidents.operations import recoveries, set_aside
from incidents.queries import headers
from tenants import admin_pages as pages
from tenants.admin_pages import RecordAdmin
from tenants.errors import Refusal

NAMED = 12


def _state_badge(state: str) -> SafeString:
    return format_html(
        '<span class="company-state company-state--{}">{}</span>', state, CompanyState(state).label
    )


def _length_so_far(recovery: Recovery, running_in: CompanyState) -> str:
    """How long an account was in that state; while it is, up to now, or until the incident was set aside.

    The stored time, by which the list is sorted: of a maintenance clients read only what was not planned.
    """
    set_aside_at = recovery.incident.set_aside_at
    outage, degraded = headers.seconds_until(recovery, now=set_aside_at or timezone.now())
    seconds = outage if running_in is CompanyState.OUTAGE else degraded
    is_running = recovery.state == running_in and set_aside_at is None
    words = pages.length(seconds) + (" so far" if is_running else "")
    return f"{words}, planned time included" if seconds and recovery.incident.is_maintenance else words


class _OfIncidentAdmin(OfIncident, RecordAdmin):
    """Rows of companies in incidents, both linked to their pages."""

    list_select_related: ClassVar[Any] = ("company", "incident")
    search_fields = ("company__name", "company__slug")
    search_help_text = "Name or short name of a company."

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).select_related(*self.list_select_related)

    def describe(self, row: Any) -> str:
        return f"{row.company.name} in {row.incident.reference}"

    @admin.display(description="company", ordering="company__name")
    def company_name(self, row: Any) -> SafeString:
        return pages.row_link(row.company, row.company.name)

    @admin.display(description="state", ordering="state")
    def badge(self, row: Any) -> SafeString:
        return _state_badge(row.state)


@admin.register(Recovery)
class RecoveryAdmin(_OfIncidentAdmin):
    list_display = (
        "company",
        "incident_reference",
        "badge",
        "impacted",
        "restored",
        "outage",
        "degraded",
        "place",
    )
    list_display_links = ("company",)
    change_form_template = "admin/recovery_change_form.html"
    change_list_template = "admin/recovery_change_list.html"
    list_filter = (IncidentFilter, RestoredFilter, "state", "in_tail")
    actions = ("record_recovery",)
    fields = (
        "company_name",
        "incident_reference",
        "badge",
        "impacted",
        "restored",
        "outage",
        "degraded",
        "measured",
        "rank",
        "share_before",
        "tail",
        "finality",
        "entries",
    )
    impacted = pages.instant_column("impacted_at", "first impact")
    restored = pages.instant_column("restored_at", "restored")
    measured = pages.instant_column("measured_at", "measured")

    @admin.display(description="outage", ordering="outage_seconds")
    def outage(self, recovery: Recovery) -> str:
        return _length_so_far(recovery, CompanyState.OUTAGE)

    @admin.display(description="degraded", ordering="degraded_seconds")
    def degraded(self, recovery: Recovery) -> str:
        return _length_so_far(recovery, CompanyState.DEGRADED)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """Under the incident whose rows they are, with the way back to it."""
        incident = incident_of(request)
        own = {"incident": incident, "title": f"Recoveries of {incident.reference}"} if incident else {}
        return super().changelist_view(request, {**(extra_context or {}), **own})

    def get_list_display(self, request: HttpRequest) -> Any:
        """Within one incident its reference says nothing new; of all there is no room for every time."""
        is_one = IncidentFilter.parameter_name in request.GET
        left_out = ("incident_reference",) if is_one else ("impacted", "degraded")
        return [name for name in self.list_display if name not in left_out]

    def get_ordering(self, request: HttpRequest) -> tuple[str, ...]:
        """Within one incident the order of recovery, then by name; else newest first."""
        return ("restored_at", "company__name") if IncidentFilter.parameter_name in request.GET else ("-id",)

    @admin.display(description="rank", ordering="rank")
    def place(self, recovery: Recovery) -> str:
        rank = pages.NOTHING if recovery.rank is None else str(recovery.rank)
        return f"{rank}, tail" if recovery.in_tail else rank

    @admin.display(description="tail", ordering="in_tail")
    def tail(self, recovery: Recovery) -> str:
        return "In the tail" if recovery.in_tail else pages.NOTHING

    @admin.display(description="standing")
    def finality(self, recovery: Recovery) -> str:
        return "Final" if recovery.is_final else "Provisional"

    @admin.display(description="restored at or before it")
    def share_before(self, recovery: Recovery) -> str:
        return pages.NOTHING if recovery.percentile is None else f"{recovery.percentile:.1f}% of all"

    @admin.display(description="entries")
    def entries(self, recovery: Recovery) -> SafeString:
        rows = (
            RecoveryEntry.objects.filter(company=recovery.company_id, incident=recovery.incident_id)
            .select_related("component", "recorded_by")
            .order_by("at", "recorded_at", "pk")
        )
        return format_html(
            '<table class="entries"><thead><tr><th scope="col">At</th><th scope="col">State</th>'
            '<th scope="col">Component</th><th scope="col">Source</th><th scope="col">Recorded</th></tr>'
            "</thead><tbody>{}</tbody></table>",
            format_html_join(
                "",
                "<tr><td>{}</td><td>{}</td><td>{}</td><td>{}, {}</td><td>{}</td></tr>",
                (
                    (
                        pages.instant(entry.at),
                        _state_badge(entry.state),
                        entry.component.name,
                        entry.get_source_display(),
                        entry.recorded_by or "the portal",
                        pages.instant(entry.recorded_at),
                    )
                    for entry in rows
                ),
            ),
        )

    @admin.action(
        description="Record how the selected companies are doing…",
        permissions=["change"],
    )
    def record_recovery(self, request: HttpRequest, queryset: QuerySet[Recovery]) -> HttpResponse | None:
        """Ask for state, instant and components, then record them for every selected company.

        The selection travels as the change list sends it: keys, or "all that match the filters".
        Where it has changed since it was shown, it is shown again instead of being recorded.
        """
        incident_ids = list(queryset.order_by().values_list("incident_id", flat=True).distinct()[:2])
        if len(incident_ids) != 1:
            words = "The selected rows belong to several incidents. Filter by one incident, then select."
            messages.error(request, words if incident_ids else "None of the selected rows is there any more.")
            return None
        try:
            incident = set_aside.locked(incident_ids[0])
        except errors.SetAside as refusal:
            messages.error(request, refusal.message)
            return None
        company_ids = list(queryset.order_by().values_list("company_id", flat=True))
        is_sent = "record" in request.POST
        has_changed = is_sent and request.POST.get("selected_count") != str(len(company_ids))
        form = forms.RecoveryForm(request.POST if is_sent else None, incident=incident)
        if is_sent and form.is_valid() and not has_changed:
            answer = self._record(request, incident, company_ids, form)
            if answer is not None:
                return answer
        return self._record_page(request, queryset, incident, len(company_ids), form, has_changed=has_changed)

    def _record(
        self, request: HttpRequest, incident: Incident, company_ids: list[Any], form: forms.RecoveryForm
    ) -> HttpResponse | None:
        typed = form.cleaned_data
        chosen = [component.pk for component in typed["components"]]
        try:
            added = recoveries.record_recovery(
                pages.staff(request).actor,
                incident_id=incident.pk,
                company_ids=company_ids,
                state=CompanyState(typed["state"]),
                at=typed["at"],
                component_ids=chosen or None,
                now=timezone.now(),
            )
        except Refusal as refusal:
            form.add_error(None, refusal.message)
            return None
        companies = "1 company" if len(company_ids) == 1 else f"{len(company_ids)} companies"
        if added:
            messages.success(
                request,
                f"Recorded for {companies}, in {added} {'entry' if added == 1 else 'entries'}: one for each "
                "company and component. Clients read it from now on.",
            )
        else:
            messages.info(request, f"This was recorded for {companies} already. Nothing was added.")
        return HttpResponseRedirect(request.get_full_path())

    def _record_page(
        self,
        request: HttpRequest,
        queryset: QuerySet[Recovery],
        incident: Incident,
        count: int,
        form: forms.RecoveryForm,
        *,
        has_changed: bool,
    ) -> HttpResponse:
        named = list(queryset.order_by().values_list("company__name", flat=True)[:NAMED])
        more = f" and {count - len(named)} more" if count > len(named) else ""
        sent = request.POST
        hidden = [(ACTION_CHECKBOX_NAME, key) for key in sent.getlist(ACTION_CHECKBOX_NAME)]
        hidden += [("select_across", sent.get("select_across", "0")), ("action", "record_recovery")]
        return self.page(
            request,
            "admin/consequence.html",
            f"Record how {count} {'company is' if count == 1 else 'companies are'} doing",
            subtitle=str(incident),
            back=request.get_full_path(),
            facts={"Selected": ", ".join(sorted(named, key=str.casefold)) + more},
            warning=(
                f"The selection has changed since you saw it: it is {count} now. Nothing was recorded."
                if has_changed
                else ""
            ),
            says=(
                "It is written for each component that a company runs on. Clients read their new state at "
                "once, and all numbers follow."
            ),
            form=form,
            media=self.media + form.media,
            hidden=[*hidden, ("selected_count", str(count)), ("record", "yes")],
            submit=f"Record for {count} {'company' if count == 1 else 'companies'}",
        )


@admin.register(RecoveryEntry)
class RecoveryEntryAdmin(_OfIncidentAdmin):
    list_display = (
        "since",
        "company_name",
        "incident_reference",
        "component",
        "badge",
        "source",
        "recorded_by",
        "recorded",
    )
    list_filter = (IncidentFilter, "state", "source", "component")
    list_select_related = ("company", "incident", "component", "recorded_by")
    ordering = ("-id",)
    fields = (
        "company_name",
        "incident_reference",
        "component",
        "badge",
        "since",
        "source",
        "recorded_by",
        "recorded",
        "supersedes",
        "idempotency_key",
    )
    since = pages.instant_column("at", "since")
    recorded = pages.instant_column("recorded_at", "recorded")


@admin.register(Cohort)
class CohortAdmin(RecordAdmin):
    """All companies of an incident together, as clients may read it."""

    list_display = (
        "incident_reference",
        "restored_of",
        "half",
        "first",
        "last",
        "tail_count",
        "is_final",
        "computed",
    )
    list_select_related = ("incident",)
    search_fields = ("incident__reference", "incident__title")
    ordering = ("-id",)
    fields = (
        "incident_reference",
        "restored_of",
        "tail_percent",
        "tail_count",
        "half",
        "first",
        "last",
        "is_final",
        "computed",
    )
    half = pages.instant_column("restored_half_at", "half restored")
    first = pages.instant_column("restored_share_at", "all but the tail restored")
    last = pages.instant_column("all_restored_at", "last restored")
    computed = pages.instant_column("computed_at", "computed")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Cohort]:
        return super().get_queryset(request).select_related("incident")

    @admin.display(description="incident", ordering="incident__reference")
    def incident_reference(self, cohort: Cohort) -> SafeString:
        return pages.row_link(cohort.incident, str(cohort.incident))

    @admin.display(description="restored", ordering="restored_count")
    def restored_of(self, cohort: Cohort) -> str:
        return f"{cohort.restored_count} of {cohort.affected_count}"


@admin.register(RosterEntry)
class RosterEntryAdmin(_OfIncidentAdmin):
    """The published list of the tail: companies that agreed to be named."""

    list_display = ("name", "company_name", "incident_reference", "restored")
    list_filter = (IncidentFilter,)
    ordering = ("-id",)
    fields = ("name", "company_name", "incident_reference", "restored")
    restored = pages.instant_column("restored_at", "restored")
