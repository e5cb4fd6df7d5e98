"""In which zone times are read, and that the switch leads nowhere else."""

from collections.abc import Callable

import pytest
from django.test import Client

from tenants import scope
from tenants.models import User
from tests.conftest import World

SignIn = Callable[[User], Client]


def page(client: Client, world: World, company: str = "acme") -> str:
    return client.get(f"/{company}/incidents/{world.incident.reference}/").content.decode()


def test_times_are_in_the_companys_zone_and_the_exact_utc_is_beside(world: World, signed_in: SignIn) -> None:
    html = page(signed_in(world.ada), world)
    assert "4 Feb 2026, 13:45 CET" in html
    assert 'datetime="2026-02-04T12:45:00Z"' in html
    assert "4 Feb 2026, 07:45 EST" in page(signed_in(world.gus), world, "globex")


def test_the_own_zone_of_a_person_goes_first(world: World, signed_in: SignIn) -> None:
    with scope.as_staff():
        User.objects.filter(pk=world.ada.pk).update(time_zone="Asia/Tokyo")
    assert "4 Feb 2026, 21:45 JST" in page(signed_in(world.ada), world)


def test_utc_can_be_chosen_and_left_again(world: World, signed_in: SignIn) -> None:
    client = signed_in(world.ada)
    response = client.post("/zone/", {"zone": "utc", "next": "/acme/"})
    assert (response.status_code, response["Location"]) == (302, "/acme/")
    cookie = response.cookies["portal_zone"]
    assert (cookie.value, cookie["httponly"], cookie["samesite"]) == ("utc", True, "Lax")
    assert "4 Feb 2026, 12:45 UTC" in page(client, world)
    client.post("/zone/", {"zone": "own", "next": "/acme/"})
    assert "4 Feb 2026, 13:45 CET" in page(client, world)


@pytest.mark.parametrize(
    "back",
    [
        "https://evil.example/",
        "//evil.example/",
        "///evil.example/",
        "/\\evil.example",
        "\\\\evil.example",
        "javascript:alert(1)",
        "http:evil.example",
        " //evil.example",
        "/\t/evil.example",
        "/a\r\nSet-Cookie: a=b",
        "",
        "\x00",
    ],
)
def test_it_never_leads_to_another_host(db: None, back: str) -> None:
    response = Client().post("/zone/", {"zone": "utc", "next": back})
    assert response.status_code == 302
    location = response["Location"]
    assert location.startswith("/")
    assert not location.startswith(("//", "/\\"))
    assert "Set-Cookie" not in location.replace("%0D%0A", "") or "\r" not in location


@pytest.mark.parametrize("cookie", ["Mars/Olympus", "utc; drop", "UTC", "../../etc/passwd", "x" * 3000])
def test_a_cookie_that_was_meddled_with_changes_nothing(world: World, signed_in: SignIn, cookie: str) -> None:
    client = signed_in(world.ada)
    client.cookies["portal_zone"] = cookie
    assert "4 Feb 2026, 13:45 CET" in page(client, world)
