"""One request of a generated test: what it was answered, what it changed, and then as if it had not been."""

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from django.db import connection
from django.test import Client

from tenants import rls
from tenants.models.audit import READ

FRAMEWORK = ("auth_permission", "django_content_type", "django_migrations")
FORM = "application/x-www-form-urlencoded"
WALLS_OF_THE_BROWSER = {
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}

_MASKED_TOKEN = re.compile(rb'(name="csrfmiddlewaretoken" value=")[A-Za-z0-9]{64}')


@dataclass(frozen=True, kw_only=True)
class Answer:
    """All that a browser is told, without the request's own reference, and the tables that changed."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    cookies: tuple[str, ...] = ()
    body: bytes = b""
    changed: frozenset[str] = frozenset()

    def is_the_same_as(self, other: "Answer") -> bool:
        return self.difference(other) == ""

    def difference(self, other: "Answer") -> str:
        """What a browser could tell the two answers by, in words; '' when nothing."""
        if self.status != other.status:
            return f"status {self.status} and {other.status}"
        names = sorted({*self.headers, *other.headers})
        differing = [name for name in names if self.headers.get(name) != other.headers.get(name)]
        if differing:
            told = [(name, self.headers.get(name), other.headers.get(name)) for name in differing]
            return f"headers {told}"
        if self.cookies != other.cookies:
            return f"cookies {self.cookies} and {other.cookies}"
        if self.body != other.body:
            place = next(
                (at for at, (one, two) in enumerate(zip(self.body, other.body, strict=False)) if one != two),
                min(len(self.body), len(other.body)),
            )
            return f"bodies at byte {place}: {self.body[place - 40 : place + 40]!r}"
        return ""


def walls_missing(answer: Answer) -> str:
    """Which of the headers that protect a browser an answer lacks, in words; '' when none."""
    told = {name: answer.headers.get(name) for name in WALLS_OF_THE_BROWSER}
    policy = answer.headers.get("Content-Security-Policy", "")
    if told != WALLS_OF_THE_BROWSER:
        return f"lacks walls of the browser: {told}"
    if "default-src 'self'" not in policy or "frame-ancestors 'none'" not in policy or "unsafe" in policy:
        return f"has the policy {policy!r}"
    return ""


class Ledger:
    """What all tables hold at one moment: every request is compared with it, then rolled back.

    It stands in a test's transaction, outside of any scope. PostgreSQL counts what a transaction writes
    to each table: only the tables that a request wrote to are read again. What is rolled back stays in
    them until the test ends, so to read all of them after each request would grow with the square.
    """

    def __init__(self) -> None:
        with _undone():
            self._writings = _writings()
            self._before = _contents(self._writings)

    def ask(
        self,
        client: Client,
        method: str,
        path: str,
        *,
        query: str = "",
        headers: Mapping[str, str] | None = None,
        form: str = "",
        named: tuple[str, ...] = (),
    ) -> Answer:
        """Send one request. Its address, and the words of `named`, are taken out of the answer.

        What was written, and what the browser was given to keep, is undone.
        """
        kept = {name: morsel.OutputString() for name, morsel in client.cookies.items()}
        address = f"{path}?{query}" if query else path
        with _undone():
            response = client.generic(method, address, form, FORM, headers=dict(headers or {}))
            before, self._writings = self._writings, _writings()
            now = _contents(table for table, written in self._writings.items() if written != before[table])
        client.cookies.clear()
        for text in kept.values():
            client.cookies.load(text)
        changed = frozenset(table for table, digest in now.items() if digest != self._before[table])
        return _answer(response, changed, (quote(address, safe="/"), *named))


def heard(client: Client, method: str, path: str, *, headers: Mapping[str, str]) -> Answer:
    """The answer to a request whose writing nobody looks at: outside of a test's transaction."""
    response = client.generic(method, path, headers=dict(headers))
    return _answer(response, frozenset(), (quote(path, safe="/"),))


@contextmanager
def _undone() -> Iterator[None]:
    """Undo what is written inside. Plain statements: this stands around each of many requests."""
    with connection.cursor() as cursor:
        cursor.execute("savepoint asked")
        yield
        cursor.execute("rollback to savepoint asked")


def _writings() -> dict[str, tuple[int, ...]]:
    """Table → the file it is in, for one that is emptied gets another, and how often it was written to."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select relname, relfilenode::bigint, pg_stat_get_xact_tuples_inserted(oid), "
            "pg_stat_get_xact_tuples_updated(oid), pg_stat_get_xact_tuples_deleted(oid) "
            "from pg_class where relkind in ('r', 'p') "
            "and relnamespace = current_schema::regnamespace order by relname"
        )
        return {name: tuple(told) for name, *told in cursor.fetchall() if name not in FRAMEWORK}


def _contents(tables: Iterable[str]) -> dict[str, int]:
    """A digest of each table's rows, but for the trace that reading leaves.

    They are read as staff; the role ends with what is undone.
    """
    statement = " union all ".join(
        f"select '{table}', coalesce(sum(hashtextextended(t::text, 0)), 0) from {table} t "
        + (f"where action <> '{READ}'" if table == "tenants_auditevent" else "")
        for table in tables
    )
    if not statement:
        return {}
    with connection.cursor() as cursor:
        cursor.execute("select set_config('role', %s, true)", [rls.STAFF])
        cursor.execute(statement)
        return dict(cursor.fetchall())


def _answer(response: Any, changed: frozenset[str], named: tuple[str, ...]) -> Answer:
    reference = response.headers.get("X-Request-ID", "")
    body = b"".join(response.streaming_content) if response.streaming else response.content
    if reference:
        body = body.replace(reference.encode(), b"")
    body = _MASKED_TOKEN.sub(rb"\1", body)
    for word in named:
        body = body.replace(word.encode(), b"")
    headers = {name: value for name, value in response.headers.items() if name != "X-Request-ID"}
    if "Expires" in headers:
        headers["Expires"] = ""  # the second of the answer
    if "Location" in headers:
        for word in named:
            headers["Location"] = headers["Location"].replace(word, "")
    cookies = tuple(
        sorted(
            name if name == "portal_csrf" else morsel.OutputString()
            for name, morsel in response.cookies.items()
        )
    )
    return Answer(status=response.status_code, headers=headers, cookies=cookies, body=body, changed=changed)
