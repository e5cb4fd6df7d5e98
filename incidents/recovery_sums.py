"""What the entries of many companies add up to, and how these rank, in SQL.

The rules are those of `cohort`, which says them in words and in Python; a test holds the two against
each other. Each constant is a list of common table expressions that goes on from the one before it:

* `RECORDED` → `recorded`: the entries in effect, of several at one instant of a component the last one;
* `ADDED_UP`: `entry`, which is `recorded` or what would be → `own`: each company's recovery from them;
* `HELD`: `own` → `held`: all recoveries of the incident, those of `own` as these say, beside what was
  stored; `STORED` → `held`: all as they are stored;
* `RANKED`: `held` → `ranked`, `bounds`: all companies in order of restoration, and the cohort's instants;
* `STEPS` → `kept`: of the instants at which companies were restored as many as a curve needs.

They take %(incident)s, %(companies)s (those to add up; null: all of the incident), %(now)s,
%(tail_percent)s and %(most_steps)s.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
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
turn as (
    select company_id, at, state,
        lag(state) over (partition by company_id, component_id order by at) as before
    from entry
), phase as (
    select company_id, at, before is null as is_begun,
        state = 'restored' and before is distinct from 'restored' as is_restoration,
        count(*) filter (where state = 'outage') over in_time
            - count(*) filter (where before = 'outage') over in_time as outages,
        count(*) filter (where state = 'degraded') over in_time
            - count(*) filter (where before = 'degraded') over in_time as degraded,
        count(*) filter (where state = 'unknown') over in_time
            - count(*) filter (where before = 'unknown') over in_time as unknown,
        lead(at) over in_time is null as is_last,
        coalesce(lead(at) over in_time, greatest(at, %(now)s::timestamptz)) - at as lasted
    from turn window in_time as (partition by company_id order by at)
), added as (
    select company_id, count(*) filter (where is_begun) as begun,
        bool_or(outages > 0) filter (where is_last) as is_out,
        bool_or(degraded > 0) filter (where is_last) as is_degraded,
        bool_or(unknown > 0) filter (where is_last) as is_unknown,
        min(at) filter (where outages + degraded + unknown > 0) as impacted_at,
        max(at) filter (where is_restoration) as last_restoration_at,
        sum(lasted) filter (where outages > 0) as outage,
        sum(lasted) filter (where outages = 0 and degraded > 0) as degradation,
        max(at) as last_at
    from phase group by company_id
), placed as (
    select company_id, count(*) as components from incidents_affectedplacement
    where incident_id = %(incident)s
    and (%(companies)s::uuid[] is null or company_id = any(%(companies)s::uuid[]))
    group by company_id
), summed as (
    select placed.company_id,
        case when is_out then 'outage' when is_degraded then 'degraded'
            when is_unknown or begun is distinct from components then 'unknown'
            else 'restored' end as state,
        impacted_at, last_restoration_at, outage, degradation, last_at
    from placed left join added using (company_id)
), own as (
    select company_id, state, impacted_at,
        case when state = 'restored' then last_restoration_at end as restored_at,
        coalesce(floor(extract(epoch from outage)), 0)::int as outage_seconds,
        coalesce(floor(extract(epoch from degradation)), 0)::int as degraded_seconds,
        greatest(last_at, %(now)s::timestamptz) as measured_at
    from summed
)
"""
"""Of several turns of a company at one instant each sees the sums after all of them (they are peers of
the window), and all but the last of them lasts no time."""

DIFFERS = """
(recovery.state, recovery.impacted_at, recovery.restored_at,
    recovery.outage_seconds, recovery.degraded_seconds)
    is distinct from (own.state, own.impacted_at, own.restored_at, own.outage_seconds, own.degraded_seconds)
"""
"""Whether a stored `recovery` says something else than `own`."""

HELD = f"""
held as (
    select recovery.id, recovery.company_id, recovery.restored_at as restored_before,
        recovery.is_final, recovery.rank, recovery.percentile, recovery.in_tail,
        own.company_id is not null and {DIFFERS} as is_changed,
        case when own.company_id is null then recovery.state else own.state end as state,
        case when own.company_id is null then recovery.impacted_at else own.impacted_at end as impacted_at,
        case when own.company_id is null then recovery.restored_at else own.restored_at end as restored_at,
        coalesce(own.outage_seconds, recovery.outage_seconds) as outage_seconds,
        coalesce(own.degraded_seconds, recovery.degraded_seconds) as degraded_seconds,
        coalesce(own.measured_at, recovery.measured_at) as measured_at
    from incidents_recovery recovery left join own on own.company_id = recovery.company_id
    where recovery.incident_id = %(incident)s
)
"""  # noqa: S608 - put together of constants

STORED = """
held as (
    select id, restored_at, is_final, rank, percentile, in_tail, false as is_changed
    from incidents_recovery where incident_id = %(incident)s
)
"""

RANKED = """
ranked as materialized (
    select held.*, rank() over in_time as place, count(*) over in_time as restored_by_then
    from held window in_time as (order by restored_at)
), instants as materialized (
    select count(*)::int as affected_count, count(restored_at)::int as restored_count,
        array_agg(restored_at order by restored_at) filter (where restored_at is not null) as in_order,
        array_agg(restored_by_then order by restored_at) filter (where restored_at is not null) as by_then,
        count(*) filter (where restored_at <= %(now)s)::int as drawn_count,
        count(distinct restored_at) filter (where restored_at <= %(now)s) as step_count
    from ranked
), bounds as materialized (
    select affected_count, restored_count, drawn_count, step_count,
        in_order[(affected_count * 50 + 99) / 100] as restored_half_at,
        in_order[(affected_count * (100 - %(tail_percent)s) + 99) / 100] as restored_share_at,
        affected_count - by_then[(affected_count * (100 - %(tail_percent)s) + 99) / 100] as tail_count,
        in_order[affected_count] as all_restored_at
    from instants
)
"""


STEPS = """
wanted as (
    select (drawn_count * part + %(most_steps)s - 4) / (%(most_steps)s - 3) as place
    from bounds, generate_series(1, %(most_steps)s - 3) part
    union all
    select unnest(array[affected_count * 50 + 99, affected_count * (100 - %(tail_percent)s) + 99]) / 100
    from bounds
    union all
    select affected_count from bounds
), kept as materialized (
    select restored_at as at, restored_by_then as count from ranked
    where (select step_count from bounds) <= %(most_steps)s and restored_at <= %(now)s
    union
    select in_order[place], by_then[place] from instants, wanted
    where step_count > %(most_steps)s and place <= drawn_count
)
"""
"""Where there are more instants than %(most_steps)s, those at which half, the first 95% and all were
restored are kept, and the others are spread evenly over the companies, so that between two of them the
curve is nowhere off by more than 1/(%(most_steps)s - 3) of the recoveries. Each is exact."""


def row(statement: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """The one row that a statement over a whole incident returns, by the names of its columns."""
    with _hashing() as cursor:
        cursor.execute(statement, values)
        names = [column.name for column in cursor.description]
        found = cursor.fetchone()
    return dict(zip(names, found, strict=True))


def rows(statement: str, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """All rows that a statement over a whole incident returns."""
    with _hashing() as cursor:
        cursor.execute(statement, values)
        return list(cursor.fetchall())


@contextmanager
def _hashing() -> Iterator[Any]:
    """A cursor that joins by hashing, in memory: few ask at a time.

    Of what was written a moment ago the planner knows no sizes, and would go through all companies
    once for each company.
    """
    with connection.cursor() as cursor:
        cursor.execute("set local enable_nestloop = off; set local work_mem = '64MB'")
        yield cursor
        cursor.execute("set local enable_nestloop to default; set local work_mem to default")
