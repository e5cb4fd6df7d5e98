"""What the worker says to the database about the kept rows of a file of recoveries."""

from incidents import recovery_sums
from incidents.choices import RowKind

KEEP = """
with typed as materialized (
    select line, company, component, state, to_timestamp(at::float8) as at, problem from unnest(
        string_to_array(%(lines)s, %(separator)s)::int[],
        string_to_array(%(companies)s, %(separator)s, ''),
        string_to_array(%(components)s, %(separator)s, ''),
        string_to_array(%(states)s, %(separator)s, ''),
        string_to_array(%(instants)s, %(separator)s, ''),
        string_to_array(%(problems)s, %(separator)s, '')
    ) as typed (line, company, component, state, at, problem)
), by_slug as materialized (
    select typed.*, company.id as company_id
    from typed left join tenants_company company
        on company.slug = casefold(typed.company collate pg_unicode_fast)
), by_name as (
    select by_slug.line, (array_agg(company.id))[1] as company_id, count(*) as how_many
    from by_slug join tenants_company company
        on casefold(btrim(company.name) collate pg_unicode_fast)
            = casefold(by_slug.company collate pg_unicode_fast)
    where by_slug.company_id is null
    group by by_slug.line
), named as (
    select by_slug.*, coalesce(by_slug.company_id, by_name.company_id) as found_id,
        coalesce(by_name.how_many, 1) as how_many
    from by_slug left join by_name using (line)
), part as (
    select distinct on (word) casefold(btrim(component.name) collate pg_unicode_fast) as word, component.id
    from incidents_component component
    join incidents_affectedcomponent affected on affected.component_id = component.id
    where affected.incident_id = %(incident)s
    order by word, component.id
), placed as (
    select company_id, component_id from incidents_affectedplacement where incident_id = %(incident)s
), stated as materialized (
    select named.line, named.found_id as company_id, placed.component_id, named.state, named.at,
        case when named.found_id is null then '{UNKNOWN_COMPANY}'
            when named.how_many > 1 then '{AMBIGUOUS_COMPANY}'
            when named.component is not null and part.id is null then '{UNKNOWN_COMPONENT}'
            when placed.component_id is null then '{NOT_AFFECTED}'
            else named.problem end as problem
    from named
    left join part on part.word = casefold(named.component collate pg_unicode_fast)
    left join placed on placed.company_id = named.found_id
        and placed.component_id = coalesce(part.id, placed.component_id)
), kept as (
    insert into incidents_importportion
        (recovery_import_id, lines, company_ids, component_ids, states, ats)
    select %(import)s::uuid, array_agg(line), array_agg(company_id), array_agg(component_id),
        array_agg(state), array_agg(at)
    from stated where problem is null having count(*) > 0
)
select distinct line, problem from stated where problem is not null order by line
""".format_map(RowKind.__members__)
"""Match the rows of a portion with the record, keep their facts, and return the rows with a problem.

A company is meant by its short name, or by its name where that is nobody's short name, in any case."""

_STAGED = """
staged as (
    select staged.*
    from incidents_importportion portion,
        unnest(portion.lines, portion.company_ids, portion.component_ids, portion.states, portion.ats)
            as staged (line, company_id, component_id, state, at)
    where portion.recovery_import_id = %(import)s
), said as (
    select company_id, component_id, state, at, min(line) as line
    from staged group by company_id, component_id, state, at
), fact as (
    select * from said where not exists (
        select from incidents_recoveryentry entry
        where entry.incident_id = %(incident)s and entry.company_id = said.company_id
        and entry.component_id = said.component_id and entry.state = said.state and entry.at = said.at
        and not exists (
            select from incidents_recoveryentry later where later.supersedes_id = entry.id
        )
    )
)
"""
"""`said`: what the file says, each once, at the first line that does; `fact`: what of it is not recorded."""

WRITE = f"""
with {_STAGED}, added as (
    insert into incidents_recoveryentry (company_id, incident_id, component_id, state, at, source,
        recorded_by_id, recorded_at, idempotency_key)
    select company_id, %(incident)s::uuid, component_id, state, at, 'import', %(actor)s::uuid,
        %(now)s::timestamptz, %(key)s::text || line || ':' || component_id
    from fact
    order by line
)
select count(*) as entries, (select count(*) from (select distinct company_id from fact)) as companies
from fact
"""  # noqa: S608 - put together of constants

PREVIEW = f"""
with {_STAGED}, {recovery_sums.RECORDED}, latest as (
    select distinct on (company_id, component_id, at) company_id, component_id, at, state
    from fact order by company_id, component_id, at, line desc
), entry as (
    select * from latest
    union all
    select recorded.* from recorded where not exists (
        select from latest where latest.company_id = recorded.company_id
        and latest.component_id = recorded.component_id and latest.at = recorded.at
    )
), {recovery_sums.ADDED_UP}, {recovery_sums.HELD}, {recovery_sums.RANKED}, before as (
    select array_agg(restored_before order by restored_before) as in_order,
        count(restored_before)::int as restored_count
    from ranked
), held_before as materialized (
    select before.restored_count, in_order[affected_count] as all_at,
        in_order[(affected_count * (100 - %(tail_percent)s) + 99) / 100] as share_at
    from before, bounds
), moved as materialized (
    select company_id,
        restored_share_at is not null and (restored_at is null or restored_at > restored_share_at) as is_in,
        share_at is not null and (restored_before is null or restored_before > share_at) as was_in
    from ranked, bounds, held_before
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
    (select count(*) from fact) as entries,
    (select count(*) from (select distinct company_id from fact)) as companies,
    (select count(*) from (select distinct line from fact)) as new_lines,
    (select count(*) from (select distinct line from said)) as lines
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
