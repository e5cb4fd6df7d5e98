"""Requests for post-mortems, for staff: accept, or decline with a reason."""

from collections.abc import Collection
from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils import timezone
from django.utils.safestring import SafeString

from incidents.admin import forms
from incidents.admin.filters import IncidentFilter
from incidents.admin.of_incident import OfIncident
from incidents.choices import RequestState
from incidents.models import PostMortemRequest
from incidents.operations import postmortems
from incidents.queries import staff_board
from tenants import admin_pages as pages
from tenants.admin_pages import RecordAdmin
from tenants.errors import Refusal

NAMED = 12


@admin.register(PostMortemRequest)
class PostMortemRequestAdmin(OfIncident, RecordAdmin):
    change_form_template = "admin/request_change_form.html"
    list_display = ("company", "incident_reference", "state", "owed", "due", "requested", "needed_by_on")
    list_display_links = ("company",)
    list_filter = ("state", IncidentFilter)
    list_select_related = ("company", "incident")
    search_fields = ("company__name", "company__slug", "incident__reference", "requested_by_name")
    ordering = ("-requested_at",)
    actions = ("accept", "decline")
    object_pages = {"answer": "answer_page"}
    fields = (
        "company",
        "incident_reference",
        "state",
        "owed",
        "due",
        "requested_by_name",
        "purpose",
        "needed_by_on",
        "requested",
        "answered",
        "decline_reason",
    )
    requested = pages.instant_column("requested_at", "requested")
    answered = pages.instant_column("answered_at", "answered")

    def get_queryset(self, request: HttpRequest) -> QuerySet[PostMortemRequest]:
        return staff_board.with_due(super().get_queryset(request)).select_related("company", "incident")

    def describe(self, row: PostMortemRequest) -> str:
        return f"{row.company.name} asks for the post-mortem of {row.incident.reference}"

    @admin.display(description="owed")
    def owed(self, wanted: PostMortemRequest) -> str:
        return staff_board.OWED.get(RequestState(wanted.state), pages.NOTHING)

    @admin.display(description="due", ordering="due_at")
    def due(self, wanted: Any) -> SafeString | str:
        return pages.due(wanted.due_at, now=timezone.now())

    @admin.action(description="Accept", permissions=["change"])
    def accept(self, request: HttpRequest, queryset: QuerySet[PostMortemRequest]) -> None:
        self._accept(request, list(queryset.values_list("pk", flat=True)))

    @admin.action(description="Decline with a reason…", permissions=["change"])
    def decline(self, request: HttpRequest, queryset: QuerySet[PostMortemRequest]) -> HttpResponse | None:
        """Ask for the reason that the clients read, then decline."""
        ids = list(queryset.values_list("pk", flat=True))
        form = forms.ReasonForm(request.POST if "declined" in request.POST else None)
        if form.is_valid() and self._decline(request, ids, form.cleaned_data["reason"]):
            return HttpResponseRedirect(request.get_full_path())
        names = list(queryset.order_by("company__name").values_list("company__name", flat=True)[:NAMED])
        sent = request.POST
        hidden = [(ACTION_CHECKBOX_NAME, key) for key in sent.getlist(ACTION_CHECKBOX_NAME)]
        hidden += [
            ("select_across", sent.get("select_across", "0")),
            ("action", "decline"),
            ("declined", "yes"),
        ]
        return self.page(
            request,
            "admin/consequence.html",
            f"Decline {len(ids)} {'request' if len(ids) == 1 else 'requests'}",
            back=request.get_full_path(),
            facts={
                "Companies": ", ".join(names) + (f" and {len(ids) - NAMED} more" if len(ids) > NAMED else "")
            },
            says="",
            form=form,
            hidden=hidden,
            submit="Decline",
            is_dangerous=True,
        )

    def answer_page(self, request: HttpRequest, object_id: Any) -> HttpResponse:
        """Answer one request: the buttons of its page."""
        wanted: PostMortemRequest = self.subject(request, object_id)
        if request.method == "POST":
            if "accept" in request.POST:
                self._accept(request, [wanted.pk])
            else:
                self._decline(request, [wanted.pk], request.POST.get("reason", ""))
        return self.to_row(wanted)

    def render_change_form(
        self, request: HttpRequest, context: Any, *positional: Any, **named: Any
    ) -> HttpResponse:
        wanted = named.get("obj")
        is_waiting = wanted is not None and wanted.state == RequestState.REQUESTED
        context["may_answer"] = is_waiting and self.has_change_permission(request)
        context["reason_form"] = forms.ReasonForm()
        return super().render_change_form(request, context, *positional, **named)

    def _accept(self, request: HttpRequest, ids: Collection[UUID]) -> None:
        with pages.refusals_shown(request):
            count = postmortems.accept(pages.staff(request).actor, request_ids=ids, now=timezone.now())
            messages.success(request, f"{_requests(count)} accepted. The due dates of the reports are set.")

    def _decline(self, request: HttpRequest, ids: Collection[UUID], reason: str) -> bool:
        try:
            count = postmortems.decline(
                pages.staff(request).actor, request_ids=ids, reason=reason, now=timezone.now()
            )
        except Refusal as refusal:
            messages.error(request, refusal.message)
            return False
        messages.success(request, f"{_requests(count)} declined. The clients read the reason.")
        return True


def _requests(count: int) -> str:
    return "1 request was" if count == 1 else f"{count} requests were"
