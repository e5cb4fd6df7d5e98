"""What a company said of its own account in one incident. All in the client scope."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.db.models.functions import JSONObject

from incidents import errors
from incidents.choices import CompanyState, ReportKind, ReportState
from incidents.models import AffectedPlacement, ClientReport, Recovery
from incidents.models.catalogue import IN_CATALOGUE_ORDER
from incidents.queries import headers, shapes

_COLUMNS = (
    *("kind", "state", "said_at", "said_by_name", "since_at"),
    *("component_ids", "text", "answer", "answered_at"),
)


def reports_page(reference: str, *, may_report: bool, now: datetime) -> shapes.ReportsPage:
    """The own reports and what can be reported on. Two statements.

    Raises IncidentNotFound for an unknown reference, a draft, and an incident of others.
    """
    published = Recovery.objects.filter(
        incident__reference=reference, incident__published_at__isnull=False
    ).select_related("incident")
    recovery = with_reports(published).first()
    if recovery is None:
        raise errors.IncidentNotFound
    names = _own_component_names(recovery.incident_id)
    return shapes.ReportsPage(
        incident=headers.header(recovery, tuple(names.values()), now=now),
        recovery=headers.stored_recovery(recovery, now=now),
        components=tuple((str(component_id), name) for component_id, name in names.items()),
        reports=own_reports(recovery, names, may_report=may_report, now=now),
        as_of=now,
    )


def with_reports(recoveries: QuerySet[Any]) -> QuerySet[Any]:
    """Recoveries with `own_reports`, the company's reports on that incident: no statement of their own."""
    placed = (
        AffectedPlacement.objects.filter(incident_id=OuterRef("incident_id"))
        .values("incident_id")
        .annotate(count=Count("pk"))
        .values("count")
    )
    said = (
        ClientReport.objects.filter(incident_id=OuterRef("incident_id"))
        .order_by("-number")
        .values(told=JSONObject(**{column: column for column in _COLUMNS}, placed_count=Subquery(placed)))
    )
    with_own: QuerySet[Any] = recoveries.annotate(own_reports=ArraySubquery(said))
    return with_own


def own_reports(
    recovery: Any, component_names: Mapping[UUID, str], *, may_report: bool, now: datetime
) -> shapes.OwnReports:
    """The company's reports on the incident of a row of `with_reports`, newest first."""
    has_begun = recovery.incident.started_at <= now
    return shapes.OwnReports(
        rows=tuple(
            _own_report(said, recovery, component_names, is_newest=place == 0)
            for place, said in enumerate(recovery.own_reports)
        ),
        can_report=may_report and has_begun and not recovery.incident.is_set_aside,
        has_begun=has_begun,
    )


def contradicts(
    kind: ReportKind, state: CompanyState, *, since_at: datetime | None, restored_at: datetime | None
) -> bool:
    """Whether a report says otherwise than the record; also "back since" later than the record has it.

    >>> contradicts(ReportKind.STILL_BROKEN, CompanyState.RESTORED, since_at=None, restored_at=None)
    True
    >>> contradicts(ReportKind.CONFIRMED_BACK, CompanyState.RESTORED, since_at=None, restored_at=None)
    False
    """
    if kind is ReportKind.STILL_BROKEN:
        return state is CompanyState.RESTORED
    is_later = since_at is not None and restored_at is not None and since_at > restored_at
    return state is not CompanyState.RESTORED or is_later


def _own_component_names(incident_id: UUID) -> dict[UUID, str]:
    rows = (
        AffectedPlacement.objects.filter(incident_id=incident_id)
        .order_by(*IN_CATALOGUE_ORDER)
        .values_list("component_id", "component__name")
    )
    return dict(rows)


def _own_report(
    said: Mapping[str, Any], recovery: Any, component_names: Mapping[UUID, str], *, is_newest: bool
) -> shapes.OwnReport:
    kind, state = ReportKind(said["kind"]), ReportState(said["state"])
    is_whole = len(said["component_ids"]) == said["placed_count"]
    since_at = _instant(said["since_at"])
    if state is ReportState.OPEN and not is_newest:
        state = ReportState.WITHDRAWN
    return shapes.OwnReport(
        kind=kind,
        state=state,
        said_at=datetime.fromisoformat(said["said_at"]),
        said_by=said["said_by_name"],
        since_at=since_at,
        components=()
        if is_whole
        else tuple(name for key, name in component_names.items() if str(key) in said["component_ids"]),
        text=said["text"],
        answer=said["answer"],
        answered_at=_instant(said["answered_at"]),
        contradicts_record=state is ReportState.OPEN
        and not recovery.incident.is_set_aside
        and contradicts(
            kind, CompanyState(recovery.state), since_at=since_at, restored_at=recovery.restored_at
        ),
    )


def _instant(written: str | None) -> datetime | None:
    return datetime.fromisoformat(written) if written else None
