"""Whatever is typed into the admin or its addresses, it answers, and the console stays open."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from incidents.choices import UpdateKind
from incidents.models import Incident
from incidents.operations import incidents
from tenants import scope
from tenants.models import User
from tests import factories
from tests.conftest import World

SignIn = Callable[[User], Client]
ADD = reverse("admin:incidents_incident_add")


def typed(world: World, **changes: Any) -> dict[str, Any]:
    return {
        "title": "Typed",
        "kind": "incident",
        "severity": "major",
        "started_at_0": "04/02/2026",
        "started_at_1": "13:45",
        "tail_percent": "5",
        "roster_policy": "names",
        "request_policy": "approval",
        "affected": [str(world.api.pk)],
    } | changes


def in_zone(person: User, zone: str) -> None:
    with scope.as_staff():
        User.objects.filter(pk=person.pk).update(time_zone=zone)


def listed(client: Client, standing: str) -> set[str]:
    page = client.get(reverse("admin:incidents_incident_changelist"), {"standing": standing})
    return {incident.title for incident in page.context["cl"].result_list}


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/admin/incidents/recovery/?state=%00", 400),
        ("/admin/incidents/recovery/?incident=%00", 400),
        ("/admin/incidents/recoveryentry/?source__exact=%00", 400),
        ("/admin/autocomplete/?app_label=tenants&model_name=membership&field_name=user&term=%00", 400),
        ("/admin/incidents/incident/add/?started_at=zzz", 200),
        ("/admin/incidents/incident/add/?started_at=2026-02-04&tail_percent=many&nonsense=1", 200),
        ("/admin/incidents/claim/add/?incident=nobody", 200),
    ],
)
def test_any_address_is_answered(world: World, signed_in: SignIn, path: str, status: int) -> None:
    assert signed_in(world.sam).get(path).status_code == status


def test_an_address_can_propose_what_can_be_read(world: World, signed_in: SignIn) -> None:
    form = signed_in(world.sam).get(ADD, {"title": "Proposed", "tail_percent": "many"}).context["adminform"]
    assert (form.form["title"].value(), form.form["tail_percent"].value()) == ("Proposed", 5)


@pytest.mark.parametrize("key", ["nope", "1", "\0", ""])
def test_a_selection_of_what_cannot_be_is_refused(world: World, signed_in: SignIn, key: str) -> None:
    sent = {"action": "record_recovery", "select_across": "0", "_selected_action": [key]}
    assert signed_in(world.sam).post("/admin/incidents/recovery/", sent).status_code in (302, 400)


@pytest.mark.parametrize(
    ("zone", "day", "time"),
    [
        ("America/New_York", "31/12/9999", "23:59"),
        ("Europe/Paris", "01/01/0001", "00:00"),
        ("UTC", "01/01/0001", "00:00"),
        ("UTC", "31/12/1999", "23:59"),
        ("UTC", "01/01/2100", "00:00"),
    ],
)
def test_a_mistyped_year_is_refused(world: World, signed_in: SignIn, zone: str, day: str, time: str) -> None:
    in_zone(world.sam, zone)
    client = signed_in(world.sam)
    answer = client.post(ADD, typed(world, started_at_0=day, started_at_1=time))
    assert answer.status_code == 200
    assert answer.context["errors"], "it says why"
    with scope.as_staff():
        assert not Incident.objects.filter(title="Typed").exists()
    assert client.get("/admin/").status_code == 200


@pytest.mark.parametrize(
    ("zone", "when", "read"),
    [
        ("Europe/Paris", "25/10/2026 02:30", datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),
        ("Europe/Paris", "25/10/2026 03:00", datetime(2026, 10, 25, 2, 0, tzinfo=UTC)),
        ("America/New_York", "01/11/2026 01:30", datetime(2026, 11, 1, 5, 30, tzinfo=UTC)),
    ],
)
def test_a_time_that_comes_twice_is_the_first(
    world: World, signed_in: SignIn, zone: str, when: str, read: datetime
) -> None:
    in_zone(world.sam, zone)
    client = signed_in(world.sam)
    day, time = when.split()
    assert "the clocks show twice is the first" in client.get(ADD).content.decode()
    assert client.post(ADD, typed(world, started_at_0=day, started_at_1=time)).status_code == 302
    with scope.as_staff():
        assert Incident.objects.get(title="Typed").started_at == read


def test_a_time_that_never_comes_is_refused(world: World, signed_in: SignIn) -> None:
    in_zone(world.sam, "Europe/Paris")
    sent = typed(world, started_at_0="29/03/2026", started_at_1="02:30")
    assert signed_in(world.sam).post(ADD, sent).context["errors"]
    in_zone(world.sam, "UTC")
    assert "the clocks show twice" not in signed_in(world.sam).get(ADD).content.decode()


def test_an_incident_that_goes_on_for_somebody_is_listed_as_open(world: World, signed_in: SignIn) -> None:
    with scope.as_staff():
        incidents.post_update(
            factories.actor(world.sam),
            incident_id=world.incident.pk,
            kind=UpdateKind.RESOLVED,
            body_markdown="Over.",
            override_reason="The contract ended.",
            now=factories.STARTED_AT.replace(hour=20),
        )
    client = signed_in(world.sam)
    title = world.incident.title
    assert (listed(client, "open"), listed(client, "over")) == ({title}, set())
    factories.restore([world.acme, world.globex], world.incident, minutes=600)
    assert (listed(client, "open"), listed(client, "over")) == (set(), {title})
