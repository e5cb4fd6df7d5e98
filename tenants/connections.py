"""How a process keeps its connections to the database, and what one must be like to be used again.

A scope ends with its transaction, so there is nothing to reset on a connection. One on which
something was left all the same is a fault of ours, and nobody gets it again.
"""

from typing import Any

import psycopg
from django.db import connections

from tenants import rls

_LEFT = (
    "select current_setting('role'), coalesce(current_setting(%s, true), ''), "
    "current_setting('default_transaction_read_only'), pg_my_temp_schema()::integer"
)
_NOTHING = ("none", "", "off", 0)
_LONGEST_PAUSE_SECONDS = 5


class LeftBehind(RuntimeError):
    """A connection came back with something of its request on it."""


def share(*, size: int, wait_seconds: int) -> None:
    """Let the threads of this process share `size` connections from now on; 0: each keeps its own.

    For a process of many threads, before any of them has asked the database. A thread waits at most
    `wait_seconds` for a connection, then gets an OperationalError.
    """
    if size:
        kept = connections.settings["default"]
        kept |= {"CONN_MAX_AGE": 0, "OPTIONS": kept["OPTIONS"] | {"pool": _pool(size, wait_seconds)}}


def _pool(size: int, wait_seconds: int) -> dict[str, Any]:
    return {
        "min_size": 1,
        "max_size": size,
        "timeout": wait_seconds,
        # The pauses between attempts double until then: long ones would outlast the outage.
        "reconnect_timeout": _LONGEST_PAUSE_SECONDS,
        "reset": refuse_what_is_left,
    }


def refuse_what_is_left(connection: psycopg.Connection[Any]) -> None:
    """Raise LeftBehind unless the connection is as new; the pool then throws it away.

    What counts: a transaction (the pool has rolled it back already), a role, a company, a way of
    opening transactions, a temporary table.
    """
    if not connection.autocommit:
        raise LeftBehind("A connection came back in the middle of a transaction.")
    found = connection.execute(_LEFT, [rls.COMPANY_SETTING]).fetchone()
    if found != _NOTHING:
        raise LeftBehind("A connection came back with a role, a setting or a table of its request.")
