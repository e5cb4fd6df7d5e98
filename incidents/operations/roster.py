"""Publish the list of the tail, withdraw it, and say how much of the cohort is the tail."""

from datetime import datetime
from uuid import UUID

from django.db import transaction

from incidents import standings
from incidents.choices import RosterPolicy
from incidents.models import Incident, RosterEntry
from incidents.operations import published_incident
from tenants import audit
from tenants.actor import Actor


def change(
    actor: Actor, *, incident_id: UUID, policy: RosterPolicy, tail_percent: int, now: datetime
) -> bool:
    """Set what the list shows and the tail's share in percent; returns whether that changed anything.

    Standings and list are written anew in the same transaction, so clients read it at their next
    request. Raises IncidentNotFound and NotPublished.
    """
    with transaction.atomic():
        incident = published_incident.locked(incident_id)
        before = (RosterPolicy(incident.roster_policy), incident.tail_percent)
        if before == (policy, tail_percent):
            return False
        incident.roster_policy = policy
        incident.tail_percent = tail_percent
        incident.save(update_fields=["roster_policy", "tail_percent"])
        standings.refresh(incident, now=now)
        _record(actor, incident, before, now=now)
    return True


def _record(actor: Actor, incident: Incident, before: tuple[RosterPolicy, int], *, now: datetime) -> None:
    policy_before, percent_before = before
    if incident.roster_policy != policy_before:
        audit.record(
            actor,
            _action(policy_before, RosterPolicy(incident.roster_policy)),
            incident,
            now=now,
            before=str(policy_before),
            after=str(incident.roster_policy),
            named=RosterEntry.objects.filter(incident=incident).count(),
        )
    if incident.tail_percent != percent_before:
        audit.record(
            actor,
            "tail.share_changed",
            incident,
            now=now,
            before=percent_before,
            after=incident.tail_percent,
        )


def _action(before: RosterPolicy, after: RosterPolicy) -> str:
    if after is RosterPolicy.HIDDEN:
        return "roster.withdrawn"
    return "roster.published" if before is RosterPolicy.HIDDEN else "roster.changed"
