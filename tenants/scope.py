"""Visitor, client, staff: the only place that enters a database role.

A scope is the database role of one transaction, plus, for a client, the ids of the company and of the
person as transaction-local settings. Nothing here outlives the transaction.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from uuid import UUID

from django.db import connection, transaction

from tenants import rls
from tenants.errors import ScopeError


@dataclass(frozen=True, kw_only=True)
class Scope:
    """The scope in force: of one company, or of staff (no company).

    In a company's scope rows that name a person can be written for `user_id` alone; None: for nobody.
    """

    company_id: UUID | None
    user_id: UUID | None = None

    @property
    def is_staff(self) -> bool:
        return self.company_id is None

    @property
    def role(self) -> str:
        return rls.STAFF if self.is_staff else rls.CLIENT


_current: ContextVar[Scope | None] = ContextVar("portal_scope", default=None)

_ENTER = (
    "set_config('role', %s, true), set_config('portal.company_id', %s, true), "
    "set_config('portal.user_id', %s, true)"
)
"""Select list that enters a scope; the door has its own, in the statement that finds the actor."""


def current() -> Scope | None:
    return _current.get()


def required() -> Scope:
    """The scope in force; raises ScopeError without one, so that forgetting is loud."""
    scope = _current.get()
    if scope is None:
        raise ScopeError("Business data was touched without a scope: use as_company() or as_staff().")
    return scope


@contextmanager
def entered(scope: Scope) -> Iterator[Scope]:
    """Mark `scope` as in force; the caller has already put the transaction into its role.

    Reset before the transaction commits, so that on_commit callbacks run without a scope.
    """
    token = _current.set(scope)
    try:
        yield scope
    finally:
        _current.reset(token)


def enter(scope: Scope, *, read_only: bool) -> None:
    """Put the transaction in force into `scope`; the caller marks it as `entered`."""
    _set_role(scope.role, scope, read_only=read_only)


@contextmanager
def as_company(company_id: UUID, *, user_id: UUID | None = None, read_only: bool = False) -> Iterator[Scope]:
    """A transaction as `portal_client` of one company, for one person or nobody. One statement to enter."""
    with _transaction(Scope(company_id=company_id, user_id=user_id), read_only=read_only) as scope:
        yield scope


@contextmanager
def as_staff() -> Iterator[Scope]:
    """A transaction as `portal_staff`: all companies. One statement to enter."""
    with _transaction(Scope(company_id=None), read_only=False) as scope:
        yield scope


@contextmanager
def _transaction(scope: Scope, *, read_only: bool) -> Iterator[Scope]:
    before = _current.get()
    if before is not None and scope in (before, replace(before, user_id=None)):
        with transaction.atomic():
            yield before
        return
    if before is not None:
        raise ScopeError("A scope is already in force; leave it before entering another.")
    is_nested = connection.in_atomic_block
    with transaction.atomic():
        _set_role(scope.role, scope, read_only=read_only)
        with entered(scope):
            yield scope
        # Only on success: after an error the rollback restores the role, and a statement here
        # would hide that error. An outermost transaction ends here and takes the role with it.
        if is_nested:
            leave()


def leave() -> None:
    """Give a transaction that goes on after a scope (a nested one) back to the visitor."""
    _set_role("none", Scope(company_id=None), read_only=False)


def _set_role(role: str, scope: Scope, *, read_only: bool) -> None:
    values = [role, *("" if each is None else str(each) for each in (scope.company_id, scope.user_id))]
    with connection.cursor() as cursor:
        if read_only:
            cursor.execute(f"select {_ENTER}, set_config('transaction_read_only', 'on', true)", values)
        else:
            cursor.execute(f"select {_ENTER}", values)
