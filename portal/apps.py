"""The portal and its admin, as Django apps."""

from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig
from django.core import checks

from portal.celery import app as celery_app
from portal.checks import isolation_stands


class PortalConfig(AppConfig):
    name = "portal"

    def ready(self) -> None:
        # For the web's threads: without it they would look for a broker of the library's choice.
        celery_app.set_default()
        checks.register(isolation_stands, deploy=True)


class PortalAdminConfig(AdminConfig):
    default_site = "portal.admin_site.PortalAdminSite"
