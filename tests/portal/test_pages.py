"""The client pages: what a company reads of its own account, and who is kept out."""

from collections.abc import Callable

import pytest
from django.test import Client

from incidents.choices import CompanyState
from incidents.models import PostMortemRequest
from tenants import scope
from tenants.models import User
from tests import factories
from tests.conftest import World

SignIn = Callable[[User], Client]


def url(world: World, *, company: str = "acme", more: str = "") -> str:
    return f"/{company}/incidents/{world.incident.reference}/{more}"


@pytest.mark.parametrize(
    "path", ["/acme/", "/acme/incidents/", "/acme/incidents/{ref}/", "/acme/incidents/{ref}/post-mortem/"]
)
def test_a_member_opens_every_page(world: World, signed_in: SignIn, path: str) -> None:
    response = signed_in(world.ada).get(path.format(ref=world.incident.reference))
    assert response.status_code == 200, response.content[:2000]
    assert b"Acme Stores" in response.content
    assert b"ada@acme.example" in response.content
    assert f">{world.ada.name}<".encode() in response.content
    assert b"Globex" not in response.content


@pytest.mark.parametrize(
    "path", ["/acme/", "/acme/incidents/", "/acme/incidents/{ref}/", "/nobody/", "/admin/"]
)
def test_a_stranger_gets_the_same_404_as_for_a_company_that_does_not_exist(
    world: World, signed_in: SignIn, path: str
) -> None:
    client = signed_in(world.gus)
    response = client.get(path.format(ref=world.incident.reference))
    unknown = client.get("/no-such-company/")
    assert response.status_code == unknown.status_code == 404
    assert response.content.replace(response["X-Request-ID"].encode(), b"") == unknown.content.replace(
        unknown["X-Request-ID"].encode(), b""
    )


@pytest.mark.parametrize("path", ["/acme/", "/nobody/", "/admin/"])
def test_who_is_not_signed_in_is_sent_to_sign_in_whatever_exists(world: World, path: str) -> None:
    response = Client().get(path)
    assert response.status_code == 302
    assert response["Location"] == f"/accounts/login/?next={path}"


def test_an_owner_asks_for_the_report_once(world: World, signed_in: SignIn) -> None:
    client = signed_in(world.ada)
    for _ in range(2):
        response = client.post(url(world, more="post-mortem/"), {"purpose": "Our own customers ask."})
        assert response.status_code == 302, response.content
    page = client.get(url(world, more="post-mortem/"))
    assert b"Our own customers ask." in page.content
    with scope.as_staff():
        assert PostMortemRequest.objects.count() == 1


def test_a_reader_may_not_ask_and_nothing_changes(world: World, signed_in: SignIn) -> None:
    response = signed_in(world.bea).post(url(world, more="post-mortem/"), {"purpose": "Please."})
    assert response.status_code == 403
    with scope.as_staff():
        assert PostMortemRequest.objects.count() == 0


def test_the_page_answers_304_until_something_changes(world: World, signed_in: SignIn) -> None:
    factories.restore([world.acme, world.globex], world.incident, minutes=30)
    client = signed_in(world.ada)
    first = client.get(url(world), headers={"HX-Request": "true"})
    again = client.get(url(world), headers={"HX-Request": "true", "If-None-Match": first["ETag"]})
    assert (first.status_code, again.status_code, again.content) == (200, 304, b"")
    factories.restore(world.acme, world.incident, minutes=40, state=CompanyState.OUTAGE)
    changed = client.get(url(world), headers={"HX-Request": "true", "If-None-Match": first["ETag"]})
    assert changed.status_code == 200
    assert changed.content != first.content
