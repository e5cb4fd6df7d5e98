"""Every address × every actor: who is answered what, and that no answer tells more than it says."""

import re
from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import pytest
from django.test import Client
from django.utils import timezone

from incidents.models import PostMortemRequest
from tenants import scope
from tenants.models import Company, Membership, User
from tenants.permissions import Role
from tests import factories
from tests.conftest import World
from tests.guards import routes

SignIn = Callable[[User], Client]

UNKNOWN_REFERENCE = "INC-22222222"
WALLS_OF_THE_BROWSER = {
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}
SAMPLES = {
    "company": "acme",
    "reference": UNKNOWN_REFERENCE,
    "object_id": str(UUID(int=1)),
    "id": str(UUID(int=1)),
    "content_type_id": "1",
    "uidb36": "1",
    "key": "set-password",
    "app_label": "auth",
    "url": "nowhere/",
}
COMPANY_ROUTES = sorted({each.route for each in routes.ROUTES if each.route.startswith("<slug:company>")})


@pytest.fixture
def world(world: World) -> World:
    """The cast, and the people who only stand at the door."""
    initech = factories.company("initech", name="Initech Cafes")
    people = {name: factories.person(f"{name}@people.example") for name in ("tia", "sue", "rex")}
    factories.member(people["tia"], world.acme, Role.READER)
    factories.member(people["tia"], world.globex, Role.OWNER)
    factories.member(people["sue"], initech, Role.OWNER)
    factories.member(people["rex"], world.acme, Role.OWNER)
    with scope.as_staff():
        Company.objects.filter(pk=initech.pk).update(suspended_at=timezone.now())
        Membership.objects.filter(user=people["rex"]).delete()
    return world


@pytest.fixture
def as_actor(world: World) -> Callable[[str], Client]:
    emails = {
        "owner": "ada@acme.example",
        "reader": "bea@acme.example",
        "stranger": "gus@globex.example",
        "of_two": "tia@people.example",
        "suspended": "sue@people.example",
        "removed": "rex@people.example",
        "staff": "sam@vendor.example",
    }

    def sign_in(actor: str) -> Client:
        client = Client(raise_request_exception=False)
        if actor != "anonymous":
            client.force_login(User.objects.get(email=emails[actor]))
        return client

    return sign_in


def address(route: str, actor: str, world: World) -> str:
    company = "initech" if actor == "suspended" else "acme"
    return "/" + route.replace("<slug:company>", company).replace(
        "<reference:reference>", world.incident.reference
    )


def sample(route: str) -> str:
    """An address that a pattern of a library answers, with values that name nothing."""
    plain = re.sub(r"\(\?P(<\w+>)[^)]*\)", r"\1", route).replace("^", "").replace("$", "")
    return "/" + re.sub(r"<(?:\w+:)?(\w+)>", lambda found: SAMPLES[found[1]], plain)


def anonymised(response: Any) -> tuple[int, dict[str, str], bytes]:
    """All that a browser is told, without the request's own reference."""
    reference = response["X-Request-ID"]
    headers = {name: value for name, value in response.headers.items() if name != "X-Request-ID"}
    return response.status_code, headers, response.content.replace(reference.encode(), b"")


def assert_walled(response: Any, of: str) -> None:
    told = {name: response.headers.get(name) for name in WALLS_OF_THE_BROWSER}
    assert told == WALLS_OF_THE_BROWSER, of
    policy = response.headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy, of
    assert "frame-ancestors 'none'" in policy, of
    assert "unsafe" not in policy, of


def test_every_address_is_in_the_table() -> None:
    declared = {each.route for each in routes.ROUTES}
    live = {route for route in routes.live_routes() if not route.startswith(routes.LIBRARY_PREFIXES)}
    assert live - declared == set(), "addresses without a row in tests/guards/routes.py"
    assert declared - live == set(), "rows without an address"


@pytest.mark.parametrize("actor", routes.ACTORS)
@pytest.mark.parametrize("row", routes.ROUTES, ids=str)
def test_every_actor_is_answered_as_the_table_says(
    world: World, as_actor: Callable[[str], Client], row: routes.Row, actor: str
) -> None:
    path = address(row.route, actor, world)
    response = as_actor(actor).generic(
        row.method,
        path,
        "&".join(f"{name}={value}" for name, value in row.sent),
        "application/x-www-form-urlencoded",
    )
    expected = dict(zip(routes.ACTORS, row.statuses, strict=True))[actor]
    assert response.status_code == expected, response.content[:1000]
    assert_walled(response, path)
    if expected == 302 and actor == "anonymous" and row.route in COMPANY_ROUTES:
        assert response["Location"] == f"/accounts/login/?next={path}"
    if response.status_code >= 400 or row.method == "GET":
        with scope.as_staff():
            assert PostMortemRequest.objects.count() == 0


@pytest.mark.parametrize("route", sorted({each.route for each in routes.ROUTES} - {""}))
def test_a_method_that_no_row_names_is_refused_and_strangers_are_not_told(
    world: World, as_actor: Callable[[str], Client], route: str
) -> None:
    declared = {each.method for each in routes.ROUTES if each.route == route}
    if "GET" in declared:
        declared.add("HEAD")
    if route.startswith("health/"):
        declared = set(routes.METHODS)  # a probe may ask as it likes
    for method in sorted(set(routes.METHODS) - declared):
        allowed = as_actor("owner").generic(method, address(route, "owner", world))
        assert allowed.status_code == 405, (method, route)
        assert_walled(allowed, route)
        if route in COMPANY_ROUTES:
            stranger = as_actor("stranger").generic(method, address(route, "stranger", world))
            assert stranger.status_code == 404, (method, route)


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "DELETE"])
@pytest.mark.parametrize("route", COMPANY_ROUTES)
def test_another_company_and_an_unknown_one_are_the_same_byte_for_byte(
    world: World, as_actor: Callable[[str], Client], route: str, method: str
) -> None:
    client = as_actor("stranger")
    foreign = address(route, "stranger", world)
    answers = [
        anonymised(client.generic(method, path))
        for path in (foreign, foreign.replace("/acme/", "/nobody/"), foreign.replace("/acme/", "/initech/"))
    ]
    assert answers[0] == answers[1] == answers[2]
    assert answers[0][0] == 404


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
@pytest.mark.parametrize("route", [routes.INCIDENT, routes.POST_MORTEM])
def test_inside_the_own_company_foreign_draft_unknown_and_malformed_references_are_the_same(
    world: World, as_actor: Callable[[str], Client], route: str, method: str
) -> None:
    payments = factories.component("Payment Processing", "NA")
    factories.place(world.globex, payments)
    foreign = factories.incident(payments, title="Globex alone")
    draft = factories.draft(world.api, title="Not published")
    client = as_actor("owner")
    answers = [
        anonymised(
            client.generic(
                method,
                "/" + route.replace("<slug:company>", "acme").replace("<reference:reference>", reference),
                "purpose=Please",
                "application/x-www-form-urlencoded",
            )
        )
        for reference in (foreign.reference, draft.reference, UNKNOWN_REFERENCE, "..", "%00", "x" * 900, "é")
    ]
    expected = 405 if method == "POST" and route == routes.INCIDENT else 404
    assert {status for status, _headers, _body in answers[:3]} == {expected}
    assert answers[0] == answers[1] == answers[2]
    assert {status for status, _headers, _body in answers[3:]} <= {expected, 404}
    assert b"Globex" not in answers[0][2]
    with scope.as_staff():
        assert PostMortemRequest.objects.count() == 0


@pytest.mark.parametrize(
    "word", sorted({"api", "companies", "feeds", "metrics", "static", "verify", "health"})
)
@pytest.mark.parametrize("more", ["", "incidents/", f"incidents/{UNKNOWN_REFERENCE}/"])
def test_a_reserved_word_is_no_company(as_actor: Callable[[str], Client], word: str, more: str) -> None:
    for actor in ("anonymous", "owner", "staff"):
        response = as_actor(actor).get(f"/{word}/{more}")
        assert response.status_code == 404
        assert_walled(response, word)


def admin_routes() -> Iterator[str]:
    return (route for route in routes.live_routes() if route.startswith("admin/"))


def test_only_staff_pass_the_door_of_the_admin_whatever_is_behind_it(
    world: World, as_actor: Callable[[str], Client]
) -> None:
    paths = sorted({sample(route) for route in admin_routes()})
    assert len(paths) > 20
    anonymous = as_actor("anonymous")
    for path in paths:
        response = anonymous.get(path)
        assert (response.status_code, response["Location"]) == (302, f"/accounts/login/?next={path}")
    for actor in ("owner", "reader", "stranger", "of_two", "suspended", "removed"):
        client = as_actor(actor)
        answers = {path: anonymised(client.get(path)) for path in paths}
        assert {answer[0] for answer in answers.values()} == {404}, actor
        assert len({answer[2] for answer in answers.values()}) == 1, actor
        assert {client.post(path).status_code for path in paths} == {404}, actor


def test_staff_are_answered_everywhere_in_the_admin_without_a_500(
    world: World, as_actor: Callable[[str], Client]
) -> None:
    client = as_actor("staff")
    for path in sorted({sample(route) for route in admin_routes()} - {"/admin/logout/"}):
        response = client.get(path)
        assert response.status_code < 500, path
        assert_walled(response, path)


@pytest.mark.parametrize("actor", ["anonymous", "owner", "staff"])
def test_the_sign_in_pages_never_fail_and_never_name_a_company(
    world: World, as_actor: Callable[[str], Client], actor: str
) -> None:
    client = as_actor(actor)
    paths = sorted({sample(route) for route in routes.live_routes() if route.startswith("accounts/")})
    assert "/accounts/login/" in paths
    for path in paths:
        response = client.get(path)
        assert response.status_code < 500, path
        assert_walled(response, path)
        assert b"Acme" not in response.content, path
        assert b"Globex" not in response.content, path


@pytest.mark.parametrize(
    ("headers", "path"),
    [
        ({"host": "evil.example"}, "/acme/"),
        ({"host": "evil.example"}, "/accounts/login/"),
        ({}, "/no/such/page"),
        ({}, "/acme"),
        ({}, "/ACME/"),
        ({}, "/%00/"),
        ({}, "/acme%2f/incidents/"),
        ({"cookie": "portal_session=\x00"}, "/acme/"),
        ({"cookie": "portal_session=" + "a" * 32}, "/acme/"),
        ({"cookie": "portal_session=' or 1=1 --"}, "/admin/"),
    ],
)
def test_errors_and_redirects_carry_the_walls_of_the_browser_too(
    db: None, headers: dict[str, str], path: str
) -> None:
    response = Client(raise_request_exception=False).get(path, headers=headers)
    assert 300 <= response.status_code < 500, response.status_code
    assert_walled(response, path)


def test_a_form_without_its_token_is_refused_and_nothing_changes(world: World) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(world.ada)
    response = client.post(f"/acme/incidents/{world.incident.reference}/post-mortem/", {"purpose": "Please"})
    assert response.status_code == 403
    assert_walled(response, "csrf")
    with scope.as_staff():
        assert PostMortemRequest.objects.count() == 0


def test_signed_in_pages_are_never_kept_by_shared_caches(
    world: World, as_actor: Callable[[str], Client]
) -> None:
    for each in routes.ROUTES:
        if each.method == "GET" and each.route in COMPANY_ROUTES:
            response = as_actor("owner").get(address(each.route, "owner", world))
            assert "private" in response["Cache-Control"], each
            assert "Cookie" in response["Vary"], each
