"""One incident's recoveries → cohort → each company's own row and the published roster.

The only place that reads across companies on behalf of clients; always in the staff scope. What
a client must not read is left out here, when it is written.
"""

import dataclasses
from datetime import datetime
from typing import Any

from django.db import connection

from incidents import cohort as arithmetic
from incidents import curve
from incidents.choices import RosterPolicy
from incidents.models import Cohort, Incident, Recovery, RosterEntry

SMALLEST_SHOWN_COHORT = 20
"""Below it instants, curve, places and a tail would point at single companies: none is published."""

_WRITE_STANDINGS = """
update incidents_recovery recovery
set rank = standing.rank, percentile = standing.percentile, in_tail = standing.in_tail, is_final = %s
from unnest(%s::uuid[], %s::int[], %s::float8[], %s::bool[])
    as standing (company_id, rank, percentile, in_tail)
where recovery.incident_id = %s and recovery.company_id = standing.company_id
and (recovery.rank, recovery.percentile, recovery.in_tail, recovery.is_final)
    is distinct from (standing.rank, standing.percentile, standing.in_tail, %s)
"""

_WRITE_ROSTER = """
with tail as materialized (
    select recovery.incident_id, recovery.company_id, recovery.restored_at, company.name,
        company.consents_to_be_named
    from incidents_recovery recovery join tenants_company company on company.id = recovery.company_id
    where recovery.incident_id = %s and recovery.in_tail
    order by recovery.company_id for share of company
)
insert into incidents_rosterentry (incident_id, company_id, name, restored_at)
select incident_id, company_id, name, restored_at from tail where consents_to_be_named
"""
"""The tail's companies are locked before their consent is looked at: a consent or a name that is just
being changed is waited for, and who changes one later waits for this roster."""


def refresh(incident: Incident, *, now: datetime) -> arithmetic.Cohort:
    """Compute and store the standings, the cohort and the roster; bump the incident's version.

    The caller holds the incident's row lock, in the staff scope. Final once the incident is over.
    """
    recoveries = recoveries_of(incident)
    cohort = arithmetic.standings(recoveries, tail_percent=incident.tail_percent)
    _write_standings(incident, cohort)
    _write_cohort(incident, cohort, recoveries, now=now)
    write_roster(incident)
    bump(incident)
    return cohort


def recoveries_of(incident: Incident) -> list[arithmetic.CompanyRecovery]:
    """Every affected company with the instant of its restoration, as the arithmetic takes them."""
    rows = Recovery.objects.filter(incident=incident).values_list("company_id", "restored_at")
    return [
        arithmetic.CompanyRecovery(company_id=company_id, restored_at=restored_at)
        for company_id, restored_at in rows
    ]


def write_roster(incident: Incident) -> None:
    """Write the roster anew: names of the tail's companies that agreed, if the policy shows names."""
    RosterEntry.objects.filter(incident=incident).delete()
    if incident.roster_policy == RosterPolicy.NAMES:
        _execute(_WRITE_ROSTER, [incident.pk])


def bump(incident: Incident) -> None:
    """Say that something of the incident which a client could see has changed."""
    incident.version += 1
    incident.save(update_fields=["version"])


def _is_shown(cohort: arithmetic.Cohort) -> bool:
    return cohort.affected_count >= SMALLEST_SHOWN_COHORT


def _write_standings(incident: Incident, cohort: arithmetic.Cohort) -> None:
    published = (
        cohort.standings
        if _is_shown(cohort)
        else [
            dataclasses.replace(standing, rank=None, percentile=None, in_tail=False)
            for standing in cohort.standings
        ]
    )
    _execute(
        _WRITE_STANDINGS,
        [
            incident.is_over,
            [standing.company_id for standing in published],
            [standing.rank for standing in published],
            [standing.percentile for standing in published],
            [standing.in_tail for standing in published],
            incident.pk,
            incident.is_over,
        ],
    )


def _write_cohort(
    incident: Incident,
    cohort: arithmetic.Cohort,
    recoveries: list[arithmetic.CompanyRecovery],
    *,
    now: datetime,
) -> None:
    is_shown = _is_shown(cohort)
    is_counted = (
        is_shown and incident.roster_policy != RosterPolicy.HIDDEN and cohort.restored_share_at is not None
    )
    points = (
        curve.recovery_curve(
            [each.restored_at for each in recoveries if each.restored_at],
            affected_count=cohort.affected_count,
            started_at=incident.started_at,
            until=now,
            tail_percent=incident.tail_percent,
        )
        if is_shown
        else ()
    )
    Cohort.objects.update_or_create(
        incident=incident,
        defaults={
            "affected_count": cohort.affected_count,
            "restored_count": cohort.restored_count,
            "tail_percent": cohort.tail_percent,
            "tail_count": cohort.tail_count if is_counted else None,
            "restored_half_at": cohort.restored_half_at if is_shown else None,
            "restored_share_at": cohort.restored_share_at if is_shown else None,
            "all_restored_at": cohort.all_restored_at if is_shown else None,
            "curve": [[(point.at - incident.started_at).total_seconds(), point.share] for point in points],
            "is_final": incident.is_over,
            "computed_at": now,
        },
    )


def _execute(statement: str, values: list[Any]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
