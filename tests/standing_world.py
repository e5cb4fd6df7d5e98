"""What most tests begin with is made once and stands from test to test, in a transaction that stays open.

Each test's own transaction is a savepoint inside of that one, as Django's setUpTestData has it, so what
the test writes is rolled back and what it was given is a copy. A test that wants real commits, another
login or an empty database ends it first; the next that wants it makes it anew.
"""

import copy
import time
from collections.abc import Callable
from typing import Any, Generic, TypeVar

import psycopg
from django.db import connection, transaction

from tests.canaries import marks

MOST_SECONDS = 10
"""After so long the next test has it made anew: what tests have rolled back stays in the tables until the
transaction ends, and a walk through every page has rolled back much."""

T = TypeVar("T")


class StandingWorld(Generic[T]):
    """What `make` has made in the portal's database, for one test after the other."""

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._atomic: transaction.Atomic | None = None
        self._made: T | None = None
        self._marks = marks.Marks()
        self._raw: Any = None
        self._until = 0.0

    def stand(self) -> None:
        """Have it stand for one more test, outside of that test's transaction."""
        if time.monotonic() > self._until or not self._is_sound():
            self.fall()
        if self._atomic is None:
            self._begin()

    def fall(self) -> None:
        """Leave nothing of it behind."""
        if self._atomic is not None:
            # Its own, and what a test has left open inside of it.
            for block in reversed(connection.atomic_blocks):
                transaction.set_rollback(True)
                block.__exit__(None, None, None)
        self._atomic, self._made = None, None

    def given(self) -> T | None:
        """A copy of it, with its marks in force for the test that runs; None while it does not stand."""
        if self._made is None:
            return None
        marks.in_force.add(self._marks)
        return copy.deepcopy(self._made)

    def _begin(self) -> None:
        self._until = time.monotonic() + MOST_SECONDS
        self._atomic = transaction.atomic()
        self._atomic.__enter__()
        marks.begin()
        self._made = self._make()
        self._raw, self._marks = connection.connection, marks.Marks()
        self._marks.add(marks.in_force)
        marks.begin()

    def _is_sound(self) -> bool:
        """Whether the test before left the transaction as it found it."""
        raw: Any = connection.connection
        return (
            raw is not None
            and raw is self._raw
            and connection.atomic_blocks == [self._atomic]
            and not connection.needs_rollback
            and raw.info.transaction_status == psycopg.pq.TransactionStatus.INTRANS
        )
