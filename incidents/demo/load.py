"""Loads the whole demonstration in one transaction, once."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from django.db import transaction

from incidents.demo import founding, others, people, post_mortem, reports, statements, world
from incidents.models import Incident
from tenants import scope
from tenants.errors import Refusal
from tenants.models import Company

COMPANIES = 240


class NotEmpty(Refusal):
    code = "not_empty"
    message = (
        "This database holds client companies of its own already: the demonstration goes into an empty one "
        "only. Nothing was written."
    )


@dataclass(frozen=True, kw_only=True)
class Loaded:
    """What a load did: `is_new` with the demonstration, `has_new_passwords` with the file of logins."""

    company_count: int
    incident_count: int
    is_new: bool
    has_new_passwords: bool


def load(*, now: datetime, logins_file: Path, company_count: int = COMPANIES) -> Loaded:
    """Load the demonstration unless it is there; enters its own scopes, all in one transaction.

    The founding incident has `company_count` companies and its own dates; the other incidents
    are placed around `now`. When it is there nothing changes, except that a lost `logins_file`
    is written again with new passwords. Raises NotEmpty, and ValueError for a count that is not
    possible; then nothing is written.
    """
    with transaction.atomic():
        is_new = not _is_loaded()
        if is_new:
            passwords = _write(now=now, company_count=company_count)
        elif logins_file.exists():
            passwords = {}
        else:
            with scope.as_staff():
                passwords = people.set_new_passwords()
        with scope.as_staff():
            loaded = Loaded(
                company_count=Company.objects.count(),
                incident_count=Incident.objects.count(),
                is_new=is_new,
                has_new_passwords=bool(passwords),
            )
    # Afterwards: should this fail, the next load finds no file and makes new passwords.
    if passwords:
        people.write_logins(logins_file, passwords)
    return loaded


def _is_loaded() -> bool:
    with scope.as_staff():
        if Incident.objects.filter(reference=founding.REFERENCE).exists():
            return True
        if Company.objects.exists() or Incident.objects.exists():
            raise NotEmpty
    return False


def _write(*, now: datetime, company_count: int) -> dict[str, str]:
    """Write everything; returns the new passwords by e-mail."""
    affected = world.affected_companies(company_count)
    with scope.as_staff():
        world.write_catalogue()
        world.write_companies(affected)
        passwords = people.write()
        founding.write(affected)
        world.write_companies(world.newcomers(company_count))
    reports.write_founding()
    post_mortem.write(now=now)
    statements.write_founding()
    with scope.as_staff():
        others.write(now=now)
        post_mortem.keep_up(now=now)
    reports.write_open(now=now)
    return passwords
