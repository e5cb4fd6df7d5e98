"""The shapes that every page about incidents shares, from one company's recovery and its incident."""

from datetime import datetime
from typing import Any

from django.db.models import Case, DateTimeField, F, OuterRef, Q, QuerySet, Subquery, When

from incidents import clocks
from incidents.availability import Measured
from incidents.choices import Audience, CompanyState, IncidentKind, IncidentState, Severity, UpdateKind
from incidents.models import Incident, Recovery, Update
from incidents.queries import shapes


def header(recovery: Recovery, component_names: tuple[str, ...], *, now: datetime) -> shapes.IncidentHeader:
    incident = recovery.incident
    return shapes.IncidentHeader(
        id=incident.pk,
        reference=incident.reference,
        title=incident.title,
        kind=IncidentKind(incident.kind),
        severity=Severity(incident.severity),
        state=incident.state_at(now),
        started_at=incident.started_at,
        planned_end_at=incident.planned_end_at,
        detected_at=incident.detected_at,
        resolved_at=incident.resolved_at,
        set_aside=_set_aside(recovery),
        next_update_at=incident.next_update_at,
        next_update_is_late=is_late(incident, now=now),
        components=component_names,
        is_open_for_you=is_open_for(recovery, now=now),
    )


def _set_aside(recovery: Any) -> shapes.SetAside | None:
    """Why the incident counts nowhere, for an incident that does not."""
    incident = recovery.incident
    if not incident.is_set_aside:
        return None
    into = incident.merged_into
    return shapes.SetAside(
        at=incident.set_aside_at,
        reason=incident.set_aside_reason,
        merged_into=shapes.OtherIncident(reference=into.reference, title=into.title) if into else None,
    )


def is_open_for(recovery: Recovery, *, now: datetime) -> bool:
    """Truth rule 2: an incident is open for a company until that company is restored.

    A maintenance is open until it is completed; before it has begun it is not open yet. What was set
    aside is open for nobody.
    """
    incident = recovery.incident
    if incident.is_set_aside:
        return False
    if incident.is_maintenance:
        return incident.state_at(now) in {IncidentState.IN_PROGRESS, IncidentState.VERIFYING}
    return CompanyState(recovery.state) is not CompanyState.RESTORED


def with_own_promise(recoveries: QuerySet[Recovery]) -> QuerySet[Any]:
    """Recoveries with `own_promise_at`: until when the newest text that the company of the scope reads
    promises the next one. A text keeps what its reader was promised before it, so there is none earlier.

    In the same statement, and looked for only where something is announced to follow.
    """
    newest = (
        Update.objects.filter(incident_id=OuterRef("incident_id"))
        .exclude(audience=Audience.STAFF)
        .order_by("-published_at", "-pk")
        .values(promised_at=Case(When(kind=UpdateKind.RESOLVED, then=None), default=F("next_update_at")))
    )
    is_over = Q(incident__state__in=IncidentState.over())
    annotated: QuerySet[Any] = recoveries.annotate(
        own_promise_at=Case(
            When(is_over, then=None), default=Subquery(newest[:1]), output_field=DateTimeField()
        )
    )
    return annotated


def is_late(incident: Incident, *, now: datetime) -> bool:
    """Whether the promised next update has not come."""
    return incident.next_update_at is not None and not incident.is_over and now > incident.next_update_at


def stored_recovery(
    recovery: Recovery, *, now: datetime, counted: Measured | None = None
) -> shapes.OwnRecovery:
    """The row as it was last added up; a state that still holds is counted up to `now`.

    `counted` is what counts of it, where the row holds more (`downtime.counted`). Of what was set aside
    nothing is counted.
    """
    if recovery.incident.is_set_aside:
        return _uncounted(recovery, now=now)
    outage_seconds, degraded_seconds = seconds_until(recovery, now=now)
    if counted is not None:
        outage_seconds, degraded_seconds = counted.outage_seconds, counted.degraded_seconds
    return shapes.OwnRecovery(
        state=CompanyState(recovery.state),
        impacted_at=recovery.impacted_at,
        restored_at=recovery.restored_at,
        outage_seconds=outage_seconds,
        degraded_seconds=degraded_seconds,
        planned_seconds=counted.planned_seconds if counted else 0,
        total_seconds=(
            None
            if recovery.impacted_at is None
            else clocks.seconds_between(recovery.impacted_at, recovery.restored_at or now)
        ),
        rank=recovery.rank,
        percentile=recovery.percentile,
        in_tail=recovery.in_tail,
        is_provisional=not recovery.is_final,
        as_of=now,
    )


def _uncounted(recovery: Recovery, *, now: datetime) -> shapes.OwnRecovery:
    return shapes.OwnRecovery(
        state=CompanyState(recovery.state),
        impacted_at=None,
        restored_at=None,
        outage_seconds=0,
        degraded_seconds=0,
        total_seconds=None,
        rank=None,
        percentile=None,
        in_tail=None,
        is_provisional=False,
        as_of=now,
    )


def seconds_until(recovery: Recovery, *, now: datetime) -> tuple[int, int]:
    """(outage, degraded) seconds of a stored row at `now`."""
    since = max(0, clocks.seconds_between(recovery.measured_at, now))
    return (
        recovery.outage_seconds + (since if recovery.state == CompanyState.OUTAGE else 0),
        recovery.degraded_seconds + (since if recovery.state == CompanyState.DEGRADED else 0),
    )


def incident_row(recovery: Any, *, now: datetime, counted: Measured | None = None) -> shapes.IncidentRow:
    """A row of a list from a recovery `with_own_promise`."""
    incident = recovery.incident
    own = stored_recovery(recovery, now=now, counted=counted)
    return shapes.IncidentRow(
        reference=incident.reference,
        title=incident.title,
        kind=IncidentKind(incident.kind),
        severity=Severity(incident.severity),
        state=incident.state_at(now),
        started_at=incident.started_at,
        planned_end_at=incident.planned_end_at,
        your_state=own.state,
        impacted_at=own.impacted_at,
        restored_at=own.restored_at,
        outage_seconds=own.outage_seconds,
        degraded_seconds=own.degraded_seconds,
        in_tail=own.in_tail,
        next_update_at=recovery.own_promise_at,
        next_update_is_late=recovery.own_promise_at is not None and now > recovery.own_promise_at,
        is_open_for_you=is_open_for(recovery, now=now),
    )
