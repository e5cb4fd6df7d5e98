"""What the worker says to the database about the kept rows of a file of recoveries."""

from incidents import recovery_sums
from incidents.choices import RowKind

KEEP = """
insert into incidents_importrow
    (recovery_import_id, line, problem, typed, affected_id, component_id, state, at)
select %s::uuid, kept.line, kept.problem, kept.typed, kept.affected_id, kept.component_id, kept.state, kept.at
from unnest(%s::int[], %s::text[], %s::text[], %s::uuid[], %s::uuid[], %s::text[], %s::timestamptz[])
    as kept (line, problem, typed, affected_id, component_id, state, at)
"""

_KNOWN = """
known as (
    select distinct entry.company_id, entry.component_id, entry.state, entry.at
    from incidents_recoveryentry entry
    where entry.incident_id = %(incident)s and not exists (
        select from incidents_recoveryentry later where later.supersedes_id = entry.id
    )
)
"""

COUNT = f"""
with {_KNOWN}, fact as (
    select staged.line, known.company_id is not null as is_known, row_number() over (
        partition by staged.affected_id, staged.component_id, staged.state, staged.at order by staged.line
    ) as nth
    from incidents_importrow staged
    left join known on known.company_id = staged.affected_id and known.component_id = staged.component_id
        and known.state = staged.state and known.at = staged.at
    where staged.recovery_import_id = %(import)s and staged.problem = ''
), stated as (
    select bool_or(nth = 1 and not is_known) as is_new, bool_or(nth = 1) as is_first from fact group by line
)
select count(*) filter (where is_new) as "{RowKind.NEW}",
    count(*) filter (where not is_new and is_first) as "{RowKind.KNOWN}",
    count(*) filter (where not is_first) as "{RowKind.TWICE}"
from stated
"""  # noqa: S608 - put together of constants

_NEW = """
fact as (
    select distinct on (staged.affected_id, staged.component_id, staged.state, staged.at)
        staged.affected_id, staged.component_id, staged.state, staged.at, staged.line
    from incidents_importrow staged
    left join known on known.company_id = staged.affected_id and known.component_id = staged.component_id
        and known.state = staged.state and known.at = staged.at
    where staged.recovery_import_id = %(import)s and staged.problem = '' and known.company_id is null
    order by staged.affected_id, staged.component_id, staged.state, staged.at, staged.line
)
"""

WRITE = f"""
with {_KNOWN}, {_NEW}, added as (
    insert into incidents_recoveryentry (company_id, incident_id, component_id, state, at, source,
        recorded_by_id, recorded_at, idempotency_key)
    select affected_id, %(incident)s::uuid, component_id, state, at, 'import', %(actor)s::uuid,
        %(now)s::timestamptz, %(key)s::text || line || ':' || component_id
    from fact
    order by at, line
    on conflict (company_id, idempotency_key) do nothing
    returning company_id
)
select count(*) as entries, count(distinct company_id) as companies from added
"""  # noqa: S608 - put together of constants

PREVIEW = f"""
with {_KNOWN}, {_NEW}, {recovery_sums.RECORDED}, latest as (
    select distinct on (affected_id, component_id, at) affected_id as company_id, component_id, at, state
    from fact order by affected_id, component_id, at, line desc
), entry as (
    select * from latest
    union all
    select recorded.* from recorded where not exists (
        select from latest where latest.company_id = recorded.company_id
        and latest.component_id = recorded.component_id and latest.at = recorded.at
    )
), {recovery_sums.ADDED_UP}, {recovery_sums.RANKED}, before as materialized (
    select company_id, restored_at, row_number() over (order by restored_at) as place
    from incidents_recovery where incident_id = %(incident)s
), held_before as (
    select (select count(restored_at) from before) as restored_count,
        (select restored_at from before
            where place = (affected_count * (100 - %(tail_percent)s) + 99) / 100) as share_at,
        (select restored_at from before where place = affected_count) as all_at
    from counted
), moved as materialized (
    select company_id, restored_share_at is not null
            and (ranked.restored_at is null or ranked.restored_at > restored_share_at) as is_in,
        share_at is not null and (before.restored_at is null or before.restored_at > share_at) as was_in
    from ranked join before using (company_id), bounds, held_before
), entering as (
    select company_id from moved where is_in and not was_in
), leaving as (
    select company_id from moved where was_in and not is_in
)
select affected_count as affected,
    array[held_before.restored_count, bounds.restored_count] as restored,
    array[share_at, restored_share_at] as share_at, array[all_at, all_restored_at] as all_at,
    array(select company_id from entering order by company_id limit %(most_named)s) as entering,
    (select count(*) from entering) as entering_count,
    array(select company_id from leaving order by company_id limit %(most_named)s) as leaving,
    (select count(*) from leaving) as leaving_count,
    (select count(*) from fact) as entries, (select count(distinct affected_id) from fact) as companies
from bounds, held_before
"""  # noqa: S608 - put together of constants
"""What applying would do, as one reading of everything: nothing is written or locked."""

TAKE_BACK = """
with taken as (
    select entry.* from incidents_recoveryentry entry
    where entry.incident_id = %(incident)s and starts_with(entry.idempotency_key, %(key)s::text)
    and not exists (
        select from incidents_recoveryentry later where later.supersedes_id = entry.id
    )
), other as (
    select entry.* from incidents_recoveryentry entry
    where entry.incident_id = %(incident)s and not starts_with(entry.idempotency_key, %(key)s::text)
    and not exists (select from incidents_recoveryentry later where later.supersedes_id = entry.id)
), added as (
    insert into incidents_recoveryentry (company_id, incident_id, component_id, state, at, source,
        recorded_by_id, recorded_at, idempotency_key, supersedes_id)
    select taken.company_id, taken.incident_id, taken.component_id, coalesce(held.state, 'unknown'),
        coalesce(held.at, taken.at), 'staff', %(actor)s::uuid, %(now)s::timestamptz,
        'roll-back:' || taken.id, taken.id
    from taken
    left join lateral (
        select other.state, other.at from other
        where other.company_id = taken.company_id and other.component_id = taken.component_id
        order by other.at <= taken.at desc, abs(extract(epoch from other.at - taken.at)),
            other.recorded_at desc, other.id desc
        limit 1
    ) held on true
    on conflict (company_id, idempotency_key) do nothing
    returning company_id
)
select count(*) as entries, count(distinct company_id) as companies from added
"""
"""Each entry is superseded by a copy of the one that held before it, which so goes on holding; by
"not known" where there is no other."""
