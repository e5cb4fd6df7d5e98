"""Load the demonstration into the embedded database, once; safe to run again."""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from incidents.demo import load
from tenants.errors import Refusal

LOGINS_FILE = "demo-logins.json"


class Command(BaseCommand):
    help = "Load fictitious companies, the founding incident and a few others (embedded database only)."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--companies",
            type=int,
            default=load.COMPANIES,
            metavar="N",
            help="Companies that the founding incident affects (default: %(default)s).",
        )
        parser.add_argument(
            "--anyway", action="store_true", help="Load into a database that `make run` did not start, too."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.IS_EMBEDDED and not options["anyway"]:
            raise CommandError(
                "This is not the portal's own embedded database, so the demonstration was not loaded. "
                "Nothing was written. Use --anyway if you mean it."
            )
        logins_file = settings.DATA_DIR / LOGINS_FILE
        try:
            loaded = load.load(
                now=timezone.now(), logins_file=logins_file, company_count=options["companies"]
            )
        except (Refusal, ValueError) as refused:
            raise CommandError(str(refused)) from refused
        if loaded.is_new:
            self.stdout.write(
                f"Demonstration loaded: {loaded.company_count} companies, {loaded.incident_count} incidents."
            )
        else:
            self.stdout.write("The demonstration is loaded already.")
        if loaded.has_new_passwords:
            self.stdout.write(f"Logins with new passwords: {logins_file}")
