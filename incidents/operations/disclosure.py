"""Whether other companies may read a company's name."""

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
        # Incidents before the company: a recording that holds one of them may just be putting the
        # company on its roster, so it must have ended before the roster is looked at.
        affected = Recovery.objects.filter(company_id=company_id).values("incident_id")
        incidents = list(Incident.objects.select_for_update().filter(pk__in=affected).order_by("pk"))
        company = Company.objects.select_for_update().get(pk=company_id)
        if company.consents_to_be_named == consents:
            return False
        company.consents_to_be_named = consents
        company.save(update_fields=["consents_to_be_named"])
        in_tail = set(
            Recovery.objects.filter(company=company, in_tail=True).values_list("incident_id", flat=True)
        )
        for incident in (each for each in incidents if each.pk in in_tail):
            standings.write_roster(incident)
            standings.bump(incident)
        audit.record(
            actor, "company.consent_changed", company, now=now, company_id=company.pk, consents=consents
        )
    return True
