"""Weaknesses around the tables: settings that are already set, schemas, the database, members of roles."""

from collections.abc import Iterator

from tenants import rls
from tenants.catalogue import reading

_STARTS_SET = (
    "role|session_authorization|row_security|search_path|session_replication_role|lo_compat_privileges|"
    "session_preload_libraries|local_preload_libraries"
)
"""Settings that would change what a statement means or is allowed, were they set for a role."""
_RESET_VALUES = {"row_security": "on", "session_replication_role": "origin", "lo_compat_privileges": "off"}


def weaknesses() -> Iterator[str]:
    """What a role or database starts with, may reach or make, and who else may become one of our roles."""
    yield from _setting_weaknesses()
    yield from _schema_weaknesses()
    yield from _database_weaknesses()
    yield from _member_weaknesses()


def _setting_weaknesses() -> Iterator[str]:
    for role, database, setting in reading.rows(
        "select coalesce(r.rolname, 'every role'), coalesce(d.datname, 'every database'), "
        "lower(split_part(c, '=', 1)) from pg_db_role_setting s cross join unnest(s.setconfig) c "
        "left join pg_roles r on r.oid = s.setrole left join pg_database d on d.oid = s.setdatabase "
        "where (s.setdatabase = 0 or d.datname = current_database()) "
        "and lower(split_part(c, '=', 1)) ~ %s order by 1, 2, 3",
        [f"^(portal[.].*|{_STARTS_SET})$"],
    ):
        yield f"{role} in {database} starts with {setting} already set"
    for name, value in reading.rows(
        "select name, reset_val from pg_settings where name = any (%s) order by 1", [[*_RESET_VALUES]]
    ):
        if value != _RESET_VALUES[name]:
            yield f"a connection starts with {name} set to {value}"
    for role, setting in reading.rows(
        "select coalesce(pg_get_userbyid(nullif(a.grantee, 0)), 'public'), p.parname "
        "from pg_parameter_acl p cross join lateral aclexplode(p.paracl) a "
        "left join pg_roles r on r.oid = a.grantee where not coalesce(r.rolsuper, false) order by 1, 2"
    ):
        yield f"{role} may change the server's setting {setting}"


def _schema_weaknesses() -> Iterator[str]:
    """Tables outside of the portal's schema are not looked at, so no role may reach or make any."""
    for role, schema, may_use, may_create in reading.rows(
        "select r.rolname, n.nspname, has_schema_privilege(r.oid, n.oid, 'usage'), "
        "has_schema_privilege(r.oid, n.oid, 'create') from pg_namespace n cross join pg_roles r "
        "where (r.rolname = session_user or r.rolname = any (%s)) and not r.rolsuper "
        "and n.nspname !~ '^pg_' and n.nspname <> 'information_schema' order by 1, 2",
        [[rls.VISITOR, rls.CLIENT, rls.STAFF, *rls.LOGINS]],
    ):
        if may_create:
            yield f"role {role} may make objects in schema {schema}"
        if may_use and schema != reading.SCHEMA:
            yield f"role {role} may use schema {schema}, which is not declared"
    for (owner,) in reading.rows(
        "select pg_get_userbyid(nspowner) from pg_namespace where nspname = %s", [reading.SCHEMA]
    ):
        if owner != rls.OWNER:
            yield f"schema {reading.SCHEMA} belongs to {owner}"


def _database_weaknesses() -> Iterator[str]:
    for role, command in reading.rows(
        "select coalesce(pg_get_userbyid(nullif(a.grantee, 0)), 'public'), lower(a.privilege_type) "
        "from pg_database d "
        "cross join lateral aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) a "
        "where d.datname = current_database() and a.grantee <> d.datdba order by 1, 2"
    ):
        if command != "connect":
            yield f"{role} may make {'temporary tables' if command == 'temporary' else 'schemas'}"
        elif role not in rls.LOGINS:
            yield f"{role} may connect to the database, which is not declared"
    for (owner,) in reading.rows(
        "select pg_get_userbyid(datdba) from pg_database where datname = current_database()"
    ):
        if owner != rls.OWNER:
            yield f"the database belongs to {owner}"


def _member_weaknesses() -> Iterator[str]:
    """Who else may become a role of ours, and who may let others; superusers may anyway."""
    for member, role, may_pass_on in reading.rows(
        "select r.rolname, g.rolname, m.admin_option from pg_auth_members m "
        "join pg_roles g on g.oid = m.roleid join pg_roles r on r.oid = m.member "
        "where g.rolname = any (%s) and not r.rolsuper order by 1, 2",
        [[rls.OWNER, rls.VISITOR, rls.CLIENT, rls.STAFF, *rls.LOGINS]],
    ):
        if member not in rls.LOGINS:
            yield f"{member} is a member of {role}, and no login of the portal"
        elif may_pass_on:
            yield f"{member} may make others members of {role}"
    for name, may_log_in, replicates, bypasses, is_super in reading.rows(
        "select rolname, rolcanlogin, rolreplication, rolbypassrls, rolsuper from pg_roles "
        "where rolname = any (%s) order by 1",
        [[rls.OWNER, rls.VISITOR, rls.CLIENT, rls.STAFF, *rls.LOGINS]],
    ):
        if may_log_in and name not in rls.LOGINS:
            yield f"role {name} may log in"
        if replicates:
            yield f"role {name} may copy the whole server (replication)"
        if name == rls.OWNER and (bypasses or is_super):
            yield f"role {name}, the owner of the tables, bypasses row security"
