"""The way from the admin to a client's pages: as whom, in which zone, why, and who may take it."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.test import Client

from tenants import scope, view_as
from tenants.models import AuditEvent, User
from tests import factories
from tests.conftest import World
from tests.incidents.test_staff_roles import staff_of

SignIn = Callable[[User], Client]
START = "/admin/tenants/company/view-as/"
ASKED = {"company": "acme", "role": "owner", "zone": "", "reason": ""}


def started() -> list[dict[str, Any]]:
    with scope.as_staff():
        found = AuditEvent.objects.filter(action=view_as.STARTED)
        names = ("company__slug", "actor__email", "detail")
        return [dict(zip(names, row, strict=True)) for row in found.values_list(*names)]


@pytest.mark.parametrize(
    ("role", "may"),
    [("Support", True), ("Incident manager", True), ("Publisher", False), ("Administrator", True)],
)
def test_the_roles_that_may_are_offered_it_and_others_are_refused_even_directly(
    world: World, signed_in: SignIn, role: str, may: bool
) -> None:
    client = signed_in(staff_of(role))
    for page in (f"company/{world.acme.pk}", None):
        address = (
            f"/admin/tenants/{page}/change/"
            if page
            else f"/admin/incidents/incident/{world.incident.pk}/change/"
        )
        assert (START.encode() in client.get(address).content) is may
    assert client.get(START).status_code == (200 if may else 403)
    assert client.post(START, ASKED).status_code == (302 if may else 403)
    assert client.get("/admin/view-as/owner/account/acme/").status_code == (200 if may else 403)
    assert len(started()) == int(may)
    with scope.as_staff():
        seen = AuditEvent.objects.filter(action__in=view_as.VIEWED.values())
        assert seen.count() == int(may)


def test_the_right_ends_with_the_group(world: World, signed_in: SignIn) -> None:
    person = staff_of("Support")
    client = signed_in(person)
    assert client.get("/admin/view-as/owner/account/acme/").status_code == 200
    with scope.as_staff():
        person.groups.remove(Group.objects.get(name="Support"))
    assert client.get("/admin/view-as/owner/account/acme/").status_code == 403


def test_a_choice_leads_to_the_clients_page_and_the_reason_is_kept(world: World, signed_in: SignIn) -> None:
    client = signed_in(world.sam)
    sent = {"company": "acme stores", "role": "reader", "zone": "America/New_York", "reason": "Ticket 4711"}
    answer = client.post(START, sent)
    assert answer["Location"] == "/admin/view-as/reader/America.New_York/acme/"
    assert started() == [
        {
            "company__slug": "acme",
            "actor__email": world.sam.email,
            "detail": {"role": "reader", "incident": "", "reason": "Ticket 4711"},
        }
    ]
    assert "You see what a reader of Acme Stores sees" in client.get(answer["Location"]).content.decode()


def test_from_an_incident_it_leads_to_the_clients_page_of_it(world: World, signed_in: SignIn) -> None:
    client = signed_in(world.sam)
    answer = client.post(f"{START}?incident={world.incident.reference}", ASKED)
    assert answer["Location"] == f"/admin/view-as/owner/account/acme/incidents/{world.incident.reference}/"
    assert client.get(answer["Location"]).status_code == 200


def test_a_company_that_the_incident_does_not_touch_is_refused(world: World, signed_in: SignIn) -> None:
    factories.company("initech", name="Initech Cafes")
    draft = factories.draft(world.api)
    client = signed_in(world.sam)
    for reference, slug in ((world.incident.reference, "initech"), (draft.reference, "acme")):
        answer = client.post(f"{START}?incident={reference}", ASKED | {"company": slug})
        assert answer.status_code == 200
        assert b"is not affected by the incident" in answer.content
    assert started() == []


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"company": "nobody at all"}, "No client company is called that."),
        ({"company": "%"}, "No client company is called that."),
        ({"company": "e"}, "Write the short name of the one you mean: "),
        ({"company": ""}, "This field is required."),
        ({"company": "ac\0me"}, "Null characters are not allowed."),
        ({"role": "admin"}, "Select a valid choice."),
        ({"zone": "Mars/Olympus"}, "Select a valid choice."),
        ({"reason": "x" * 301}, "at most 300 characters"),
    ],
)
def test_what_cannot_be_meant_is_said_and_not_written_down(
    world: World, signed_in: SignIn, changed: dict[str, str], says: str
) -> None:
    answer = signed_in(world.sam).post(START, ASKED | changed)
    assert answer.status_code == 200
    assert says in answer.content.decode()
    assert started() == []


@pytest.mark.parametrize("query", ["company=%00", "incident=%00", "incident=../../x", "company=nobody"])
def test_an_odd_way_there_is_no_fault(world: World, signed_in: SignIn, query: str) -> None:
    assert signed_in(world.sam).get(f"{START}?{query}").status_code == 200
