"""The course of what is published, in the admin: window, cancellation, false alarm, merge, console."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import Group
from django.test import Client
from django.urls import reverse

from incidents import errors
from incidents.choices import IncidentKind, IncidentState, Severity
from incidents.models import Claim, Incident, RecoveryEntry, Update
from incidents.operations import false_alarms, incidents
from incidents.operations.announcing import Words
from tenants import scope
from tenants.actor import SYSTEM
from tenants.models import AuditEvent, User
from tests import factories
from tests.conftest import World

SignIn = Callable[[User], Client]
STEPS = ("extend", "cancel", "end-early", "false-alarm", "merge")
NOW = factories.STARTED_AT + timedelta(hours=3)


@pytest.fixture(autouse=True)
def _now() -> Any:
    with time_machine.travel(NOW, tick=True):
        yield


def page(name: str, incident: Incident | None = None) -> str:
    return reverse(f"admin:incidents_incident_{name}", args=[incident.pk] if incident else [])


def again(incident: Incident) -> Incident:
    with scope.as_staff():
        return Incident.objects.get(pk=incident.pk)


def planned(world: World, *, hours: float = 24, title: str = "New storage") -> Incident:
    """A published maintenance of two hours that starts in so many hours."""
    work = factories.draft(
        world.api,
        title=title,
        kind=IncidentKind.MAINTENANCE,
        state=IncidentState.SCHEDULED,
        started_at=NOW + timedelta(hours=hours),
        planned_end_at=NOW + timedelta(hours=hours + 2),
    )
    with scope.as_staff():
        incidents.publish(SYSTEM, incident_id=work.pk, now=NOW - timedelta(days=2))
    return again(work)


def twin(world: World) -> Incident:
    return factories.incident(world.reports, title="Reports fail")


def said(incident: Incident) -> list[str]:
    with scope.as_staff():
        return list(Update.objects.filter(incident=incident).values_list("body_markdown", flat=True))


def until(at: datetime, reason: str = "It takes longer.") -> dict[str, str]:
    return {
        "planned_end_at_0": f"{at:%d/%m/%Y}",
        "planned_end_at_1": f"{at:%H:%M:%S}",
        "reason": reason,
    }


# The steps


def test_a_maintenance_is_extended_on_its_own_page(world: World, signed_in: SignIn) -> None:
    work, client = planned(world), signed_in(world.sam)
    assert page("extend", work) in client.get(page("change", work)).content.decode()
    later = work.started_at + timedelta(hours=5)
    assert client.post(page("extend", work), until(later)).status_code == 302
    assert again(work).planned_end_at == later
    twice = client.post(page("extend", work), until(later))
    assert errors.EndNotLater.message in twice.content.decode()
    assert len(said(work)) == 1


@pytest.mark.parametrize(
    ("hours", "steps", "state"),
    [(24, ("cancel", "end-early"), "cancelled"), (-1, ("end-early", "cancel"), "completed")],
)
def test_what_has_not_begun_is_cancelled_and_what_has_is_ended(
    world: World, signed_in: SignIn, hours: int, steps: tuple[str, str], state: str
) -> None:
    shown, hidden = steps
    work, client = planned(world, hours=hours), signed_in(world.sam)
    seen = client.get(page("change", work)).content.decode()
    assert page(shown, work) in seen
    assert page(hidden, work) not in seen
    refused = client.post(page(hidden, work), {"reason": "No hands."})
    assert "Nothing was" in refused.content.decode()
    empty = client.post(page(shown, work), {"reason": " "})
    assert "required" in empty.content.decode()
    assert (again(work).state, said(work)) == ("scheduled", [])
    assert client.post(page(shown, work), {"reason": "No hands."}).status_code == 302
    assert again(work).state == state
    gone = client.get(page("change", work)).content.decode()
    assert not [step for step in STEPS if page(step, work) in gone]


def test_a_false_alarm_is_marked_with_what_speaks_against_it_in_sight(
    world: World, signed_in: SignIn
) -> None:
    client = signed_in(world.sam)
    seen = client.get(page("false-alarm", world.incident)).content.decode()
    assert "The record says “Outage” of</dt><dd>2" in seen
    posted = client.post(page("false-alarm", world.incident), {"reason": "A probe."}, follow=True)
    assert "Marked as a false alarm" in posted.content.decode()
    assert "False alarm</strong>" in posted.content.decode()
    assert again(world.incident).set_aside_reason == "A probe."


def test_words_against_the_record_are_shown_and_acknowledged_by_sending_them_again(
    world: World, signed_in: SignIn
) -> None:
    client, words = signed_in(world.sam), {"reason": "All accounts are restored."}
    shown = client.post(page("false-alarm", world.incident), words)
    assert again(world.incident).state == "investigating"
    acknowledged = [value for name, value in shown.context["hidden"] if name == "acknowledged"]
    assert len(acknowledged) == 1
    client.post(page("false-alarm", world.incident), words | {"acknowledged": acknowledged})
    assert again(world.incident).state == "false_alarm"


def test_a_merge_says_what_it_does_before_it_is_done(world: World, signed_in: SignIn) -> None:
    other, client = twin(world), signed_in(world.sam)
    chosen = {"into": str(world.incident.pk)}
    seen = client.post(page("merge", other), chosen)
    assert dict(seen.context["facts"])["Companies in both"] == 1
    assert again(other).state == "investigating"
    done = client.post(page("merge", other), chosen | {"seen": chosen["into"]}, follow=True)
    assert done.redirect_chain == [(page("change", world.incident), 302)]
    assert again(other).merged_into_id == world.incident.pk
    pointer = client.get(page("change", other)).content.decode()
    assert page("change", world.incident) in pointer


def test_a_merge_that_would_lose_something_cannot_be_confirmed(world: World, signed_in: SignIn) -> None:
    other = factories.incident(world.api, title="API fails")
    factories.restore(world.acme, other, minutes=60)
    client, chosen = signed_in(world.sam), {"into": str(world.incident.pk)}
    seen = client.post(page("merge", other), chosen)
    assert (seen.context["submit"], "Acme Stores" in seen.context["warning"]) == ("", True)
    client.post(page("merge", other), chosen | {"seen": chosen["into"]})
    assert again(other).state == "investigating"


def test_only_what_can_go_on_is_offered_for_a_merge(world: World, signed_in: SignIn) -> None:
    other, draft, work = twin(world), factories.draft(world.api), planned(world)
    far = factories.incident(world.api, started_at=NOW - timedelta(days=60))
    aside = factories.incident(world.api)
    with scope.as_staff():
        false_alarms.mark(SYSTEM, incident_id=aside.pk, words=Words(text="No."), now=NOW)
    form = signed_in(world.sam).get(page("merge", other)).context["form"]
    with scope.as_staff():
        assert list(form.fields["into"].queryset) == [world.incident]
    for each in (draft, work, far, aside, other):
        answer = signed_in(world.sam).post(page("merge", other), {"into": str(each.pk), "seen": str(each.pk)})
        assert answer.status_code == 200
    assert again(other).state == "investigating"


@pytest.mark.parametrize("role", ["Support", "Publisher", "Administrator"])
def test_who_does_not_run_incidents_takes_no_step(world: World, signed_in: SignIn, role: str) -> None:
    with scope.as_staff():
        tim = User.objects.create_user("tim@vendor.example", factories.PASSWORD, name="Tim", is_staff=True)
        tim.groups.add(Group.objects.get(name=role))
    client, work, other = signed_in(tim), planned(world), twin(world)
    sent = until(work.started_at + timedelta(hours=9)) | {
        "into": str(world.incident.pk),
        "seen": str(world.incident.pk),
    }
    for step in STEPS:
        subject = work if step in {"extend", "cancel", "end-early"} else other
        assert page(step, subject) not in client.get(page("change", subject)).content.decode()
        assert client.get(page(step, subject)).status_code == 403
        assert client.post(page(step, subject), sent).status_code == 403
    assert (again(work), again(other).state) == (work, "investigating")
    assert (said(work), said(other)) == ([], [])


def test_what_was_set_aside_is_read_and_not_changed(world: World, signed_in: SignIn) -> None:
    with scope.as_staff():
        false_alarms.mark(SYSTEM, incident_id=world.incident.pk, words=Words(text="No."), now=NOW)
        entries = RecoveryEntry.objects.count()
        recovery = world.incident.recoveries.get(company=world.acme)
    client = signed_in(world.sam)
    client.post(page("change", world.incident), {"title": "Another", "severity": "minor"})
    assert again(world.incident).title == world.incident.title
    selected = {"action": "record_recovery", "_selected_action": [str(recovery.pk)]}
    answer = client.post(reverse("admin:incidents_recovery_changelist"), selected, follow=True)
    assert errors.SetAside.message in answer.content.decode()
    claim = {"incident": str(world.incident.pk), "kind": "total_duration", "source": "A"} | {
        "claimed_seconds": "1:00"
    }
    refused = client.post(reverse("admin:incidents_claim_add"), claim)
    assert "nothing can be added" in refused.content.decode()
    with scope.as_staff():
        assert RecoveryEntry.objects.count() == entries
        assert not Claim.objects.exists()


# Declaring


def test_severity_and_detection_are_said_when_it_is_published(world: World, signed_in: SignIn) -> None:
    draft = factories.draft(world.api, world.reports)
    client = signed_in(world.sam)
    seen = client.get(page("publish", draft)).content.decode()
    assert "Companies that it will reach</dt><dd>2" in seen
    assert "EU</dt><dd>2" in seen
    typed = {"state": "outage", "severity": "critical"}
    ahead = {"detected_at_0": "05/02/2026", "detected_at_1": "12:00:00"}
    refused = client.post(page("publish", draft), typed | ahead, follow=True)
    assert errors.InstantInFuture.message in refused.content.decode()
    assert again(draft).is_draft
    detected = {"detected_at_0": "04/02/2026", "detected_at_1": "13:00:00"}
    client.post(page("publish", draft), typed | detected)
    made = again(draft)
    assert (made.severity, made.detected_at) == (
        Severity.CRITICAL,
        factories.STARTED_AT + timedelta(minutes=15),
    )


@pytest.mark.parametrize(
    "change",
    [
        {"title": "Another title"},
        {"severity": "critical"},
        {"detected_at_0": "04/02/2026", "detected_at_1": "13:00:00"},
    ],
)
def test_what_clients_read_of_the_head_raises_the_version(
    world: World, signed_in: SignIn, change: dict[str, str]
) -> None:
    before = again(world.incident)
    typed = {
        "title": before.title,
        "severity": "major",
        "detected_at_0": "",
        "detected_at_1": "",
        "request_policy": "approval",
    }
    signed_in(world.sam).post(page("change", world.incident), typed)
    assert again(world.incident).version == before.version
    signed_in(world.sam).post(page("change", world.incident), typed | change)
    assert again(world.incident).version == before.version + 1


def test_the_planned_end_is_moved_by_its_own_page_alone(world: World, signed_in: SignIn) -> None:
    work = planned(world)
    typed = {"title": work.title, "severity": "minor", "remind_minutes": "60", "request_policy": "approval"}
    ends = until(work.started_at + timedelta(hours=9))
    signed_in(world.sam).post(page("change", work), typed | ends)
    saved = again(work)
    assert (saved.planned_end_at, saved.remind_minutes, saved.severity) == (
        work.planned_end_at,
        60,
        Severity.MINOR,
    )


def test_a_reminder_is_for_maintenance_and_from_five_minutes_on(world: World, signed_in: SignIn) -> None:
    draft = factories.draft(world.api)
    client = signed_in(world.sam)
    typed = {
        "title": "Late",
        "kind": "incident",
        "severity": "minor",
        "started_at_0": "04/02/2026",
        "started_at_1": "13:45:00",
        "tail_percent": "5",
        "roster_policy": "names",
        "request_policy": "approval",
    }
    refused = client.post(page("change", draft), typed | {"remind_minutes": "60"})
    assert "Only a maintenance" in refused.content.decode()
    work = typed | until(NOW + timedelta(days=1)) | {"kind": "maintenance", "remind_minutes": "4"}
    assert "greater than or equal to 5" in client.post(page("change", draft), work).content.decode()
    assert again(draft).remind_minutes is None


# The console


def test_the_console_says_what_starts_next_and_what_overran(world: World, signed_in: SignIn) -> None:
    later, soon = planned(world, hours=48, title="Later"), planned(world, hours=2, title="Soon")
    going, overran = planned(world, hours=-1, title="Going on"), planned(world, hours=-5, title="Overran")
    cancelled = planned(world, hours=3)
    client = signed_in(world.sam)
    client.post(page("cancel", cancelled), {"reason": "No."})
    answer = client.get("/admin/")
    board = answer.context["board"]
    assert [each.id for each in board.maintenances] == [each.pk for each in (overran, going, soon, later)]
    assert [str(each.state) for each in board.maintenances] == [
        "verifying",
        "in_progress",
        "scheduled",
        "scheduled",
    ]
    assert [each.id for each in board.incidents] == [world.incident.pk]
    assert answer.content.decode().count('<span class="late"><strong>Late</strong>') == 1


def test_every_step_is_audited_with_who_took_it(world: World, signed_in: SignIn) -> None:
    client, work, other = signed_in(world.sam), planned(world), twin(world)
    client.post(page("extend", work), until(work.started_at + timedelta(hours=9)))
    client.post(page("cancel", work), {"reason": "No."})
    into = str(world.incident.pk)
    client.post(page("merge", other), {"into": into, "seen": into})
    client.post(page("false-alarm", world.incident), {"reason": "No."})
    with scope.as_staff():
        events = AuditEvent.objects.filter(actor=world.sam).order_by("id")
        taken = list(events.values_list("action", flat=True))
    steps = ["maintenance.extended", "maintenance.cancelled", "incident.merged", "incident.false_alarm"]
    assert [action for action in taken if action in steps] == steps


def test_the_pages_of_others_rows_are_not_there(world: World, signed_in: SignIn) -> None:
    unknown = Incident(pk=world.acme.pk)
    for step in STEPS:
        assert signed_in(world.sam).get(page(step, unknown)).status_code == 404
