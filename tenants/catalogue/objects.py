"""Weaknesses of what is not a table: everything that could read or write rows past their policies."""

from collections.abc import Iterator

from tenants import rls, row_history
from tenants.catalogue import declarations, reading

_OURS = [rls.VISITOR, rls.CLIENT, rls.STAFF, *rls.LOGINS]
"""The roles that the portal works as."""


def weaknesses() -> Iterator[str]:
    """Views, rules, triggers, functions, children of tables and large objects, wherever they are."""
    yield from _relation_weaknesses()
    yield from _child_weaknesses()
    yield from _trigger_and_rule_weaknesses()
    yield from _row_history_weaknesses()
    yield from _function_weaknesses()
    yield from _system_weaknesses()
    yield from _large_object_weaknesses()
    yield from _default_privilege_weaknesses()


def _relation_weaknesses() -> Iterator[str]:
    for kind, name in reading.rows(
        "select case c.relkind when 'm' then 'materialised view' when 'v' then 'view' else 'foreign table' "
        "end, c.oid::regclass::text from pg_class c join pg_namespace n on n.oid = c.relnamespace "
        "where c.relkind in ('v', 'm', 'f') and n.nspname !~ '^pg_' "
        "and n.nspname <> 'information_schema' order by 2"
    ):
        yield f"{kind} {name} is not held by row policies"


def _child_weaknesses() -> Iterator[str]:
    """A child's rows are the parent's too, but asked directly only the child's own policies hold them."""
    for child, parent in reading.rows(
        "select inhrelid::regclass::text, inhparent::regclass::text from pg_inherits "
        "join pg_class c on c.oid = inhrelid where c.relkind in ('r', 'p', 'f') order by 1"
    ):
        yield f"table {child} holds rows of {parent} and can be asked past its policies"


def _trigger_and_rule_weaknesses() -> Iterator[str]:
    for kind, name, table in reading.rows(
        "select 'trigger', t.tgname, t.tgrelid::regclass::text from pg_trigger t "
        "join pg_class c on c.oid = t.tgrelid where not t.tgisinternal and not (t.tgname = %s "
        "and c.relnamespace = %s::regnamespace and c.relname = any (%s)) union all "
        "select 'rule', r.rulename, c.oid::regclass::text from pg_rewrite r "
        "join pg_class c on c.oid = r.ev_class join pg_namespace n on n.oid = c.relnamespace "
        "where r.rulename <> '_RETURN' and n.nspname !~ '^pg_' "
        "and n.nspname <> 'information_schema' order by 1, 2, 3",
        [row_history.NAME, reading.SCHEMA, [*declarations.row_histories()]],
    ):
        yield f"{kind} {name} on {table} is not declared"
    for (name,) in reading.rows("select evtname from pg_event_trigger order by 1"):
        yield f"event trigger {name} is not declared"


_AFTER_EACH_ROW = 1 + 4 + 8 + 16
"""PostgreSQL's code of a trigger for each row, after an insert, a delete and an update."""


def _row_history_weaknesses() -> Iterator[str]:
    """Where a change of a row would not be written down, or not as declared."""
    histories = declarations.row_histories()
    live = {
        table: (is_plain, is_on, bytes(arguments))
        for table, is_plain, is_on, arguments in reading.rows(
            "select c.relname, t.tgtype = %s and t.tgqual is null and t.tgattr = '' and not t.tgdeferrable "
            "and t.tgfoid = to_regprocedure(%s), t.tgenabled = 'O', t.tgargs "
            "from pg_trigger t join pg_class c on c.oid = t.tgrelid "
            "where t.tgname = %s and c.relnamespace = %s::regnamespace",
            [
                _AFTER_EACH_ROW,
                f"{reading.SCHEMA}.{row_history.NAME}()",
                row_history.NAME,
                reading.SCHEMA,
            ],
        )
    }
    for table, history in sorted(histories.items()):
        if table not in live:
            yield f"trigger {row_history.NAME} on {table} is missing"
            continue
        is_plain, is_on, arguments = live[table]
        if not is_plain or arguments != b"".join(f"{each}\0".encode() for each in history.arguments):
            yield f"trigger {row_history.NAME} on {table} differs from the declared one"
        if not is_on:
            yield f"trigger {row_history.NAME} on {table} is switched off"
    expected = (row_history.BODY, "plpgsql", True, rls.OWNER, [*row_history.SETTINGS])
    found = reading.rows(
        "select p.prosrc, l.lanname, p.prosecdef, pg_get_userbyid(p.proowner), p.proconfig "
        "from pg_proc p join pg_language l on l.oid = p.prolang where p.oid = to_regprocedure(%s)",
        [f"{reading.SCHEMA}.{row_history.NAME}()"],
    )
    if found != [expected]:
        yield f"function {row_history.NAME} {'differs from the declared one' if found else 'is missing'}"


def _function_weaknesses() -> Iterator[str]:
    for (name,) in reading.rows(
        "select proname from pg_proc where pronamespace = %s::regnamespace "
        "and not (proname = %s and pronargs = 0) order by 1",
        [reading.SCHEMA, row_history.NAME],
    ):
        yield f"function {name} is not declared"
    for role, name in reading.rows(
        "select r.rolname, p.proname from pg_proc p cross join pg_roles r where p.prosecdef "
        "and (r.rolname = session_user or r.rolname = any (%s)) and not r.rolsuper "
        "and has_function_privilege(r.oid, p.oid, 'execute') order by 1, 2",
        [_OURS],
    ):
        yield f"function {name} runs with its owner's rights and {role} may call it"


def _system_weaknesses() -> Iterator[str]:
    """What PostgreSQL keeps to superusers (files, passwords, statistics) and our roles may use."""
    for kind, role, name in reading.rows(
        "select 'function', r.rolname, p.proname from pg_init_privs i "
        "join pg_proc p on i.classoid = 'pg_proc'::regclass and p.oid = i.objoid cross join pg_roles r "
        "where not exists (select from aclexplode(i.initprivs) a where a.grantee = 0) "
        "and (r.rolname = session_user or r.rolname = any (%s)) and not r.rolsuper "
        "and has_function_privilege(r.oid, p.oid, 'execute') union "
        "select 'table', r.rolname, c.relname from pg_init_privs i "
        "join pg_class c on i.classoid = 'pg_class'::regclass and c.oid = i.objoid and i.objsubid = 0 "
        "cross join pg_roles r where not exists (select from aclexplode(i.initprivs) a where a.grantee = 0) "
        "and (r.rolname = session_user or r.rolname = any (%s)) and not r.rolsuper "
        "and has_table_privilege(r.oid, c.oid, 'select') order by 1, 2, 3",
        [_OURS, _OURS],
    ):
        yield f"{role} may use the system {kind} {name}"


def _large_object_weaknesses() -> Iterator[str]:
    """A large object belongs to the role that makes it: to all companies together."""
    for (role,) in reading.rows(
        "select distinct r.rolname from pg_roles r cross join pg_proc p "
        "where p.pronamespace = 'pg_catalog'::regnamespace and p.proname = any (%s) "
        "and (r.rolname = session_user or r.rolname = any (%s)) and not r.rolsuper "
        "and has_function_privilege(r.oid, p.oid, 'execute') order by 1",
        [list(rls.LARGE_OBJECT_FUNCTIONS), _OURS],
    ):
        yield f"role {role} may make or read large objects"
    for (number,) in reading.rows("select count(*) from pg_largeobject_metadata"):
        if number:
            yield f"there are {number} large objects, which no policy holds"


def _default_privilege_weaknesses() -> Iterator[str]:
    for maker, role, command in reading.rows(
        "select distinct pg_get_userbyid(d.defaclrole), "
        "coalesce(pg_get_userbyid(nullif(a.grantee, 0)), 'public'), lower(a.privilege_type) "
        "from pg_default_acl d cross join lateral aclexplode(d.defaclacl) a "
        "where a.grantee <> d.defaclrole order by 1, 2, 3"
    ):
        yield f"what {maker} makes from now on, {role} may {command}"
