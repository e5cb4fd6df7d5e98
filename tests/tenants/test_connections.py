"""Kept and shared connections: many companies at once, faults, ended backends, and never another's answer."""

import contextlib
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.db import connection, connections
from django.test import override_settings

from tenants import connections as kept
from tenants import scope
from tenants.models import AuditEvent
from tests import sampling
from tests.tenants import traffic, wires
from tests.tenants.sharing import CLEAN, pool, sharing, state_of, states_of_pool
from tests.tenants.traffic import Crowd, Traffic

THREADS = 10
FEWER = 4
"""Connections that the threads share."""
REQUESTS = 400
"""Of each way to keep connections, in peace, and as many again while connections are ended."""
PAUSE = 0.04
PATIENCE_SECONDS = 5
"""Seconds between two connections that the server ends."""
CASES = sampling.CASES + "requests of many companies at once, over kept and shared connections"
behind_the_door = override_settings(ROOT_URLCONF="tests.tenants.door_pages")


@pytest.fixture
def crowd(committed: None) -> Crowd:
    return traffic.gather(24 if sampling.EVERYTHING else 20)


@pytest.fixture
def shared() -> Iterator[None]:
    with sharing(FEWER, wait_seconds=30):
        yield


@contextmanager
def returned() -> Iterator[None]:
    """What this thread asks meanwhile is asked over a connection that it does not keep."""
    try:
        yield
    finally:
        connection.close()


def half_written(over: Traffic) -> list[str]:
    """Writing requests whose rows are not what their answer said."""
    with returned(), scope.as_staff():
        rows: dict[str, list[object]] = {}
        for action, company_id in AuditEvent.objects.filter(action__startswith="test.n").values_list(
            "action", "company_id"
        ):
            rows.setdefault(action.removeprefix("test."), []).append(company_id)
    told = []
    for nonce, status in over.outcomes.items():
        owner = over.askers[nonce]
        # Of a connection that ended while it committed nobody knows: all or nothing.
        right = {200: [[owner] * 2], traffic.UNAVAILABLE: [[], [owner] * 2]}.get(status, [[]])
        if rows.get(nonce, []) not in right:
            told.append(f"{nonce}: answered {status}, rows {rows.get(nonce)}")
    return told


def amount(of_all: int) -> int:
    return of_all if sampling.EVERYTHING else of_all // 5


def check(peaceful: wires.Told, stormy: wires.Told, over: Traffic) -> int:
    """Nothing wrong, nothing half written, and in peace everything answered; how many were asked."""
    wrong = peaceful.wrong + stormy.wrong
    assert wrong == [], "\n".join(wrong[:10])
    assert half_written(over) == []
    assert set(peaceful.statuses) == {200, 302, 304, 403, 404, 405, 422, 500}
    assert stormy.ended > 0
    assert stormy.statuses[200] > 0
    return sum(peaceful.statuses.values()) + sum(stormy.statuses.values())


# Many companies at once, in peace and while the server ends connections


@behind_the_door
def test_threads_with_a_connection_each_never_mix_companies(
    crowd: Crowd, record_property: Callable[[str, object], None]
) -> None:
    left: list[object] = []
    over = Traffic(crowd, seed=1)
    ask = wires.application()
    connection.close()
    peaceful = wires.drive(
        ask,
        over,
        number=amount(REQUESTS),
        threads=THREADS,
        at_the_end=lambda: left.append(state_of(connection.connection)),
    )
    stormy = wires.drive(ask, over, number=amount(REQUESTS), threads=THREADS, ending_every=PAUSE)
    record_property(CASES, check(peaceful, stormy, over))
    assert left == [CLEAN] * THREADS


@behind_the_door
def test_threads_that_share_fewer_connections_never_mix_companies(
    crowd: Crowd, shared: None, record_property: Callable[[str, object], None]
) -> None:
    over = Traffic(crowd, seed=2)
    ask = wires.application()
    peaceful = wires.drive(ask, over, number=amount(REQUESTS), threads=THREADS)
    assert states_of_pool(FEWER) == [CLEAN] * FEWER
    stormy = wires.drive(ask, over, number=amount(REQUESTS), threads=THREADS, ending_every=PAUSE)
    record_property(CASES, check(peaceful, stormy, over))
    assert states_of_pool(FEWER) == [CLEAN] * FEWER


def test_a_web_server_with_more_threads_than_connections_never_mixes_companies(
    crowd: Crowd, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    over = Traffic(crowd, seed=3)
    connection.close()
    others = wires.backends()
    with wires.granian(tmp_path, threads=THREADS, DATABASE_POOL_SIZE=str(FEWER)) as port:
        ask = wires.port(port)
        peaceful = wires.drive(ask, over, number=amount(REQUESTS), threads=THREADS)
        # One that was replaced takes a moment to end; one that is held stays.
        soon = time.monotonic() + PATIENCE_SECONDS
        while len(wires.backends() - others) > FEWER and time.monotonic() < soon:
            time.sleep(0.1)
        assert len(wires.backends() - others) <= FEWER, (
            "the thread of the start-up check gave its connection back"
        )
        stormy = wires.drive(ask, over, number=amount(REQUESTS), threads=THREADS, ending_every=PAUSE)
    record_property(CASES, check(peaceful, stormy, over))


# What comes back


def set_role(one: psycopg.Connection[Any]) -> None:
    one.execute("set role portal_staff")


def set_company(one: psycopg.Connection[Any]) -> None:
    one.execute("select set_config('portal.company_id', gen_random_uuid()::text, false)")


def read_only(one: psycopg.Connection[Any]) -> None:
    one.execute("set default_transaction_read_only = on")


def begin(one: psycopg.Connection[Any]) -> None:
    one.autocommit = False
    one.execute("select set_config('role', 'portal_staff', true)")


def fail(one: psycopg.Connection[Any]) -> None:
    one.autocommit = False
    with contextlib.suppress(psycopg.DatabaseError):
        one.execute("select 1 / 0")


@pytest.mark.parametrize("leave", [set_role, set_company, read_only, begin, fail])
def test_a_connection_on_which_something_was_left_is_thrown_away(
    committed: None, leave: Callable[[psycopg.Connection[Any]], None]
) -> None:
    with sharing(1):
        connection.ensure_connection()
        spoilt = connection.connection.info.backend_pid
        leave(connection.connection)
        connection.close()
        one = pool().getconn(timeout=10)
        assert one.info.backend_pid != spoilt
        assert state_of(one) == CLEAN
        pool().putconn(one)
        assert spoilt not in wires.backends()


def test_a_clean_connection_is_used_again_with_its_plans(committed: None) -> None:
    with sharing(1):
        found = set()
        for _ in range(4):
            with scope.as_staff():
                found.add((connection.connection.info.backend_pid, AuditEvent.objects.count()))
            connection.close()
        assert len(found) == 1
        with connection.cursor() as cursor:
            cursor.execute("select count(*) from pg_prepared_statements where statement like '%auditevent%'")
            assert cursor.fetchone() == (1,)


def test_only_a_web_server_that_was_told_so_shares_connections(committed: None) -> None:
    before = dict(connections.settings["default"])
    kept.share(size=0, wait_seconds=3)
    assert connections.settings["default"] == before
    assert "pool" not in before["OPTIONS"]
    assert before["CONN_MAX_AGE"] is None
