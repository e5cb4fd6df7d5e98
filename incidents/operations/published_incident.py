"""What a staff operation on a published incident begins with: its row, locked."""

from uuid import UUID

from incidents import errors
from incidents.models import Incident
from incidents.operations import set_aside


def locked(incident_id: UUID) -> Incident:
    """The incident, locked until the transaction ends, but not against keys that point at it.

    Raises IncidentNotFound, SetAside where nothing can be added any more and, for a draft, NotPublished.
    """
    incident = set_aside.locked(incident_id)
    if incident.is_draft:
        raise errors.NotPublished
    return incident
