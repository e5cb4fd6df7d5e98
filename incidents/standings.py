"""One incident's recoveries → cohort → each company's own row and the published roster.

The only place that reads across companies on behalf of clients; always in the staff scope. What
a client must not read is left out here, when it is written.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection

from incidents import curve, recovery_sums
from incidents.choices import RosterPolicy
from incidents.models import Cohort, Incident, RosterEntry

LARGEST_AT_ONCE = 5_000
"""In a larger cohort single recordings wait for a common recount: `count_again`, every 2 s."""
SMALLEST_SHOWN_COHORT = 20
"""Below it instants, curve, places and a tail would point at single companies: none is published."""

_SUMS = """
state = own.state, impacted_at = own.impacted_at, restored_at = own.restored_at,
outage_seconds = own.outage_seconds, degraded_seconds = own.degraded_seconds,
measured_at = own.measured_at,
"""

_ADD_UP = f"""
with {recovery_sums.RECORDED}, entry as (
    select * from recorded
), {recovery_sums.ADDED_UP}, stored as (
    update incidents_recovery recovery
    set {_SUMS} rank = null, percentile = null, in_tail = null
    from own
    where recovery.incident_id = %(incident)s and recovery.company_id = own.company_id
    and {recovery_sums.DIFFERS}
    returning recovery.id
)
select exists(select from stored) as is_changed
"""  # noqa: S608 - put together of constants


def _placing(held: str, sums: str = "") -> str:
    """The statement that writes everybody's place, and of `held` also these sums, where they differ."""
    return f"""
with {held}, {recovery_sums.RANKED}, {recovery_sums.STEPS}, standing as not materialized (
    select ranked.*,
        case when affected_count >= %(smallest)s and restored_at is not null then place end as own_rank,
        case when affected_count >= %(smallest)s and restored_at is not null
            then (100 * restored_by_then)::float8 / affected_count end as own_percentile,
        case when affected_count < %(smallest)s then false
            when restored_share_at is not null then restored_at is null or restored_at > restored_share_at
        end as is_in_tail
    from ranked, bounds
), moved as not materialized (
    select * from standing
    where is_changed
    or (is_final, rank, percentile, in_tail)
        is distinct from (%(is_final)s, own_rank, own_percentile, is_in_tail)
), stored as (
    update incidents_recovery recovery
    set {sums} is_final = %(is_final)s, rank = own_rank, percentile = own_percentile, in_tail = is_in_tail
    from moved as own
    where recovery.incident_id = %(incident)s and recovery.id = own.id
)
select affected_count, restored_count, restored_half_at, restored_share_at, all_restored_at, tail_count,
    (select array_agg(at order by at) from kept) as step_ats,
    (select array_agg(count order by at) from kept) as step_counts,
    exists(select from moved) as is_changed
from bounds
"""  # noqa: S608 - put together of constants


_SETTLE = _placing(
    f"""{recovery_sums.RECORDED}, entry as (
    select * from recorded
), {recovery_sums.ADDED_UP}, {recovery_sums.HELD}""",  # noqa: S608 - put together of constants
    _SUMS,
)
_PLACE = _placing(recovery_sums.STORED)
"""Where no entry is new: without what need not be added up or written again, a quarter faster."""

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


def settle(incident: Incident, company_ids: Collection[UUID] | None, *, now: datetime) -> None:
    """Write what entries add up to and, anew, everybody's place, the cohort and the roster.

    `company_ids` are those of whom entries were added, None for all of the incident. If no recovery
    differs from before, nothing is written; the version grows all the same, for entries are shown, too.
    Where a few change in a cohort larger than LARGEST_AT_ONCE, they are written without a place, and
    places, cohort and roster follow with `count_again`.
    The caller holds the incident's row lock, in the staff scope. Final once the incident is over.
    """
    if company_ids is not None and _is_large(incident):
        _add_up(incident, company_ids, now=now)
    else:
        figures = _settle(incident, company_ids, now=now)
        if figures.is_changed:
            _write_cohort(incident, figures, now=now)
            write_roster(incident)
    bump(incident)


def count_again(*, now: datetime) -> int:
    """Refresh what waits for it; returns how many incidents that were. Staff scope.

    An incident whose lock somebody holds is left for the next time.
    """
    waiting = Incident.objects.select_for_update(skip_locked=True, no_key=True, of=("self",))
    stale = list(waiting.filter(cohort__stale_since__isnull=False))
    for incident in stale:
        refresh(incident, now=now)
    return len(stale)


def count_waiting(incident: Incident, *, now: datetime) -> None:
    """Refresh an incident of which something waits for `count_again`, for what is written for good.

    The caller holds the incident's row lock, in the staff scope.
    """
    if Cohort.objects.filter(incident=incident, stale_since__isnull=False).exists():
        refresh(incident, now=now)


def refresh(incident: Incident, *, now: datetime, company_ids: Collection[UUID] | None = ()) -> None:
    """Write everybody's place, the cohort and the roster anew; bump the incident's version.

    What the entries of `company_ids` add up to is written as well; None: of all companies.

    The caller holds the incident's row lock, in the staff scope. Final once the incident is over.
    """
    _write_cohort(incident, _settle(incident, company_ids, now=now), now=now)
    write_roster(incident)
    bump(incident)


def write_roster(incident: Incident) -> None:
    """Write the roster anew: names of the tail's companies that agreed, if the policy shows names."""
    RosterEntry.objects.filter(incident=incident).delete()
    if incident.roster_policy == RosterPolicy.NAMES:
        _execute(_WRITE_ROSTER, [incident.pk])


def bump(incident: Incident) -> None:
    """Say that something of the incident which a client could see has changed."""
    incident.version += 1
    incident.save(update_fields=["version"])


@dataclass(frozen=True, kw_only=True, slots=True)
class _Figures:
    """What the statement says of all companies together; instants are None until they have happened."""

    affected_count: int
    restored_count: int
    restored_half_at: datetime | None
    restored_share_at: datetime | None
    all_restored_at: datetime | None
    tail_count: int | None
    step_ats: list[datetime] | None
    step_counts: list[int] | None
    """How many were restored by each of these instants, as far as the curve needs; None: nobody is."""
    is_changed: bool


def _settle(incident: Incident, company_ids: Collection[UUID] | None, *, now: datetime) -> _Figures:
    values = {
        "incident": incident.pk,
        "companies": None if company_ids is None else list(company_ids),
        "now": now,
        "tail_percent": incident.tail_percent,
        "is_final": incident.is_over,
        "smallest": SMALLEST_SHOWN_COHORT,
        "most_steps": curve.MOST_STEPS,
    }
    statement = _SETTLE if company_ids is None or company_ids else _PLACE
    return _Figures(**recovery_sums.row(statement, values))


def _is_large(incident: Incident) -> bool:
    return Cohort.objects.filter(incident=incident, affected_count__gt=LARGEST_AT_ONCE).exists()


def _add_up(incident: Incident, company_ids: Collection[UUID], *, now: datetime) -> None:
    values = {"incident": incident.pk, "companies": list(company_ids), "now": now}
    if recovery_sums.row(_ADD_UP, values)["is_changed"]:
        Cohort.objects.filter(incident=incident, stale_since=None).update(stale_since=now)


def _write_cohort(incident: Incident, figures: _Figures, *, now: datetime) -> None:
    is_shown = figures.affected_count >= SMALLEST_SHOWN_COHORT
    is_counted = (
        is_shown and incident.roster_policy != RosterPolicy.HIDDEN and figures.restored_share_at is not None
    )
    Cohort.objects.update_or_create(
        incident=incident,
        defaults={
            "affected_count": figures.affected_count,
            "restored_count": figures.restored_count,
            "tail_percent": incident.tail_percent,
            "tail_count": figures.tail_count if is_counted else None,
            "restored_half_at": figures.restored_half_at if is_shown else None,
            "restored_share_at": figures.restored_share_at if is_shown else None,
            "all_restored_at": figures.all_restored_at if is_shown else None,
            "curve": _curve(incident, figures, now=now) if is_shown else [],
            "is_final": incident.is_over,
            "computed_at": now,
            "stale_since": None,
        },
    )


def _curve(incident: Incident, figures: _Figures, *, now: datetime) -> list[list[float]]:
    points = curve.recovery_curve(
        zip(figures.step_ats or (), figures.step_counts or (), strict=True),
        affected_count=figures.affected_count,
        started_at=incident.started_at,
        until=now,
    )
    return [[(point.at - incident.started_at).total_seconds(), point.share] for point in points]


def _execute(statement: str, values: list[Any]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
