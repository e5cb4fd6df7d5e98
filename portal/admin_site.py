"""The vendor's admin: Django's own, dressed like the portal, signed in through the portal's door."""

import functools
from typing import Any
from zoneinfo import ZoneInfo

from django.contrib.admin import AdminSite
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import SimpleTemplateResponse
from django.urls import reverse
from django.utils import timezone

from incidents.queries import staff_board, staff_waiting

GROUPS = {
    "Incidents": ("Incident", "Update", "WaitingUpdate", "UpdateTemplate", "Claim", "ClientReport"),
    "Post-mortems, statements": (
        "PostMortemRequest",
        "AnswerTemplate",
        "PostMortem",
        "PostMortemVersion",
        "CorrectiveAction",
        "Statement",
        "Document",
    ),
    "Recovery": ("Recovery", "RecoveryEntry", "RecoveryImport", "Cohort", "RosterEntry"),
    "Clients": ("Company", "User", "Membership", "Placement"),
    "What we run": ("Component", "Service", "DataCenter"),
    "Records and rights": ("AuditEvent", "RowChange", "OutgoingMail", "Group"),
}
"""The tables below the board, by what staff look for; a table that is named nowhere comes last."""


class PortalAdminSite(AdminSite):
    """No second way in: signing in and out and changing a password are the portal's own pages."""

    site_header = "Incident portal"
    site_title = "Incident portal, staff"
    index_title = "Console"
    index_template = "admin/console.html"
    site_url = None
    enable_nav_sidebar = False

    def has_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.is_active and request.user.is_staff)

    def admin_view(self, view: Any, cacheable: bool = False) -> Any:
        """A view whose times, rendering included, are in the reader's zone."""
        answer = super().admin_view(view, cacheable)

        @functools.wraps(answer)
        def in_readers_zone(request: HttpRequest, *positional: Any, **named: Any) -> Any:
            with timezone.override(ZoneInfo(request.actor.zone)):  # type: ignore[attr-defined]  # set by the door
                response = answer(request, *positional, **named)
                if isinstance(response, SimpleTemplateResponse):
                    response.render()
                return response

        return in_readers_zone

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """The console: a working board, and the models below."""
        now = timezone.now()
        board = staff_board.board(now=now) if request.user.has_perm("incidents.view_incident") else None
        may_see_waiting = request.user.has_perm("incidents.view_waitingupdate")
        waiting = staff_waiting.unsettled(now=now) if may_see_waiting else ()
        groups = _grouped(self.get_app_list(request))
        return super().index(
            request, {"board": board, "waiting": waiting, "groups": groups, **(extra_context or {})}
        )

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        return {**super().each_context(request), "zone": timezone.get_current_timezone_name()}

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Whoever comes here has passed the door already."""
        return HttpResponseRedirect(reverse("admin:index"))

    def logout(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        return HttpResponseRedirect(reverse("account_logout"))

    def password_change(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        return HttpResponseRedirect(reverse("account_change_password"))

    def password_change_done(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        return HttpResponseRedirect(reverse("admin:index"))


def _grouped(apps: list[Any]) -> list[dict[str, Any]]:
    """The tables that this person may see, in the order of GROUPS; groups without any are left out."""
    seen = {model["object_name"]: model for app in apps for model in app["models"] if model["admin_url"]}
    found = [
        {"name": name, "models": [seen.pop(table) for table in tables if table in seen]}
        for name, tables in GROUPS.items()
    ]
    found.append({"name": "More", "models": list(seen.values())})
    return [group for group in found if group["models"]]
