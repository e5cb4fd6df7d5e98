"""Planned work by the clock: begun, announced again, extended, cancelled, ended early; each told once."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from incidents import errors
from incidents.choices import CompanyState, IncidentKind, IncidentState, UpdateKind
from incidents.models import Cohort, Incident, Recovery, Update
from incidents.operations import incidents, maintenances, recoveries
from incidents.operations.announcing import Words
from incidents.queries import incident_lists, incident_pages, overviews, shapes, versions
from tenants import scope
from tenants.actor import SYSTEM
from tenants.errors import Refusal
from tenants.models import AuditEvent
from tests import factories
from tests.conftest import World, make_world
from tests.threads import at_once

START = factories.STARTED_AT + timedelta(days=1)
END = START + timedelta(hours=2)
WORDS = Words(text="The storage takes longer to copy.")


def planned(world: World, **fields: object) -> Incident:
    """Announced two days ahead, for everybody on API (EU)."""
    draft = factories.draft(
        world.api,
        title="New storage",
        kind=IncidentKind.MAINTENANCE,
        state=IncidentState.SCHEDULED,
        started_at=START,
        **{"planned_end_at": END, **fields},
    )
    with scope.as_staff():
        incidents.publish(SYSTEM, incident_id=draft.pk, now=START - timedelta(days=2))
    return again(draft)


def again(incident: Incident) -> Incident:
    with scope.as_staff():
        return Incident.objects.get(pk=incident.pk)


def advance(now: datetime) -> int:
    with scope.as_staff():
        return maintenances.advance(SYSTEM, now=now)


def texts(incident: Incident) -> list[str]:
    with scope.as_staff():
        rows = Update.objects.filter(incident=incident).order_by("published_at", "pk")
        return list(rows.values_list("body_markdown", flat=True))


def audited(incident: Incident) -> list[str]:
    with scope.as_staff():
        rows = AuditEvent.objects.filter(object_id=str(incident.pk)).order_by("id")
        return list(rows.values_list("action", flat=True))


def read(world: World, incident: Incident, now: datetime) -> shapes.IncidentPage:
    with scope.as_company(world.acme.pk, read_only=True):
        return incident_pages.incident_page(
            incident.reference, company_name="Acme", consents=True, may_request=True, now=now
        )


# By the clock


def test_maintenance_begins_and_is_verified_by_the_clock(world: World) -> None:
    work = planned(world)
    second = timedelta(seconds=1)
    states = [
        (advance(now), str(again(work).state))
        for now in (START - second, START, START, END - second, END, END + second)
    ]
    assert states == [
        (0, "scheduled"),
        (1, "in_progress"),
        (0, "in_progress"),
        (0, "in_progress"),
        (1, "verifying"),
        (0, "verifying"),
    ]
    assert audited(work) == ["incident.published", "maintenance.advanced", "maintenance.advanced"]


def test_a_worker_that_was_away_catches_up_in_one_step(world: World) -> None:
    work = planned(world)
    assert advance(END + timedelta(hours=1)) == 1
    assert again(work).state == IncidentState.VERIFYING


def test_a_draft_waits_and_incidents_do_not_move_by_the_clock(world: World) -> None:
    draft = factories.draft(
        world.api, kind=IncidentKind.MAINTENANCE, state=IncidentState.SCHEDULED, planned_end_at=END
    )
    assert advance(END + timedelta(days=1)) == 0
    assert (again(draft).state, again(world.incident).state) == ("scheduled", "investigating")


@pytest.mark.parametrize(
    ("minutes", "state", "is_open"),
    [(-1, "scheduled", False), (0, "in_progress", True), (60, "in_progress", True), (120, "verifying", True)],
)
def test_pages_and_lists_go_by_the_clock_while_no_worker_does(
    world: World, minutes: int, state: str, is_open: bool
) -> None:
    work, now = planned(world), START + timedelta(minutes=minutes)
    page = read(world, work, now)
    assert (str(page.incident.state), page.incident.is_open_for_you) == (state, is_open)
    with scope.as_company(world.acme.pk, read_only=True):
        rows = incident_lists.incident_list(search="", kind="maintenance", page_number=1, now=now).rows
        overview = overviews.overview(zone="UTC", now=now)
    assert [(str(row.state), row.is_open_for_you) for row in rows] == [(state, is_open)]
    assert [row.reference for row in overview.upcoming_maintenance] == ([] if is_open else [work.reference])
    assert (work.reference in {row.reference for row in overview.open_incidents}) is is_open
    assert again(work).state == IncidentState.SCHEDULED


def test_the_version_of_a_page_changes_in_the_second_of_the_start(world: World) -> None:
    work = planned(world)
    with scope.as_company(world.acme.pk, read_only=True):
        version = versions.page_version(work.reference)
    second = timedelta(seconds=1)
    states = [str(version.state_at(now)) for now in (START - second, START, END)]
    assert states == ["scheduled", "in_progress", "verifying"]


# Reminders


def test_a_reminder_is_posted_once_before_the_start_and_never_after(world: World) -> None:
    work = planned(world, remind_minutes=60)
    due = START - timedelta(hours=1)
    instants = (due - timedelta(seconds=1), due, due, due + timedelta(minutes=5))
    assert [advance(now) for now in instants] == [0, 1, 0, 0]
    assert texts(work) == [maintenances.REMINDER[0]]
    (update,) = read(world, work, due).updates
    assert "{{ instant 2026-02-05T12:45:00Z }}" in update.body_html
    assert again(work).reminded_at == due
    late = planned(world, remind_minutes=60)
    advance(START)
    assert texts(late) == []


def test_who_was_told_within_the_hour_is_not_reminded_and_without_a_setting_nobody_is(world: World) -> None:
    told_late = planned(world, remind_minutes=3 * 24 * 60)
    unset = planned(world)
    assert advance(START - timedelta(minutes=1)) == 0
    assert (texts(told_late), texts(unset)) == ([], [])


@pytest.mark.parametrize(("hours", "stays"), [(1, True), (-1, False)])
def test_a_reminder_keeps_a_promised_next_update_that_is_still_to_come(
    world: World, hours: int, stays: bool
) -> None:
    work, promised = planned(world, remind_minutes=60), START + timedelta(hours=hours)
    with scope.as_staff():
        incidents.post_update(
            SYSTEM,
            incident_id=work.pk,
            kind=UpdateKind.UPDATE,
            body_markdown="It will be quick.",
            next_update_at=promised,
            now=START - timedelta(days=1),
        )
    advance(START - timedelta(minutes=30))
    assert again(work).next_update_at == (promised if stays else None)


def test_a_worker_that_dies_while_reminding_leaves_nothing_and_the_next_one_reminds(
    committed: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = make_world()
    work = planned(world, remind_minutes=60)

    def killed(*_positional: object, **_named: object) -> None:
        raise KeyboardInterrupt

    due = START - timedelta(minutes=10)
    with monkeypatch.context() as patched:
        patched.setattr("incidents.operations.maintenances.audit.record", killed)
        with pytest.raises(KeyboardInterrupt):
            advance(due)
    assert (texts(work), again(work).reminded_at) == ([], None)
    assert advance(due) == 1
    assert len(texts(work)) == 1


def test_two_workers_at_once_remind_once(committed: None) -> None:
    work = planned(make_world(), remind_minutes=60)
    reminded = at_once(*[lambda: advance(START - timedelta(minutes=10))] * 4)
    assert sorted(map(str, reminded)) == ["0", "0", "0", "1"]
    assert len(texts(work)) == 1


# Extend, cancel, end early


def extend(world: World, work: Incident, *, until: datetime, now: datetime, words: Words = WORDS) -> None:
    with scope.as_staff():
        maintenances.extend(
            factories.actor(world.sam), incident_id=work.pk, planned_end_at=until, words=words, now=now
        )


def cancel(world: World, work: Incident, *, now: datetime, words: Words = WORDS) -> None:
    with scope.as_staff():
        maintenances.cancel(factories.actor(world.sam), incident_id=work.pk, words=words, now=now)


def end_early(world: World, work: Incident, *, now: datetime, words: Words = WORDS) -> None:
    with scope.as_staff():
        maintenances.end_early(factories.actor(world.sam), incident_id=work.pk, words=words, now=now)


def state_of_things(work: Incident) -> tuple[object, ...]:
    return *Incident.objects.filter(pk=work.pk).values_list().get(), *texts(work), *audited(work)


def unchanged(work: Incident, refused: Callable[[], None], refusal: type[Refusal]) -> None:
    """The refusal, and that nothing of the maintenance has changed with it."""
    with scope.as_staff():
        before = state_of_things(work)
    with pytest.raises(refusal):
        refused()
    with scope.as_staff():
        assert state_of_things(work) == before


def test_an_extension_moves_the_end_tells_everyone_and_goes_on(world: World) -> None:
    work = planned(world)
    advance(END)
    until, now = END + timedelta(hours=1), END + timedelta(minutes=1)
    version = again(work).version
    extend(world, work, until=until, now=now)
    work = again(work)
    assert (work.planned_end_at, work.state) == (until, "in_progress")
    assert work.version > version
    assert texts(work) == [f"{WORDS.text}\n\nThe new planned end is {{{{ planned_end_at }}}}."]
    page = read(world, work, now)
    assert "{{ instant 2026-02-05T15:45:00Z }}" in page.updates[0].body_html
    assert (page.incident.planned_end_at, page.incident.takes_longer) == (until, False)
    advance(until)
    assert again(work).state == IncidentState.VERIFYING


def test_an_extension_is_later_ahead_of_now_and_has_a_word(world: World) -> None:
    work = planned(world)
    hour = timedelta(hours=1)

    def refused(until: datetime, refusal: type[Refusal], **more: object) -> None:
        options = {"now": END + hour, **more}
        unchanged(work, lambda: extend(world, work, until=until, **options), refusal)  # type: ignore[arg-type]

    refused(END, errors.EndNotLater, now=START)
    refused(END - hour, errors.EndNotLater, now=START)
    refused(END + hour, errors.EndNotLater)
    refused(END + 2 * hour, errors.ReasonMissing, words=Words(text=" \n"))
    refused(END + 2 * hour, errors.UnknownField, words=Words(text="{{ nonsense }}"))
    extend(world, work, until=END + 2 * hour, now=END + hour)
    refused(END + 2 * hour, errors.EndNotLater)  # a double click
    assert len(texts(work)) == 1


def test_a_cancelled_maintenance_says_why_and_nothing_can_be_added(world: World) -> None:
    work = planned(world, remind_minutes=60)
    now = START - timedelta(hours=5)
    cancel(world, work, now=now)
    work = again(work)
    assert (work.state, work.set_aside_at, work.set_aside_reason) == ("cancelled", now, WORDS.text)
    assert texts(work) == [f"This maintenance is cancelled.\n\n{WORDS.text}"]
    assert audited(work)[-1] == "maintenance.cancelled"
    page = read(world, work, END)
    assert page.incident.set_aside == shapes.SetAside(at=now, reason=WORDS.text, merged_into=None)
    assert (str(page.incident.state), page.incident.is_open_for_you) == ("cancelled", False)
    assert (page.reports.can_report, page.post_mortem.can_request, page.cohort) == (False, False, None)
    assert advance(END) == 0
    later = START + timedelta(minutes=1)
    unchanged(work, lambda: cancel(world, work, now=now), errors.SetAside)
    unchanged(work, lambda: end_early(world, work, now=later), errors.SetAside)
    unchanged(work, lambda: extend(world, work, until=END + timedelta(hours=1), now=now), errors.SetAside)
    with pytest.raises(errors.SetAside), scope.as_staff():
        incidents.post_update(
            SYSTEM, incident_id=work.pk, kind=UpdateKind.UPDATE, body_markdown="More.", now=later
        )
    assert len(texts(work)) == 1


def test_what_has_begun_is_ended_early_and_what_has_not_is_cancelled(world: World) -> None:
    """By the clock, whatever the worker has written down."""
    work, now = planned(world), START + timedelta(minutes=30)
    unchanged(work, lambda: cancel(world, work, now=now), errors.BegunAlready)
    unchanged(work, lambda: end_early(world, work, now=START - timedelta(hours=1)), errors.NotBegun)
    end_early(world, work, now=now)
    work = again(work)
    assert (work.state, work.resolved_at, work.set_aside_at) == ("completed", now, None)
    assert texts(work) == [f"This maintenance was ended early.\n\n{WORDS.text}"]
    page = read(world, work, now)
    assert (page.incident.ended_early, page.incident.is_open_for_you) == (True, False)
    unchanged(work, lambda: end_early(world, work, now=now), errors.OverAlready)
    unchanged(work, lambda: extend(world, work, until=END + timedelta(hours=1), now=now), errors.OverAlready)


def test_an_incident_and_a_draft_have_no_window(world: World) -> None:
    draft = factories.draft(
        world.api, kind=IncidentKind.MAINTENANCE, state=IncidentState.SCHEDULED, started_at=START
    )
    for subject, refusal in ((world.incident, errors.NotMaintenance), (draft, errors.NotPublished)):
        unchanged(subject, lambda subject=subject: cancel(world, subject, now=START), refusal)  # type: ignore[misc]


def test_words_that_the_record_contradicts_are_acknowledged_or_not_posted(world: World) -> None:
    work, now = planned(world), START + timedelta(minutes=30)
    with scope.as_staff():
        recoveries.record_recovery(
            SYSTEM,
            incident_id=work.pk,
            company_ids=[world.acme.pk],
            state=CompanyState.OUTAGE,
            at=START,
            now=now,
        )
    words = Words(text="All accounts are restored.")
    with pytest.raises(errors.ContradictsRecord) as raised:
        end_early(world, work, now=now, words=words)
    assert texts(work) == []
    end_early(world, work, now=now, words=Words(text=words.text, acknowledged=raised.value.contradictions))
    assert again(work).state == IncidentState.COMPLETED


def test_what_was_derived_of_a_cancelled_maintenance_is_taken_away_and_its_rows_stay(world: World) -> None:
    work = planned(world)
    cancel(world, work, now=START - timedelta(hours=5))
    with scope.as_staff():
        assert Recovery.objects.filter(incident=work).count() == 2
        assert not Cohort.objects.filter(incident=work).exists()


def test_the_end_of_a_maintenance_needs_no_restored_record(world: World) -> None:
    work = planned(world)
    with scope.as_staff():
        incidents.post_update(
            SYSTEM, incident_id=work.pk, kind=UpdateKind.RESOLVED, body_markdown="Done.", now=END
        )
    assert (again(work).state, again(work).resolved_at) == (IncidentState.COMPLETED, END)
