"""Which doors a process serves: what it answers at the others, and with which login it starts."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest
from django.conf import settings as portal_settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command
from django.db import connection, connections, transaction
from django.test import Client
from psycopg.conninfo import conninfo_to_dict
from pytest_django import Settings

from portal import celery, env
from tenants import rls, walls
from tenants.models import User
from tests import factories, sampling, services
from tests.conftest import World

SignIn = Callable[[User], Client]

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")
UNKNOWN = "/_/"
"""No company, no reserved word: an address that nobody has in any process."""
OF_STAFF = (
    "/admin/",
    "/admin",
    "//admin/",
    "/admin/login/",
    "/admin/tenants/company/",
    "/admin/incidents/incident/00000000-0000-0000-0000-000000000001/change/",
    "/admin/nothing-here",
    "/admin/\x00",
)
OF_CLIENTS = (
    "/acme/",
    "/acme",
    "//acme/",
    "/nobody/",
    "/acme/incidents/",
    "/acme/incidents/INC-22222222/",
    "/acme/incidents/INC-22222222/post-mortem/",
    "/acme/nothing-here",
    "/acme/\x00",
)
POLL = {"HX-Request": "true", "If-None-Match": 'W/"anything"'}


def told(response: Any) -> tuple[int, dict[str, str], bytes]:
    """All that a browser is told, without the request's own reference."""
    headers = {name: value for name, value in response.headers.items() if name != "X-Request-ID"}
    return response.status_code, headers, response.content.replace(response["X-Request-ID"].encode(), b"")


@pytest.mark.parametrize(("served", "paths"), [("client", OF_STAFF), ("staff", OF_CLIENTS)])
def test_an_address_of_a_door_that_is_not_served_is_any_unknown_one_and_the_database_is_not_asked(
    settings: Settings,
    record_property: Callable[[str, object], None],
    served: str,
    paths: tuple[str, ...],
) -> None:
    """This test has no database: a statement would fail it."""
    settings.DOORS = [served]
    different, number = [], 0
    for method in METHODS:
        for session_key in ("", "a" * 32):
            for headers in ({}, POLL):
                client = Client(enforce_csrf_checks=True)
                if session_key:
                    client.cookies[portal_settings.SESSION_COOKIE_NAME] = session_key
                unknown, *answers = [
                    told(client.generic(method, "/", headers=headers, PATH_INFO=path))
                    for path in (UNKNOWN, *paths)
                ]
                for path, answer in zip(paths, answers, strict=True):
                    number += 1
                    if answer != unknown or answer[0] != 404:
                        different.append((method, path, session_key, headers, answer[0]))
    assert different == []
    record_property(sampling.CASES + "of doors that are not served", number)


@pytest.mark.parametrize("served", ["client", "staff"])
def test_sign_in_pages_and_health_are_served_beside_either_door(
    world: World, settings: Settings, served: str
) -> None:
    settings.DOORS = [served]
    for path in ("/accounts/login/", "/accounts/password/reset/", "/health/live"):
        assert Client().get(path).status_code == 200, path
    assert Client().get("/")["Location"] == "/accounts/login/?next=/"


def test_the_door_that_is_served_opens_as_ever(world: World, signed_in: SignIn, settings: Settings) -> None:
    settings.DOORS = ["client"]
    assert signed_in(world.ada).get(f"/acme/incidents/{world.incident.reference}/").status_code == 200
    assert signed_in(world.ada).get("/")["Location"] == "/acme/"
    settings.DOORS = ["staff"]
    assert signed_in(world.sam).get("/admin/").status_code == 200
    assert signed_in(world.sam).get("/")["Location"] == "/admin/"


def test_a_client_who_signs_in_where_staff_are_served_is_told_so_and_sent_nowhere(
    world: World, settings: Settings
) -> None:
    settings.DOORS = ["staff"]
    for after, status in (("/", 200), ("/acme/", 404)):
        client = Client()
        form = {"login": "ada@acme.example", "password": factories.PASSWORD}
        answer = client.post(f"/accounts/login/?next={after}", form, follow=True)
        assert answer.redirect_chain == [(after, 302)]
        assert answer.status_code == status
        page = client.get("/")
        assert page.status_code == 200
        assert b"Your company has another address" in page.content
        for link in (b"/admin", b"/acme", b"Acme"):
            assert link not in page.content


def test_with_every_door_nothing_of_the_other_address_is_said(world: World, signed_in: SignIn) -> None:
    assert portal_settings.DOORS == ["client", "staff"]
    assert signed_in(world.sam).get("/")["Location"] == "/admin/"
    assert signed_in(world.ada).get("/")["Location"] == "/acme/"


# The setting


def test_the_doors_of_the_setting_are_those_that_the_database_has_roles_for() -> None:
    (setting,) = [each for each in env.SETTINGS if each.name == "DOORS"]
    assert set(setting.choices) == set(setting.default) == set(rls.DOORS)


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ("client", ["client"]),
        ("staff", ["staff"]),
        ("staff,client", ["staff", "client"]),
    ],
)
def test_doors_are_named_in_any_order(monkeypatch: pytest.MonkeyPatch, given: str, read: list[str]) -> None:
    monkeypatch.setenv("DOORS", given)
    assert env.value("DOORS") == read


@pytest.mark.parametrize("given", ["", ",", "clients", "client,admin", "client, staff", "Client"])
def test_a_door_that_there_is_not_and_none_at_all_are_refused(
    monkeypatch: pytest.MonkeyPatch, given: str
) -> None:
    monkeypatch.setenv("DOORS", given)
    with pytest.raises(ImproperlyConfigured, match="DOORS must name one or more of: client, staff"):
        env.value("DOORS")


# The check at the start


@pytest.fixture
def plant(db: None) -> Iterator[Callable[[Iterable[str], str], tuple[str, ...]]]:
    """Run SQL as the superuser, then look at the walls as a login; all is rolled back."""
    login = connections["default"]
    found = conninfo_to_dict(services.admin_url(os.environ["PORTAL_TEST_DATABASE"]))
    planter = login.copy()
    planter.settings_dict |= {"USER": found["user"], "PASSWORD": found["password"]}
    connections["default"] = planter

    def run(statements: Iterable[str], as_login: str) -> tuple[str, ...]:
        with connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
            cursor.execute(f"set local session authorization {as_login}")
        return walls.weaknesses()

    try:
        with transaction.atomic():
            yield run
            transaction.set_rollback(True)
    finally:
        planter.close()
        connections["default"] = login


Plant = Callable[[Iterable[str], str], tuple[str, ...]]


@pytest.mark.parametrize(
    ("doors", "login"),
    [
        (["client", "staff"], rls.LOGIN),
        (["staff"], rls.LOGIN),
        (["client"], rls.CLIENT_LOGIN),
    ],
)
def test_the_walls_stand_for_each_login_with_its_doors(
    plant: Plant, settings: Settings, doors: list[str], login: str
) -> None:
    settings.DOORS = doors
    assert plant([], login) == ()


@pytest.mark.parametrize(
    "case",
    [
        (
            ["client"],
            rls.LOGIN,
            "",
            "this process does not serve the staff door, and portal_login may become portal_staff",
        ),
        (
            ["staff"],
            rls.CLIENT_LOGIN,
            "",
            "this process serves a door for which portal_client_login may not become portal_staff",
        ),
        (
            ["client"],
            rls.CLIENT_LOGIN,
            "revoke portal_client from portal_client_login",
            "this process serves a door for which portal_client_login may not become portal_client",
        ),
        (
            ["client"],
            rls.CLIENT_LOGIN,
            "grant portal_staff to portal_client_login",
            "this process does not serve the staff door, and portal_client_login may become portal_staff",
        ),
        (
            ["client"],
            rls.CLIENT_LOGIN,
            "create role between; grant portal_staff to between; grant between to portal_client_login",
            "this process does not serve the staff door, and portal_client_login may become portal_staff",
        ),
        (
            ["client"],
            rls.CLIENT_LOGIN,
            "grant portal_login to portal_client_login",
            "this process does not serve the staff door, and portal_client_login may become portal_staff",
        ),
        (
            ["client", "staff"],
            rls.LOGIN,
            "grant portal_staff to portal_client_login",
            "portal_client_login is a member of portal_staff (inherit False, set True), not declared",
        ),
        (
            ["client", "staff"],
            rls.LOGIN,
            "revoke portal_visitor from portal_client_login",
            "portal_client_login is not a member of portal_visitor in the declared way",
        ),
        (
            ["client", "staff"],
            rls.LOGIN,
            "alter role portal_client_login bypassrls",
            "role portal_client_login bypasses row security",
        ),
        (
            ["client"],
            "somebody",
            (
                "create role somebody noinherit; grant portal_visitor to somebody with inherit true; "
                "grant portal_client to somebody"
            ),
            "this process logs in as somebody, which is not a declared login",
        ),
    ],
)
def test_a_login_that_does_not_go_with_the_doors_is_a_weakness(
    plant: Plant, settings: Settings, case: tuple[list[str], str, str, str]
) -> None:
    settings.DOORS, login, planted, weakness = case
    assert weakness in plant(planted.split("; ") if planted else [], login)


def test_the_role_statements_bring_a_login_that_was_made_too_strong_back(plant: Plant) -> None:
    strong = [
        "grant portal_staff, portal_owner, portal_login to portal_client_login",
        "alter role portal_client_login superuser bypassrls inherit",
    ]
    assert plant([*strong, *rls.role_statements()], rls.LOGIN) == ()


def test_roles_are_made_only_with_the_address_of_a_declared_login(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.ADMIN_DATABASE = {"NAME": "nowhere"}
    monkeypatch.setitem(portal_settings.DATABASES["default"], "USER", "postgres")
    with pytest.raises(CommandError, match="portal_login or portal_client_login, not postgres"):
        call_command("make_roles")


# The worker, which does staff's work


def test_the_worker_ends_when_its_doors_leave_out_the_staff(settings: Settings) -> None:
    settings.DOORS = ["client"]
    with pytest.raises(SystemExit, match="DOORS must name staff"):
        celery.refuse_unless_walls_stand()


def test_a_worker_whose_login_is_too_strong_ends_with_the_reason() -> None:
    """A real one: celery writes an exception of its signals down and would go on."""
    done = subprocess.run(
        [sys.executable, "-m", "celery", "-A", "portal", "worker", "--concurrency", "1"],
        cwd=services.ROOT,
        env=os.environ | {"DATABASE_URL": services.admin_url(os.environ["PORTAL_TEST_DATABASE"])},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode != 0
    assert "role postgres is a superuser" in done.stderr
