"""Every business table, asked in every scope to do everything: what must happen follows from its class."""

import functools
import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import UUID

import psycopg
from django.db import DatabaseError, ProgrammingError, connection

from tenants import rls
from tests.guards.populated import Populated, tables

T = TypeVar("T")

REFUSED = "permission denied"
ROW_REFUSED = "row refused"

Outcome = str | int | frozenset[UUID]
"""A refusal, how many rows were written or locked, or the ids of the rows that were read."""


@dataclass(frozen=True, kw_only=True)
class Asking:
    """A scope as the database knows it: a role, a company and a person, and whose rows it reaches."""

    role: str
    company: Callable[[Populated], str] = lambda world: ""
    person: Callable[[Populated], str] = lambda world: ""
    owner: str = ""


SCOPES = {
    "without a scope": Asking(role="none"),
    "a client without a company": Asking(role=rls.CLIENT),
    "a client of company zero": Asking(role=rls.CLIENT, company=lambda world: str(UUID(int=0))),
    "the company itself": Asking(
        role=rls.CLIENT,
        company=lambda world: str(world.acme.company.pk),
        person=lambda world: str(world.acme.owner.pk),
        owner="acme",
    ),
    "another company": Asking(
        role=rls.CLIENT,
        company=lambda world: str(world.globex.company.pk),
        person=lambda world: str(world.globex.owner.pk),
        owner="globex",
    ),
    "staff": Asking(role=rls.STAFF),
}

NEEDS = {
    "read": {"select"},
    "read every column": {"select"},
    "copy": {"select"},
    "lock": {"select", "update"},
    "insert": {"insert"},
    "update": {"select", "update"},
    "move": {"select", "update"},
    "upsert": {"select", "insert", "update"},
    "delete": {"delete"},
    "truncate": {"truncate"},
}
"""What is tried → the rights that it takes."""
READS = {"read", "read every column", "copy"}


@dataclass(frozen=True, kw_only=True)
class Case:
    """One thing tried on one table in one scope. What is written is always a row of Acme."""

    table: str
    scope: str
    command: str

    def __str__(self) -> str:
        return f"{self.scope}: {self.command} {self.table}"

    @property
    def access(self) -> rls.Access:
        return tables()[self.table]

    @property
    def rules(self) -> dict[str, rls.Rule]:
        """Command → the rule for the role that asks."""
        asking = SCOPES[self.scope].role
        role = rls.VISITOR if asking == "none" else asking
        return {rule.command: rule for rule in self.access.rules if rule.role == role}


def cases() -> Iterator[Case]:
    """All of them; a row is moved only where a column names a company, or an incident as its owner."""
    for table in tables():
        for scope in SCOPES:
            for command in NEEDS:
                if command != "move" or owner_column(table):
                    yield Case(table=table, scope=scope, command=command)


def expected(case: Case, world: Populated) -> Outcome:
    """What the declared class and rules of the table say must happen."""
    asking = SCOPES[case.scope]
    is_staff = asking.role == rls.STAFF
    if not _is_granted(case):
        return REFUSED
    reached = world.everything(case.table) if is_staff else world.ids(case.table, asking.owner)
    if case.command == "lock":
        reached = _held_by(case, reached, world)
    rows_of_acme = world.ids(case.table, "acme")
    if case.command in READS:
        return reached
    if case.command in {"insert", "upsert"}:
        return 1 if is_staff or asking.owner == "acme" else ROW_REFUSED
    if case.command == "move":
        moved = len(reached & rows_of_acme)
        return moved if is_staff or not moved else ROW_REFUSED
    return len(reached)


def _is_granted(case: Case) -> bool:
    """Whether the role has the rights that it takes, on the columns that it takes."""
    if not NEEDS[case.command] <= case.rules.keys():
        return False
    if case.command == "read every column":
        return not case.rules["select"].columns
    # What these write is none of the few columns that a client may update.
    return case.command not in {"update", "move", "upsert"} or not case.rules["update"].columns


def _held_by(case: Case, reached: frozenset[UUID], world: Populated) -> frozenset[UUID]:
    """The rows that the rule of updates names: only what may be updated can be locked."""
    asking = SCOPES[case.scope]
    with _undone():
        _set(asking, world)
        rows = case.rules["update"].rows
        found = _run(f'select t.id from "{case.table}" t where t.id = any (%s) and {rows}', [list(reached)])
    return frozenset(key for (key,) in found)


def _set(asking: Asking, world: Populated) -> None:
    _run(
        "select set_config('portal.company_id', %s, true), set_config('portal.user_id', %s, true)",
        [asking.company(world), asking.person(world)],
    )


@functools.cache
def columns_of(table: str) -> tuple[str, ...]:
    return tuple(
        name
        for (name,) in _run(
            "select attname::text from pg_attribute where attrelid = %s::regclass and attnum > 0 "
            "and not attisdropped order by attnum",
            [table],
        )
    )


def owner_column(table: str) -> str:
    """The column that says whose a row is: its company's, or that of the companies of its incident."""
    return next((name for name in ("company_id", "incident_id") if name in columns_of(table)), "")


class Trial:
    """Tries cases on a superuser's connection, in the transaction that made the world, and undoes each."""

    def __init__(self, world: Populated) -> None:
        self._world = world
        self._before = contents(tables())
        self._rows: dict[str, tuple[UUID, str]] = {}

    def fault(self, case: Case) -> str:
        """What went wrong with a case, in words; empty when all was as declared."""
        wanted = expected(case, self._world)
        with _undone():
            before = self._prepared(case)
            found = self._tried(case)
            after = contents(tables())
        if found != wanted:
            return f"{case}: {_in_words(found)} instead of {_in_words(wanted)}"
        may_change = {case.table} if isinstance(wanted, int) and wanted else set()
        changed = {table for table in after if after[table] != before[table]} - may_change
        return f"{case}: changed {', '.join(sorted(changed))}" if changed else ""

    def row(self, case: Case) -> UUID:
        """The row of Acme that a case writes."""
        return self._row(case)[0]

    def refusal_of_insert(self, case: Case, changes: dict[str, str]) -> str:
        """How the database refuses the row of an insert with some values changed; empty when it does not."""
        with _undone():
            self._prepared(case)
            row_id, content = self._row(case)
            statement, values = self._statement(case, (row_id, json.dumps(json.loads(content) | changes)))
            _run("set local session authorization portal_login")
            _set(SCOPES[case.scope], self._world)
            _run("select set_config('role', %s, true)", [SCOPES[case.scope].role])
            try:
                _run(statement, values)
                _run("set constraints all immediate")
            except DatabaseError as error:
                diagnosis = getattr(error.__cause__, "diag", None)
                return f"{diagnosis.sqlstate} {diagnosis.constraint_name}" if diagnosis else str(error)
        return ""

    def _prepared(self, case: Case) -> dict[str, str]:
        """The contents before a case. For an insert its row is taken out, so that it can be put in."""
        if case.command != "insert":
            return self._before
        row_id, _content = self._row(case)
        _run("set local session_replication_role = replica")
        _run(f'delete from "{case.table}" where id = %s', [row_id])
        _run("set local session_replication_role = origin")
        return contents(tables())

    def _row(self, case: Case) -> tuple[UUID, str]:
        """Id and content of a row of Acme, where a client may insert one that its rule lets in."""
        if case.table not in self._rows:
            rules = case.access.rules
            is_let_in = [rule.rows for rule in rules if (rule.role, rule.command) == (rls.CLIENT, "insert")]
            with _undone():
                _set(SCOPES["the company itself"], self._world)
                found = _run(
                    f'select t.id, to_jsonb(t)::text from "{case.table}" t where id = any (%s) '
                    f"and ({' or '.join(is_let_in) or 'true'}) order by id limit 1",
                    [list(self._world.ids(case.table, "acme"))],
                )
            assert found, f"Give the matrix a row of {case.table} that a client may insert, in populated.py."
            self._rows[case.table] = found[0][0], found[0][1]
        return self._rows[case.table]

    def answer(self, scope: str, statement: str) -> str | list[tuple[Any, ...]]:
        """What a statement is answered in a scope: a refusal or rows. It is undone."""
        with _undone():
            return self._within(SCOPES[scope], lambda: _run(statement))

    def _tried(self, case: Case) -> Outcome:
        return self._within(SCOPES[case.scope], self._asked(case))

    def _within(self, asking: Asking, ask: Callable[[], T]) -> T | str:
        """What `ask` finds as the login and role that ask; the superuser's own again afterwards."""
        _run("savepoint tried")
        _run("set local session authorization portal_login")
        _set(asking, self._world)
        _run("select set_config('role', %s, true)", [asking.role])
        try:
            found = ask()
        except (ProgrammingError, psycopg.errors.InsufficientPrivilege) as error:
            _run("rollback to savepoint tried")
            return _refusal(error)
        _run("select set_config('role', 'none', true)")
        _run("set local session authorization default")
        return found

    def _asked(self, case: Case) -> Callable[[], Outcome]:
        """What is tried, ready to be run in the scope: nothing else is asked there."""
        table = f'"{case.table}"'
        if case.command == "read":
            return lambda: frozenset(key for (key,) in _run(f"select id from {table}"))
        if case.command == "read every column":
            return lambda: frozenset(found[0] for found in _run(f"select id, t.* from {table} t"))
        if case.command == "copy":
            return lambda: _copied(table)
        return functools.partial(_count, *self._statement(case, self._row(case)))

    def _statement(self, case: Case, row: tuple[UUID, str]) -> tuple[str, list[Any]]:
        """One that writes or locks, and its values."""
        table, column = f'"{case.table}"', owner_column(case.table)
        rule = case.rules.get("insert")
        names = ", ".join((rule.columns if rule else ()) or columns_of(case.table))
        put = f"insert into {table} ({names}) select {names} from jsonb_populate_record(null::{table}, %s)"
        rows_of, moved_to = self._world.acme, self._world.globex
        # Some may hold one row only for each company or incident: staff move into empty ones.
        company, incident = (
            (self._world.empty_company, self._world.draft)
            if case.scope == "staff"
            else (moved_to.company, moved_to.incident)
        )
        other = company.pk if column == "company_id" else incident.pk
        own = rows_of.company.pk if column == "company_id" else rows_of.incident.pk
        statements: dict[str, tuple[str, list[Any]]] = {
            "lock": (f"select id from {table} for update", []),
            "insert": (put, [row[1]]),
            "update": (f"update {table} set id = id", []),
            "move": (f"update {table} set {column} = %s where {column} = %s", [other, own]),
            "upsert": (f"{put} on conflict (id) do update set id = excluded.id", [row[1]]),
            "delete": (f"delete from {table}", []),
            "truncate": (f"truncate {table} cascade", []),
        }
        return statements[case.command]


def faults(world: Populated, chosen: Iterable[Case]) -> list[str]:
    """What went wrong, case by case."""
    trial = Trial(world)
    return [fault for fault in (trial.fault(case) for case in chosen) if fault]


def contents(names: Iterable[str]) -> dict[str, str]:
    """Table → a digest of all its rows, as the superuser sees them. One statement."""
    each = " union all ".join(
        f"select '{name}', md5(coalesce(string_agg(md5(t::text), '' order by t.id), '')) from \"{name}\" t"
        for name in names
    )
    return dict(_run(each))


def _run(statement: str, values: list[Any] | None = None) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return list(cursor.fetchall()) if cursor.description else []


def _count(statement: str, values: list[Any]) -> int:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return int(cursor.rowcount)


def _copied(table: str) -> frozenset[UUID]:
    with connection.cursor() as cursor, cursor.copy(f"copy {table} (id) to stdout") as lines:
        return frozenset(UUID(bytes(line).decode().strip()) for line in lines)


@contextmanager
def _undone() -> Iterator[None]:
    _run("savepoint before")
    try:
        yield
    finally:
        _run("rollback to savepoint before")


def _refusal(error: Exception) -> str:
    cause = error.__cause__ or error
    if not isinstance(cause, psycopg.errors.InsufficientPrivilege):
        raise error
    return ROW_REFUSED if "row-level security" in str(cause) else REFUSED


def _in_words(outcome: Outcome) -> str:
    return f"{len(outcome)} rows read" if isinstance(outcome, frozenset) else str(outcome)
