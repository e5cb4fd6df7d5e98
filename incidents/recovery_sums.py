"""What the entries of many companies add up to, and how these rank, in SQL.

The rules are those of `cohort`, which says them in words and in Python; a test holds the two against
each other. Each constant is a list of common table expressions that goes on from the one before it:

* `RECORDED` → `recorded`: the entries in effect, of several at one instant of a component the last one;
* `ADDED_UP`: `entry`, which is `recorded` or what would be → `own`: each company's recovery from them;
* `RANKED`: `own` → `ranked`, `bounds`: all companies in order of restoration, and the cohort's instants.

They take %(incident)s, %(companies)s (those to add up; null: all of the incident), %(now)s and
%(tail_percent)s.
"""

from collections.abc import Mapping
from typing import Any

from django.db import connection

RECORDED = """
written as materialized (
    select id, company_id, component_id, at, state, recorded_at, supersedes_id
    from incidents_recoveryentry
    where incident_id = %(incident)s
    and (%(companies)s::uuid[] is null or company_id = any(%(companies)s::uuid[]))
), recorded as (
    select distinct on (company_id, component_id, at) company_id, component_id, at, state
    from written
    where not exists (select from written later where later.supersedes_id = written.id)
    order by company_id, component_id, at, recorded_at desc, id desc
)
"""

ADDED_UP = """
placed as (
    select placement.company_id, placement.component_id,
        count(*) over (partition by placement.company_id) as components
    from incidents_affectedplacement placement
    where placement.incident_id = %(incident)s
    and (%(companies)s::uuid[] is null or placement.company_id = any(%(companies)s::uuid[]))
), turn as (
    select placed.company_id, placed.components, entry.at, entry.state,
        lag(entry.state) over (partition by company_id, component_id order by entry.at) as before
    from placed left join entry using (company_id, component_id)
), change as (
    select company_id, components, at,
        count(*) filter (where state = 'outage') - count(*) filter (where before = 'outage') as outages,
        count(*) filter (where state = 'degraded') - count(*) filter (where before = 'degraded') as degraded,
        count(*) filter (where state = 'unknown') - count(*) filter (where before = 'unknown') as unknown,
        count(*) filter (where state is not null and before is null) as begun,
        bool_or(state = 'restored' and before is distinct from 'restored') as is_restoration
    from turn group by company_id, components, at
), phase as (
    select company_id, components, at, begun, is_restoration,
        sum(outages) over in_time as outages, sum(degraded) over in_time as degraded,
        sum(unknown) over in_time as unknown, lead(at) over in_time as until_at,
        extract(epoch from
            coalesce(lead(at) over in_time, greatest(at, %(now)s::timestamptz)) - at) as seconds
    from change window in_time as (partition by company_id order by at)
), added as (
    select company_id,
        case
            when bool_or(outages > 0) filter (where until_at is null) then 'outage'
            when bool_or(degraded > 0) filter (where until_at is null) then 'degraded'
            when bool_or(unknown > 0) filter (where until_at is null) or sum(begun) < components
                then 'unknown'
            else 'restored'
        end as state,
        min(at) filter (where outages + degraded + unknown > 0) as impacted_at,
        max(at) filter (where is_restoration) as last_restoration_at,
        coalesce(sum(seconds) filter (where outages > 0), 0) as outage_seconds,
        coalesce(sum(seconds) filter (where outages = 0 and degraded > 0), 0) as degraded_seconds,
        greatest(max(at), %(now)s::timestamptz) as measured_at
    from phase group by company_id, components
), own as (
    select company_id, state, impacted_at,
        case when state = 'restored' then last_restoration_at end as restored_at,
        floor(outage_seconds)::int as outage_seconds, floor(degraded_seconds)::int as degraded_seconds,
        measured_at
    from added
)
"""

RANKED = """
held as (
    select recovery.id, recovery.company_id,
        case when own.company_id is null then recovery.state else own.state end as state,
        case when own.company_id is null then recovery.impacted_at else own.impacted_at end as impacted_at,
        case when own.company_id is null then recovery.restored_at else own.restored_at end as restored_at,
        coalesce(own.outage_seconds, recovery.outage_seconds) as outage_seconds,
        coalesce(own.degraded_seconds, recovery.degraded_seconds) as degraded_seconds,
        coalesce(own.measured_at, recovery.measured_at) as measured_at
    from incidents_recovery recovery left join own on own.company_id = recovery.company_id
    where recovery.incident_id = %(incident)s
), ranked as materialized (
    select held.*, row_number() over in_time as place, rank() over in_time as rank,
        count(*) over in_time as restored_by_then
    from held window in_time as (order by restored_at)
), counted as (
    select count(*) as affected_count, count(restored_at) as restored_count from ranked
), bounds as materialized (
    select affected_count, restored_count,
        (select restored_at from ranked where place = (affected_count * 50 + 99) / 100) as restored_half_at,
        (select restored_at from ranked
            where place = (affected_count * (100 - %(tail_percent)s) + 99) / 100) as restored_share_at,
        (select restored_at from ranked where place = affected_count) as all_restored_at
    from counted
)
"""


def row(statement: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """The one row that a statement over a whole incident returns, by the names of its columns.

    Joined by hashing: of what was written a moment ago the planner knows no sizes, and would go
    through all companies once for each company. In memory, of which few ask at a time.
    """
    with connection.cursor() as cursor:
        cursor.execute("set local enable_nestloop = off; set local work_mem = '64MB'")
        cursor.execute(statement, values)
        names = [column.name for column in cursor.description]
        found = cursor.fetchone()
        cursor.execute("set local enable_nestloop to default; set local work_mem to default")
    return dict(zip(names, found, strict=True))
