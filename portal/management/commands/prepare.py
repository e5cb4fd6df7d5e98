"""Everything between an empty database and a portal that can be opened; safe to run again."""

from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand

from tenants import walls


class Command(BaseCommand):
    help = "Make roles, tables and static files; load the demonstration into an embedded database."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        self._step("Roles", "make_roles")
        self._step("Tables", "migrate", verbosity=0)
        walls.refuse_unless_standing()
        self._step("Static files", "collectstatic", verbosity=0, interactive=False)
        if settings.IS_EMBEDDED:
            self._step("Demonstration", "load_demo")

    def _step(self, words: str, command: str, **options: Any) -> None:
        self.stdout.write(f"{words} …")
        self.stdout.flush()
        call_command(command, **options)
