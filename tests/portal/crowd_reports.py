"""What the crowd asks for, is given and takes along: requests, post-mortems and statements, set by set."""

from datetime import timedelta

import psycopg

from incidents.choices import PublicationKind
from incidents.models import Incident
from incidents.operations import statements
from tenants import scope
from tests import conftest, factories
from tests.incidents import reporting

ACTIONS_OF_A_REPORT = 3


def publish(world: conftest.World, incident: Incident) -> None:
    """Acme and Globex hold the report on `incident`, preliminary and final; both follow it."""
    reporting.asked(world, world.ada, world.acme, incident=incident)
    reporting.asked(world, world.gus, world.globex, incident=incident)
    draft = reporting.begun(world, incident)
    reporting.promised(world, incident)
    reporting.published(world, draft)
    later = reporting.NOW + timedelta(days=1)
    reporting.published(world, draft, PublicationKind.FINAL, note="All of it.", now=later)


def issue(world: conftest.World, incident: Incident) -> str:
    """The number of a statement that Ada has issued for Acme."""
    with scope.as_company(world.acme.pk, user_id=world.ada.pk):
        issued, _is_new = statements.issue_for_incident(
            factories.actor(world.ada, world.acme),
            reference=incident.reference,
            verify_at="http://testserver/verify/",
            now=reporting.NOW,
        )
    return str(issued.number)


def write(admin: psycopg.Connection, happened_again: Incident) -> None:
    """Rows of all who are in `crowd`, on all that stands in `incidents_recovery` and `past`."""
    _write_requests(admin)
    _write_reports(admin, happened_again)
    _write_statements(admin)


def _write_requests(admin: psycopg.Connection) -> None:
    """Requests with people, questions of both sides and what staff keep of each."""
    admin.execute(
        "insert into incidents_postmortemrequest (company_id, incident_id, state, requested_by_name, "
        "purpose, requested_at, answer_due_at, decline_reason) select company_id, incident_id, "
        "case mod(rank, 8) when 0 then 'final_delivered' else 'requested' end, 'One', 'Audit', now(), now(), "
        "'' from incidents_recovery where mod(rank, 4) = 0 on conflict do nothing"
    )
    admin.execute(
        "create temp table asked as select request.id as request_id, company_id, user_id "
        "from incidents_postmortemrequest request join crowd using (company_id)"
    )
    admin.execute(
        "insert into incidents_requestrecipient (company_id, request_id, person_id, person_name, "
        "added_by_id, added_at) select company_id, request_id, user_id, 'One', user_id, now() from asked"
    )
    admin.execute(
        "insert into incidents_requestquestion (company_id, request_id, from_vendor, number, text, asked_at, "
        "asked_by_name, answer, answered_by_name) select company_id, request_id, from_vendor, 1, 'Why?', "
        "now(), '', '', '' from asked cross join unnest(array[false, true]) from_vendor"
    )
    admin.execute(
        "insert into incidents_requestdesk (company_id, request_id, note) "
        "select company_id, request_id, 'Text' from asked"
    )


def _write_reports(admin: psycopg.Connection, happened_again: Incident) -> None:
    """Two versions of each old report, every company's annex of every report, and what was promised."""
    admin.execute(
        "insert into incidents_postmortemversion (incident_id, number, kind, content, facts, record_version, "
        "sha256, change_note, published_at) select id, made.number, kind, '{}', '{}', 3, '', '', at "
        "from past cross join (values (1, 'preliminary'), (2, 'final')) made (number, kind)"
    )
    admin.execute(
        "insert into incidents_postmortemannex (company_id, incident_id, version_id, state, impacted_at, "
        "restored_at, outage_seconds, degraded_seconds, rank, percentile, in_tail, is_final, timeline) "
        "select company_id, incident_id, version.id, state, impacted_at, restored_at, outage_seconds, "
        "degraded_seconds, rank, percentile, in_tail, is_final, '[]' from incidents_recovery "
        "join incidents_postmortemversion version using (incident_id) on conflict do nothing"
    )
    admin.execute(
        "insert into incidents_reportreading (company_id, version_id, user_id, user_name, read_at) "
        "select company_id, version_id, user_id, 'One', now() "
        "from incidents_postmortemannex join crowd using (company_id) where mod(rank, 4) = 0"
    )
    admin.execute(
        "insert into incidents_correctiveaction (incident_id, number, title, text, owner, state, note, "
        "changed_at, published_at) select id, made, 'Audit', '', 'Infrastructure', 'open', '', at, at "
        f"from past cross join generate_series(1, {ACTIONS_OF_A_REPORT}) made"
    )
    admin.execute(
        "insert into incidents_actionchange (incident_id, action_id, kind, state, note, again_id, at) "
        "select incident_id, action.id, kind, 'open', '', case kind when 'again' then %s::uuid end, "
        "published_at from incidents_correctiveaction action "
        "cross join unnest(array['promised', 'again']) kind",
        [happened_again.pk],
    )
    admin.execute(
        "insert into incidents_actionfollow (company_id, incident_id, user_id, followed_at) "
        "select company_id, incident_id, user_id, now() "
        "from incidents_recovery join crowd using (company_id) where mod(rank, 4) = 0"
    )


def _write_statements(admin: psycopg.Connection) -> None:
    """Statements, each with its PDF; of a few of them the worker has not made it yet."""
    admin.execute(
        "insert into incidents_statement (company_id, incident_id, kind, number, content, record_version, "
        "once_key, issued_at, issued_by_name) select company_id, incident_id, 'incident', "
        "'DS-' || upper(left(md5(id::text), 20)), '{}', '1', incident_id, now(), 'One' "
        "from incidents_recovery where mod(rank, 4) = 0"
    )
    admin.execute(
        "insert into incidents_document (company_id, statement_id, kind, once_key, zone, reader_name, "
        "asked_at, state, due_at, attempts, trouble, made_at, content, digest) "
        "select company_id, id, 'statement', id, 'UTC', 'One', issued_at, 'made', issued_at, 1, '', "
        "issued_at, 'PDF', '' from incidents_statement"
    )
    admin.execute(
        "update incidents_document set state = 'waiting', made_at = null, content = null "
        "where mod(hashtext(id::text), 1000) = 0"
    )
