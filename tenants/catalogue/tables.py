"""Weaknesses of tables: owner, row security, policies, grants, and what keeps rows of a company together."""

from collections.abc import Iterator

from tenants import rls
from tenants.catalogue import conditions, declarations, reading


def weaknesses() -> Iterator[str]:
    """Where a table, a policy or a grant is not as declared."""
    yield from _table_weaknesses()
    yield from _policy_weaknesses()
    yield from _grant_weaknesses()
    yield from _constraint_weaknesses()


def _table_weaknesses() -> Iterator[str]:
    access_of = declarations.declared()
    live = {
        name: (owner, enabled, forced)
        for name, owner, enabled, forced in reading.rows(
            "select relname, pg_get_userbyid(relowner), relrowsecurity, relforcerowsecurity "
            "from pg_class where relnamespace = %s::regnamespace and relkind in ('r', 'p', 'f')",
            [reading.SCHEMA],
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
        (table, rule.policy_name): (rule.role, rule.command, *_clauses(rule))
        for table, access in declarations.declared().items()
        if access.has_row_security
        for rule in access.rules
    }
    live = {
        (table, name): (roles, command, conditions.canonical(using), conditions.canonical(check), permissive)
        for table, name, permissive, roles, command, using, check in reading.rows(
            "select c.relname, p.polname, p.polpermissive, "
            "(select string_agg(case when role = 0 then 'public' else pg_get_userbyid(role) end, ',') "
            "from unnest(p.polroles) role), "
            "case p.polcmd when 'r' then 'select' when 'a' then 'insert' when 'w' then 'update' "
            "when 'd' then 'delete' else 'all' end, "
            "pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid) "
            "from pg_policy p join pg_class c on c.oid = p.polrelid where c.relnamespace = %s::regnamespace",
            [reading.SCHEMA],
        )
        if permissive or (table, name) in expected
    }
    for table, name in sorted(live.keys() - expected.keys()):
        yield f"policy {name} on {table} is not declared"
    for table, name in sorted(expected.keys() - live.keys()):
        yield f"policy {name} on {table} is missing"
    for table, name in sorted(live.keys() & expected.keys()):
        if live[table, name] != (*expected[table, name], True):
            yield f"policy {name} on {table} differs from the declared one"


def _clauses(rule: rls.Rule) -> tuple[conditions.Tree, conditions.Tree]:
    none = conditions.canonical(None)
    return (
        conditions.canonical(rule.rows) if rule.command != "insert" else none,
        conditions.canonical(rule.left) if rule.command in {"insert", "update"} else none,
    )


def _grant_weaknesses() -> Iterator[str]:
    expected = {
        (table, column, rule.role, rule.command)
        for table, access in declarations.declared().items()
        for rule in access.rules
        if rule.role != rls.OWNER  # has every right to its tables, so that its policy alone counts
        for column in rule.columns or ("",)
    }
    live = _grants()
    for relation, column, role, command in sorted(live.keys() - expected):
        yield f"{role} may {command} {_place(relation, column)}, which is not declared"
    for relation, column, role, command in sorted(expected - live.keys()):
        yield f"{role} may not {command} {_place(relation, column)}, which is declared"
    for (relation, column, role, command), may_pass_on in sorted(live.items()):
        if may_pass_on:
            yield f"{role} may let others {command} {_place(relation, column)}"


def _grants() -> dict[tuple[str, str, str, str], bool]:
    """(table or sequence, column, role, command) of each live grant → whether the role may pass it on."""
    found: dict[tuple[str, str, str, str], bool] = {}
    for relation, column, role, command, may_pass_on in reading.rows(
        "select c.relname, '', coalesce(pg_get_userbyid(nullif(a.grantee, 0)), 'public'), "
        "lower(a.privilege_type), a.is_grantable from pg_class c cross join lateral aclexplode(c.relacl) a "
        "where c.relnamespace = %s::regnamespace and a.grantee <> c.relowner union all "
        "select c.relname, t.attname, coalesce(pg_get_userbyid(nullif(a.grantee, 0)), 'public'), "
        "lower(a.privilege_type), a.is_grantable from pg_attribute t join pg_class c on c.oid = t.attrelid "
        "cross join lateral aclexplode(t.attacl) a "
        "where c.relnamespace = %s::regnamespace and a.grantee <> c.relowner",
        [reading.SCHEMA, reading.SCHEMA],
    ):
        grant = (relation, column, role, command)
        found[grant] = may_pass_on or found.get(grant, False)
    return found


def _place(relation: str, column: str) -> str:
    return f"{relation}.{column}" if column else relation


def _constraint_weaknesses() -> Iterator[str]:
    """Composite foreign keys hold a company's rows together only while they are checked."""
    for table, name in reading.rows(
        "select conrelid::regclass::text, conname from pg_constraint "
        "where connamespace = %s::regnamespace and not (convalidated and conenforced) order by 1, 2",
        [reading.SCHEMA],
    ):
        yield f"constraint {name} of {table} is not held"
    for (table,) in reading.rows(
        "select distinct c.relname from pg_trigger t join pg_class c on c.oid = t.tgrelid "
        "where t.tgisinternal and t.tgenabled <> 'O' and c.relnamespace = %s::regnamespace order by 1",
        [reading.SCHEMA],
    ):
        yield f"table {table} has its foreign keys switched off"
