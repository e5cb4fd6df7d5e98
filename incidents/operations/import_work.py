"""What the worker does with a file of recoveries: read, check, write, take back.

Each step ends with the transaction that says so. A worker that is killed leaves a lease that runs
out; the next one goes on after the rows that were kept, or begins the other steps again, of which
nothing was left behind.
"""

import itertools
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Q

from incidents import errors, import_files, recovery_sums, standings
from incidents.choices import ImportState, RowKind
from incidents.import_files import Line
from incidents.models import ImportRow, Incident, RecoveryImport
from incidents.operations import import_statements as statements
from incidents.operations import import_steps, set_aside
from incidents.operations.import_rows import SEPARATOR, Columns, Reader
from tenants import audit, scope
from tenants.actor import SYSTEM, Actor
from tenants.models import Company

LEASE = timedelta(seconds=60)
MOST_ATTEMPTS = 3
"""So often a step is begun that gets nowhere; then people decide."""
ROWS_AT_ONCE = 50_000
MOST_PROBLEMS = 10_000
"""Rows with a problem that are kept to be looked at; all are counted."""
MOST_NAMED = 100
_LONGEST_TYPED = 300

Clock = Callable[[], datetime]
_Portion = tuple[list[Line], Columns]


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
            with scope.as_staff():
                found = _in_state(import_id, state)
                if found is not None:
                    import_steps.give_up(found, refusal.message, now=clock())
        except Exception as error:
            with scope.as_staff():
                _give_up_after_enough(_in_state(import_id, state), import_steps.reason(error), clock)
            raise


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
        # A worker that was killed has said nothing of why: the number of its attempts is all there is.
        if found is None or _give_up_after_enough(found, import_steps.SAID_NOTHING, clock):
            return None
        found.attempts += 1
        found.leased_until = clock() + LEASE
        found.save(update_fields=["attempts", "leased_until"])
        return ImportState(found.state)


def _give_up_after_enough(found: RecoveryImport | None, why: str, clock: Clock) -> bool:
    """Whether the step was begun as often as it may be; then the import fails, and keeps its file."""
    if found is None or found.attempts < MOST_ATTEMPTS:
        return False
    import_steps.give_up(found, f"Begun {found.attempts} times without getting anywhere. {why}", now=clock())
    return True


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
    done = found.rows_read
    portions = _portions(content, found.mapping, after=done)
    try:
        for lines, columns in _ahead((lines, reader.read(lines)) for lines in portions):
            if not _keep(found, lines, columns, clock, after=done):
                return
            done += len(lines)
    except import_files.UnreadableFile as error:
        _fail(import_id, str(error), clock)
        return
    with scope.as_staff():
        RecoveryImport.objects.filter(pk=import_id, state=ImportState.READING, rows_read=done).update(
            state=ImportState.CHECKING, leased_until=None, attempts=0
        )


def _portions(content: bytes, mapping: dict[str, Any], *, after: int) -> Iterator[list[Line]]:
    """Rows of the file behind its header and the first `after`, some at a time."""
    lines = import_files.lines(content, mapping["encoding"], mapping["separator"])
    lines = itertools.islice(lines, 1 + after, None)
    while portion := list(itertools.islice(lines, ROWS_AT_ONCE)):
        yield portion


def _ahead(portions: Iterator[_Portion]) -> Iterator[_Portion]:
    """The same; each is read while the database works with the one before it."""
    with ThreadPoolExecutor(max_workers=1) as other:
        following = other.submit(next, portions, None)
        while (portion := following.result()) is not None:
            following = other.submit(next, portions, None)
            yield portion


def _keep(sent: RecoveryImport, lines: list[Line], columns: Columns, clock: Clock, *, after: int) -> bool:
    """Keep what rows say and how far the reading is, together; False where it is somebody else's by now."""
    with scope.as_staff():
        found = _in_state(sent.pk, ImportState.READING, rows_read=after)
        if found is None:
            return False
        _locked_incident(found)  # No component is taken back while facts about it are being kept.
        problems = {line: str(RowKind.MALFORMED) for line in columns.malformed}
        if columns.lines:
            values = {"import": sent.pk, "incident": sent.incident_id, "separator": SEPARATOR}
            problems |= dict(recovery_sums.rows(statements.KEEP, values | columns.joined()))
        _keep_problems(found, problems, lines)
        found.counts = dict(Counter(found.counts) + Counter(problems.values()))
        found.rows_read += len(lines)
        found.leased_until, found.attempts = clock() + LEASE, 0
        found.save(update_fields=["counts", "rows_read", "leased_until", "attempts"])
    return True


def _keep_problems(found: RecoveryImport, problems: dict[int, str], lines: list[Line]) -> None:
    room = max(MOST_PROBLEMS - found.problem_count, 0)
    ImportRow.objects.bulk_create(
        [
            ImportRow(recovery_import=found, line=line, problem=problems[line], typed=_typed(cells))
            for line, cells in itertools.islice((each for each in lines if each.number in problems), room)
        ],
        batch_size=1_000,
    )


def _typed(cells: list[str] | None) -> str:
    return " | ".join(cells or ()).replace("\0", "�")[:_LONGEST_TYPED]


def _fail(import_id: UUID, trouble: str, clock: Clock) -> None:
    with scope.as_staff():
        found = _in_state(import_id, ImportState.READING)
        if found is None:
            return
        found.state, found.trouble, found.content = ImportState.FAILED, trouble[:200], b""
        found.finished_at = clock()
        found.save(update_fields=["state", "trouble", "content", "finished_at"])
        found.portions.all().delete()
        audit.record(SYSTEM, "import.failed", found, now=clock(), rows_read=found.rows_read)


# Checking: what applying would do.


def _check(import_id: UUID, clock: Clock) -> None:
    with scope.as_staff():
        found = _in_state(import_id, ImportState.CHECKING)
        if found is None:
            return
        if found.incident.is_set_aside:
            raise errors.SetAside
        now = clock()
        preview = _preview(found, now=now)
        new, said = preview.pop("new_lines"), preview.pop("lines")
        found.counts |= {
            RowKind.NEW: new,
            RowKind.KNOWN: said - new,
            RowKind.TWICE: found.rows_read - found.problem_count - said,
        }
        found.preview = preview | {"is_over": found.incident.is_over, "as_of": now}
        found.state, found.leased_until = ImportState.READY, None
        found.save(update_fields=["counts", "preview", "state", "leased_until"])


def _preview(found: RecoveryImport, *, now: datetime) -> dict[str, Any]:
    """What applying would change, and how many rows say something, and something new."""
    values = {
        "import": found.pk,
        "incident": found.incident_id,
        "companies": None,
        "tail_percent": found.incident.tail_percent,
        "now": now,
        "most_named": MOST_NAMED,
    }
    preview = recovery_sums.row(statements.PREVIEW, values)
    return preview | {side: _names(preview[side]) for side in ("entering", "leaving")}


def _names(company_ids: Collection[UUID]) -> list[str]:
    return sorted(Company.objects.filter(pk__in=company_ids).values_list("name", flat=True), key=str.casefold)


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
        found.state = ImportState.APPLIED
        _finish(found, incident, statements.WRITE, "import.applied", now=now)


def _take_back(import_id: UUID, clock: Clock) -> None:
    with scope.as_staff():
        found = _in_state(import_id, ImportState.ROLLING_BACK)
        if found is None:
            return
        incident, now = _locked_incident(found), clock()
        found.state = ImportState.ROLLED_BACK
        _finish(found, incident, statements.TAKE_BACK, "import.rolled_back", now=now)


def _finish(found: RecoveryImport, incident: Incident, statement: str, action: str, *, now: datetime) -> None:
    """Write entries, what they add up to and what became of the import."""
    actor = _actor(found)
    values = {
        "import": found.pk,
        "incident": incident.pk,
        "actor": actor.user_id,
        "now": now,
        "key": f"import:{found.pk}:",
    }
    added = recovery_sums.row(statement, values)
    if added["entries"]:
        standings.settle(incident, None, now=now)
    if found.state == ImportState.APPLIED:
        found.entry_count, found.content = added["entries"], b""
    found.leased_until, found.finished_at = None, now
    found.save(update_fields=["state", "entry_count", "content", "leased_until", "finished_at"])
    found.portions.all().delete()
    audit.record(
        actor,
        action,
        found,
        now=now,
        incident=str(incident.pk),
        **added,
    )


def _locked_incident(found: RecoveryImport) -> Incident:
    return set_aside.locked(found.incident_id)


def _actor(found: RecoveryImport) -> Actor:
    person = found.asked_by
    if person is None:
        return SYSTEM
    return Actor(user_id=person.pk, name=person.name, email=person.email, time_zone=person.time_zone)
