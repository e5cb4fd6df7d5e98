"""Find who asks and enter their scope, in one statement.

`open_for_member` and `open_for_staff` must run inside the request's transaction. Where nobody is
found nothing is entered: the transaction stays a visitor's.
"""

import functools
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.db import InterfaceError, OperationalError, ProgrammingError, connection
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from tenants import rls, scope
from tenants.actor import ActingCompany, Actor, CompanyName
from tenants.models import User
from tenants.models.session import SessionStore
from tenants.permissions import Role

# In the model's own order: from_db gives out values by place, whatever the names beside them say.
_PERSON = [str(field.column) for field in User._meta.concrete_fields]  # noqa: SLF001 - Django's documented way
"""All columns, in the order in which the model takes them from a row."""
_PERSON_END = 1 + len(_PERSON)
"""Where the person ends in a found row; the session's content comes first."""
_PERSON_COLUMNS = ", ".join(f"u.{column}" for column in _PERSON)

_SESSION_KEY = re.compile(r"[a-z0-9]{32}")

_SIGNED_IN = """
    from tenants_session s
    join tenants_user u on u.id = s.user_id and u.is_active
"""

_MEMBERSHIP = f"""
    {_SIGNED_IN}
    join tenants_membership m on m.user_id = u.id
    join tenants_company c on c.id = m.company_id and c.suspended_at is null
    where s.session_key = %s and s.expire_date > %s and c.slug = %s and not u.is_staff
"""
_COMPANY_COLUMNS = (
    "m.role, c.id as company_id, c.slug, c.name as company_name, c.time_zone as company_time_zone, "
    "c.consents_to_be_named"
)
_COMPANY = "role, company_id, slug, company_name, company_time_zone, consents_to_be_named"
_ENTER = (
    "set_config('transaction_read_only', %s, true), "
    f"set_config('{rls.COMPANY_SETTING}', company_id::text, true), "
    f"set_config('{rls.USER_SETTING}', id::text, true), set_config('role', '{rls.CLIENT}', true)"
)

_MEMBER = f"""
with member as (
    select s.session_data, {_PERSON_COLUMNS}, {_COMPANY_COLUMNS},
        (select json_agg((select json_build_array(o.slug, o.name) from tenants_company o
                          where o.id = om.company_id and o.suspended_at is null))
         from tenants_membership om where om.user_id = u.id) as companies
    {_MEMBERSHIP}
)
select session_data, {", ".join(_PERSON)}, {_COMPANY}, companies, {_ENTER} from member
"""  # noqa: S608 - constants of this module only

_POLLER = f"""
with member as (
    select s.session_data, u.password, u.id, u.name, u.email, u.time_zone, {_COMPANY_COLUMNS} {_MEMBERSHIP}
)
select session_data, password, id, name, email, time_zone, {_COMPANY}, {_ENTER} from member
"""  # noqa: S608 - constants of this module only
"""The member without what only whole pages show: half the work, for what is asked most."""

_STAFF = f"""
with person as (
    select s.session_data, {_PERSON_COLUMNS}
    {_SIGNED_IN}
    where s.session_key = %s and s.expire_date > %s and u.is_staff
)
select session_data, {", ".join(_PERSON)}, set_config('{rls.COMPANY_SETTING}', '', true),
    set_config('{rls.USER_SETTING}', id::text, true), set_config('role', '{rls.STAFF}', true)
from person
"""  # noqa: S608 - constants of this module only


class SignInEnded(Exception):
    """The session names a person, but not as they are now: their password has changed since.

    The scope was entered in the same statement, so the transaction must be rolled back.
    """


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A person let in: the signed-in user, the session's content, the actor and the scope entered."""

    user: User
    session_content: dict[str, Any]
    actor: Actor
    scope: scope.Scope


def open_for_member(session_key: str, slug: str, *, read_only: bool) -> Entry | None:
    """Enter the client scope of company `slug` for the member signed in with `session_key`.

    None, and nothing entered, when there is no such member: unknown company, company of others,
    suspended company, removed member, ended session and staff are all the same. Raises SignInEnded.
    """
    row = _one(_MEMBER, _asked(session_key, slug, read_only=read_only))
    return _member(row) if row else None


def ask_as_member(
    session_key: str, slug: str, question: str, values: Sequence[Any]
) -> tuple[Actor, tuple[Any, ...]] | None:
    """The actor, and the one row that `question` (SQL) finds in the client scope of company `slug`.

    The actor's other companies are left out. One round trip: finding the member and the question
    travel together, outside of a caller's transaction. The server runs them as one, read-only, and
    ends it with the answer, so that nothing of the scope is left and no scope is in force here.

    None whenever there is no such row to give, whatever the reason: no such member, nothing found, a
    transaction going on, a lost connection. The caller then takes the way of every other request.
    """
    if connection.in_atomic_block or not is_session_key(session_key):
        return None
    connection.health_check_done = True  # type: ignore[attr-defined]  # missing from the stubs
    try:
        connection.ensure_connection()
        with connection.cursor() as member, connection.cursor() as answer:
            with connection.wrap_database_errors, connection.connection.pipeline():
                member.execute(_POLLER, _asked(session_key, slug, read_only=True))
                # Where no member was found this is asked by a visitor, who is refused.
                answer.execute(question, values)
            found, row = member.fetchone(), answer.fetchone()
    except ProgrammingError:
        return None
    except (OperationalError, InterfaceError):
        connection.close()
        return None
    if not found or not row:
        return None
    session_data, password, *actor = found
    if not _is_current(_signed_content(session_data), actor[0], password):
        return None
    return _actor(actor), row


def _asked(session_key: str, slug: str, *, read_only: bool) -> list[Any]:
    return [session_key, timezone.now(), slug, "on" if read_only else "off"]


def _member(row: tuple[Any, ...]) -> Entry:
    user, content = _person(row)
    *company, companies = row[_PERSON_END : _PERSON_END + 7]
    actor = _actor((user.pk, user.name, user.email, user.time_zone, *company), _by_name(companies))
    entered = scope.Scope(company_id=company[1], user_id=user.pk)
    return Entry(user=user, session_content=content, actor=actor, scope=entered)


def _actor(row: Sequence[Any], companies: tuple[CompanyName, ...] = ()) -> Actor:
    """The actor of a member, from id, name, e-mail, zone, and the values of _COMPANY."""
    user_id, name, email, zone, role, company_id, slug, company_name, company_zone, consents = row[:10]
    company = ActingCompany(
        id=company_id,
        slug=slug,
        name=company_name,
        time_zone=company_zone,
        consents_to_be_named=consents,
    )
    return Actor(
        user_id=user_id,
        name=name,
        email=email,
        time_zone=zone,
        company=company,
        role=Role(role),
        companies=companies,
    )


def open_for_staff(session_key: str) -> Entry | None:
    """Enter the staff scope for the staff person signed in with `session_key`, else None.

    Raises SignInEnded.
    """
    row = _one(_STAFF, [session_key, timezone.now()])
    if row is None:
        return None
    user, content = _person(row)
    actor = Actor(user_id=user.pk, name=user.name, email=user.email, time_zone=user.time_zone)
    return Entry(
        user=user, session_content=content, actor=actor, scope=scope.Scope(company_id=None, user_id=user.pk)
    )


def is_session_key(text: str) -> bool:
    """Whether `text` may be the key of a session at all: nothing else reaches the database."""
    return _SESSION_KEY.fullmatch(text) is not None


def companies_of(user_id: UUID) -> tuple[CompanyName, ...]:
    """The companies a person can open, by name; for a visitor's transaction."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select c.slug, c.name from tenants_membership m join tenants_company c on c.id = m.company_id "
            "where m.user_id = %s and c.suspended_at is null",
            [user_id],
        )
        return _by_name(cursor.fetchall())


def _by_name(companies: Iterable[Sequence[str] | None]) -> tuple[CompanyName, ...]:
    """The companies by name; a suspended one (None) is left out."""
    found = (CompanyName(slug=each[0], name=each[1]) for each in companies if each)
    return tuple(sorted(found, key=lambda one: one.name.casefold()))


def _one(statement: str, values: list[Any]) -> tuple[Any, ...] | None:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        row: tuple[Any, ...] | None = cursor.fetchone()
    return row


def _person(row: tuple[Any, ...]) -> tuple[User, dict[str, Any]]:
    """The user of a session row and the session's content, which is signed, theirs and current."""
    user = User.from_db("default", _PERSON, row[1:_PERSON_END])
    content = _signed_content(row[0])
    if not _is_current(content, user.pk, user.password):
        raise SignInEnded
    return user, dict(content)


def _is_current(content: dict[str, Any], user_id: UUID, password: str) -> bool:
    return (
        content.get(SESSION_KEY) == str(user_id)
        and bool(content.get(BACKEND_SESSION_KEY))
        and constant_time_compare(content.get(HASH_SESSION_KEY, ""), _auth_hash(password))
    )


@functools.lru_cache(maxsize=4096)
def _signed_content(session_data: str) -> dict[str, Any]:
    """What a session's row holds, {} when its signature is wrong: depends on that text alone."""
    return SessionStore().decode(session_data)


@functools.lru_cache(maxsize=4096)
def _auth_hash(password: str) -> str:
    """What Django signs into a session, so that a new password ends the old sign-ins."""
    return User(password=password).get_session_auth_hash()
