"""Whether what a company reads of an incident has changed: the hot path, so one plain statement."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection

from incidents import clocks, errors
from incidents.choices import CompanyState, IncidentState
from tenants import rls

VERSION = f"""
select incident.id, incident.version, incident.state, own.state, request.state, request.id,
    case request.state
        when 'requested' then request.answer_due_at
        when 'accepted' then request.preliminary_due_at
        when 'preliminary_delivered' then request.final_due_at
    end,
    (select row(max(report.number), count(report.answered_at))::text from incidents_clientreport report
        where report.company_id = own.company_id and report.incident_id = own.incident_id),
    incident.started_at, incident.planned_end_at
from incidents_recovery own
join incidents_incident incident on incident.id = own.incident_id
left join incidents_postmortemrequest request
    on request.company_id = own.company_id and request.incident_id = own.incident_id
    and request.state <> 'withdrawn'
where own.company_id = {rls.CURRENT_COMPANY} and incident.reference = %s and incident.published_at is not null
"""  # noqa: S608 - a constant of the row policies
"""One parameter, the incident's reference; one row for `of_row`, or none. Polled by everybody in the
worst hour: built by the ORM it took longer than it runs."""


@dataclass(frozen=True, kw_only=True)
class PageVersion:
    """Everything that can change what one company reads of one incident, for its ETag."""

    incident_id: UUID
    version: int
    state: IncidentState
    """As it is stored; `state_at` goes by the clock."""
    started_at: datetime
    planned_end_at: datetime | None
    is_restored: bool
    request_state: str
    request_id: UUID | None
    """Another one once the company has withdrawn and asked again."""
    report_due_at: datetime | None
    """When what the vendor owes next on the company's request is due; None if nothing or no date."""
    reports: str
    """Changes with every report of the company on this incident, and with every answer to one."""

    def report_is_late(self, now: datetime) -> bool:
        """Whether what is owed on the request has not come in time."""
        return self.report_due_at is not None and now > self.report_due_at

    def state_at(self, now: datetime) -> IncidentState:
        """Where the incident stands at `now`: a maintenance begins and ends by the clock."""
        return clocks.state_by_clock(
            self.state, started_at=self.started_at, planned_end_at=self.planned_end_at, now=now
        )

    @property
    def is_moving(self) -> bool:
        """Whether the page also changes with every minute (running durations, late updates)."""
        return not (self.state.is_set_aside or (self.state.is_over and self.is_restored))


def page_version(reference: str) -> PageVersion:
    """The version of an incident's page for the company of the scope. One statement.

    Raises IncidentNotFound for an unknown reference, a draft, and an incident of others.
    """
    with connection.cursor() as cursor:
        cursor.execute(VERSION, [reference])
        row = cursor.fetchone()
    if row is None:
        raise errors.IncidentNotFound
    return of_row(row)


def of_row(row: Sequence[Any]) -> PageVersion:
    """The version in a row of VERSION."""
    incident_id, version, state, own_state, request_state, request_id, report_due_at, reports, *window = row
    return PageVersion(
        incident_id=incident_id,
        version=version,
        state=IncidentState(state),
        started_at=window[0],
        planned_end_at=window[1],
        is_restored=own_state == CompanyState.RESTORED,
        request_state=request_state or "",
        request_id=request_id,
        report_due_at=report_due_at,
        reports=reports,
    )
