"""Texts on their way out, for staff: seen as they will be read, taken back, approved, posted at once."""

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone

from incidents import staff_roles
from incidents.admin import update_preview
from incidents.admin.filters import IncidentFilter
from incidents.admin.of_incident import OfIncident
from incidents.audiences import Readers
from incidents.choices import Audience, WaitingState
from incidents.models import Update, WaitingUpdate
from incidents.operations import waiting_updates
from incidents.queries import staff_waiting
from tenants import admin_pages as pages
from tenants.admin_pages import RecordAdmin
from tenants.errors import Refusal

RENEWED_AFTER_SECONDS = 2
_SAYS = {
    WaitingState.UNDONE: "Taken back: nobody has read it.",
    WaitingState.SENT_BACK: "Sent back to its author.",
    WaitingState.WAITING: "Approved.",
    WaitingState.POSTED: "Posted.",
}
"""What is said after an action, by where the text then stands; a stopped one says why on its page."""


@admin.register(WaitingUpdate)
class WaitingUpdateAdmin(OfIncident, RecordAdmin):
    """Each text is a page that follows it until it has left."""

    list_display = ("state", "kind", "incident_reference", "audience", "author", "written", "due")
    list_display_links = ("state", "kind")
    list_filter = (IncidentFilter, "state")
    list_select_related = ("incident", "author")
    search_fields = ("body_markdown", "incident__reference", "incident__title")
    ordering = ("-id",)
    written = pages.instant_column("written_at", "sent off")
    due = pages.instant_column("due_at", "leaves")

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        waiting = self.get_object(request, object_id)
        if waiting is None:
            raise Http404
        if request.method == "POST":
            return self._act(request, waiting)
        return self._waiting_page(request, waiting)

    def _act(self, request: HttpRequest, waiting: WaitingUpdate) -> HttpResponse:
        acts = {
            "_undo": (staff_roles.POST, waiting_updates.take_back),
            "_post_now": (staff_roles.POST, waiting_updates.post_now),
            "_approve": (staff_roles.APPROVE, waiting_updates.approve),
            "_send_back": (staff_roles.APPROVE, waiting_updates.send_back),
        }
        pressed = next((name for name in acts if name in request.POST), None)
        if pressed is None:
            raise PermissionDenied
        right, act = acts[pressed]
        if not request.user.has_perm(right):
            raise PermissionDenied
        typed = {"reason": request.POST.get("reason", "").replace("\0", "")[:2_000]}
        with pages.refusals_shown(request):
            settled = act(  # type: ignore[operator]  # one of four that differ by a reason
                pages.staff(request).actor,
                waiting_id=waiting.pk,
                now=timezone.now(),
                **(typed if pressed == "_send_back" else {}),
            )
            if settled.state in _SAYS:
                messages.success(request, _SAYS[WaitingState(settled.state)])
        return self.to_row(waiting)

    def _waiting_page(self, request: HttpRequest, waiting: WaitingUpdate) -> HttpResponse:
        now, state = timezone.now(), WaitingState(waiting.state)
        is_own = waiting.author_id == pages.staff(request).actor.user_id
        is_late = staff_waiting.is_late(waiting, now=now)
        may_post, may_approve = map(request.user.has_perm, (staff_roles.POST, staff_roles.APPROVE))
        is_awaiting = state is WaitingState.AWAITING
        may_still_be_read = state is not WaitingState.POSTED and not waiting.incident.is_set_aside
        return self.page(
            request,
            "admin/waiting_update.html",
            f"{waiting.get_kind_display()}: {state.label.lower()}",
            subtitle=str(waiting.incident),
            original=waiting,
            state=state,
            is_late=is_late,
            is_own=is_own,
            seconds_left=staff_waiting.seconds_left(waiting, now=now),
            renewed_after=RENEWED_AFTER_SECONDS if state is WaitingState.WAITING and not is_late else None,
            may_undo=may_post and waiting.is_unsettled,
            may_post_now=may_post and state is WaitingState.WAITING,
            may_approve=may_approve and is_awaiting and not is_own,
            again_on=staff_waiting.again_on(waiting)
            if may_post and state in WaitingState.given_up()
            else None,
            said_since=_said_since(waiting) if is_awaiting else [],
            **(_seen(waiting, now=now) if may_still_be_read else {}),
        )


def _said_since(waiting: WaitingUpdate) -> list[Update]:
    """What was posted after its author wrote it, newest first."""
    later = Update.objects.filter(incident=waiting.incident_id, published_at__gt=waiting.written_at)
    return list(later.order_by("-published_at").select_related("author")[:5])


def _seen(waiting: WaitingUpdate, *, now: Any) -> dict[str, Any]:
    """The text as it would be read now, by how many, and what the record has against it."""
    readers = Readers(
        audience=Audience(waiting.audience),
        component_ids=waiting.component_ids,
        data_center_ids=waiting.data_center_ids,
        company_ids=waiting.company_ids,
    )
    zone = timezone.get_current_timezone_name()
    try:
        preview = update_preview.preview(
            waiting.incident, waiting.body_markdown, readers, read_as=None, now=now, zone=zone
        )
    except Refusal as refusal:
        return {"preview": None, "trouble": refusal.message, "contradictions": ()}
    return {"preview": preview, "contradictions": tuple(map(str, preview.contradictions))}
