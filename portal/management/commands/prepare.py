"""Everything between an empty database and a portal that can be opened; safe to run again."""

from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand

from tenants import walls


class Command(BaseCommand):
    help = "Make roles, apply migrations, collect static files and load the demonstration (embedded database only)."
    requires_system_checks: list[str] = []  # noqa: RUF012 - Django's own attribute is a list

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
