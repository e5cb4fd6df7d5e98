"""The working board above the models: what is open, what was promised, and what is late."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import F, Q

from incidents.choices import IncidentKind, IncidentState, Severity
from incidents.models import Cohort, Incident, PostMortemRequest
from incidents.promises import Tally
from incidents.queries import (
    request_queue,
    staff_drafts,
    staff_imports,
    staff_maintenances,
    staff_promises,
    staff_reports,
)
from tenants import audit_seals

MOST_ROWS = 12


@dataclass(frozen=True, kw_only=True, slots=True)
class OpenIncident:
    """An incident that is not over for everyone, or a draft (`state` None)."""

    id: UUID
    reference: str
    title: str
    severity: Severity
    state: IncidentState | None
    started_at: datetime
    affected_count: int
    restored_count: int
    next_update_at: datetime | None
    is_over: bool
    is_late: bool
    promises: Tally
    """Of a next update, kept and missed."""

    @property
    def restored_percent(self) -> float | None:
        return 100 * self.restored_count / self.affected_count if self.affected_count else None


@dataclass(frozen=True, kw_only=True, slots=True)
class OpenRequest:
    """A request to which something is owed, and by when."""

    id: UUID
    company: str
    reference: str
    title: str
    owed: str
    due_at: datetime | None
    is_late: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Board:
    """Incidents: late promises first, newest start first. Requests: first due first.

    Planned work: what overran its planned end first, then by start. Reports of clients: those that the
    record contradicts first, oldest first.
    """

    incidents: tuple[OpenIncident, ...]
    maintenances: tuple[staff_maintenances.PlannedWork, ...]
    requests: tuple[OpenRequest, ...]
    request_counts: request_queue.QueueCounts
    drafts: tuple[staff_drafts.WaitingDraft, ...]
    reports: tuple[staff_reports.OpenReport, ...]
    imports: tuple[staff_imports.OpenImport, ...]
    has_more_incidents: bool
    has_more_maintenances: bool
    has_more_requests: bool
    has_more_drafts: bool
    has_more_reports: bool
    has_more_imports: bool
    audit: audit_seals.LastVerification


def board(*, now: datetime) -> Board:
    """The board, in ten statements whatever there is; eleven where a text for some promises something."""
    incidents = _open_incidents(now)
    maintenances = staff_maintenances.planned_work(most=MOST_ROWS + 1, now=now)
    requests = _open_requests(now)
    drafts = staff_drafts.waiting_drafts(most=MOST_ROWS + 1)
    reports = staff_reports.open_reports(most=MOST_ROWS + 1)
    imports = staff_imports.open_imports(now=now, most=MOST_ROWS + 1)
    return Board(
        incidents=tuple(incidents[:MOST_ROWS]),
        maintenances=maintenances[:MOST_ROWS],
        requests=tuple(requests[:MOST_ROWS]),
        request_counts=request_queue.counts(now=now),
        drafts=drafts[:MOST_ROWS],
        reports=reports[:MOST_ROWS],
        imports=imports[:MOST_ROWS],
        has_more_incidents=len(incidents) > MOST_ROWS,
        has_more_maintenances=len(maintenances) > MOST_ROWS,
        has_more_requests=len(requests) > MOST_ROWS,
        has_more_drafts=len(drafts) > MOST_ROWS,
        has_more_reports=len(reports) > MOST_ROWS,
        has_more_imports=len(imports) > MOST_ROWS,
        audit=audit_seals.last_verification(now=now),
    )


def _open_incidents(now: datetime) -> list[OpenIncident]:
    is_open = ~Q(state__in=IncidentState.over()) | Q(cohort__restored_count__lt=F("cohort__affected_count"))
    rows = (
        Incident.objects.filter(is_open)
        .exclude(kind=IncidentKind.MAINTENANCE, published_at__isnull=False)
        .select_related("cohort")
        .order_by("next_update_at", "-started_at")[: MOST_ROWS + 1]
    )
    tallies = staff_promises.tallies([incident.pk for incident in rows], now=now)
    found = [_open_incident(incident, tallies[incident.pk], now=now) for incident in rows]
    return sorted(found, key=lambda each: (not each.is_late, -each.started_at.timestamp()))


def _open_incident(incident: Incident, tally: Tally, *, now: datetime) -> OpenIncident:
    counts: Cohort | None = getattr(incident, "cohort", None)
    due_at = tally.late_due_at or incident.next_update_at
    return OpenIncident(
        id=incident.pk,
        reference=incident.reference,
        title=incident.title,
        severity=Severity(incident.severity),
        state=None if incident.is_draft else IncidentState(incident.state),
        started_at=incident.started_at,
        affected_count=counts.affected_count if counts else 0,
        restored_count=counts.restored_count if counts else 0,
        next_update_at=due_at,
        is_over=incident.is_over,
        is_late=due_at is not None and due_at < now,
        promises=tally,
    )


def _open_requests(now: datetime) -> list[OpenRequest]:
    rows = (
        request_queue.with_due(PostMortemRequest.objects.filter(request_queue.IS_OWED))
        .select_related("company", "incident")
        .order_by("due_at", "requested_at")[: MOST_ROWS + 1]
    )
    return [
        OpenRequest(
            id=request.pk,
            company=request.company.name,
            reference=request.incident.reference,
            title=request.incident.title,
            owed=request_queue.owed(request),
            due_at=request.due_at,
            is_late=request.due_at is not None and request.due_at < now,
        )
        for request in rows
    ]
