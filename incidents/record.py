"""The record of one incident over all its companies, as texts are filled from and held against it."""

from datetime import datetime

from incidents import clocks
from incidents.fields import Record
from incidents.models import Incident, Recovery


def of_incident(incident: Incident, *, now: datetime) -> Record:
    """What is recorded so far, of cohorts of any size. Two statements, staff scope."""
    recoveries = Recovery.objects.filter(incident=incident)
    restored = recoveries.filter(restored_at__isnull=False).order_by("restored_at")
    return Record(
        started_at=clocks.as_utc(incident.started_at),
        detected_at=incident.detected_at,
        affected_count=recoveries.count(),
        restored_ats=tuple(at for at in restored.values_list("restored_at", flat=True) if at),
        now=now,
        planned_end_at=incident.planned_end_at,
    )
