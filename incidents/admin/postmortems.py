"""The queue of requests for post-mortems, for staff: accept, decline with a reason, share the work."""

from collections.abc import Callable, Collection
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db.models import F, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils import timezone
from django.utils.safestring import SafeString

from incidents.admin.filters import IncidentFilter
from incidents.admin.of_incident import OfIncident
from incidents.admin.request_forms import AssigneeForm, DeclineForm, ViewFilter
from incidents.admin.request_page import WHAT_ACCEPTING_DOES, RequestPage
from incidents.choices import RequestState
from incidents.models import PostMortem, PostMortemRequest
from incidents.operations import postmortems, request_desk
from incidents.operations.postmortems import Answered
from incidents.queries import request_queue
from tenants import admin_pages as pages
from tenants.errors import Refusal

NAMED = 12
_SHOWN_WHEN_SET = {
    "decline_reason": "decline_reason",
    "preliminary_delivered": "preliminary_delivered_at",
    "final_delivered": "final_delivered_at",
    "withdrawn": "withdrawn_at",
}
"""Fields of a request's page → the column without which they say nothing."""


@admin.register(PostMortemRequest)
class PostMortemRequestAdmin(OfIncident, RequestPage):
    change_form_template = "admin/request_change_form.html"
    list_display = (
        "company",
        "incident_reference",
        "standing",
        "owed",
        "due",
        "assigned",
        "needed_by",
    )
    list_display_links = ("company",)
    list_filter = (ViewFilter, "state", IncidentFilter)
    list_select_related = ("company", "incident")
    search_fields = ("company__name", "company__slug", "incident__reference", "requested_by_name")
    actions = ("accept", "decline", "assign_to_me", "assign")
    object_pages = {"answer": "answer_page"}
    fields = (
        "company",
        "incident_reference",
        "report",
        "standing",
        "owed",
        "due",
        "asked_by",
        "purpose",
        "needed_by",
        "is_for",
        "requested",
        "answered",
        "decline_reason",
        "preliminary_delivered",
        "final_delivered",
        "withdrawn",
    )
    requested = pages.instant_column("requested_at", "requested")
    answered = pages.instant_column("answered_at", "answered")
    preliminary_delivered = pages.instant_column("preliminary_delivered_at", "preliminary delivered")
    final_delivered = pages.instant_column("final_delivered_at", "final delivered")
    withdrawn = pages.instant_column("withdrawn_at", "withdrawn")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return request_queue.queue(super().get_queryset(request)).select_related("company", "incident")

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return [
            name
            for name in super().get_fields(request, obj)
            if name not in _SHOWN_WHEN_SET or getattr(obj, _SHOWN_WHEN_SET[name], None)
        ]

    def get_ordering(self, request: HttpRequest) -> Any:
        """What is due first comes first; what nothing is owed to comes last."""
        return (F("due_at").asc(nulls_last=True), "-requested_at")

    def describe(self, row: PostMortemRequest) -> str:
        return f"{row.company.name} asks for the post-mortem of {row.incident.reference}"

    @admin.display(description="needed by", ordering="needed_by_on")
    def needed_by(self, wanted: Any) -> str:
        on = wanted.needed_by_on
        return f"{on.day} {on:%b %Y}" if on else pages.NOTHING

    @admin.display(description="asked by")
    def asked_by(self, wanted: Any) -> str:
        return str(wanted.requested_by_name)

    @admin.display(description="state", ordering="state")
    def standing(self, wanted: Any) -> str:
        label = RequestState(wanted.state).label
        is_open = bool(request_queue.owed(wanted))
        return f"{label}, waits for the client" if is_open and wanted.waits_for_client else label

    @admin.display(description="owed")
    def owed(self, wanted: PostMortemRequest) -> str:
        asks = "answers to questions" if request_queue.asks(wanted) else ""
        words = ", ".join(filter(None, (request_queue.owed(wanted), asks)))
        return words[:1].upper() + words[1:] or pages.NOTHING

    @admin.display(description="due", ordering="due_at")
    def due(self, wanted: Any) -> SafeString | str:
        return pages.due(wanted.due_at, now=timezone.now())

    @admin.display(description="assigned to", ordering="assignee_name")
    def assigned(self, wanted: Any) -> str:
        return wanted.assignee_name or pages.NOTHING

    @admin.display(description="report")
    def report(self, wanted: PostMortemRequest) -> SafeString | str:
        """The way to what the company asks for, once somebody has begun to write it."""
        begun = PostMortem.objects.filter(incident=wanted.incident_id).first()
        return pages.row_link(begun, f"Post-mortem of {wanted.incident.reference}") if begun else "Not begun"

    @admin.display(description="for")
    def is_for(self, wanted: PostMortemRequest) -> str:
        names = wanted.recipients.order_by("added_at", "person_name").values_list("person_name", flat=True)
        return ", ".join(names) or pages.NOTHING

    @admin.action(description="Accept", permissions=["change"])
    def accept(self, request: HttpRequest, queryset: QuerySet[PostMortemRequest]) -> None:
        with pages.refusals_shown(request):
            answered = postmortems.accept(
                pages.staff(request).actor, request_ids=_ids(queryset), now=timezone.now()
            )
            messages.success(request, f"{_requests(answered.count)} accepted. {WHAT_ACCEPTING_DOES}")
            _name_passed_over(request, answered)

    @admin.action(description="Decline with a reason…", permissions=["change"])
    def decline(self, request: HttpRequest, queryset: QuerySet[PostMortemRequest]) -> HttpResponse | None:
        """Ask for the reason that the clients read, then decline."""
        form = DeclineForm(request.POST if "decided" in request.POST else None)

        def act(ids: Collection[UUID]) -> None:
            answered = postmortems.decline(
                pages.staff(request).actor,
                request_ids=ids,
                reason=form.cleaned_data["reason"],
                now=timezone.now(),
            )
            messages.success(request, f"{_requests(answered.count)} declined. The clients read the reason.")
            _name_passed_over(request, answered)

        return self._decided(request, queryset, form, act, action="decline", verb="Decline")

    @admin.action(description="Assign to me", permissions=["change"])
    def assign_to_me(self, request: HttpRequest, queryset: QuerySet[PostMortemRequest]) -> None:
        with pages.refusals_shown(request):
            self._assign(request, _ids(queryset), pages.staff(request).user.pk)

    @admin.action(description="Assign to…", permissions=["change"])
    def assign(self, request: HttpRequest, queryset: QuerySet[PostMortemRequest]) -> HttpResponse | None:
        """Ask who of staff is to work on them."""
        form = AssigneeForm(request.POST if "decided" in request.POST else None)

        def act(ids: Collection[UUID]) -> None:
            person = form.cleaned_data["assignee"]
            self._assign(request, ids, person.pk if person else None)

        return self._decided(request, queryset, form, act, action="assign", verb="Assign")

    def _assign(self, request: HttpRequest, ids: Collection[UUID], to: UUID | None) -> None:
        count = request_desk.assign(pages.staff(request).actor, request_ids=ids, to=to, now=timezone.now())
        messages.success(request, f"{_requests(count)} assigned.")

    def _decided(
        self,
        request: HttpRequest,
        queryset: QuerySet[PostMortemRequest],
        form: forms.Form,
        act: Callable[[Collection[UUID]], None],
        *,
        action: str,
        verb: str,
    ) -> HttpResponse:
        """The page between an action and its consequence, and the consequence once the form is sent."""
        ids = _ids(queryset)
        if form.is_valid():
            try:
                act(ids)
            except Refusal as refusal:
                messages.error(request, refusal.message)
            else:
                return HttpResponseRedirect(request.get_full_path())
        names = list(queryset.order_by("company__name").values_list("company__name", flat=True)[:NAMED])
        more = f" and {len(ids) - NAMED} more" if len(ids) > NAMED else ""
        hidden = [(ACTION_CHECKBOX_NAME, key) for key in request.POST.getlist(ACTION_CHECKBOX_NAME)]
        hidden += [
            ("select_across", request.POST.get("select_across", "0")),
            ("action", action),
            ("decided", "yes"),
        ]
        return self.page(
            request,
            "admin/consequence.html",
            f"{verb} {len(ids)} {'request' if len(ids) == 1 else 'requests'}",
            back=request.get_full_path(),
            facts={"Companies": ", ".join(names) + more},
            says="",
            form=form,
            hidden=hidden,
            submit=verb,
            is_dangerous=action == "decline",
        )


def _ids(queryset: QuerySet[PostMortemRequest]) -> list[UUID]:
    return list(queryset.values_list("pk", flat=True))


def _requests(count: int) -> str:
    return "1 request was" if count == 1 else f"{count} requests were"


def _name_passed_over(request: HttpRequest, answered: Answered) -> None:
    """Say which of the selected requests did not wait for an answer any more, and where they stand."""
    passed_over = answered.passed_over
    if not passed_over:
        return
    named = ", ".join(f"{each.company} ({each.state.label.lower()})" for each in passed_over[:NAMED])
    more = f" and {len(passed_over) - NAMED} more" if len(passed_over) > NAMED else ""
    messages.warning(request, f"Not changed, because answered or withdrawn already: {named}{more}.")
