"""Whether other companies may read a company's name, and which name that is."""

from collections.abc import Collection, Iterable
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from incidents import standings
from incidents.models import Incident, Recovery
from tenants import audit
from tenants.actor import Actor
from tenants.models import Company


def set_consent(actor: Actor, *, company_id: UUID, consents: bool, now: datetime) -> bool:
    """Let a company be named to others, or not any more; returns whether that changed anything.

    Every roster that it is or was on is written anew in the same transaction. Staff scope.
    """
    return set_consents(actor, company_ids=[company_id], consents=consents, now=now) == 1


def set_consents(actor: Actor, *, company_ids: Collection[UUID], consents: bool, now: datetime) -> int:
    """`set_consent` for several companies at once; returns how many it changed. Staff scope."""
    with transaction.atomic():
        companies, incidents = _locked(company_ids)
        changed = [company for company in companies if company.consents_to_be_named != consents]
        for company in changed:
            company.consents_to_be_named = consents
            company.save(update_fields=["consents_to_be_named"])
            audit.record(
                actor, "company.consent_changed", company, now=now, company_id=company.pk, consents=consents
            )
        _write_rosters(changed, incidents)
    return len(changed)


def rename(actor: Actor, *, company_id: UUID, name: str, now: datetime) -> bool:
    """Call a company by another name, on published rosters too; returns whether that changed anything.

    The old name leaves every roster in the same transaction. Staff scope.
    """
    with transaction.atomic():
        (company,), incidents = _locked([company_id])
        if company.name == name:
            return False
        company.name = name
        company.save(update_fields=["name"])
        _write_rosters([company], incidents)
        audit.record(actor, "company.renamed", company, now=now, company_id=company.pk)
    return True


def _locked(company_ids: Collection[UUID]) -> tuple[list[Company], list[Incident]]:
    """The companies and the incidents that they are in, locked, but not against keys that point at them.

    Incidents before companies, as a recording takes them. An incident that was published while a
    company's lock was waited for may already name it: then all is let go and taken anew. Once all
    are held, whoever writes another roster waits for the company and reads what it agreed.
    """
    while True:
        savepoint = transaction.savepoint()
        held = list(_incidents_of(company_ids).select_for_update(no_key=True).order_by("pk"))
        companies = Company.objects.select_for_update(no_key=True).filter(pk__in=company_ids)
        found = list(companies.order_by("pk"))
        if not _incidents_of(company_ids).exclude(pk__in=[incident.pk for incident in held]).exists():
            transaction.savepoint_commit(savepoint)
            return found, held
        transaction.savepoint_rollback(savepoint)


def _incidents_of(company_ids: Collection[UUID]) -> QuerySet[Incident]:
    affected = Recovery.objects.filter(company_id__in=company_ids).values("incident_id")
    return Incident.objects.filter(pk__in=affected)


def _write_rosters(companies: Collection[Company], incidents: Iterable[Incident]) -> None:
    """Write the rosters anew of those of the incidents in whose tail one of the companies is."""
    in_tail = set(
        Recovery.objects.filter(company__in=companies, in_tail=True).values_list("incident_id", flat=True)
    )
    for incident in incidents:
        if incident.pk in in_tail:
            standings.write_roster(incident)
            standings.bump(incident)
