"""Who receives something, and whether a mark may be in it: as the database says at this instant."""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg
from django.db import connection
from django.utils import timezone

from tenants import rls
from tests import services
from tests.canaries import marks
from tests.canaries.marks import Mark

Rows = Callable[[str, Sequence[object]], list[tuple[Any, ...]]]

_PERSON = """
select u.id, u.email, u.is_staff, coalesce(array_agg(c.id) filter (where c.id is not null), '{}'),
    coalesce(array_agg(c.slug) filter (where c.id is not null), '{}')
from tenants_user u
left join tenants_membership m on m.user_id = u.id and not u.is_staff
left join tenants_company c on c.id = m.company_id and c.suspended_at is null
where u.is_active and
"""
_IS_AFFECTED = """
select exists (
    select from incidents_recovery own join incidents_incident i on i.id = own.incident_id
    where i.id = %s and i.published_at is not null and own.company_id = any (%s::uuid[])
)
"""
_IS_NAMED = """
select exists (
    select from incidents_rosterentry entry
    join tenants_company c on c.id = entry.company_id
    join incidents_incident i on i.id = entry.incident_id
    join incidents_recovery own on own.incident_id = i.id
    where c.id = %s and c.consents_to_be_named and position(%s in lower(entry.name)) > 0
    and i.reference = %s and i.published_at is not null and i.roster_policy = 'names'
    and own.company_id = any (%s::uuid[])
)
"""


@dataclass(frozen=True, kw_only=True)
class Receiver:
    """A person with everything that they may open; `user_id` None is somebody unknown."""

    words: str
    user_id: UUID | None = None
    is_staff: bool = False
    company_ids: frozenset[UUID] = frozenset()
    opened_ids: frozenset[UUID] = frozenset()
    """The company whose page was asked for; all of theirs where the page is of none."""


NOBODY = Receiver(words="somebody who is not signed in")


def of_company(company_id: UUID) -> Receiver:
    """Whoever reads what is kept for one company."""
    own = frozenset({company_id})
    return Receiver(words=f"company {company_id}", company_ids=own, opened_ids=own)


class Desk:
    """Answers who somebody is and what they may read, from one look into the database."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self._answered: dict[tuple[object, ...], bool] = {}

    def signed_in(self, session_key: str, place: str) -> Receiver:
        """The person of a session, at an address whose first part is `place`."""
        if not session_key:
            return NOBODY
        session = "select user_id from tenants_session where session_key = %s and expire_date > %s"
        return self._person(f"u.id = ({session})", [session_key, timezone.now()], place)

    def at_address(self, email: str) -> Receiver:
        """The person whom a mail to `email` reaches; somebody unknown where nobody has it."""
        return self._person("lower(u.email) = lower(%s)", [email], "")

    def may_read(self, receiver: Receiver, mark: Mark, *, roster_of: str = "") -> bool:
        """Whether `mark` may be in what `receiver` gets; `roster_of` is the reference of the incident
        in whose roster it stands, if it stands in one."""
        owner = mark.owner
        if receiver.is_staff:
            return True
        if owner.kind == "staff" or owner.id is None:
            return False
        if owner.kind == "person":
            theirs = marks.in_force.companies_of_person[owner.id]
            return receiver.user_id == owner.id or bool(theirs & receiver.opened_ids)
        if owner.kind == "incident":
            return self._is_true(_IS_AFFECTED, owner.id, receiver.opened_ids)
        # A person of two companies reads both names in the switcher, of each page.
        if owner.id in (receiver.company_ids if mark.is_name else receiver.opened_ids):
            return True
        is_listed = mark.is_name and bool(roster_of)
        return is_listed and self._is_true(_IS_NAMED, owner.id, mark.text, roster_of, receiver.opened_ids)

    def _person(self, condition: str, values: Sequence[object], place: str) -> Receiver:
        found = self._rows(f"{_PERSON} {condition} group by u.id", values)
        if not found:
            return NOBODY
        user_id, email, is_staff, company_ids, slugs = found[0]
        of_slug = dict(zip(slugs, company_ids, strict=True))
        return Receiver(
            words=email,
            user_id=user_id,
            is_staff=is_staff,
            company_ids=frozenset(company_ids),
            opened_ids=frozenset({of_slug[place]} if place in of_slug else company_ids),
        )

    def _is_true(self, statement: str, *values: object) -> bool:
        if (statement, *values) not in self._answered:
            sent = [list(value) if isinstance(value, frozenset) else value for value in values]
            self._answered[statement, *values] = bool(self._rows(statement, sent)[0][0])
        return self._answered[statement, *values]


@contextmanager
def desk() -> Iterator[Desk]:
    with reading() as rows:
        yield Desk(rows)


@contextmanager
def reading() -> Iterator[Rows]:
    """Read as staff beside the test, in its own transaction, leaving nothing and counting as no query.

    Where the test's connection cannot be used (none yet, broken, its transaction failed, its login
    cannot become staff), what is committed is read by a connection of its own.
    """
    raw = connection.connection
    usable = {psycopg.pq.TransactionStatus.IDLE, psycopg.pq.TransactionStatus.INTRANS}
    cannot = raw is None or raw.closed or raw.info.user == rls.CLIENT_LOGIN
    if cannot or raw.info.transaction_status not in usable:
        with _of_its_own() as own:
            yield own
        return
    # Rolled back only where the role must be given back: after it the server's plans are forgotten.
    is_inside = raw.info.transaction_status == psycopg.pq.TransactionStatus.INTRANS
    with raw.transaction(force_rollback=is_inside), psycopg.ClientCursor(raw) as cursor:
        cursor.execute("select set_config('role', %s, true)", [rls.STAFF])
        yield _rows_of(cursor)


@contextmanager
def _of_its_own() -> Iterator[Rows]:
    address = services.admin_url(os.environ["PORTAL_TEST_DATABASE"])
    with psycopg.connect(address, autocommit=True) as own, psycopg.ClientCursor(own) as cursor:
        yield _rows_of(cursor)


def _rows_of(cursor: psycopg.Cursor[Any]) -> Rows:
    def rows(statement: str, values: Sequence[object]) -> list[tuple[Any, ...]]:
        return list(cursor.execute(statement, values).fetchall())

    return rows
