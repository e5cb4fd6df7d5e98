"""A portal of many companies, written by the database itself: so many that a scan shows in every plan.

Beside the cast there are thousands of companies with people, sign-ins, placements, requests and
audit events, thousands of incidents of years gone by, and three incidents that hit all or half.
"""

import os
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import psycopg

from incidents.choices import IncidentKind, IncidentState, UpdateKind
from incidents.models import Incident
from incidents.operations import incidents, postmortems
from tenants import rls, scope, walls
from tenants.models import User
from tests import conftest, factories, services
from tests.portal import crowd_reports

COMPANIES_OF_AN_OLD_INCIDENT = 20
OLD_INCIDENTS_OF_ACME = 60
LEAST_ROWS = 1_000
"""Of each table of companies and of published rows: fewer, and a scan would be the right plan."""


@dataclass(frozen=True, kw_only=True)
class Crowd:
    """The cast, the companies around it, and the incidents in which Acme is worth a look."""

    world: conftest.World
    opened: Incident
    """Open for all companies; Acme is down and in nobody's tail yet."""
    restored: Incident
    """Over, on half of the companies; Acme was in its tail and has asked for the report."""
    reported: Incident
    """Over, on half of the companies; Acme holds its report, and a statement on it."""
    statement: str
    """The number of that statement."""
    planned: Incident
    """A maintenance that has not begun."""
    tia: User
    """Reads for Acme and for Globex."""
    roster_length: int
    """Names on the longest roster."""


def gather(*, companies: int, old_incidents: int) -> Crowd:
    """Make the world and put it among so many other companies and incidents; to be committed."""
    world = conftest.make_world()
    tia = factories.person("tia@people.example")
    factories.member(tia, world.acme)
    factories.member(tia, world.globex)
    restored, reported = (_over(world, title) for title in ("Half of all", "Half of all once more"))
    with scope.as_company(world.acme.pk, user_id=world.ada.pk):
        postmortems.request(
            factories.actor(world.ada, world.acme),
            reference=restored.reference,
            purpose="For our auditors.",
            now=factories.STARTED_AT + timedelta(hours=3),
        )
    crowd_reports.publish(world, reported)
    statement = crowd_reports.issue(world, reported)
    planned = factories.draft(
        world.api, title="New switches", kind=IncidentKind.MAINTENANCE, state=IncidentState.SCHEDULED
    )
    with scope.as_staff():
        incidents.publish(factories.actor(world.sam), incident_id=planned.pk, now=factories.STARTED_AT)
    names = _write(companies, old_incidents, world=world, halves=(restored, reported))
    return Crowd(
        world=world,
        opened=world.incident,
        restored=restored,
        reported=reported,
        statement=statement,
        planned=planned,
        tia=tia,
        roster_length=names,
    )


def _over(world: conftest.World, title: str) -> Incident:
    made = factories.incident(world.api, world.reports, title=title)
    factories.restore(world.acme, made, minutes=95)
    factories.restore(world.globex, made, minutes=40)
    with scope.as_staff():
        incidents.post_update(
            factories.actor(world.sam),
            incident_id=made.pk,
            kind=UpdateKind.RESOLVED,
            body_markdown="All systems work again.",
            now=factories.STARTED_AT + timedelta(hours=2),
        )
    return made


def _write(companies: int, old_incidents: int, *, world: conftest.World, halves: tuple[Incident, ...]) -> int:
    """Write the crowd as the superuser, set by set; returns the length of the longest roster."""
    address = services.admin_url(os.environ["PORTAL_TEST_DATABASE"])
    with psycopg.connect(address) as admin:
        # Sets that fit by construction: keys between them need not be looked up row by row.
        admin.execute("set session_replication_role = replica")
        _write_companies(admin, companies)
        _write_catalogue(admin, world)
        _write_old_incidents(admin, companies, old_incidents, world)
        for incident, every in ((world.incident, 1), *((half, 2) for half in halves)):
            _write_great_incident(admin, incident.pk, every=every, component=world.api.pk)
        crowd_reports.write(admin, world.incident)
        _write_words_and_events(admin)
        admin.commit()
        admin.autocommit = True
        admin.execute("vacuum (analyze)")
        _refuse_small_tables(admin)
        (longest,) = _one(
            admin,
            "select max(names) from "
            "(select count(*) as names from incidents_rosterentry group by incident_id)",
        )
    return int(longest)


def _write_companies(admin: psycopg.Connection, companies: int) -> None:
    admin.execute(
        "create temp table crowd as select number, uuidv7() as company_id, uuidv7() as user_id "
        f"from generate_series(1, {companies}) number"
    )
    admin.execute(
        "insert into tenants_company (id, slug, name, time_zone, consents_to_be_named, created_at) "
        "select company_id, 'crowd-' || number, 'Crowd ' || number, 'UTC', mod(number, 3) = 0, now() "
        "from crowd"
    )
    admin.execute(
        "insert into tenants_user (id, email, password, name, time_zone, is_active, is_staff, is_superuser, "
        "date_joined) select user_id, 'one@crowd-' || number || '.example', '!', 'One', '', true, false, "
        "false, now() from crowd"
    )
    admin.execute(
        "insert into tenants_membership (company_id, user_id, role, created_at) "
        "select company_id, user_id, 'owner', now() from crowd"
    )
    admin.execute(
        "insert into tenants_session (session_key, session_data, expire_date, user_id) "
        "select md5(number::text), '', now() + interval '1 day', user_id from crowd"
    )


def _write_catalogue(admin: psycopg.Connection, world: conftest.World) -> None:
    """More services and data centers than anybody has, so that reading all of them is not cheapest."""
    for table, label in (("service", "name"), ("datacenter", "code")):
        more = ", name" if table == "datacenter" else ""
        value = ", 'Center ' || number" if more else ""
        admin.execute(
            f"insert into incidents_{table} ({label}{more}, position) "
            f"select 'C' || number{value}, number from generate_series(1, 2000) number"
        )
    admin.execute(
        "insert into incidents_component (service_id, data_center_id, name) "
        "select service.id, center.id, 'Component ' || service.position || ' ' || center.position "
        "from incidents_service service join incidents_datacenter center "
        "on center.position in (service.position, mod(service.position, 2000) + 1) and service.position > 0"
    )
    admin.execute(
        "create temp table part as "
        "select row_number() over (order by id) as number, id from incidents_component"
    )
    admin.execute(
        "insert into incidents_placement (company_id, component_id) "
        "select company_id, %s from crowd union all "
        "select company_id, part.id from crowd join part on part.number = mod(crowd.number, 4000) + 1 "
        "where part.id <> %s",
        [world.api.pk, world.api.pk],
    )


def _write_old_incidents(
    admin: psycopg.Connection, companies: int, incidents: int, world: conftest.World
) -> None:
    """Years of smaller incidents; Acme was in some of them, all over these years."""
    admin.execute(
        "create temp table past as select number, uuidv7() as id, now() - number * interval '5 hours' as at "
        f"from generate_series(1, {incidents}) number"
    )
    admin.execute(
        "insert into incidents_incident (id, reference, title, kind, severity, state, started_at, "
        "detected_at, resolved_at, published_at, tail_percent, roster_policy, request_policy, version) "
        "select id, 'OLD-' || number, 'Outage ' || number, 'incident', 'major', 'resolved', at, at, "
        "at + interval '2 hours', at, 5, 'names', 'approval', 3 from past"
    )
    admin.execute(
        "insert into incidents_affectedcomponent (incident_id, component_id) "
        "select past.id, part.id from past cross join generate_series(1, 2) more "
        "join part on part.number = mod(past.number + more, 4000) + 1"
    )
    admin.execute(
        "insert into incidents_update (incident_id, kind, audience, body_markdown, body_html, published_at, "
        "override_reason) select id, case step when 4 then 'resolved' else 'update' end, "
        "case step when 2 then 'staff' else 'everyone' end, 'Text', '<p>Text</p>', "
        "at + step * interval '20 minutes', '' from past cross join generate_series(1, 4) step"
    )
    admin.execute(
        "insert into incidents_claim (incident_id, kind, source, claimed_at) "
        "select id, kind, 'Header of the status page', at from past "
        "cross join unnest(array['started_at', 'restored_at']) kind"
    )
    admin.execute(
        "create temp table touched as select past.id as incident_id, past.at, crowd.company_id, crowd.number "
        f"from past cross join generate_series(1, {COMPANIES_OF_AN_OLD_INCIDENT}) place join crowd on "
        f"crowd.number = mod(past.number * {COMPANIES_OF_AN_OLD_INCIDENT} + place, {companies}) + 1 "
        "union all select id, at, %s, 1 from past "
        f"where mod(number, {incidents // OLD_INCIDENTS_OF_ACME}) = 0",
        [world.acme.pk],
    )
    _write_recoveries(admin, "touched", component=world.api.pk)
    _write_cohorts(admin, "touched", named="true")


def _write_great_incident(
    admin: psycopg.Connection, incident_id: UUID, *, every: int, component: UUID
) -> None:
    """One incident of every so many companies; the last 5% of them are its tail, with their roster.

    Acme's and Globex' own rows are there already; Acme is put into the tail where it is restored.
    """
    admin.execute("drop table if exists hit")
    admin.execute(
        "create temp table hit as select incident.id as incident_id, incident.started_at as at, "
        "crowd.company_id, crowd.number from crowd cross join incidents_incident incident "
        f"where incident.id = %s and mod(crowd.number, {every}) = 0",
        [incident_id],
    )
    _write_recoveries(admin, "hit", component=component)
    admin.execute("delete from incidents_cohort where incident_id = %s", [incident_id])
    _write_cohorts(admin, "hit", named="mod(number, 20) = 0 and mod(number, 3) = 0")
    admin.execute(
        "update incidents_recovery set in_tail = true, rank = 2, percentile = 0.99, is_final = true "
        "where incident_id = %s and company_id = (select id from tenants_company where slug = 'acme') "
        "and restored_at is not null",
        [incident_id],
    )


def _write_recoveries(admin: psycopg.Connection, touched: str, *, component: UUID) -> None:
    """What each of the `touched` (incident_id, at, company_id, number) went through: down, and back."""
    admin.execute(
        "insert into incidents_recovery (company_id, incident_id, state, impacted_at, restored_at, "
        "outage_seconds, degraded_seconds, measured_at, rank, percentile, in_tail, is_final) "
        "select company_id, incident_id, 'restored', at, at + mod(number, 90) * interval '1 minute', "
        "mod(number, 90) * 60, 0, at, number, 0.5, mod(number, 20) = 0, true "
        f"from {touched}"
    )
    admin.execute(
        "insert into incidents_affectedplacement (company_id, incident_id, component_id) "
        f"select company_id, incident_id, %s from {touched}",
        [component],
    )
    for state, later in (("outage", "0"), ("restored", "mod(number, 90)")):
        admin.execute(
            "insert into incidents_recoveryentry (company_id, incident_id, component_id, state, at, source, "
            "recorded_at, idempotency_key) select company_id, incident_id, %s, %s, "
            f"at + {later} * interval '1 minute', 'import', at, incident_id || ' ' || %s from {touched}",
            [component, state, state],
        )


def _write_cohorts(admin: psycopg.Connection, touched: str, *, named: str) -> None:
    """The cohort of each of the `touched` incidents, and a roster of those that fit `named`."""
    admin.execute(
        "insert into incidents_cohort (incident_id, affected_count, restored_count, tail_percent, "
        "tail_count, restored_half_at, restored_share_at, all_restored_at, curve, is_final, computed_at) "
        "select incident_id, count(*), count(*), 5, greatest(1, count(*) / 20), min(at), min(at), min(at), "
        "'[[0, 0], [1200, 0.4], [5400, 1]]', true, min(at) "
        f"from {touched} group by incident_id"
    )
    admin.execute(
        "insert into incidents_rosterentry (incident_id, company_id, name, restored_at) "
        "select incident_id, company_id, 'Crowd ' || number, at + mod(number, 90) * interval '1 minute' "
        f"from {touched} where {named}"
    )


def _write_words_and_events(admin: psycopg.Connection) -> None:
    admin.execute(
        "insert into incidents_clientreport (company_id, incident_id, number, kind, component_ids, text, "
        "said_at, said_by_name, state, answer, answered_at) "
        "select company_id, incident_id, number, 'still_broken', array[incident_id], 'Down', now(), 'One', "
        "'disputed', 'It was not.', now() "
        "from incidents_recovery cross join generate_series(1, 2) as number where mod(rank, 4) = 0"
    )
    admin.execute(
        "insert into incidents_update (incident_id, kind, audience, body_markdown, body_html, published_at, "
        "override_reason) select id, 'update', 'companies', 'Text', '', at, '' from past"
    )
    admin.execute(
        "insert into incidents_updatereader (company_id, incident_id, update_id) "
        "select company_id, incident_id, narrow.id from incidents_update narrow "
        "join incidents_recovery using (incident_id) where audience = 'companies'"
    )
    admin.execute(
        "insert into incidents_updatewording (incident_id, update_id, reader_state, body_html) "
        "select incident_id, id, state, '<p>Text</p>' from incidents_update "
        "cross join unnest(array['restored', 'affected', 'unknown']) state where audience = 'companies'"
    )
    admin.execute(
        "insert into tenants_auditevent (company_id, actor_id, actor_kind, actor_name, shown_name, action, "
        "object_type, object_id, detail, at) "
        "select company_id, user_id, 'client', 'One', 'One', 'post_mortem.requested', 'x', 'y', '{}', now() "
        "from crowd"
    )


def _refuse_small_tables(admin: psycopg.Connection) -> None:
    """A table with a handful of rows is rightly read whole: the guard would look at nothing."""
    small = {}
    for table, access in walls.declared().items():
        if access.kind in GUARDED:
            (rows,) = _one(admin, f'select count(*) from (select from "{table}" limit {LEAST_ROWS})')
            if rows < LEAST_ROWS:
                small[table] = rows
    assert small == {}, f"give the crowd (tests/portal/crowd.py) {LEAST_ROWS} rows of each of these tables"


GUARDED: tuple[rls.Kind, ...] = ("company-owned", "published")


def _one(admin: psycopg.Connection, statement: str) -> tuple[int, ...]:
    row = admin.execute(statement).fetchone()
    assert row is not None
    return row
