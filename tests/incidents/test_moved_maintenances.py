"""Planned work is moved to another window before it begins: told, audited, reminded of anew."""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import time_machine
from django.test import Client
from django.urls import reverse

from incidents import errors
from incidents.choices import IncidentState
from incidents.models import Incident
from incidents.operations import maintenances
from incidents.operations.announcing import Words
from incidents.queries import overviews
from tenants import scope
from tenants.errors import Refusal
from tenants.models import AuditEvent, User
from tests import factories
from tests.conftest import World, make_world
from tests.incidents.test_operations_maintenances import (
    END,
    START,
    WORDS,
    advance,
    again,
    audited,
    planned,
    read,
    texts,
    unchanged,
)
from tests.incidents.test_staff_roles import MANAGER, PUBLISHER, SUPPORT, staff_of
from tests.threads import at_once

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
NOW = START - DAY


def move(
    world: World,
    work: Incident,
    start: datetime,
    end: datetime | None,
    *,
    now: datetime = NOW,
    words: Words = WORDS,
) -> None:
    with scope.as_staff():
        maintenances.move(
            factories.actor(world.sam),
            incident_id=work.pk,
            started_at=start,
            planned_end_at=end,
            words=words,
            now=now,
        )


def test_what_is_moved_is_told_to_everyone_and_begins_at_its_new_time(world: World) -> None:
    work = planned(world)
    version = again(work).version
    move(world, work, START + DAY, END + DAY)
    work = again(work)
    assert (work.started_at, work.planned_end_at, work.state) == (START + DAY, END + DAY, "scheduled")
    assert work.version > version
    assert texts(work) == [f"{WORDS.text}\n\n{maintenances.MOVED[0]}"]
    (update,) = read(world, work, NOW).updates
    assert "{{ instant 2026-02-06T12:45:00Z }}" in update.body_html
    assert "{{ instant 2026-02-06T14:45:00Z }}" in update.body_html
    assert audited(work)[-1] == "maintenance.moved"
    with scope.as_staff():
        event = AuditEvent.objects.get(action="maintenance.moved")
    assert (event.actor_id, event.detail["started_at_before"], event.detail["started_at"]) == (
        world.sam.pk,
        START.isoformat(),
        (START + DAY).isoformat(),
    )
    with scope.as_company(world.acme.pk, read_only=True):
        (row,) = overviews.overview(zone="UTC", now=START + HOUR).upcoming_maintenance
    assert row.started_at == START + DAY
    assert (advance(START), advance(START + DAY)) == (0, 1)


def test_it_can_come_earlier_be_shorter_and_have_no_end(world: World) -> None:
    work = planned(world)
    move(world, work, START - HOUR, START, now=NOW)
    move(world, work, START - HOUR, None, now=NOW + HOUR)
    assert (again(work).started_at, again(work).planned_end_at) == (START - HOUR, None)
    assert texts(work)[-1].endswith(maintenances.MOVED[1])


def test_the_reminder_is_posted_again_for_the_new_start(world: World) -> None:
    work = planned(world, remind_minutes=60)
    assert advance(START - HOUR) == 1
    move(world, work, START + DAY, END + DAY, now=START - HOUR / 2)
    assert [advance(START + DAY - each) for each in (2 * HOUR, HOUR, HOUR / 2)] == [0, 1, 0]
    assert [text for text in texts(work) if text in maintenances.REMINDER] == [maintenances.REMINDER[0]] * 2


def test_who_reads_within_the_hour_that_it_was_moved_is_not_reminded_besides(world: World) -> None:
    work = planned(world, remind_minutes=60)
    now = START - 3 * HOUR
    move(world, work, START - 5 * HOUR / 2, END, now=now)
    assert advance(now + HOUR / 4) == 0
    assert len(texts(work)) == 1


def test_what_cannot_be_moved_stays_as_it_was(world: World) -> None:
    work = planned(world, remind_minutes=60)
    later = START + DAY

    def refused(refusal: type[Refusal], start: datetime, end: datetime | None, **more: Any) -> None:
        unchanged(work, lambda: move(world, work, start, end, **more), refusal)

    refused(errors.ReasonMissing, later, END + DAY, words=Words(text=" "))
    refused(errors.UnknownField, later, END + DAY, words=Words(text="{{ nonsense }}"))
    refused(errors.StartNotAhead, NOW, END)
    refused(errors.EndNotAfterStart, later, later)
    refused(errors.EndNotAfterStart, later, END)
    refused(errors.WindowUnchanged, START, END)
    refused(errors.BegunAlready, later, END + DAY, now=START)
    move(world, work, later, END + DAY)
    refused(errors.WindowUnchanged, later, END + DAY)  # a double click
    with scope.as_staff():
        maintenances.cancel(factories.actor(world.sam), incident_id=work.pk, words=WORDS, now=NOW)
    refused(errors.SetAside, START, END)
    unchanged(world.incident, lambda: move(world, world.incident, later, END + DAY), errors.NotMaintenance)


def test_a_move_and_the_start_by_the_clock_are_one_of_both(committed: None) -> None:
    """The worker comes in the second of the start, a person has moved it in the second before."""
    world = make_world()
    for number in range(5):
        work = planned(world)
        second = timedelta(seconds=1)
        came = at_once(
            partial(move, world, work, START + DAY, END + DAY, now=START - second), partial(advance, START)
        )
        stored = again(work)
        is_moved = came[0] is None
        expected = (START + DAY, "scheduled") if is_moved else (START, "in_progress")
        assert (stored.started_at, stored.state) == expected, number
        assert (stored.state_at(START) is IncidentState.SCHEDULED) is is_moved


def typed(start: datetime, end: datetime) -> dict[str, str]:
    return {
        "started_at_0": f"{start:%d/%m/%Y}",
        "started_at_1": f"{start:%H:%M:%S}",
        "planned_end_at_0": f"{end:%d/%m/%Y}",
        "planned_end_at_1": f"{end:%H:%M:%S}",
        "reason": WORDS.text,
    }


def test_it_is_moved_on_its_own_page_by_who_may(world: World, signed_in: Callable[[User], Client]) -> None:
    work = planned(world)
    page = reverse("admin:incidents_incident_move", args=[work.pk])
    change = reverse("admin:incidents_incident_change", args=[work.pk])
    sent = typed(START + DAY, END + DAY)
    with time_machine.travel(NOW, tick=True):
        for role in (SUPPORT, PUBLISHER):
            assert signed_in(staff_of(role)).post(page, sent).status_code == 403
        assert again(work).started_at == START
        manager = signed_in(staff_of(MANAGER))
        assert page in manager.get(change).content.decode()
        assert manager.post(page, sent).status_code == 302
        assert again(work).started_at == START + DAY
        assert errors.WindowUnchanged.message in manager.post(page, sent).content.decode()
    with time_machine.travel(START + DAY + HOUR, tick=True):
        assert page not in signed_in(world.sam).get(change).content.decode()
        answer = signed_in(world.sam).post(page, typed(START + 3 * DAY, END + 3 * DAY))
        assert errors.BegunAlready.message in answer.content.decode()
    assert len(texts(work)) == 1
