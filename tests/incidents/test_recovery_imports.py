"""A file of recoveries: what is read, tried out, applied once, and taken back."""

from datetime import timedelta
from typing import Any

import pytest
from django.db.models import Max

from incidents import errors, standings
from incidents.choices import EntrySource, ImportState, IncidentState
from incidents.models import ImportPortion, ImportRow, Incident, Recovery, RecoveryEntry, RecoveryImport
from incidents.operations import import_work, recovery_imports
from tenants import scope
from tenants.models import AuditEvent, Company
from tests import factories
from tests.conftest import World
from tests.incidents import sent_files
from tests.incidents.sent_files import NOW, again, applied, ask, at, restored, tried_out


def record(incident: Incident) -> Any:
    """All that an import could change."""
    with scope.as_staff():
        return (
            list(RecoveryEntry.objects.order_by("pk").values_list("pk", "state", "at")),
            recoveries(incident),
            Incident.objects.get(pk=incident.pk).version,
        )


def recoveries(incident: Incident) -> Any:
    with scope.as_staff():
        rows = Recovery.objects.filter(incident=incident).order_by("company")
        return list(rows.values_list(*("company", "state", "impacted_at", "restored_at", "rank", "in_tail")))


def crowd(count: int, world: World) -> tuple[Incident, list[Company]]:
    """An incident of so many companies, all of them down."""
    component = factories.component("Payment", "NA")
    companies = [factories.company(f"shop-{number:02}") for number in range(count)]
    for each in companies:
        factories.place(each, component)
    return factories.incident(component), companies


def test_a_dry_run_counts_every_kind_of_row_and_changes_nothing(world: World) -> None:
    factories.company("unhurt", name="Unhurt Ltd")
    for slug in ("twin-a", "twin-b"):
        factories.company(slug, name="Twins")
    factories.restore(world.globex, world.incident, minutes=60)
    before = record(world.incident)
    found = tried_out(
        world,
        [
            restored("acme", 90),
            restored("ACME", 90),
            restored("Globex Hotels", 60),
            restored("nobody", 90),
            restored("Twins", 90),
            restored("unhurt", 90),
            f"acme,{at(90)},restored,Reports (EU)",
            f"acme,{at(90)},restored,Cash (EU)",
            "acme,yesterday,restored,",
            f"acme,{at(90)},fine,",
            restored("acme", 60 * 24),
            restored("acme", -60 * 24 * 8),
            "acme",
            f"acme\0,{at(90)},restored,",
        ],
    )
    assert found.state == ImportState.READY
    assert found.counts == {
        "new": 1,
        "twice": 1,
        "known": 1,
        "unknown_company": 1,
        "ambiguous_company": 1,
        "not_affected": 1,
        "unknown_component": 2,
        "bad_time": 1,
        "bad_state": 1,
        "in_future": 1,
        "before_start": 1,
        "malformed": 2,
    }
    assert found.rows_read == sum(found.counts.values()) == 14
    assert (found.preview["entries"], found.preview["restored"]) == (1, [1, 2])
    assert record(world.incident) == before


def test_applying_records_what_the_preview_said_in_staffs_name(world: World) -> None:
    found = applied(world, [restored("acme", 90), restored("globex", 120)])
    assert (found.state, found.entry_count) == (ImportState.APPLIED, 2)
    with scope.as_staff():
        entries = RecoveryEntry.objects.filter(source=EntrySource.IMPORT).order_by("at")
        assert [(each.company_id, each.at, each.recorded_by_id, each.component_id) for each in entries] == [
            (world.acme.pk, factories.STARTED_AT + timedelta(minutes=90), world.sam.pk, world.api.pk),
            (world.globex.pk, factories.STARTED_AT + timedelta(minutes=120), world.sam.pk, world.api.pk),
        ]
        assert set(Recovery.objects.values_list("state", flat=True)) == {"restored"}
        assert not ImportPortion.objects.exists()
        assert bytes(RecoveryImport.objects.values_list("content", flat=True).get()) == b""
        told = {each.action: each for each in AuditEvent.objects.filter(action__startswith="import.")}
    assert set(told) == {"import.uploaded", "import.started", "import.apply_asked", "import.applied"}
    assert told["import.applied"].actor_id == world.sam.pk
    assert told["import.applied"].detail["entries"] == 2


def test_the_same_file_again_adds_nothing_and_neither_does_another_with_the_same_facts(world: World) -> None:
    rows = [restored("acme", 90), restored("globex", 120)]
    applied(world, rows)
    before = record(world.incident)
    again_sent = tried_out(world, rows[::-1])
    assert (again_sent.counts["known"], again_sent.preview["entries"]) == (2, 0)
    with pytest.raises(errors.NothingNew):
        ask(world, again_sent, recovery_imports.apply)
    assert record(world.incident) == before


def test_two_files_with_the_same_facts_applied_after_both_were_tried_out_add_them_once(world: World) -> None:
    first, second = (tried_out(world, [restored("acme", 90)]) for _ in range(2))
    for each in (first, second):
        ask(world, each, recovery_imports.apply)
    import_work.advance(second.pk, now=NOW)
    import_work.advance(first.pk, now=NOW)
    assert (again(second).entry_count, again(first).entry_count) == (1, 0)


def test_a_double_click_applies_once(world: World) -> None:
    found = tried_out(world, [restored("acme", 90)])
    ask(world, found, recovery_imports.apply)
    with pytest.raises(errors.ImportMovedOn):
        ask(world, found, recovery_imports.apply)
    for _ in range(2):
        import_work.advance(found.pk, now=NOW)
    with scope.as_staff():
        assert RecoveryEntry.objects.filter(source=EntrySource.IMPORT).count() == 1


def test_the_preview_names_who_enters_and_who_leaves_the_tail(world: World) -> None:
    incident, companies = crowd(20, world)
    for number, each in enumerate(companies):
        factories.restore(each, incident, minutes=60 + number)
    late = companies[0]
    found = tried_out(world, [f"{late.slug},{at(70)},outage,", restored(late.slug, 200)], incident=incident)
    assert (found.preview["entering"], found.preview["leaving"]) == ([late.name], [companies[-1].name])
    assert found.preview["share_at"] == [f"{at(78)}:00Z".replace(" ", "T"), f"{at(79)}:00Z".replace(" ", "T")]
    ask(world, found, recovery_imports.apply)
    import_work.advance(found.pk, now=NOW)
    with scope.as_staff():
        assert Recovery.objects.get(incident=incident, in_tail=True).company_id == late.pk
        assert standings.SMALLEST_SHOWN_COHORT == 20


def test_an_incident_that_ended_meanwhile_is_looked_at_again_before_anything_is_applied(world: World) -> None:
    found = tried_out(world, [restored("acme", 90)])
    ask(world, found, recovery_imports.apply)
    with scope.as_staff():
        Incident.objects.filter(pk=world.incident.pk).update(state=IncidentState.RESOLVED)
    before = record(world.incident)
    import_work.advance(found.pk, now=NOW)
    found = again(found)
    assert (found.state, found.preview["is_over"]) == (ImportState.READY, True)
    assert "ended or was reopened" in found.trouble
    assert record(world.incident) == before
    ask(world, found, recovery_imports.apply)
    import_work.advance(found.pk, now=NOW)
    assert again(found).state == ImportState.APPLIED


def test_a_roll_back_brings_back_what_held_before_and_keeps_both_in_the_record(world: World) -> None:
    factories.restore(world.globex, world.incident, minutes=60)
    before = recoveries(world.incident)
    found = applied(world, [restored("acme", 90), f"globex,{at(100)},outage,", restored("globex", 130)])
    assert recoveries(world.incident) != before
    ask(world, found, recovery_imports.roll_back)
    import_work.advance(found.pk, now=NOW + timedelta(minutes=1))
    assert again(found).state == ImportState.ROLLED_BACK
    assert recoveries(world.incident) == before
    with scope.as_staff():
        assert RecoveryEntry.objects.filter(source=EntrySource.IMPORT).count() == 3
        assert RecoveryEntry.objects.exclude(supersedes=None).count() == 3
    with pytest.raises(errors.ImportMovedOn):
        ask(world, found, recovery_imports.roll_back)
    assert applied(world, [restored("acme", 90)]).entry_count == 1, "what was taken back can come again"


def test_a_roll_back_leaves_alone_what_was_corrected_since(world: World) -> None:
    found = applied(world, [restored("acme", 90)])
    with scope.as_staff():
        entry = RecoveryEntry.objects.get(source=EntrySource.IMPORT)
        RecoveryEntry.objects.create(
            company=world.acme,
            incident=world.incident,
            component=world.api,
            state="restored",
            at=entry.at + timedelta(minutes=5),
            source=EntrySource.STAFF,
            recorded_at=NOW,
            idempotency_key="a correction",
            supersedes=entry,
        )
    before = record(world.incident)
    ask(world, found, recovery_imports.roll_back)
    import_work.advance(found.pk, now=NOW)
    assert again(found).state == ImportState.ROLLED_BACK
    assert record(world.incident) == before


def test_a_cancelled_import_forgets_the_file_and_is_not_read_on(world: World) -> None:
    made = sent_files.started(world, sent_files.file_of([restored("acme", 90)]))
    ask(world, made, recovery_imports.cancel)
    import_work.advance(made.pk, now=NOW)
    found = again(made)
    assert (found.state, found.rows_read) == (ImportState.CANCELLED, 0)
    with scope.as_staff():
        assert bytes(RecoveryImport.objects.values_list("content", flat=True).get()) == b""
    with pytest.raises(errors.ImportMovedOn):
        ask(world, made, recovery_imports.cancel)


def test_an_import_that_is_being_applied_cannot_be_cancelled(world: World) -> None:
    found = tried_out(world, [restored("acme", 90)])
    ask(world, found, recovery_imports.apply)
    with pytest.raises(errors.ImportMovedOn):
        ask(world, found, recovery_imports.cancel)


def test_cancelling_while_it_is_read_stops_it_at_the_next_rows(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_work, "ROWS_AT_ONCE", 2)
    made = sent_files.started(world, sent_files.file_of([restored("acme", 90)] * 9))
    keep, kept = import_work._keep, []

    def keep_and_cancel(*values: Any, **named: Any) -> bool:
        kept.append(keep(*values, **named))
        if len(kept) == 2:
            ask(world, made, recovery_imports.cancel)
        return kept[-1]

    monkeypatch.setattr(import_work, "_keep", keep_and_cancel)
    import_work.advance(made.pk, now=NOW)
    assert (kept, again(made).rows_read) == ([True, True, False], 4)
    with scope.as_staff():
        assert not ImportPortion.objects.exists()


def test_a_worker_that_died_is_followed_by_one_that_goes_on_where_it_was(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_work, "ROWS_AT_ONCE", 2)
    rows = [restored("acme", 30 + number) for number in range(7)] + ["acme,never,restored,"] * 2
    made = sent_files.started(world, sent_files.file_of(rows))
    keep, count = import_work._keep, iter(range(100))

    def keep_or_die(*values: Any, **named: Any) -> bool:
        if next(count) == 2:
            raise KeyboardInterrupt
        return keep(*values, **named)

    monkeypatch.setattr(import_work, "_keep", keep_or_die)
    with pytest.raises(KeyboardInterrupt):
        import_work.advance(made.pk, now=NOW)
    assert again(made).rows_read == 4
    import_work.advance(made.pk, now=NOW)
    assert again(made).rows_read == 4, "its lease still holds"
    assert import_work.waiting(now=NOW) == []

    later = NOW + import_work.LEASE + timedelta(seconds=5)
    assert import_work.waiting(now=later) == [made.pk]
    import_work.advance(made.pk, now=later)
    found = again(made)
    assert (found.state, found.rows_read, found.counts) == (
        ImportState.READY,
        9,
        {"bad_time": 2, "new": 7, "known": 0, "twice": 0},
    )


def test_of_very_many_bad_rows_some_are_kept_and_all_are_counted(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_work, "MOST_PROBLEMS", 50)
    monkeypatch.setattr(import_work, "ROWS_AT_ONCE", 40)
    found = tried_out(world, [f"no-{number},x,y,z" for number in range(500)] + [restored("acme", 90)])
    assert (found.counts["unknown_company"], found.counts["new"]) == (500, 1)
    with scope.as_staff():
        problems = ImportRow.objects.all()
        assert (problems.count(), problems.aggregate(last=Max("line"))["last"]) == (50, 51)


def test_a_file_in_another_encoding_fails_as_a_whole_and_says_where(world: World) -> None:
    content = sent_files.file_of([restored("acme", 90)]) + "Café,x,y,z\n".encode("latin-1")
    found = tried_out(world, content)
    assert found.state == ImportState.FAILED
    assert "chosen encoding" in found.trouble


def test_a_draft_and_an_unknown_incident_take_no_file(world: World) -> None:
    with pytest.raises(errors.NotPublished):
        sent_files.sent(world, b"a,b\n", incident=factories.draft(world.api))
    with pytest.raises(errors.IncidentNotFound):
        sent_files.sent(world, b"a,b\n", incident=Incident())
    with pytest.raises(errors.FileRefused):
        sent_files.sent(world, b"\0\0\0")
    with scope.as_staff():
        assert not RecoveryImport.objects.exists()
