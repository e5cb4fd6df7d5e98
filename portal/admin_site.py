"""The vendor's admin: Django's own, dressed like the portal, signed in through the portal's door."""

from django.contrib.admin import AdminSite
from django.http import HttpRequest


class PortalAdminSite(AdminSite):
    site_header = "Incident portal, staff"
    site_title = "Incident portal"
    index_title = "Console"
    site_url = None

    def has_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.is_active and request.user.is_staff)
