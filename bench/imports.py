"""From a file of recoveries to committed standings, against COPY of the same entries with the same indexes,
and against writing them with all keys.

Run in the database that the environment names; prints its figures as JSON.
"""

import json
import os
import statistics
import sys
import time
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import django
import psycopg

django.setup()

from incidents.choices import CompanyState  # noqa: E402
from incidents.import_files import Encoding  # noqa: E402
from incidents.models import (  # noqa: E402
    AffectedComponent,
    Component,
    DataCenter,
    Incident,
    Placement,
    RecoveryImport,
    Service,
)
from incidents.operations import import_work, incidents, recovery_imports  # noqa: E402
from tenants import scope  # noqa: E402
from tenants.actor import SYSTEM  # noqa: E402
from tenants.models import Company  # noqa: E402

STARTED_AT = datetime(2026, 2, 4, 12, 45, tzinfo=UTC)
NOW = STARTED_AT + timedelta(days=2)
ROUNDS = 3


def main(rows: int) -> None:
    incident = incident_of(rows)
    content = _file(rows, incident)
    began = time.perf_counter()
    with scope.as_staff():
        made = recovery_imports.upload(
            SYSTEM, incident_id=incident.pk, file_name="bench.csv", content=content, now=NOW
        )
        recovery_imports.start(
            SYSTEM,
            import_id=made.pk,
            encoding=Encoding.UTF_8,
            company=0,
            at=1,
            component=None,
            state=None,
            state_of_all=CompanyState.RESTORED,
            zone=ZoneInfo("UTC"),
            now=NOW,
        )
    import_work.advance(made.pk, now=NOW)
    tried_out = time.perf_counter()
    with scope.as_staff():
        recovery_imports.apply(SYSTEM, import_id=made.pk, now=NOW)
    import_work.advance(made.pk, now=NOW)
    applied = time.perf_counter()
    with scope.as_staff():
        added = RecoveryImport.objects.get(pk=made.pk).entry_count
    if added != rows:
        raise SystemExit(f"{added} entries were added instead of {rows}.")
    copying, writing = zip(*(_floors(incident) for _ in range(ROUNDS)), strict=True)
    figures = {
        "rows": rows,
        "copy_seconds": statistics.median(copying),
        "write_seconds": statistics.median(writing),
        "dry_run_seconds": tried_out - began,
        "apply_seconds": applied - tried_out,
    }
    json.dump({name: round(value, 2) for name, value in figures.items()}, sys.stdout)


def incident_of(companies: int) -> Incident:
    """A published incident of new companies, all on one component, of which nothing is known."""
    with scope.as_staff():
        incident = Incident.objects.create(title="Bench", started_at=STARTED_AT)
        service, _ = Service.objects.get_or_create(name="Bench")
        center, _ = DataCenter.objects.get_or_create(code="BENCH", defaults={"name": "Bench"})
        Placement.objects.filter(component__service=service).delete()
        component, _ = Component.objects.get_or_create(
            name="Bench", defaults={"service": service, "data_center": center}
        )
        made = Company.objects.bulk_create(
            [Company(slug=slug, name=slug) for slug in _slugs(companies, incident)],
            batch_size=5_000,
        )
        Placement.objects.bulk_create(
            [Placement(company=each, component=component) for each in made], batch_size=5_000
        )
        AffectedComponent.objects.create(incident=incident, component=component)
        incidents.publish(SYSTEM, incident_id=incident.pk, now=STARTED_AT, state=CompanyState.UNKNOWN)
    return incident


def _slugs(count: int, incident: Incident) -> list[str]:
    """Words that no other run in the same database has used."""
    return [f"{incident.reference.lower()}-{number:06}" for number in range(count)]


def _file(rows: int, incident: Incident) -> bytes:
    lines = (
        f"{slug},{STARTED_AT + timedelta(seconds=1 + number):%Y-%m-%d %H:%M:%S}"
        for number, slug in enumerate(_slugs(rows, incident))
    )
    return "\n".join(("company,at", *lines, "")).encode()


def _floors(incident: Incident) -> tuple[float, float]:
    """Seconds of a COPY of its entries, and of what writing them takes in any way that keeps the keys.

    The first goes into a table with the same columns, checks and indexes. The second is one INSERT …
    SELECT into one that has the same keys to other tables as well, and one UPDATE of the recoveries.
    """
    with psycopg.connect(os.environ["DATABASE_ADMIN_URL"], autocommit=True) as floor:
        floor.execute("drop table if exists bench_floor, bench_source")
        floor.execute("create table bench_floor (like incidents_recoveryentry including all)")
        floor.execute("create table bench_source as table bench_floor")
        floor.execute(
            "insert into bench_source select * from incidents_recoveryentry "
            "where incident_id = %s and source = 'import'",
            [incident.pk],
        )
        copying = _copy(floor)
        floor.execute("truncate bench_floor")
        for (key,) in floor.execute(_KEYS).fetchall():
            floor.execute(f"alter table bench_floor add {key}")
        began = time.perf_counter()
        with floor.transaction():
            floor.execute("insert into bench_floor select * from bench_source")
            floor.execute(_PLACED, [incident.pk])
        writing = time.perf_counter() - began
        floor.execute("drop table bench_source, bench_floor")
    return copying, writing


_KEYS = """
select pg_get_constraintdef(oid) from pg_constraint
where conrelid = 'incidents_recoveryentry'::regclass and contype = 'f'
"""
_PLACED = "update incidents_recovery set rank = 1, percentile = 50, in_tail = false where incident_id = %s"


def _copy(floor: psycopg.Connection) -> float:
    with floor.cursor() as cursor:
        with cursor.copy("copy bench_source to stdout") as copied:
            lines = b"".join(bytes(part) for part in copied)
        began = time.perf_counter()
        with cursor.copy("copy bench_floor from stdin") as copy:
            copy.write(lines)
        return time.perf_counter() - began


if __name__ == "__main__":
    main(int(sys.argv[1]))
