"""Django's migrate, through the connection that owns the objects."""

from typing import Any

from django.conf import settings
from django.core.management.base import CommandError
from django.core.management.commands import migrate


class Command(migrate.Command):
    def handle(self, *args: Any, **options: Any) -> None:
        if "owner" not in settings.DATABASES:
            raise CommandError("Set DATABASE_ADMIN_URL: the portal's own login may not change the schema.")
        options["database"] = "owner"
        super().handle(*args, **options)
