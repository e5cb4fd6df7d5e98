"""Ways for many threads to ask a portal: its WSGI application in this process, or a web server's port."""

import http.client
import io
import os
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from django.core.handlers.wsgi import WSGIHandler
from django.db import connection

from deploy.local import children
from portal.charsets import OnlyUtf8
from tests import services
from tests.journeys import served
from tests.tenants.traffic import Answer, Question, Traffic

Ask = Callable[[Question], Answer]


@dataclass(kw_only=True)
class Told:
    """What came of the questions of one run."""

    statuses: Counter[int]
    wrong: list[str]
    seconds: float
    ended: int = 0
    """Backends that were ended while the questions went on."""


def application() -> Ask:
    """The whole WSGI stack of the web, called in the thread that asks."""
    stack = OnlyUtf8(WSGIHandler())

    def ask(question: Question) -> Answer:
        begun: list[tuple[str, list[tuple[str, str]]]] = []
        answered = stack(_environ(question), lambda status, headers, *_: begun.append((status, headers)))
        try:
            body = b"".join(answered)
        finally:
            answered.close()  # type: ignore[attr-defined]  # a server does so, and the connection goes back
        status, headers = begun[0]
        return Answer(
            status=int(status[:3]),
            headers={name.lower(): value for name, value in headers},
            body=body.decode(),
        )

    return ask


def _environ(question: Question) -> dict[str, Any]:
    headers = {f"HTTP_{name.upper().replace('-', '_')}": text for name, text in question.all_headers.items()}
    for name in ("CONTENT_TYPE", "CONTENT_LENGTH"):
        headers[name] = headers.pop(f"HTTP_{name}", "")
    return headers | {
        "REQUEST_METHOD": question.method,
        "PATH_INFO": question.path,
        "QUERY_STRING": "",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(question.body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
    }


def port(number: int) -> Ask:
    """A web server on this machine; each thread keeps its connection to it."""
    kept = threading.local()

    def ask(question: Question) -> Answer:
        if not hasattr(kept, "wire"):
            kept.wire = http.client.HTTPConnection("127.0.0.1", number, timeout=30)
        kept.wire.request(question.method, question.path, question.body or None, question.all_headers)
        response = kept.wire.getresponse()
        return Answer(
            status=response.status,
            headers={name.lower(): value for name, value in response.getheaders()},
            body=response.read().decode(),
        )

    return ask


@contextmanager
def granian(folder: Path, *, threads: int, **settings: str) -> Iterator[int]:
    """A web server of one process on the database of the tests, with the pages of `door_pages`: its port."""
    number = served.free_port()
    log = folder / "web.log"
    command = [sys.executable, "-m", "granian", "--interface", "wsgi", "portal.wsgi:application"]
    command += ["--host", "127.0.0.1", "--port", str(number), "--no-ws", "--workers", "1"]
    command += ["--blocking-threads", str(threads), "--backpressure", "64", "--workers-kill-timeout", "2"]
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "tests.tenants.door_settings"} | settings
    child = children.spawn(
        "web",
        command,
        log=log,
        folder=services.ROOT,
        environment=environment,
        ending=children.Ending(seconds=5),
    )
    try:
        served.wait_until_ready(child, number, log)
        yield number
    finally:
        child.stop()


def drive(
    ask: Ask,
    traffic: Traffic,
    *,
    number: int,
    threads: int,
    ending_every: float = 0,
    at_the_end: Callable[[], None] = lambda: None,
) -> Told:
    """Ask `number` questions from so many threads at once; each calls `at_the_end` before it ends.

    With `ending_every` so many seconds a random connection of the portal is ended by the server.
    """
    told = Told(statuses=Counter(), wrong=[], seconds=0)
    questions = traffic.questions(number)
    lock = threading.Lock()

    def work() -> None:
        try:
            while True:
                with lock:
                    question = next(questions, None)
                if question is None:
                    break
                answer = ask(question)
                with lock:
                    told.statuses[answer.status] += 1
                    wrong = traffic.wrong(question, answer, may_fail=ending_every > 0)
                    told.wrong += [wrong] if wrong else []
            at_the_end()
        except Exception as error:  # noqa: BLE001 - a thread's failure is the test's
            told.wrong.append(f"a thread ended with {error!r}")
        finally:
            connection.close()

    began = time.monotonic()
    workers = [threading.Thread(target=work) for _ in range(threads)]
    for each in workers:
        each.start()
    while ending_every and any(each.is_alive() for each in workers):
        told.ended += end_a_connection()
        time.sleep(ending_every)
    for each in workers:
        each.join()
    told.seconds = time.monotonic() - began
    return told


def backends() -> set[int]:
    """The processes of the server that serve the portal's login in this database."""
    return set(_of_backends("pid"))


def end_a_connection() -> int:
    """Let the server end one connection of the portal, whichever; 1 when there was one."""
    return sum(_of_backends("pg_terminate_backend(pid)", most=1))


def end_all_connections() -> None:
    """Let the server end every connection of the portal; returns when they are gone."""
    _of_backends("pg_terminate_backend(pid, 5000)")


def _of_backends(what: str, *, most: int | None = None) -> list[int]:
    # Over another database: this one may be closed for maintenance.
    with psycopg.connect(services.admin_url("postgres"), autocommit=True) as administrator:
        found = administrator.execute(
            f"select {what} from (select pid from pg_stat_activity where datname = %s "
            "and usename = 'portal_login' order by random() limit %s) chosen",
            [os.environ["PORTAL_TEST_DATABASE"], most],
        )
        return [one for (one,) in found]
