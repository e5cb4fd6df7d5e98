"""An incident that was published and never was: a false alarm, or a publication by mistake."""

from datetime import datetime
from uuid import UUID

from django.db import transaction

from incidents import errors
from incidents.choices import IncidentState
from incidents.operations import announcing, set_aside
from incidents.operations.announcing import Words
from tenants import audit
from tenants.actor import Actor


def mark(actor: Actor, *, incident_id: UUID, words: Words, now: datetime) -> None:
    """Say that a published incident was a false alarm, with a reason that its clients read.

    From then on it counts nowhere: not as open, in no day, duration, standing or list of who was last.
    What was recorded, said, asked and reported stays; nothing can be added. It cannot be taken back:
    what was true after all is published anew. Raises ReasonMissing, IncidentNotFound, NotPublished,
    SetAside, NotIncident and what `incidents.post_update` raises.
    """
    reason = words.required()
    with transaction.atomic():
        incident = set_aside.published(incident_id)
        if incident.is_maintenance:
            raise errors.NotIncident
        text = f"This was a false alarm.\n\n{reason}"
        announcing.announce(actor, incident, text, words=words, is_last=True, now=now)
        set_aside.put(incident, IncidentState.FALSE_ALARM, reason=reason, now=now)
        audit.record(actor, "incident.false_alarm", incident, now=now)
