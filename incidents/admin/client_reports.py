"""What client companies say of themselves, for staff: accept it into the record, or dispute it."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from incidents.admin.filters import IncidentFilter
from incidents.admin.forms import ReasonForm
from incidents.admin.of_incident import OfIncident
from incidents.choices import CompanyState, ReportKind, ReportState, choices
from incidents.models import ClientReport, Component
from incidents.operations import client_reports
from incidents.queries import staff_reports
from tenants import admin_pages as pages
from tenants.admin_pages import InstantField, RecordAdmin
from tenants.errors import Refusal


class StandingFilter(admin.SimpleListFilter):
    """What became of a report; withdrawn is what the company itself followed by the opposite."""

    title = "answer"
    parameter_name = "standing"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return choices(ReportState)

    def queryset(self, request: HttpRequest, queryset: QuerySet[ClientReport]) -> QuerySet[ClientReport]:
        match self.value():
            case ReportState.OPEN.value:
                return staff_reports.still_open(queryset)
            case ReportState.WITHDRAWN.value:
                return staff_reports.taken_back(queryset)
            case ReportState.ACCEPTED.value | ReportState.DISPUTED.value as state:
                return queryset.filter(state=state)
            case _:
                return queryset


class RecordFilter(admin.SimpleListFilter):
    """Whether the record, as it is now, says otherwise."""

    title = "record"
    parameter_name = "record"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("no", "Says otherwise"), ("yes", "Says the same")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        match self.value():
            case "no":
                return queryset.filter(disagrees=True)
            case "yes":
                return queryset.filter(disagrees=False)
            case _:
                return queryset


class AcceptForm(forms.Form):
    """As what a report goes into the record, and from when."""

    state = forms.ChoiceField(label="State from then on", widget=forms.RadioSelect)
    since_at = InstantField(label="Since", help_text="As the client says, or as you know it.")

    def __init__(self, *values: Any, said: ClientReport, **options: Any) -> None:
        may = client_reports.MAY_BECOME[ReportKind(said.kind)]
        super().__init__(*values, **options)
        self.initial = {"state": may[0].value, "since_at": said.since_at or said.said_at}
        self.fields["state"].choices = [(each.value, each.label) for each in may]  # type: ignore[attr-defined]


@admin.register(ClientReport)
class ClientReportAdmin(OfIncident, RecordAdmin):
    change_form_template = "admin/report_change_form.html"
    list_display = ("company", "incident_reference", "kind", "standing", "record", "said", "said_by_whom")
    list_display_links = ("company",)
    list_filter = (StandingFilter, RecordFilter, "kind", IncidentFilter)
    list_select_related = ("company", "incident")
    search_fields = ("company__name", "company__slug", "incident__reference", "said_by_name")
    ordering = ("-said_at",)
    object_pages = {"answer": "answer_page"}
    fields = (
        "company",
        "incident_reference",
        "kind",
        "components",
        "since",
        "text",
        "said",
        "said_by_whom",
        "record",
        "standing",
        "answer",
        "answered",
        "answered_by",
    )
    said = pages.instant_column("said_at", "said")
    since = pages.instant_column("since_at", "since")
    answered = pages.instant_column("answered_at", "answered")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        reports = staff_reports.with_record(super().get_queryset(request))
        return reports.select_related("company", "incident", "answered_by")

    def describe(self, row: ClientReport) -> str:
        return f"{row.company.name}: “{ReportKind(row.kind).label}”, {row.incident.reference}"

    @admin.display(description="said by", ordering="said_by_name")
    def said_by_whom(self, said: ClientReport) -> str:
        return said.said_by_name

    @admin.display(description="answer")
    def standing(self, said: Any) -> str:
        return staff_reports.standing(said).label

    @admin.display(description="the record says")
    def record(self, said: Any) -> SafeString | str:
        """The company's state as recorded; the word "Disagrees" stands before it where it does."""
        says = record_words(said)
        if said.disagrees and staff_reports.standing(said) is ReportState.OPEN:
            return format_html('<span class="late"><strong>Disagrees:</strong> {}</span>', says)
        return says

    @admin.display(description="components")
    def components(self, said: ClientReport) -> str:
        names = Component.objects.filter(pk__in=said.component_ids).order_by("name")
        return ", ".join(names.values_list("name", flat=True)) or pages.NOTHING

    def render_change_form(
        self, request: HttpRequest, context: Any, *positional: Any, **named: Any
    ) -> HttpResponse:
        said = named.get("obj")
        is_waiting = said is not None and staff_reports.standing(said) is ReportState.OPEN
        context["may_answer"] = is_waiting and self.has_change_permission(request)
        return super().render_change_form(request, context, *positional, **named)

    def answer_page(self, request: HttpRequest, object_id: Any) -> HttpResponse:
        """What was said beside what is recorded, and the two ways to answer."""
        said: Any = self.subject(request, object_id)
        is_accepted, is_disputed = "accept" in request.POST, "dispute" in request.POST
        accept_form = AcceptForm(request.POST if is_accepted else None, said=said)
        reason_form = ReasonForm(request.POST if is_disputed else None)
        if is_accepted and accept_form.is_valid() and self._accept(request, said, accept_form):
            return self.to_row(said)
        if is_disputed and reason_form.is_valid() and self._dispute(request, said, reason_form):
            return self.to_row(said)
        return self.page(
            request,
            "admin/answer_report.html",
            "Answer",
            subtitle=self.describe(said),
            original=self.describe(said),
            back=self.address("change", said),
            said=said,
            facts={
                f"{said.company.name} says": f"“{ReportKind(said.kind).label}”, {said.said_by_name}",
                "Said": pages.instant(said.said_at),
                "Since": pages.instant(said.since_at),
                "Of": self.components(said),
                "In its own words": said.text or pages.NOTHING,
                "The record says": self.record(said),
            },
            is_waiting=staff_reports.standing(said) is ReportState.OPEN,
            accept_form=accept_form,
            reason_form=reason_form,
            media=self.media + accept_form.media,
        )

    def _accept(self, request: HttpRequest, said: ClientReport, form: AcceptForm) -> bool:
        try:
            count = client_reports.accept(
                pages.staff(request).actor,
                report_id=said.pk,
                state=CompanyState(form.cleaned_data["state"]),
                since_at=form.cleaned_data["since_at"],
                now=timezone.now(),
            )
        except Refusal as refusal:
            form.add_error(None, refusal.message)
            return False
        entries = "1 entry" if count == 1 else f"{count} entries"
        messages.success(
            request,
            f"Accepted: {entries} went into the record of {said.company.name}."
            if count
            else "Accepted. The record says so already, so nothing was added to it.",
        )
        return True

    def _dispute(self, request: HttpRequest, said: ClientReport, form: ReasonForm) -> bool:
        try:
            client_reports.dispute(
                pages.staff(request).actor,
                report_id=said.pk,
                reason=form.cleaned_data["reason"],
                now=timezone.now(),
            )
        except Refusal as refusal:
            form.add_error(None, refusal.message)
            return False
        messages.success(request, "Disputed. The client reads the reason; the record stays as it is.")
        return True


def record_words(said: Any) -> SafeString | str:
    """The recorded state of the company of a report of `with_record`: "Restored 4 Feb 2026, 19:45 CET"."""
    label = CompanyState(said.record_state).label
    return format_html("{} {}", label, pages.instant(said.restored_at)) if said.restored_at else label
