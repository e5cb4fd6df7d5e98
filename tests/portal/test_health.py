"""Whether the process is alive and ready, also while the database or the cache is away."""

from collections.abc import Iterator

import pytest
from django.core.cache import caches
from django.db import connection
from django.test import Client
from pytest_django import Settings

from tests.tenants.smtp_sink import SmtpSink


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
    assert (ready.status_code, ready.json()) == (200, {"database": "ok", "cache": "ok"})


def test_without_the_database_it_is_alive_but_not_ready(no_database: None) -> None:
    client = Client(raise_request_exception=False)
    assert client.get("/health/live").status_code == 200
    ready = client.get("/health/ready")
    assert (ready.status_code, ready.json()) == (503, {"database": "unavailable", "cache": "ok"})


def test_without_the_cache_it_is_alive_but_not_ready(db: None, no_cache: None) -> None:
    client = Client(raise_request_exception=False)
    assert client.get("/health/live").status_code == 200
    ready = client.get("/health/ready")
    assert (ready.status_code, ready.json()) == (503, {"database": "ok", "cache": "unavailable"})


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
