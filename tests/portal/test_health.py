"""Whether the process is alive and ready, also while the database or the cache is away."""

import os
from collections.abc import Iterator

import psycopg
import pytest
import structlog
from django.core.cache import caches
from django.db import connection
from django.test import Client
from pytest_django import Settings

from portal import health
from tenants import walls
from tests import services
from tests.tenants.smtp_sink import SmtpSink


@pytest.fixture(autouse=True)
def _looks_anew() -> Iterator[None]:
    health.forget()
    yield
    health.forget()


@pytest.fixture
def no_database(committed: None) -> Iterator[None]:
    """The portal's connection leads to a port at which nobody listens."""
    connection.close()
    before = dict(connection.settings_dict)
    connection.settings_dict |= {"HOST": "127.0.0.1", "PORT": str(port_of_nobody())}
    yield
    connection.close()
    connection.settings_dict |= before


@pytest.fixture
def no_cache(settings: Settings) -> Iterator[None]:
    away = {"default": settings.CACHES["default"] | {"LOCATION": f"redis://127.0.0.1:{port_of_nobody()}/0"}}
    before = settings.CACHES
    settings.CACHES = away
    assert "default" in caches.settings
    yield
    settings.CACHES = before


def port_of_nobody() -> int:
    with SmtpSink() as listener:
        return listener.port


def test_a_healthy_process_is_alive_and_ready(db: None) -> None:
    live, ready = Client().get("/health/live"), Client().get("/health/ready")
    assert (live.status_code, live.content) == (200, b"ok\n")
    assert (ready.status_code, ready.json()) == (200, {"database": "ok", "cache": "ok", "isolation": "ok"})


def test_without_the_database_it_is_alive_but_not_ready(no_database: None) -> None:
    client = Client(raise_request_exception=False)
    assert client.get("/health/live").status_code == 200
    ready = client.get("/health/ready")
    assert (ready.status_code, ready.json()) == (
        503,
        {"database": "unavailable", "cache": "ok", "isolation": "unavailable"},
    )


def test_without_the_cache_it_is_alive_but_not_ready(db: None, no_cache: None) -> None:
    client = Client(raise_request_exception=False)
    assert client.get("/health/live").status_code == 200
    ready = client.get("/health/ready")
    assert (ready.status_code, ready.json()) == (
        503,
        {"database": "ok", "cache": "unavailable", "isolation": "ok"},
    )


def test_it_recovers_by_itself(committed: None) -> None:
    before = dict(connection.settings_dict)
    connection.close()
    connection.settings_dict |= {"HOST": "127.0.0.1", "PORT": str(port_of_nobody())}
    client = Client(raise_request_exception=False)
    try:
        assert client.get("/health/ready").status_code == 503
    finally:
        connection.close()
        connection.settings_dict |= before
    assert client.get("/health/ready").status_code == 200


def test_nothing_of_the_deployment_is_told(db: None) -> None:
    for path in ("/health/live", "/health/ready"):
        response = Client().get(path)
        for word in (b"postgres", b"redis", b"version", b"portal_login"):
            assert word not in response.content.lower()
        assert "Set-Cookie" not in response.headers


@pytest.fixture
def weak_walls(committed: None) -> Iterator[None]:
    """The test's own database lets visitors read recoveries, for all connections."""
    superuser = psycopg.connect(services.admin_url(os.environ["PORTAL_TEST_DATABASE"]), autocommit=True)
    with superuser:
        superuser.execute("grant select (id) on incidents_recovery to portal_visitor")
    try:
        yield
    finally:
        with psycopg.connect(
            services.admin_url(os.environ["PORTAL_TEST_DATABASE"]), autocommit=True
        ) as again:
            again.execute("revoke select (id) on incidents_recovery from portal_visitor")


def test_with_a_weak_isolation_it_is_not_ready_and_does_not_say_why(weak_walls: None) -> None:
    with structlog.testing.capture_logs() as logged:
        ready = Client().get("/health/ready")
    assert (ready.status_code, ready.json()) == (
        503,
        {"database": "ok", "cache": "ok", "isolation": "unavailable"},
    )
    assert b"recover" not in ready.content
    told = [each["weakness"] for each in logged if each["event"] == "isolation_weak"]
    assert "without a scope, incidents_recovery can be read" in told


def test_asking_often_looks_at_the_isolation_once_in_a_few_seconds(
    db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = []
    weaknesses = walls.weaknesses

    def looked() -> tuple[str, ...]:
        looks.append(1)
        return weaknesses()

    monkeypatch.setattr(walls, "weaknesses", looked)
    for _ in range(20):
        assert Client().get("/health/ready").status_code == 200
    assert len(looks) == 1
    health._kept.until -= health.KEPT_SECONDS
    assert Client().get("/health/ready").status_code == 200
    assert len(looks) == 2
