"""A report before it is published, as one company would read it now. Staff scope."""

import itertools
from datetime import datetime
from uuid import UUID

from incidents import cohort, report_facts
from incidents.choices import CompanyState, PublicationKind
from incidents.models import AffectedComponent, Incident, PostMortemAnnex, Recovery, RecoveryEntry
from incidents.queries import downtime, headers, reports
from incidents.queries.report_shapes import ReportPage, ReportVersion
from incidents.report_content import Content


def preview_page(
    incident: Incident, content: Content, *, company_id: UUID | None, zone: str, now: datetime
) -> ReportPage:
    """The page as it would be, with the annex of that company, or without one."""
    return reports.assembled(
        version_id=None,
        incident=incident,
        version=ReportVersion(
            number=0, kind=PublicationKind.PRELIMINARY, revision=0, change_note="", published_at=now
        ),
        versions=(),
        content=content,
        facts=report_facts.of_incident(incident, now=now),
        annex=_annex_now(incident, company_id, now=now) if company_id else None,
        states=(),
        readings=(),
        record_version=incident.version,
        sha256="",
        zone=zone,
        now=now,
    )


def _annex_now(incident: Incident, company_id: UUID, *, now: datetime) -> PostMortemAnnex | None:
    """What the company's annex would hold, not stored."""
    recovery = Recovery.objects.filter(incident=incident, company_id=company_id).first()
    if recovery is None:
        return None
    recovery.incident = incident
    counted = downtime.counted_by_company(incident, now=now, company_id=company_id).get(company_id)
    own = headers.stored_recovery(recovery, now=now, counted=counted)
    return PostMortemAnnex(
        company_id=company_id,
        incident=incident,
        state=recovery.state,
        impacted_at=recovery.impacted_at,
        restored_at=recovery.restored_at,
        outage_seconds=own.outage_seconds,
        degraded_seconds=own.degraded_seconds,
        rank=recovery.rank,
        percentile=recovery.percentile,
        in_tail=recovery.in_tail,
        is_final=recovery.is_final,
        timeline=_turns(incident, company_id, now=now),
    )


def _turns(incident: Incident, company_id: UUID, *, now: datetime) -> list[list[object]]:
    names = dict(
        AffectedComponent.objects.filter(incident=incident).values_list("component_id", "component__name")
    )
    rows = RecoveryEntry.objects.filter(incident=incident, company_id=company_id)
    entries = [RecoveryEntry.fact(row) for row in rows.values_list(*RecoveryEntry.FACTS)]

    def moment(entry: cohort.Entry) -> tuple[datetime, CompanyState]:
        return entry.at, entry.state

    ordered = sorted(cohort.entries_in_effect(entries, now=now), key=moment)
    return [
        [at.isoformat(), str(state), sorted(names.get(entry.component_id, "") for entry in same)]
        for (at, state), same in itertools.groupby(ordered, key=moment)
    ]
