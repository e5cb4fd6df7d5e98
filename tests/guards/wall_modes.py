"""The walls, taken down one at a time in a test's own transaction."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from unittest import mock

from django.db import connection, models

from portal.web import rendered
from tenants import walls
from tenants.models.base import ScopedManager


@dataclass(frozen=True, kw_only=True)
class Mode:
    """Which of the two walls stand."""

    name: str
    has_orm_filter: bool
    has_row_security: bool

    def __str__(self) -> str:
        return self.name


BOTH = Mode(name="both walls", has_orm_filter=True, has_row_security=True)
ROW_SECURITY_ALONE = Mode(name="row security alone", has_orm_filter=False, has_row_security=True)
ORM_FILTER_ALONE = Mode(name="the ORM filter alone", has_orm_filter=True, has_row_security=False)
NONE = Mode(name="no wall", has_orm_filter=False, has_row_security=False)
HOLDING = (BOTH, ROW_SECURITY_ALONE, ORM_FILTER_ALONE)


@contextmanager
def standing(mode: Mode) -> Iterator[None]:
    """Only the walls of `mode` stand inside, and nothing is kept from before or for after.

    The portal's connection must be the superuser's, in a transaction (the fixture `superuser`).
    """
    rendered.forget_all()
    with ExitStack() as down:
        if not mode.has_orm_filter:
            down.enter_context(mock.patch.object(ScopedManager, "get_queryset", models.Manager.get_queryset))
        if not mode.has_row_security:
            down.enter_context(_without_row_security())
        with _as_login():
            yield
    rendered.forget_all()


@contextmanager
def _as_login() -> Iterator[None]:
    """The transaction goes on as the weak login, which cannot take it back; the caller can."""
    with connection.cursor() as cursor:
        cursor.execute("set local session authorization portal_login")
    yield
    with connection.cursor() as cursor:
        cursor.execute("set local session authorization default")


@contextmanager
def _without_row_security() -> Iterator[None]:
    """Policies count for nothing on any table; grants stay."""
    _alter("disable row level security")
    yield
    _alter("enable row level security")


def _alter(what: str) -> None:
    with connection.cursor() as cursor:
        # A table is not altered while checks of its rows wait for the end of the transaction.
        cursor.execute("set constraints all immediate")
        for table in protected_tables():
            cursor.execute(f'alter table "{table}" {what}')
        cursor.execute("set constraints all deferred")


def protected_tables() -> list[str]:
    return sorted(table for table, access in walls.declared().items() if access.kind != "framework")
