"""What counts nowhere any more: a cancelled maintenance, a false alarm, an incident merged into another.

Its entries, updates, reports and requests stay and can be read. What is derived from them and says how
companies stand among each other is taken away, because nobody is behind or ahead in what did not happen.
"""

from datetime import datetime
from uuid import UUID

from django.db.models import Q

from incidents import errors, standings
from incidents.choices import IncidentState, RequestPolicy, RequestState, WaitingState
from incidents.models import Cohort, Incident, PostMortemRequest, Recovery, RosterEntry, WaitingUpdate
from incidents.operations.stopped_updates import stop


def row_locked(incident_id: UUID) -> Incident:
    """The incident under its row's lock, which all writers of one incident take first; set aside or not.

    Raises IncidentNotFound.
    """
    incident = Incident.objects.select_for_update(no_key=True).filter(pk=incident_id).first()
    if incident is None:
        raise errors.IncidentNotFound
    return incident


def locked(incident_id: UUID) -> Incident:
    """The incident under its row's lock. Raises IncidentNotFound, and SetAside where nothing can be added."""
    incident = row_locked(incident_id)
    if incident.is_set_aside:
        raise errors.SetAside
    return incident


def published(incident_id: UUID) -> Incident:
    """The same of an incident that clients can read. Raises NotPublished for a draft."""
    incident = locked(incident_id)
    if incident.is_draft:
        raise errors.NotPublished
    return incident


def put(
    incident: Incident,
    state: IncidentState,
    *,
    now: datetime,
    reason: str = "",
    merged_into: Incident | None = None,
) -> None:
    """Set a locked, published incident aside, for good, with the reason that its clients read.

    A final report that was still due after the preliminary one does not come any more, and a text on its
    way is stopped at once: it could not be posted when it is due.
    """
    incident.state = state
    incident.set_aside_at, incident.set_aside_reason, incident.merged_into = now, reason, merged_into
    incident.next_update_at = None
    incident.request_policy = RequestPolicy.CLOSED
    incident.save(
        update_fields=[
            "state",
            "set_aside_at",
            "set_aside_reason",
            "merged_into",
            "next_update_at",
            "request_policy",
        ]
    )
    PostMortemRequest.objects.filter(incident=incident, state=RequestState.PRELIMINARY_DELIVERED).update(
        final_due_at=None
    )
    RosterEntry.objects.filter(incident=incident).delete()
    Cohort.objects.filter(incident=incident).delete()
    on_their_way = WaitingUpdate.objects.filter(incident=incident, state__in=WaitingState.on_their_way())
    for waiting in on_their_way.order_by("pk"):
        stop(waiting, errors.SetAside(), now=now)
    ranked = Q(rank__isnull=False) | Q(in_tail__isnull=False)
    Recovery.objects.filter(ranked, incident=incident).update(rank=None, percentile=None, in_tail=None)
    standings.bump(incident)
