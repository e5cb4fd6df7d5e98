"""Connections shared in the process of the tests, as a web server shares them that was told so."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from django.db import connection, connections
from psycopg.pq import TransactionStatus
from psycopg_pool import ConnectionPool

from tenants import connections as kept

CLEAN = ("portal_login", "portal_login", "none", "", "off")
_STATE = (
    "select session_user, current_user, current_setting('role'), "
    "coalesce(current_setting('portal.company_id', true), ''), current_setting('transaction_read_only')"
)


@contextmanager
def sharing(size: int, *, wait_seconds: int = 3) -> Iterator[None]:
    """The threads of this process share so many connections."""
    connection.close()
    before = dict(connections.settings["default"])
    kept.share(size=size, wait_seconds=wait_seconds)
    try:
        yield
    finally:
        connection.close()
        connection.close_pool()  # type: ignore[attr-defined]  # of the PostgreSQL backend
        connections.settings["default"].update(before)


def pool() -> ConnectionPool[Any]:
    found: ConnectionPool[Any] = connection.pool  # type: ignore[attr-defined]  # of the PostgreSQL backend
    found.open()
    return found


def state_of(one: psycopg.Connection[Any]) -> tuple[Any, ...]:
    """Who it is and what is set on it, between two requests."""
    assert one.info.transaction_status == TransactionStatus.IDLE
    assert one.autocommit
    found: tuple[Any, ...] = one.execute(_STATE).fetchone()  # type: ignore[assignment]
    return found


def states_of_pool(size: int) -> list[tuple[Any, ...]]:
    """The state of every connection of the pool, all taken at the same time."""
    taken = [pool().getconn(timeout=10) for _ in range(size)]
    try:
        return [state_of(each) for each in taken]
    finally:
        for each in taken:
            pool().putconn(each)
