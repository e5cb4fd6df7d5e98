"""Hold every row of the audit against the chain that seals it."""

import re
from argparse import ArgumentParser, ArgumentTypeError
from datetime import UTC, datetime, timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from tenants import audit_seals, scope

LONGEST_WAIT = timedelta(minutes=10)
BROKEN, WAITING = 1, 2
"""Exit codes: a row is not as it was sealed; rows wait for longer than a working worker lets them."""


class Command(BaseCommand):
    help = (
        "Name the first row of the audit that was changed, is missing or out of order. "
        "Exit code 0: none is; 1: one is; 2: rows wait too long for their seal."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--head",
            action="append",
            default=[],
            type=_head,
            metavar="NUMBER:DIGEST",
            help="A head that an earlier run printed: shows that nothing up to it was rewritten or cut. "
            "May be given several times.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        with scope.as_staff():
            verdict = audit_seals.verify(kept=dict(options["head"]))
        if verdict.fault:
            raise CommandError(
                f"{verdict.fault}\nThe {verdict.head.number} rows before it are as they were sealed.",
                returncode=BROKEN,
            )
        self.stdout.write(f"{verdict.head.number} rows are as they were sealed.")
        if verdict.head.sealed_at:
            self.stdout.write(f"Head: {verdict.head}")
            self.stdout.write(f"Sealed at {_utc(verdict.head.sealed_at)}. Keep the head elsewhere.")
        if verdict.waiting_since is None:
            self.stdout.write("No row waits for its seal.")
            return
        waiting = (
            f"Rows that wait for their seal: {verdict.waiting_count}, since {_utc(verdict.waiting_since)}."
        )
        if timezone.now() - verdict.waiting_since > LONGEST_WAIT:
            raise CommandError(f"{waiting} Is the worker running?", returncode=WAITING)
        self.stdout.write(waiting)


def _head(text: str) -> tuple[int, str]:
    found = re.fullmatch(r"([1-9][0-9]{0,17}):([0-9a-f]{64})", text)
    if found is None:
        raise ArgumentTypeError("a head is a number, a colon and 64 hexadecimal digits")
    return int(found[1]), found[2]


def _utc(instant: datetime) -> str:
    return f"{instant.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
