"""What a client's operation begins with: may the actor, for which company, of which incident."""

from incidents import errors
from incidents.models import Incident
from tenants.actor import ActingCompany, Actor
from tenants.permissions import Permission


def own_incident(actor: Actor, permission: Permission, reference: str) -> tuple[ActingCompany, Incident]:
    """The actor's company and the incident that it can read. Runs in the client scope.

    Raises NotPermitted, and IncidentNotFound for an unknown reference, a draft, an incident of others
    and an actor without a company.
    """
    actor.require(permission)
    incident = Incident.objects.filter(reference=reference).first() if actor.company else None
    if actor.company is None or incident is None:
        raise errors.IncidentNotFound
    return actor.company, incident
