"""The portal and its admin, as Django apps."""

from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig
from django.core import checks

from portal.checks import isolation_stands


class PortalConfig(AppConfig):
    name = "portal"

    def ready(self) -> None:
        checks.register(isolation_stands, deploy=True)


class PortalAdminConfig(AdminConfig):
    default_site = "portal.admin_site.PortalAdminSite"
