"""What a person reads when no connection is to be had: an honest 503, soon, and then the page again."""

import contextlib
import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import psycopg
import pytest
from django.db import ProgrammingError, connection
from django.test import Client
from psycopg import sql
from pytest_django import Settings

from portal.web import error_pages
from tenants.models import User
from tests import services
from tests.conftest import make_world
from tests.tenants import wires
from tests.tenants.sharing import pool, sharing

SignIn = Callable[[User], Client]
Place = Callable[[], AbstractContextManager[None]]
WAIT_SECONDS = 2
"""The least that may be set."""
POOL_WAIT_SECONDS = 1


@contextmanager
def elsewhere(**place: str) -> Iterator[None]:
    """The portal's connection leads to another place."""
    connection.close()
    settings = connection.settings_dict
    before = dict(settings)
    settings |= place | {"OPTIONS": {**settings["OPTIONS"], "connect_timeout": WAIT_SECONDS}}
    settings["OPTIONS"].pop("host", None)
    try:
        yield
    finally:
        connection.close()
        settings.update(before)


@contextmanager
def nobody_listens() -> Iterator[None]:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and never listens
        with elsewhere(HOST="127.0.0.1", PORT=str(taken.getsockname()[1])):
            yield


@contextmanager
def nobody_answers() -> Iterator[None]:
    """A server that takes the call and is silent, as one behind a broken network."""
    with (
        socket.create_server(("127.0.0.1", 0)) as silent,
        elsewhere(HOST="127.0.0.1", PORT=str(silent.getsockname()[1])),
    ):
        yield


@contextmanager
def closed_for_maintenance() -> Iterator[None]:
    """The server ends all connections to the database and takes no new ones."""
    _allow_connections("false")
    wires.end_all_connections()
    try:
        yield
    finally:
        _allow_connections("true")


def _allow_connections(switch: str) -> None:
    statement = sql.SQL("alter database {} with allow_connections {}").format(
        sql.Identifier(os.environ["PORTAL_TEST_DATABASE"]), sql.SQL(switch)
    )
    with psycopg.connect(services.admin_url("postgres"), autocommit=True) as administrator:
        administrator.execute(statement)


@contextmanager
def shared() -> Iterator[None]:
    with sharing(2, wait_seconds=POOL_WAIT_SECONDS):
        yield


@pytest.fixture
def asking(committed: None, signed_in: SignIn) -> dict[str, Client]:
    """Who asks for which page: a member, staff, and somebody who wants to sign in."""
    world = make_world()
    found = {"/acme/": signed_in(world.ada), "/admin/": signed_in(world.sam), "/accounts/login/": Client()}
    for client in found.values():
        client.raise_request_exception = False
    return found


def check_unavailable(client: Client, path: str) -> float:
    """Hold the answer to what it should say; after how many seconds it came."""
    began = time.monotonic()
    response = client.get(path)
    seconds = time.monotonic() - began
    text = response.content.decode()
    assert response.status_code == 503, path
    assert response["Retry-After"] == str(error_pages.RETRY_SECONDS)
    assert response["Cache-Control"] == "private, no-store"
    assert response["X-Request-ID"] in text
    assert "The portal cannot answer for a moment" in text
    for word in ("Traceback", "psycopg", "Error", "portal_login", "127.0.0.1", "Acme"):
        assert word not in text
    return seconds


@pytest.mark.parametrize(
    ("away", "kept", "pages", "least_seconds"),
    [
        (nobody_listens, contextlib.nullcontext, 3, 0),
        (closed_for_maintenance, contextlib.nullcontext, 3, 0),
        (nobody_answers, contextlib.nullcontext, 1, WAIT_SECONDS - 0.1),
        (nobody_listens, shared, 1, POOL_WAIT_SECONDS - 0.1),
    ],
)
def test_while_the_database_is_away_every_page_says_so_soon(
    asking: dict[str, Client], away: Place, kept: Place, pages: int, least_seconds: float
) -> None:
    with away(), kept():
        for path, client in list(asking.items())[:pages]:
            assert least_seconds <= check_unavailable(client, path) < least_seconds + 1, path
    for path, client in asking.items():
        assert client.get(path).status_code == 200, path


def test_shared_connections_come_back_by_themselves_after_the_database_was_away(
    asking: dict[str, Client],
) -> None:
    with shared():
        assert asking["/acme/"].get("/acme/").status_code == 200
        connection.close()
        with closed_for_maintenance():
            check_unavailable(asking["/acme/"], "/acme/")
        began = time.monotonic()
        while asking["/acme/"].get("/acme/").status_code == 503:
            assert time.monotonic() - began < 10


def test_when_all_shared_connections_are_taken_the_page_says_so_and_the_next_is_answered(
    asking: dict[str, Client],
) -> None:
    with sharing(1, wait_seconds=POOL_WAIT_SECONDS):
        taken = pool().getconn(timeout=10)
        for path, client in asking.items():
            assert POOL_WAIT_SECONDS - 0.1 < check_unavailable(client, path) < POOL_WAIT_SECONDS + 1
        pool().putconn(taken)
        for path, client in asking.items():
            assert client.get(path).status_code == 200
            connection.close()


def test_a_fault_of_the_page_is_no_excuse(db: None) -> None:
    """Only what passes by itself is called unavailable: a statement that is wrong stays a 500."""
    with connection.cursor() as cursor, pytest.raises(ProgrammingError, match="permission denied") as denied:
        cursor.execute("select 1 from incidents_recovery")
    assert not error_pages.comes_from_something_away(denied.value)
    assert not error_pages.comes_from_something_away(RuntimeError())


def test_while_the_cache_is_away_signing_in_says_so_and_the_pages_go_on(
    asking: dict[str, Client], settings: Settings
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and never listens
        address = f"redis://127.0.0.1:{taken.getsockname()[1]}"
        settings.CACHES = {"default": {**settings.CACHES["default"], "LOCATION": address}}
        answer = Client(raise_request_exception=False).post(
            "/accounts/login/", {"login": "ada@acme.example", "password": "wrong and long enough"}
        )
        assert (answer.status_code, answer["Retry-After"]) == (503, "10")
        assert asking["/acme/"].get("/acme/").status_code == 200
    assert Client().get("/accounts/login/").status_code == 200
