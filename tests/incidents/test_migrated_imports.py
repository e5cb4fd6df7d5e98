"""Files of recoveries that were on their way when their rows took another shape are read anew."""

import os
from collections.abc import Iterator

import psycopg
import pytest
from psycopg import sql
from psycopg.types.json import Jsonb

from incidents.choices import ImportState, RowKind
from tests import services

BEFORE, AFTER = "0016_client_indexes", "0017_imports_in_sql"
COUNTS = {"new": 1, "malformed": 1}
READ_ANEW = "It was read anew after the portal was changed. Look again; nothing was applied."

Way = tuple[str, str]
"""Where an import stands, and the step at which a worker gave it up ('': at none)."""
Found = tuple[object, ...]
"""State, step given up at, counts, rows read, whether a worker has it, trouble, kinds of the rows kept."""

WAYS: tuple[Way, ...] = (
    *((state, "") for state in ImportState),
    *(("failed", step) for step in ImportState.in_work()),
)


@pytest.fixture
def before() -> Iterator[str]:
    """A database as it was before the migration."""
    name = f"{os.environ['PORTAL_TEST_DATABASE']}_before"
    services.copy_template(name)
    services.manage("migrate", "incidents", BEFORE, database=name)
    yield name
    with psycopg.connect(services.admin_url("postgres"), autocommit=True) as connection:
        connection.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))


def test_what_was_on_its_way_or_given_up_is_read_anew_and_what_is_settled_stays(before: str) -> None:
    with psycopg.connect(services.admin_url(before)) as connection:
        incident_id = _one(
            connection,
            "insert into incidents_incident (reference, title, kind, severity, state, started_at,"
            " tail_percent, roster_policy, request_policy, version) values ('INC-22222222', 'Long ago',"
            " 'incident', 'major', 'investigating', now(), 5, 'names', 'approval', 1) returning id",
        )
        for way in WAYS:
            _keep(connection, incident_id, way)
    services.manage("migrate", "incidents", AFTER, database=before)
    with psycopg.connect(services.admin_url(before)) as connection:
        found = {way: _found(connection, way) for way in WAYS}

    read_anew: dict[Way, Found] = {
        (state, ""): ("reading", "", {}, 0, False, trouble, [])
        for state, trouble in (("reading", ""), ("checking", ""), ("ready", ""), ("applying", READ_ANEW))
    }
    given_up: dict[Way, Found] = {
        ("failed", step): ("failed", "reading", {}, 0, True, "", [])
        for step in ("reading", "checking", "applying")
    }
    settled: dict[Way, Found] = {way: (*way, COUNTS, 2, True, "", [RowKind.MALFORMED]) for way in WAYS}
    assert found == settled | read_anew | given_up


def _keep(connection: psycopg.Connection, incident_id: object, way: Way) -> None:
    """An import with a fact and a row with which something is wrong, as both were kept."""
    import_id = _one(
        connection,
        "insert into incidents_recoveryimport (incident_id, state, failed_at_step, file_name, content,"
        " line_count, uploaded_at, mapping, leased_until, attempts, rows_read, counts, preview, trouble,"
        " entry_count) values (%s, %s, %s, %s, 'company,at', 3, now(), '{}', now(), 1, 2, %s, '{}', '', 0)"
        " returning id",
        incident_id,
        *way,
        " ".join(way),
        Jsonb(COUNTS),
    )
    connection.execute(
        "insert into incidents_importrow"
        " (recovery_import_id, line, problem, typed, state, affected_id, component_id, at)"
        " values (%(id)s, 2, '', '', 'restored', uuidv7(), uuidv7(), now()),"
        " (%(id)s, 3, 'malformed', 'acme', '', null, null, null)",
        {"id": import_id},
    )


def _found(connection: psycopg.Connection, way: Way) -> Found:
    found = connection.execute(
        "select state, failed_at_step, counts, rows_read, leased_until is not null, trouble,"
        " array(select problem from incidents_importrow where recovery_import_id = sent.id)"
        " from incidents_recoveryimport sent where file_name = %s",
        [" ".join(way)],
    ).fetchone()
    assert found is not None
    return tuple(found)


def _one(connection: psycopg.Connection, statement: str, *values: object) -> object:
    found = connection.execute(statement, values).fetchone()
    assert found is not None
    return found[0]
