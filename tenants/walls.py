"""Whether the isolation stands: the live catalogue held against what every table declares.

The web, the worker and `manage.py check --deploy` refuse to go on when `weaknesses()` finds one.
"""

from collections.abc import Iterator

from django.conf import settings

from tenants import rls
from tenants.catalogue import declarations, objects, probes, reading, surroundings, tables


class WallDown(RuntimeError):
    """The database would not hold one company from another's rows; nothing is served."""


def refuse_unless_standing() -> None:
    """Raise WallDown, naming every weakness, unless the isolation stands."""
    found = weaknesses()
    if found:
        raise WallDown("The portal does not serve, its isolation has weaknesses:\n- " + "\n- ".join(found))


def declared() -> dict[str, rls.Access]:
    """Table name → declared access, for our models and the libraries' tables."""
    return declarations.declared()


def weaknesses() -> tuple[str, ...]:
    """Every weakness found, as sentences; empty when the walls stand.

    Reads the catalogue, and tries to read tables without a scope; leaves no trace on the connection.
    """
    return (
        *_login_weaknesses(),
        *surroundings.weaknesses(),
        *tables.weaknesses(),
        *objects.weaknesses(),
        *probes.weaknesses(),
    )


def _login_weaknesses() -> Iterator[str]:
    for name, is_super, bypasses, inherits, makes_roles, makes_databases, owned in reading.rows(
        "select rolname, rolsuper, rolbypassrls, rolinherit, rolcreaterole, rolcreatedb, "
        "(select count(*) from pg_shdepend where refclassid = 'pg_authid'::regclass and refobjid = r.oid "
        "and deptype = 'o') from pg_roles r where rolname = session_user or rolname = any (%s)",
        [[rls.VISITOR, rls.CLIENT, rls.STAFF, *rls.LOGINS]],
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
    yield from _membership_weaknesses()
    yield from _door_weaknesses()


def _membership_weaknesses() -> Iterator[str]:
    """What each login role that exists may become, held against `rls.LOGINS`."""
    granted: dict[str, set[tuple[str, bool, bool]]] = {}
    for login, role, inherits, may_become in reading.rows(
        "select r.rolname, g.rolname, m.inherit_option, m.set_option from pg_roles r "
        "left join pg_auth_members m on m.member = r.oid left join pg_roles g on g.oid = m.roleid "
        "where r.rolname = any (%s)",
        [[*rls.LOGINS]],
    ):
        granted.setdefault(login, set()).update({(role, inherits, may_become)} if role else ())
    for login, found in sorted(granted.items()):
        expected = {(rls.VISITOR, True, False), *((role, False, True) for role in rls.LOGINS[login])}
        for role, inherits, may_become in sorted(found - expected):
            yield f"{login} is a member of {role} (inherit {inherits}, set {may_become}), not declared"
        for role, _inherits, _may_become in sorted(expected - found):
            yield f"{login} is not a member of {role} in the declared way"
    for member, role in reading.rows(
        "select r.rolname, g.rolname from pg_auth_members m join pg_roles g on g.oid = m.roleid "
        "join pg_roles r on r.oid = m.member where r.rolname in (%s, %s, %s)",
        [rls.VISITOR, rls.CLIENT, rls.STAFF],
    ):
        yield f"role {member} is a member of {role}"


def _door_weaknesses() -> Iterator[str]:
    """Whether this process logs in as what its doors need, and as nothing that could enter staff's."""
    for login, role, may_become in reading.rows(
        "select session_user, rolname, pg_has_role(session_user, oid, 'set') from pg_roles "
        "where rolname = any (%s) order by rolname",
        [[*rls.DOORS.values()]],
    ):
        if login not in rls.LOGINS:
            yield f"this process logs in as {login}, which is not a declared login"
            return
        is_served = role in {rls.DOORS[door] for door in settings.DOORS}
        if is_served and not may_become:
            yield f"this process serves a door for which {login} may not become {role}"
        if role == rls.STAFF and may_become and not is_served:
            yield f"this process does not serve the staff door, and {login} may become {role}"
