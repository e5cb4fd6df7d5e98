"""A step of an import that always fails is given up, with a reason; two imports at once end as one by one."""

import functools
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError

from incidents import errors
from incidents.choices import ImportState
from incidents.models import Cohort, ImportPortion, Incident, Recovery, RecoveryEntry, RecoveryImport
from incidents.operations import import_work, recovery_imports
from tenants import scope
from tenants.models import AuditEvent
from tests import factories
from tests.conftest import World, make_world
from tests.incidents.sent_files import NOW, again, applied, ask, at, file_of, restored, started, tried_out
from tests.threads import at_once

LATER = import_work.LEASE + timedelta(seconds=1)


def try_and_fail(made: RecoveryImport, error: type[Exception], *, times: int = 3) -> None:
    for number in range(times):
        with pytest.raises(error):
            import_work.advance(made.pk, now=NOW + number * LATER)


def content_of(made: RecoveryImport) -> bytes:
    with scope.as_staff():
        return bytes(RecoveryImport.objects.values_list("content", flat=True).get(pk=made.pk))


def spoiled(world: World) -> RecoveryImport:
    """Tried out and asked to be applied; one of its rows holds what the record refuses."""
    made = tried_out(world, [restored("acme", 90)])
    ask(world, made, recovery_imports.apply)
    restate(made, "nonsense")
    return made


def restate(made: RecoveryImport, state: str) -> None:
    """Put another state into the row that was read."""
    with scope.as_staff():
        portion = ImportPortion.objects.get(recovery_import=made)
        ImportPortion.objects.filter(pk=portion.pk).delete()
        portion.states = [state]
        portion.save(force_insert=True)


def test_after_three_attempts_it_fails_with_the_reason_and_keeps_the_file(world: World) -> None:
    made = spoiled(world)
    try_and_fail(made, IntegrityError)
    found = again(made)
    assert (found.state, found.failed_at_step) == (ImportState.FAILED, ImportState.APPLYING)
    assert found.trouble.startswith(
        "Begun 3 times without getting anywhere. The database refused: new row for relation"
    )
    assert content_of(made) == file_of([restored("acme", 90)])
    assert import_work.waiting(now=NOW + 9 * LATER) == []
    with scope.as_staff():
        assert not RecoveryEntry.objects.filter(source="import").exists()
        (event,) = AuditEvent.objects.filter(action="import.given_up")
    assert (event.object_id, event.detail) == (str(made.pk), {"step": "applying", "attempts": 3})


def test_before_the_third_attempt_it_is_tried_again_when_its_lease_is_over(world: World) -> None:
    made = spoiled(world)
    try_and_fail(made, IntegrityError, times=2)
    assert (again(made).state, again(made).attempts) == (ImportState.APPLYING, 2)
    assert import_work.waiting(now=NOW + LATER) == []
    assert import_work.waiting(now=NOW + 2 * LATER) == [made.pk]


def test_tried_again_it_goes_on_at_its_step_with_three_new_attempts(world: World) -> None:
    made = spoiled(world)
    try_and_fail(made, IntegrityError)
    restate(made, "restored")
    ask(world, made, recovery_imports.try_again)
    assert (again(made).state, again(made).attempts, again(made).trouble) == (ImportState.APPLYING, 0, "")
    import_work.advance(made.pk, now=NOW)
    assert (again(made).state, again(made).entry_count) == (ImportState.APPLIED, 1)
    with pytest.raises(errors.ImportMovedOn):
        ask(world, made, recovery_imports.try_again)


def test_given_up_it_can_be_cancelled_and_then_forgets_the_file(world: World) -> None:
    made = spoiled(world)
    try_and_fail(made, IntegrityError)
    ask(world, made, recovery_imports.cancel)
    assert (again(made).state, again(made).failed_at_step, content_of(made)) == (
        ImportState.CANCELLED,
        "",
        b"",
    )
    with pytest.raises(errors.ImportMovedOn):
        ask(world, made, recovery_imports.try_again)


def test_workers_that_are_killed_each_time_are_not_sent_for_ever(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: Any) -> None:
        raise KeyboardInterrupt

    made = started(world, file_of([restored("acme", 90)]))
    monkeypatch.setattr(import_work, "_read", die)
    for number in range(3):
        with pytest.raises(KeyboardInterrupt):
            import_work.advance(made.pk, now=NOW + number * LATER)
    assert again(made).state == ImportState.READING
    import_work.advance(made.pk, now=NOW + 3 * LATER)
    assert (again(made).state, again(made).failed_at_step) == (ImportState.FAILED, ImportState.READING)
    assert "The worker was stopped each time" in again(made).trouble


def test_what_gets_on_may_be_interrupted_more_often(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each attempt keeps a row of the file before the worker dies."""
    monkeypatch.setattr(import_work, "ROWS_AT_ONCE", 1)
    made = started(world, file_of([restored("acme", 60 + number) for number in range(8)]))
    keep = import_work._keep

    def keep_and_die(*values: Any, **named: Any) -> bool:
        keep(*values, **named)
        raise KeyboardInterrupt

    monkeypatch.setattr(import_work, "_keep", keep_and_die)
    for number in range(8):
        with pytest.raises(KeyboardInterrupt):
            import_work.advance(made.pk, now=NOW + number * LATER)
    assert (again(made).state, again(made).rows_read) == (ImportState.READING, 8)


def test_what_cannot_be_rolled_back_can_only_be_left_applied_or_tried_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = applied(world, [restored("acme", 90)])
    ask(world, made, recovery_imports.roll_back)
    with monkeypatch.context() as patched:
        patched.setattr(import_work, "_take_back", lambda *_: 1 / 0)
        try_and_fail(made, ZeroDivisionError)
    assert again(made).trouble.endswith("The portal failed (ZeroDivisionError); the worker's log says where.")
    with pytest.raises(errors.ImportMovedOn):
        ask(world, made, recovery_imports.cancel)
    ask(world, made, recovery_imports.keep_applied)
    assert (again(made).state, again(made).trouble) == (ImportState.APPLIED, "")
    ask(world, made, recovery_imports.roll_back)
    import_work.advance(made.pk, now=NOW)
    assert again(made).state == ImportState.ROLLED_BACK


@pytest.mark.parametrize("what", [recovery_imports.try_again, recovery_imports.keep_applied])
def test_an_unreadable_file_and_one_in_work_are_neither_tried_again_nor_kept(
    world: World, what: Callable[..., None]
) -> None:
    unreadable = tried_out(world, file_of([restored("acme", 90)]) + "Café,x,y,z\n".encode("latin-1"))
    ready = tried_out(world, [restored("acme", 90)])
    for made in (unreadable, ready):
        before = again(made).state
        with pytest.raises(errors.ImportMovedOn):
            ask(world, made, what)
        assert again(made).state == before
    with pytest.raises(errors.ImportMovedOn):
        ask(world, unreadable, recovery_imports.cancel)


def outcome(incident: Incident) -> Any:
    """What the record of an incident says, without keys."""
    with scope.as_staff():
        entries = RecoveryEntry.objects.filter(incident=incident, source="import")
        recoveries = Recovery.objects.filter(incident=incident)
        cohort = Cohort.objects.get(incident=incident)
        return (
            sorted(entries.values_list("company__slug", "component__name", "state", "at")),
            sorted(
                recoveries.values_list(
                    *("company__slug", "state", "restored_at", "outage_seconds", "rank", "in_tail")
                )
            ),
            (cohort.affected_count, cohort.restored_count, cohort.all_restored_at),
        )


def test_two_imports_of_one_incident_at_once_end_as_one_after_the_other(committed: None) -> None:
    world = make_world()
    one_by_one = factories.incident(world.api, title="The same again")
    files = (
        [restored("acme", 90), restored("globex", 120), f"globex,{at(150)},degraded,", restored("acme", 180)],
        [restored("acme", 90), f"acme,{at(100)},outage,", restored("globex", 200), restored("acme", 180)],
    )
    for rows in files:
        applied(world, rows, incident=one_by_one)

    made = [tried_out(world, rows) for rows in files]
    for each in made:
        ask(world, each, recovery_imports.apply)
    ended = at_once(*(functools.partial(import_work.advance, each.pk, now=NOW) for each in made))
    assert not [each for each in ended if isinstance(each, Exception)]
    assert [again(each).state for each in made] == [ImportState.APPLIED] * 2
    assert outcome(world.incident) == outcome(one_by_one)
    assert sum(again(each).entry_count for each in made) == 6
