"""Whether other companies may read a company's name, and which name that is."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from django.db import transaction

from incidents import standings
from incidents.models import Incident, Recovery
from tenants import audit
from tenants.actor import Actor
from tenants.models import Company


def set_consent(actor: Actor, *, company_id: UUID, consents: bool, now: datetime) -> bool:
    """Let a company be named to others, or not any more; returns whether that changed anything.

    Every roster that it is or was on is written anew in the same transaction. Staff scope.
    """
    with transaction.atomic():
        company, incidents = _locked(company_id)
        if company.consents_to_be_named == consents:
            return False
        company.consents_to_be_named = consents
        company.save(update_fields=["consents_to_be_named"])
        _write_rosters(company, incidents)
        audit.record(
            actor, "company.consent_changed", company, now=now, company_id=company.pk, consents=consents
        )
    return True


def rename(actor: Actor, *, company_id: UUID, name: str, now: datetime) -> bool:
    """Call a company by another name, on published rosters too; returns whether that changed anything.

    The old name leaves every roster in the same transaction. Staff scope.
    """
    with transaction.atomic():
        company, incidents = _locked(company_id)
        if company.name == name:
            return False
        company.name = name
        company.save(update_fields=["name"])
        _write_rosters(company, incidents)
        audit.record(actor, "company.renamed", company, now=now, company_id=company.pk)
    return True


def _locked(company_id: UUID) -> tuple[Company, list[Incident]]:
    """The company and the incidents that it is in, locked, but not against keys that point at them.

    Incidents before the company: a recording that holds one of them may just be putting the
    company on its roster, so it must have ended before the roster is looked at.
    """
    affected = Recovery.objects.filter(company_id=company_id).values("incident_id")
    incidents = Incident.objects.select_for_update(no_key=True).filter(pk__in=affected).order_by("pk")
    held = list(incidents)
    return Company.objects.select_for_update(no_key=True).get(pk=company_id), held


def _write_rosters(company: Company, incidents: Iterable[Incident]) -> None:
    """Write the rosters anew of those of the incidents in whose tail the company is."""
    in_tail = set(
        Recovery.objects.filter(company=company, in_tail=True).values_list("incident_id", flat=True)
    )
    for incident in incidents:
        if incident.pk in in_tail:
            standings.write_roster(incident)
            standings.bump(incident)
