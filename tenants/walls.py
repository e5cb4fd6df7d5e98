"""Whether the isolation stands: the live catalogue held against what every table declares.

The web, the worker and `manage.py check --deploy` refuse to go on when `weaknesses()` finds one.
"""

import re
from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.db import connection

from tenants import rls
from tenants.library_tables import LIBRARY_TABLES

SCHEMA = "public"


class WallDown(RuntimeError):
    """The database would not hold one company from another's rows; nothing is served."""


def refuse_unless_standing() -> None:
    """Raise WallDown, naming every weakness, unless the isolation stands."""
    found = weaknesses()
    if found:
        raise WallDown("The portal does not serve, its isolation has weaknesses:\n- " + "\n- ".join(found))


def declared() -> dict[str, rls.Access]:
    """Table name → declared access, for our models and the libraries' tables."""
    found = dict(LIBRARY_TABLES)
    for model in apps.get_models(include_auto_created=True):
        access = getattr(model, "access", None)
        if isinstance(access, rls.Access):
            found[model._meta.db_table] = access  # noqa: SLF001
    return found


def weaknesses() -> tuple[str, ...]:
    """Every weakness found, as sentences; empty when the walls stand. Reads the catalogue only."""
    return (
        *_login_weaknesses(),
        *_setting_weaknesses(),
        *_schema_weaknesses(),
        *_table_weaknesses(),
        *_policy_weaknesses(),
        *_grant_weaknesses(),
        *_object_weaknesses(),
    )


def _login_weaknesses() -> Iterator[str]:
    for name, is_super, bypasses, inherits, makes_roles, makes_databases, owned in _rows(
        "select rolname, rolsuper, rolbypassrls, rolinherit, rolcreaterole, rolcreatedb, "
        "(select count(*) from pg_shdepend where refclassid = 'pg_authid'::regclass and refobjid = r.oid "
        "and deptype = 'o') from pg_roles r where rolname in (session_user, %s, %s, %s)",
        [rls.VISITOR, rls.CLIENT, rls.STAFF],
    ):
        for is_weak, words in (
            (is_super, "is a superuser"),
            (bypasses, "bypasses row security"),
            (inherits, "inherits the rights of roles it may become"),
            (makes_roles, "may make roles"),
            (makes_databases, "may make databases"),
            (owned, "owns objects"),
        ):
            if is_weak:
                yield f"role {name} {words}"
    expected = {(rls.VISITOR, True, False), (rls.CLIENT, False, True), (rls.STAFF, False, True)}
    granted = set(
        _rows(
            "select g.rolname, m.inherit_option, m.set_option from pg_auth_members m "
            "join pg_roles g on g.oid = m.roleid join pg_roles r on r.oid = m.member "
            "where r.rolname = session_user"
        )
    )
    for role, inherits, may_become in sorted(granted - expected):
        yield f"the login role is a member of {role} (inherit {inherits}, set {may_become}), not declared"
    for role, _inherits, _may_become in sorted(expected - granted):
        yield f"the login role is not a member of {role} in the declared way"
    for member, role in _rows(
        "select r.rolname, g.rolname from pg_auth_members m join pg_roles g on g.oid = m.roleid "
        "join pg_roles r on r.oid = m.member where r.rolname in (%s, %s, %s)",
        [rls.VISITOR, rls.CLIENT, rls.STAFF],
    ):
        yield f"role {member} is a member of {role}"


def _setting_weaknesses() -> Iterator[str]:
    for role, database, setting in _rows(
        "select coalesce(r.rolname, 'every role'), coalesce(d.datname, 'every database'), c "
        "from pg_db_role_setting s cross join unnest(s.setconfig) c "
        "left join pg_roles r on r.oid = s.setrole left join pg_database d on d.oid = s.setdatabase "
        "where (s.setdatabase = 0 or d.datname = current_database()) "
        "and (c like 'portal.%%' or c like 'role=%%' or c like 'row_security=%%' or c like 'search_path=%%' "
        "or c like 'session_authorization=%%')"
    ):
        yield f"{role} in {database} starts with {setting.split('=')[0]} already set"


def _schema_weaknesses() -> Iterator[str]:
    """Objects outside of the portal's schema are not looked at, so no role may reach or make any."""
    for role, schema, may_use, may_create in _rows(
        "select r.rolname, n.nspname, has_schema_privilege(r.oid, n.oid, 'usage'), "
        "has_schema_privilege(r.oid, n.oid, 'create') from pg_namespace n cross join pg_roles r "
        "where r.rolname in (session_user, %s, %s, %s) and n.nspname !~ '^pg_' "
        "and n.nspname <> 'information_schema' and not r.rolsuper order by 1, 2",
        [rls.VISITOR, rls.CLIENT, rls.STAFF],
    ):
        if may_create:
            yield f"role {role} may make objects in schema {schema}"
        if may_use and schema != SCHEMA:
            yield f"role {role} may use schema {schema}, which is not declared"


def _table_weaknesses() -> Iterator[str]:
    access_of = declared()
    live = {
        name: (owner, enabled, forced)
        for name, owner, enabled, forced in _rows(
            "select relname, pg_get_userbyid(relowner), relrowsecurity, relforcerowsecurity "
            "from pg_class where relnamespace = %s::regnamespace and relkind in ('r', 'p', 'f')",
            [SCHEMA],
        )
    }
    for name in sorted(live.keys() - access_of.keys()):
        yield f"table {name} has no declared class"
    for name in sorted(access_of.keys() - live.keys()):
        yield f"table {name} is declared and does not exist"
    for name in sorted(live.keys() & access_of.keys()):
        owner, enabled, forced = live[name]
        if owner != rls.OWNER:
            yield f"table {name} belongs to {owner}"
        if access_of[name].has_row_security and not enabled:
            yield f"table {name} has row security switched off"
        if access_of[name].has_row_security and not forced:
            yield f"table {name} does not force row security on its owner"


def _policy_weaknesses() -> Iterator[str]:
    expected = {
        (table, rule.policy_name): (rule.role, rule.command, *_expected_clauses(rule))
        for table, access in declared().items()
        if access.has_row_security
        for rule in access.rules
    }
    live = {
        (table, name): (roles, command, _normal(using), _normal(check))
        for table, name, permissive, roles, command, using, check in _rows(
            "select c.relname, p.polname, p.polpermissive, "
            "(select string_agg(case when role = 0 then 'public' else pg_get_userbyid(role) end, ',') "
            "from unnest(p.polroles) role), "
            "case p.polcmd when 'r' then 'select' when 'a' then 'insert' when 'w' then 'update' "
            "when 'd' then 'delete' else 'all' end, "
            "pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid) "
            "from pg_policy p join pg_class c on c.oid = p.polrelid where c.relnamespace = %s::regnamespace",
            [SCHEMA],
        )
        if permissive or (table, name) in expected
    }
    for table, name in sorted(live.keys() - expected.keys()):
        yield f"policy {name} on {table} is not declared"
    for table, name in sorted(expected.keys() - live.keys()):
        yield f"policy {name} on {table} is missing"
    for table, name in sorted(live.keys() & expected.keys()):
        if live[table, name] != expected[table, name]:
            yield f"policy {name} on {table} differs from the declared one"


def _expected_clauses(rule: rls.Rule) -> tuple[str, str]:
    rows = _normal(rule.rows)
    return (
        rows if rule.command != "insert" else "",
        rows if rule.command in {"insert", "update"} else "",
    )


def _normal(expression: str | None) -> str:
    """An SQL condition without what PostgreSQL adds when it prints one: casts, names, parentheses."""
    text = (expression or "").lower()
    text = re.sub(r"::(?:text|character varying)(?:\[\])?", "", text)
    text = re.sub(r'\bas "?\w+"?', "", text)
    return re.sub(r'[\s()"]', "", text)


def _grant_weaknesses() -> Iterator[str]:
    expected = set()
    for table, access in declared().items():
        for rule in access.rules:
            for column in rule.columns or ("",):
                expected.add((table, column, rule.role, rule.command))
    live = set(
        _rows(
            "select c.relname, '', coalesce(pg_get_userbyid(nullif(a.grantee, 0)), 'public'), "
            "lower(a.privilege_type) from pg_class c cross join lateral aclexplode(c.relacl) a "
            "where c.relnamespace = %s::regnamespace and c.relkind in ('r', 'p', 'f', 'v', 'm') "
            "and a.grantee <> c.relowner union all "
            "select c.relname, t.attname, coalesce(pg_get_userbyid(nullif(a.grantee, 0)), 'public'), "
            "lower(a.privilege_type) from pg_attribute t join pg_class c on c.oid = t.attrelid "
            "cross join lateral aclexplode(t.attacl) a "
            "where c.relnamespace = %s::regnamespace and a.grantee <> c.relowner",
            [SCHEMA, SCHEMA],
        )
    )
    for table, column, role, command in sorted(live - expected):
        yield f"{role} may {command} {table}{'.' + column if column else ''}, which is not declared"
    for table, column, role, command in sorted(expected - live):
        yield f"{role} may not {command} {table}{'.' + column if column else ''}, which is declared"


def _object_weaknesses() -> Iterator[str]:
    for kind, name in _rows(
        "select case relkind when 'm' then 'materialised view' else 'view' end, relname from pg_class "
        "where relnamespace = %s::regnamespace and (relkind = 'm' or (relkind = 'v' "
        "and not coalesce('security_invoker=true' = any (reloptions), false)))",
        [SCHEMA],
    ):
        yield f"{kind} {name} would read with its owner's rights"
    for (name,) in _rows(
        "select p.proname from pg_proc p where p.prosecdef and p.pronamespace = %s::regnamespace "
        "and (has_function_privilege(%s, p.oid, 'execute') "
        "or has_function_privilege(session_user, p.oid, 'execute'))",
        [SCHEMA, rls.CLIENT],
    ):
        yield f"function {name} runs with its owner's rights and a client may call it"


def _rows(statement: str, values: list[Any] | None = None) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values or [])
        found: list[tuple[Any, ...]] = cursor.fetchall()
        return found
