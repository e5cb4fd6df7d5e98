"""What a staff operation on a published incident begins with: its row, locked."""

from uuid import UUID

from incidents import errors
from incidents.models import Incident


def locked(incident_id: UUID) -> Incident:
    """The incident, locked until the transaction ends, but not against keys that point at it.

    Raises IncidentNotFound and, for a draft, NotPublished.
    """
    incident = Incident.objects.select_for_update(no_key=True).filter(pk=incident_id).first()
    if incident is None:
        raise errors.IncidentNotFound
    if incident.is_draft:
        raise errors.NotPublished
    return incident
