"""The cast: *ada* (owner, Acme), *bea* (reader, Acme), *gus* (owner, Globex, the stranger), *sam* (staff)."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.cookies import SimpleCookie
from unittest import mock
from uuid import UUID

import psycopg
import pytest
from django.core.cache import cache
from django.test import Client
from pytest_django.plugin import blocking_manager_key
from whitenoise.base import WhiteNoise

from incidents.models import Component, Incident
from portal.web import rendered
from tenants.models import Company, User
from tenants.permissions import Role
from tests import factories, services
from tests.standing_world import StandingWorld

pytest_plugins = ["tests.canaries.plugin"]

NEED_THEIR_OWN = frozenset({"committed", "superuser", "transactional_db"})
"""Fixtures of tests that look at the database past the transaction of the portal's login."""


@dataclass(frozen=True, kw_only=True)
class World:
    """Two competing companies, their people, and one incident that touches both.

    Acme runs API (EU) and Reports (EU), Globex API (EU). The incident is of API (EU), began at
    factories.STARTED_AT and both are down.
    """

    acme: Company
    globex: Company
    ada: User
    bea: User
    gus: User
    sam: User
    api: Component
    reports: Component
    incident: Incident


@pytest.fixture(scope="session")
def django_db_setup() -> None:
    """Nothing: the process has its own copy of the migrated template (tests.services)."""


@pytest.fixture(scope="session", autouse=True)
def _static_files_are_found_once() -> Iterator[None]:
    """As in a portal that is served, which looks for them when it starts: every Client would look anew."""
    look = WhiteNoise.update_files_dictionary
    found: dict[tuple[str, str], dict[str, object]] = {}

    def look_once(whitenoise: WhiteNoise, root: str, prefix: str) -> None:
        if (root, prefix) not in found:
            look(whitenoise, root, prefix)
            found[root, prefix] = whitenoise.files
        whitenoise.files = {**whitenoise.files, **found[root, prefix]}

    with mock.patch.object(WhiteNoise, "update_files_dictionary", look_once):
        yield


@pytest.fixture(autouse=True)
def _nothing_is_kept() -> Iterator[None]:
    yield
    rendered.forget_all()
    cache.clear()


@pytest.fixture
def world(db: None, _sessions: dict[UUID, SimpleCookie]) -> World:
    given = _standing.given()
    if given is None:
        return make_world()
    _sessions |= given[1]
    return given[0]


@pytest.fixture
def _sessions() -> dict[UUID, SimpleCookie]:
    """The cookies of the world's people, who are signed in once each, for the first who asks for them."""
    return {}


def make_world() -> World:
    acme = factories.company("acme", name="Acme Stores", consents=True)
    globex = factories.company("globex", name="Globex Hotels", zone="America/New_York")
    ada = factories.person("ada@acme.example")
    bea = factories.person("bea@acme.example")
    gus = factories.person("gus@globex.example")
    sam = factories.person("sam@vendor.example", is_staff=True)
    factories.member(ada, acme, Role.OWNER)
    factories.member(bea, acme, Role.READER)
    factories.member(gus, globex, Role.OWNER)
    api = factories.component("API", "EU")
    reports = factories.component("Reports", "EU")
    factories.place(acme, api, reports)
    factories.place(globex, api)
    return World(
        acme=acme,
        globex=globex,
        ada=ada,
        bea=bea,
        gus=gus,
        sam=sam,
        api=api,
        reports=reports,
        incident=factories.incident(api),
    )


def _signed_in_world() -> tuple[World, dict[UUID, SimpleCookie]]:
    world = make_world()
    people = (world.ada, world.bea, world.gus, world.sam)
    return world, {person.pk: _browser_of(person).cookies for person in people}


def _browser_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


_standing = StandingWorld(_signed_in_world)
"""The world of this process, for every test that begins with it."""


def pytest_runtest_setup(item: pytest.Function) -> None:
    """Before any fixture of the test, so that its transaction begins inside."""
    with item.config.stash[blocking_manager_key].unblock():
        if "world" in item.fixturenames and NEED_THEIR_OWN.isdisjoint(item.fixturenames):
            _standing.stand()
        else:
            _standing.fall()


@pytest.fixture
def signed_in(_sessions: dict[UUID, SimpleCookie]) -> Callable[[User], Client]:
    """A browser in which this person is signed in."""

    def sign_in(user: User) -> Client:
        if user.pk not in _sessions:
            return _browser_of(user)
        client = Client()
        client.cookies = _sessions.pop(user.pk)
        return client

    return sign_in


@pytest.fixture
def committed(django_db_blocker: pytest.FixtureRequest) -> Iterator[None]:
    """Real commits, for tests of transactions, races and rollbacks; every table is emptied after."""
    with django_db_blocker.unblock():  # type: ignore[attr-defined]
        yield
    kept = ("django_migrations", "django_content_type", "auth_permission")
    with psycopg.connect(
        services.admin_url(os.environ["PORTAL_TEST_DATABASE"]), autocommit=True
    ) as connection:
        tables = [
            name
            for (name,) in connection.execute("select tablename from pg_tables where schemaname = 'public'")
            if name not in kept
        ]
        # Each by itself and past its triggers: to truncate all of them makes two hundred new files.
        connection.execute("set session_replication_role = replica")
        connection.execute("; ".join(f'delete from "{name}"' for name in tables))
