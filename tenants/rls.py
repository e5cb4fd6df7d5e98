"""Roles, grants and row policies: the second wall, and the only raw SQL of the isolation.

Every table has one declared `Access`. `Protect` writes it into the database from the migration
that makes the table; `tenants.walls` holds the live catalogue against it at every start.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState

OWNER = "portal_owner"
"""Owns every object; nobody logs in as it, and FORCE shows it nothing."""
VISITOR = "portal_visitor"
"""What the login role may do before it is known who asks (the login role inherits it)."""
CLIENT = "portal_client"
"""A transaction of one company."""
STAFF = "portal_staff"
"""A transaction of the vendor's people or of a cross-company task."""
LOGIN = "portal_login"
"""Logs in, owns nothing, may become CLIENT or STAFF."""
CLIENT_LOGIN = "portal_client_login"
"""Logs in, owns nothing, may become CLIENT and never STAFF: for a process that only clients reach."""
LOGINS: dict[str, tuple[str, ...]] = {LOGIN: (CLIENT, STAFF), CLIENT_LOGIN: (CLIENT,)}
"""Every role that logs in, and what it may become. All of them inherit VISITOR and nothing else."""
DOORS = {"client": CLIENT, "staff": STAFF}
"""Each door that a process may serve, and the role that its requests enter."""

LARGE_OBJECT_FUNCTIONS = (
    *("lo_creat", "lo_create", "lo_from_bytea", "lo_get", "lo_import", "lo_export", "lo_open", "lo_put"),
    *("lo_truncate", "lo_truncate64", "lo_unlink", "loread", "lowrite"),
)
"""PostgreSQL's own, which everybody may call by default; nobody may here."""

COMPANY_SETTING = "portal.company_id"
USER_SETTING = "portal.user_id"
CURRENT_COMPANY = f"(select nullif(current_setting('{COMPANY_SETTING}', true), '')::uuid)"
CURRENT_USER = f"(select nullif(current_setting('{USER_SETTING}', true), '')::uuid)"
"""The person whose transaction it is; nobody in a background task."""

MAY_BECOME_STAFF = f"(select pg_has_role(session_user, '{STAFF}'::name, 'set'))"
"""Whether the connection's login could become staff. To one that could not, staff are nobody: it
neither finds their sign-ins nor changes their passwords, which would open staff's door by another way."""

Kind = Literal["company-owned", "published", "staff-only", "identity", "framework"]
Columns = tuple[tuple[str, tuple[str, ...]], ...]
"""(command, columns): the command is allowed on these columns alone."""


@dataclass(frozen=True, kw_only=True)
class Rule:
    """What one role may do to a table with one command, on which rows and columns (none: all)."""

    role: str
    command: str
    rows: str = "true"
    columns: tuple[str, ...] = ()
    becomes: str = ""
    """What an update must leave of such a row; empty: what it was found by."""

    @property
    def left(self) -> str:
        """The condition that a row must meet once it is written."""
        return self.becomes or self.rows

    @property
    def policy_name(self) -> str:
        return f"{self.role.removeprefix('portal_')}_{self.command}"


@dataclass(frozen=True, kw_only=True)
class Access:
    """The declared class of a table and everything any role may do to it."""

    kind: Kind
    rules: tuple[Rule, ...]

    @property
    def has_row_security(self) -> bool:
        return self.kind != "framework"


def _rules(role: str, commands: str, rows: str = "true", columns: Columns = ()) -> tuple[Rule, ...]:
    of_command = dict(columns)
    return tuple(
        Rule(role=role, command=command, rows=rows, columns=of_command.get(command, ()))
        for command in commands.split()
    )


def company_owned(
    *,
    client: str = "select",
    client_columns: Columns = (),
    client_inserts: str = "",
    client_updates: tuple[str, str] = ("", ""),
    client_deletes: str = "",
    staff: str = "select insert update delete",
) -> Access:
    """Rows of one company each, named by `company_id`.

    A client that may insert or delete, may do so with own rows for which `client_inserts` or
    `client_deletes` (SQL conditions) holds. One that may update, may update own rows for which the
    first of `client_updates` holds, if the second holds afterwards.
    """
    own = f"company_id = {CURRENT_COMPANY}"
    narrowed_to = {"insert": client_inserts, "delete": client_deletes}

    def narrowed(rule: Rule) -> Rule:
        if narrowed_to.get(rule.command):
            return replace(rule, rows=f"{own} and {narrowed_to[rule.command]}")
        if rule.command == "update" and all(client_updates):
            before, after = client_updates
            return replace(rule, rows=f"{own} and {before}", becomes=f"{own} and {after}")
        return rule

    of_client = [narrowed(rule) for rule in _rules(CLIENT, client, own, client_columns)]
    return Access(kind="company-owned", rules=(*of_client, *_rules(STAFF, staff)))


def published(
    rows: str,
    *,
    columns: tuple[str, ...] = (),
    staff: str = "select insert update delete",
) -> Access:
    """Rows written for every company that `rows` (an SQL condition) lets read them."""
    readable = (("select", columns),) if columns else ()
    return Access(kind="published", rules=_rules(CLIENT, "select", rows, readable) + _rules(STAFF, staff))


def of_own_incidents(column: str = "incident_id") -> str:
    """The row condition "belongs to an incident in which the asking company has a recovery".

    The inner select is itself held by the recovery table's policy. ANY(ARRAY(...)) is evaluated
    once per query, where EXISTS would run per row.
    """
    return f"{column} = any (array(select own.incident_id from incidents_recovery own))"  # noqa: S608


def of_visible_people(table: str, column: str = "user_id") -> str:
    """The row condition "of nobody, or of a person whom this login may know of" (a visitor's)."""
    person = f"select from tenants_user person where person.id = {table}.{column}"
    return f"{MAY_BECOME_STAFF} or {column} is null or exists ({person})"


def staff_only(staff: str = "select insert update delete") -> Access:
    return Access(kind="staff-only", rules=_rules(STAFF, staff))


def identity(
    *,
    visitor: str = "select",
    visitor_columns: Columns = (),
    visitor_rows: str = "true",
    client: str = "",
    client_columns: Columns = (),
    client_rows: str = "false",
    staff: str = "select insert update delete",
) -> Access:
    """Who people are: readable before it is known who asks, so that it can be found out."""
    return Access(
        kind="identity",
        rules=_rules(VISITOR, visitor, visitor_rows, visitor_columns)
        + _rules(CLIENT, client, client_rows, client_columns)
        + _rules(STAFF, staff),
    )


def framework(*, visitor: str = "", client: str = "", staff: str = "select") -> Access:
    """A library's own table without a person or a company in it: grants, no row policy."""
    return Access(
        kind="framework",
        rules=_rules(VISITOR, visitor) + _rules(CLIENT, client) + _rules(STAFF, staff),
    )


def protect_statements(table: str, access: Access) -> Iterator[str]:
    """The SQL that brings `table` from any earlier access to exactly this one."""
    everyone = f"public, {VISITOR}, {CLIENT}, {STAFF}"
    yield f'revoke all on "{table}" from {everyone}'
    for rule in access.rules:
        columns = f" ({', '.join(rule.columns)})" if rule.columns else ""
        yield f'grant {rule.command}{columns} on "{table}" to {rule.role}'
    if not access.has_row_security:
        return
    yield f'alter table "{table}" enable row level security, force row level security'
    for rule in access.rules:
        yield f'drop policy if exists {rule.policy_name} on "{table}"'
        yield (
            f'create policy {rule.policy_name} on "{table}" as permissive for {rule.command} '
            f"to {rule.role} {policy_clauses(rule)}"
        )


def policy_clauses(rule: Rule) -> str:
    using = f"using ({rule.rows})" if rule.command != "insert" else ""
    check = f"with check ({rule.left})" if rule.command in {"insert", "update"} else ""
    return f"{using} {check}".strip()


def unprotect_statements(table: str, access: Access) -> Iterator[str]:
    for rule in access.rules:
        if access.has_row_security:
            yield f'drop policy if exists {rule.policy_name} on "{table}"'
    yield f'revoke all on "{table}" from {VISITOR}, {CLIENT}, {STAFF}'
    if access.has_row_security:
        yield f'alter table "{table}" disable row level security, no force row level security'


class Protect(Operation):
    """Migration operation: give `table` its access. Give `before` where an access changes."""

    reduces_to_sql = True
    reversible = True

    def __init__(self, table: str, access: Access, before: Access | None = None) -> None:
        self.table = table
        self.access = access
        self.before = before

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        """Grants and policies are not part of the models' state."""

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: Any, to_state: Any
    ) -> None:
        self._run(schema_editor, *(unprotect_statements(self.table, self.before) if self.before else ()))
        self._run(schema_editor, *protect_statements(self.table, self.access))

    def database_backwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: Any, to_state: Any
    ) -> None:
        self._run(schema_editor, *unprotect_statements(self.table, self.access))
        self._run(schema_editor, *(protect_statements(self.table, self.before) if self.before else ()))

    def _run(self, schema_editor: BaseDatabaseSchemaEditor, *statements: str) -> None:
        for statement in statements:
            schema_editor.execute(statement, params=None)

    def describe(self) -> str:
        return f"Protect {self.table} as {self.access.kind}"


class TieToCompany(Operation):
    """Migration operation: a composite foreign key (company_id, column, *also), so that no row can point
    at another company's. Checked at commit; nothing cascades. `to_column` is `column` unless given."""

    reduces_to_sql = True
    reversible = True

    def __init__(
        self, table: str, to_table: str, column: str, to_column: str = "", also: Sequence[str] = ()
    ) -> None:
        self.table = table
        self.to_table = to_table
        self.column = column
        self.to_column = to_column
        self.also = also

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        """Django has no composite foreign keys, so the models' state cannot tell of it."""

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: Any, to_state: Any
    ) -> None:
        columns = ", ".join(("company_id", self.column, *self.also))
        to_columns = ", ".join(("company_id", self.to_column or self.column, *self.also))
        schema_editor.execute(
            f'alter table "{self.table}" add constraint {self._name} foreign key ({columns}) '
            f'references "{self.to_table}" ({to_columns}) deferrable initially deferred',
            params=None,
        )

    def database_backwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: Any, to_state: Any
    ) -> None:
        schema_editor.execute(f'alter table "{self.table}" drop constraint {self._name}', params=None)

    @property
    def _name(self) -> str:
        of_column = f"_{self.column}" if self.to_column else ""
        return f"{self.table.split('_')[-1]}{of_column}_same_company"

    def describe(self) -> str:
        return f"Tie {self.table} to {self.to_table} of the same company"


def role_statements() -> Iterator[str]:
    """Idempotent SQL, run by a superuser or DBA, that makes every role exactly as weak as meant.

    A role that exists is brought back to its definition. The passwords of those that log in are
    the caller's to set.
    """
    weak = "nosuperuser nocreatedb nocreaterole noreplication nobypassrls noinherit"
    for role in (OWNER, VISITOR, CLIENT, STAFF, *LOGINS):
        yield (
            f"do $$ begin if not exists (select from pg_roles where rolname = '{role}') "
            f"then create role {role}; end if; end $$"
        )
        yield f"alter role {role} {'login' if role in LOGINS else 'nologin'} {weak}"
        yield f"alter role {role} reset all"
    for login, may_become in LOGINS.items():
        others = [role for role in (OWNER, CLIENT, STAFF, *LOGINS) if role not in (*may_become, login)]
        yield f"revoke {', '.join(others)} from {login}"
        yield f"grant {VISITOR} to {login} with inherit true, set false, admin false"
        for role in may_become:
            yield f"grant {role} to {login} with inherit false, set true, admin false"


def database_statements(database: str) -> Iterator[str]:
    """SQL, run inside the portal's own database, that leaves only what the roles need there."""
    quoted = '"' + database.replace('"', '""') + '"'
    yield f"alter database {quoted} owner to {OWNER}"
    yield f"revoke all on database {quoted} from public"
    yield f"grant connect on database {quoted} to {', '.join(LOGINS)}"
    yield f"alter schema public owner to {OWNER}"
    yield "revoke all on schema public from public"
    yield f"grant usage on schema public to {VISITOR}, {CLIENT}, {STAFF}"
    # A large object belongs to the role that makes it, so to all companies together.
    names = ", ".join(f"'{name}'" for name in LARGE_OBJECT_FUNCTIONS)
    yield (
        "do $$ declare one regprocedure; begin for one in select oid from pg_proc "  # noqa: S608 - constants
        f"where pronamespace = 'pg_catalog'::regnamespace and proname in ({names}) "
        "loop execute format('revoke execute on function %s from public', one); end loop; end $$"
    )
