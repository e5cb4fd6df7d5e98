"""What client companies say of themselves and nobody has answered yet, for staff."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import BooleanField, ExpressionWrapper, F, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from incidents.choices import CompanyState, ReportKind, ReportState
from incidents.models import ClientReport, Recovery
from incidents.models.client_report import followed


@dataclass(frozen=True, kw_only=True, slots=True)
class OpenReport:
    """A report without an answer, beside the company's record."""

    id: UUID
    company: str
    reference: str
    kind: ReportKind
    said_at: datetime
    record_state: CompanyState
    restored_at: datetime | None
    disagrees: bool
    """Whether the record says otherwise."""


def open_reports(*, most: int, incident_id: UUID | None = None) -> tuple[OpenReport, ...]:
    """At most so many open reports, of one incident (and those merged into it) or of all.

    Those that disagree with the record come first, then the oldest.

    One statement. Staff scope.
    """
    rows = with_record(still_open(ClientReport.objects.all()))
    if incident_id is not None:
        rows = rows.filter(Q(incident_id=incident_id) | Q(incident__merged_into_id=incident_id))
    rows = rows.select_related("company", "incident").order_by("-disagrees", "said_at")
    return tuple(
        OpenReport(
            id=said.pk,
            company=said.company.name,
            reference=said.incident.reference,
            kind=ReportKind(said.kind),
            said_at=said.said_at,
            record_state=CompanyState(said.record_state),
            restored_at=said.restored_at,
            disagrees=said.disagrees,
        )
        for said in rows[:most]
    )


def still_open(reports: QuerySet[ClientReport]) -> QuerySet[ClientReport]:
    """Those that wait for an answer: not answered, and not taken back by a later word."""
    return reports.filter(~followed(), state=ReportState.OPEN)


def taken_back(reports: QuerySet[ClientReport]) -> QuerySet[ClientReport]:
    """Those to which the company itself said the opposite before anybody answered."""
    return reports.filter(followed(), state=ReportState.OPEN)


def with_record(reports: QuerySet[ClientReport]) -> QuerySet[Any]:
    """The reports with `record_state`, `restored_at`, `disagrees` and `is_followed`."""
    own = Recovery.objects.filter(
        company_id=OuterRef("company_id"),
        incident_id=Coalesce(OuterRef("incident__merged_into_id"), OuterRef("incident_id")),
    )
    return reports.annotate(
        record_state=Subquery(own.values("state")[:1]),
        restored_at=Subquery(own.values("restored_at")[:1]),
        is_followed=followed(),
    ).annotate(
        disagrees=ExpressionWrapper(
            Q(kind=ReportKind.STILL_BROKEN, record_state=CompanyState.RESTORED)
            | (
                Q(kind=ReportKind.CONFIRMED_BACK)
                & (~Q(record_state=CompanyState.RESTORED) | Q(since_at__gt=F("restored_at")))
            ),
            output_field=BooleanField(),
        )
    )


def standing(said: Any) -> ReportState:
    """What became of a report of `with_record`."""
    state = ReportState(said.state)
    return ReportState.WITHDRAWN if state is ReportState.OPEN and said.is_followed else state
