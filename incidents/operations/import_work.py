"""What the worker does with a file of recoveries: read, check, write, take back.

Each step ends with the transaction that says so. A worker that is killed leaves a lease that runs
out; the next one goes on after the rows that were kept, or begins the other steps again, of which
nothing was left behind.
"""

import itertools
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Q

from incidents import cohort as arithmetic
from incidents import errors, import_files, standings
from incidents.choices import ImportState, RowKind
from incidents.import_files import Line
from incidents.models import ImportRow, Incident, RecoveryImport
from incidents.operations import recoveries, set_aside
from incidents.operations.import_rows import Reader, ReadRow
from tenants import audit, scope
from tenants.actor import SYSTEM, Actor
from tenants.models import Company

LEASE = timedelta(seconds=60)
ROWS_AT_ONCE = 10_000
MOST_PROBLEMS = 10_000
"""Rows with a problem that are kept to be looked at; all are counted."""
MOST_NAMED = 100
_COMPANIES_AT_ONCE = 20_000

Clock = Callable[[], datetime]

_KEEP = """
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

_COUNT = f"""
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
select count(*) filter (where is_new), count(*) filter (where not is_new and is_first),
    count(*) filter (where not is_first)
from stated
"""  # noqa: S608 - put together of constants

_WRITE = f"""
with {_KNOWN}, fact as (
    select distinct on (affected_id, component_id, state, at) affected_id, component_id, state, at, line
    from incidents_importrow
    where recovery_import_id = %(import)s and problem = ''
    order by affected_id, component_id, state, at, line
)
insert into incidents_recoveryentry
    (company_id, incident_id, component_id, state, at, source, recorded_by_id, recorded_at, idempotency_key)
select fact.affected_id, %(incident)s::uuid, fact.component_id, fact.state, fact.at, 'import',
    %(actor)s::uuid, %(now)s::timestamptz, %(key)s::text || fact.line || ':' || fact.component_id
from fact
left join known on known.company_id = fact.affected_id and known.component_id = fact.component_id
    and known.state = fact.state and known.at = fact.at
where known.company_id is null
order by fact.at, fact.line
on conflict (company_id, idempotency_key) do nothing
returning company_id
"""  # noqa: S608 - put together of constants

_TAKE_BACK = """
with added as (
    select entry.* from incidents_recoveryentry entry
    where entry.incident_id = %(incident)s and starts_with(entry.idempotency_key, %(key)s::text)
    and not exists (
        select from incidents_recoveryentry later where later.supersedes_id = entry.id
    )
), other as (
    select entry.* from incidents_recoveryentry entry
    where entry.incident_id = %(incident)s and not starts_with(entry.idempotency_key, %(key)s::text)
    and not exists (select from incidents_recoveryentry later where later.supersedes_id = entry.id)
)
insert into incidents_recoveryentry (company_id, incident_id, component_id, state, at, source,
    recorded_by_id, recorded_at, idempotency_key, supersedes_id)
select added.company_id, added.incident_id, added.component_id, coalesce(held.state, 'unknown'),
    coalesce(held.at, added.at), 'staff', %(actor)s::uuid, %(now)s::timestamptz,
    'roll-back:' || added.id, added.id
from added
left join lateral (
    select other.state, other.at from other
    where other.company_id = added.company_id and other.component_id = added.component_id
    order by other.at <= added.at desc, abs(extract(epoch from other.at - added.at)),
        other.recorded_at desc, other.id desc
    limit 1
) held on true
on conflict (company_id, idempotency_key) do nothing
returning company_id
"""
"""Each entry is superseded by a copy of the one that held before it, which so goes on holding; by
"not known" where there is no other."""


def advance(import_id: UUID, *, now: datetime) -> None:
    """Take an import as far as it goes, unless somebody who lives is at it already."""
    began = time.monotonic()

    def clock() -> datetime:
        return now + timedelta(seconds=time.monotonic() - began)

    steps = {
        ImportState.READING: _read,
        ImportState.CHECKING: _check,
        ImportState.APPLYING: _write,
        ImportState.ROLLING_BACK: _take_back,
    }
    while (state := _claim(import_id, clock)) is not None:
        try:
            steps[state](import_id, clock)
        except errors.SetAside as refusal:
            _give_up(import_id, state, refusal.message, clock)


def waiting(*, now: datetime) -> list[UUID]:
    """The imports that a worker should be at and none is, oldest first."""
    with scope.as_staff():
        return list(_unattended(now).order_by("uploaded_at").values_list("pk", flat=True))


def _unattended(now: datetime) -> Any:
    return RecoveryImport.objects.filter(
        Q(leased_until=None) | Q(leased_until__lt=now), state__in=ImportState.in_work()
    )


def _claim(import_id: UUID, clock: Clock) -> ImportState | None:
    with scope.as_staff():
        found = (
            _unattended(clock()).select_for_update(no_key=True, skip_locked=True).filter(pk=import_id).first()
        )
        if found is None:
            return None
        found.leased_until = clock() + LEASE
        found.save(update_fields=["leased_until"])
        return ImportState(found.state)


def _in_state(import_id: UUID, state: ImportState, **held: Any) -> RecoveryImport | None:
    """The import under its lock; None where it was cancelled, or taken over by somebody else."""
    return (
        RecoveryImport.objects.select_for_update(no_key=True)
        .filter(pk=import_id, state=state, **held)
        .first()
    )


# Reading: some rows at a time, each with how far it is.


def _read(import_id: UUID, clock: Clock) -> None:
    with scope.as_staff():
        found = RecoveryImport.objects.select_related("incident").filter(pk=import_id).first()
        if found is None or found.state != ImportState.READING:
            return
        content = bytes(RecoveryImport.objects.values_list("content", flat=True).get(pk=import_id))
        reader = Reader(found.incident, found.mapping, now=clock())
        kept = ImportRow.objects.filter(recovery_import=found).exclude(problem="").count()
    done = found.rows_read
    try:
        for lines in _portions(content, found.mapping, after=done):
            rows = [row for line in lines for row in reader.read(line)]
            problems = Counter(row.problem for row in rows if row.problem)
            rows = [row for row in rows if not row.problem] + [row for row in rows if row.problem][
                : max(MOST_PROBLEMS - kept, 0)
            ]
            if not _keep(import_id, rows, problems, clock, after=done, count=len(lines)):
                return
            done += len(lines)
            kept += problems.total()
    except import_files.UnreadableFile as error:
        _fail(import_id, str(error), clock)
        return
    with scope.as_staff():
        RecoveryImport.objects.filter(pk=import_id, state=ImportState.READING, rows_read=done).update(
            state=ImportState.CHECKING, leased_until=None
        )


def _portions(content: bytes, mapping: dict[str, Any], *, after: int) -> Iterator[list[Line]]:
    """Rows of the file behind its header and the first `after`, some at a time."""
    lines = import_files.lines(content, mapping["encoding"], mapping["separator"])
    lines = itertools.islice(lines, 1 + after, None)
    while portion := list(itertools.islice(lines, ROWS_AT_ONCE)):
        yield portion


def _keep(
    import_id: UUID, rows: list[ReadRow], problems: Counter[str], clock: Clock, *, after: int, count: int
) -> bool:
    """Keep rows and how far the reading is, together; False where it is somebody else's by now."""
    with scope.as_staff():
        found = _in_state(import_id, ImportState.READING, rows_read=after)
        if found is None:
            return False
        with connection.cursor() as cursor:
            cursor.execute(
                _KEEP,
                [
                    import_id,
                    [row.line for row in rows],
                    [str(row.problem) for row in rows],
                    [row.typed for row in rows],
                    [row.company_id for row in rows],
                    [row.component_id for row in rows],
                    [row.state for row in rows],
                    [row.at for row in rows],
                ],
            )
        found.counts = dict(Counter(found.counts) + problems)
        found.rows_read += count
        found.leased_until = clock() + LEASE
        found.save(update_fields=["counts", "rows_read", "leased_until"])
    return True


def _fail(import_id: UUID, trouble: str, clock: Clock) -> None:
    with scope.as_staff():
        found = _in_state(import_id, ImportState.READING)
        if found is None:
            return
        found.state, found.trouble, found.content = ImportState.FAILED, trouble[:200], b""
        found.finished_at = clock()
        found.save(update_fields=["state", "trouble", "content", "finished_at"])
        ImportRow.objects.filter(recovery_import=found, problem="").delete()
        audit.record(SYSTEM, "import.failed", found, now=clock(), rows_read=found.rows_read)


# Checking: all that applying would do, done and undone.


def _check(import_id: UUID, clock: Clock) -> None:
    with scope.as_staff():
        found = _in_state(import_id, ImportState.CHECKING)
        if found is None:
            return
        counted = (RowKind.NEW, RowKind.KNOWN, RowKind.TWICE)
        found.counts |= dict(zip(map(str, counted), _counts(found), strict=True))
        now = clock()
        with transaction.atomic():
            incident = _locked_incident(found)
            before = _standings(incident)
            companies = _record(found, incident, _WRITE, SYSTEM, now=now)
            after = _standings(incident)
            transaction.set_rollback(True)
        found.preview = _preview(before, after) | {
            "entries": len(companies),
            "companies": len(set(companies)),
            "is_over": incident.is_over,
            "as_of": now,
        }
        found.state, found.leased_until = ImportState.READY, None
        found.save(update_fields=["counts", "preview", "state", "leased_until"])


def _counts(found: RecoveryImport) -> tuple[int, int, int]:
    """Rows with something new, rows all of which is recorded already, and rows said twice."""
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, {"import": found.pk, "incident": found.incident_id})
        new, known, twice = cursor.fetchone()
    return new, known, twice


def _standings(incident: Incident) -> arithmetic.Cohort:
    return arithmetic.standings(standings.recoveries_of(incident), tail_percent=incident.tail_percent)


def _preview(before: arithmetic.Cohort, after: arithmetic.Cohort) -> dict[str, Any]:
    def tail(cohort: arithmetic.Cohort) -> set[UUID]:
        return {standing.company_id for standing in cohort.standings if standing.in_tail}

    entering, leaving = tail(after) - tail(before), tail(before) - tail(after)
    return {
        "affected": after.affected_count,
        "tail_percent": after.tail_percent,
        "restored": [before.restored_count, after.restored_count],
        "share_at": [before.restored_share_at, after.restored_share_at],
        "all_at": [before.all_restored_at, after.all_restored_at],
        "entering": _names(entering),
        "entering_count": len(entering),
        "leaving": _names(leaving),
        "leaving_count": len(leaving),
    }


def _names(company_ids: set[UUID]) -> list[str]:
    chosen = sorted(company_ids)[:MOST_NAMED]
    return sorted(Company.objects.filter(pk__in=chosen).values_list("name", flat=True), key=str.casefold)


# Writing, and taking back what was written: one transaction each.


def _write(import_id: UUID, clock: Clock) -> None:
    with scope.as_staff():
        found = _in_state(import_id, ImportState.APPLYING)
        if found is None:
            return
        incident, now = _locked_incident(found), clock()
        if incident.is_over != found.preview["is_over"]:
            found.state, found.leased_until = ImportState.CHECKING, None
            found.trouble = (
                "The incident ended or was reopened after you looked. Look again; nothing was applied."
            )
            found.save(update_fields=["state", "leased_until", "trouble"])
            return
        actor = _actor(found)
        companies = _record(found, incident, _WRITE, actor, now=now)
        found.state, found.entry_count, found.content = ImportState.APPLIED, len(companies), b""
        _finish(found, incident, actor, companies, "import.applied", now=now)


def _take_back(import_id: UUID, clock: Clock) -> None:
    with scope.as_staff():
        found = _in_state(import_id, ImportState.ROLLING_BACK)
        if found is None:
            return
        incident, now, actor = _locked_incident(found), clock(), _actor(found)
        companies = _record(found, incident, _TAKE_BACK, actor, now=now)
        found.state = ImportState.ROLLED_BACK
        _finish(found, incident, actor, companies, "import.rolled_back", now=now)


def _finish(
    found: RecoveryImport,
    incident: Incident,
    actor: Actor,
    companies: list[UUID],
    action: str,
    *,
    now: datetime,
) -> None:
    if companies:
        standings.refresh(incident, now=now)
    found.leased_until, found.finished_at = None, now
    found.save(update_fields=["state", "entry_count", "content", "leased_until", "finished_at"])
    ImportRow.objects.filter(recovery_import=found, problem="").delete()
    audit.record(
        actor,
        action,
        found,
        now=now,
        incident=str(incident.pk),
        entries=len(companies),
        companies=len(set(companies)),
    )


def _give_up(import_id: UUID, state: ImportState, trouble: str, clock: Clock) -> None:
    """Leave the record as it is: what was applied stays applied, nothing else will be."""
    with scope.as_staff():
        found = _in_state(import_id, state)
        if found is None:
            return
        found.state = ImportState.APPLIED if state is ImportState.ROLLING_BACK else ImportState.FAILED
        found.trouble, found.leased_until, found.content = trouble, None, b""
        found.finished_at = found.finished_at or clock()
        found.save(update_fields=["state", "trouble", "leased_until", "content", "finished_at"])
        ImportRow.objects.filter(recovery_import=found, problem="").delete()
        audit.record(SYSTEM, "import.given_up", found, now=clock(), incident=str(found.incident_id))


def _locked_incident(found: RecoveryImport) -> Incident:
    return set_aside.locked(found.incident_id)


def _record(
    found: RecoveryImport, incident: Incident, statement: str, actor: Actor, *, now: datetime
) -> list[UUID]:
    """Write entries and what they add up to; the company of each new entry."""
    with connection.cursor() as cursor:
        cursor.execute(
            statement,
            {
                "import": found.pk,
                "incident": incident.pk,
                "actor": actor.user_id,
                "now": now,
                "key": f"import:{found.pk}:",
            },
        )
        companies = [company_id for (company_id,) in cursor.fetchall()]
    changed = sorted(set(companies))
    for first in range(0, len(changed), _COMPANIES_AT_ONCE):
        recoveries.add_up(incident, changed[first : first + _COMPANIES_AT_ONCE], now=now)
    return companies


def _actor(found: RecoveryImport) -> Actor:
    person = found.asked_by
    if person is None:
        return SYSTEM
    return Actor(user_id=person.pk, name=person.name, email=person.email, time_zone=person.time_zone)
