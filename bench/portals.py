"""Portals to measure: a database of so many companies, and a web server on it."""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from deploy.local import postgres, valkey

ROOT = Path(__file__).resolve().parent.parent
PEOPLE = 24
"""Signed-in people, each of another company, whose pages are asked for in turn."""
PASSWORD = "correct-horse-battery"
"""Theirs; stands in a form as it is."""


@dataclass(frozen=True, kw_only=True)
class Portal:
    """One running web server; `sessions` are (company slug, session key) of signed-in people.

    The first of their companies was not touched by the foreign incident.
    """

    companies: int
    port: int
    reference: str
    foreign_reference: str
    draft_reference: str
    sessions: tuple[tuple[str, str], ...]
    process_id: int
    database_url: str


@contextmanager
def services() -> Iterator[tuple[postgres.Postgres, valkey.Valkey]]:
    folder = ROOT / ".data" / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    server = postgres.start(folder / "postgres", durable=False)
    try:
        cache = valkey.start(folder / "valkey", durable=False)
        try:
            yield server, cache
        finally:
            cache.stop()
    finally:
        server.stop()


@contextmanager
def portal(companies: int, server: postgres.Postgres, cache: valkey.Valkey) -> Iterator[Portal]:
    """A portal whose founding incident affects `companies` companies, with two web workers."""
    environment = prepared(
        f"bench_{companies}",
        server,
        cache,
        ["manage.py", "collectstatic", "--no-input", "-v", "0"],
        ["manage.py", "load_demo", "--companies", str(companies)],
    )
    environment.pop("DATABASE_ADMIN_URL")
    signed_in = subprocess.run(
        [sys.executable, "-m", "bench.people", str(PEOPLE)],
        cwd=ROOT,
        env=environment,
        check=True,
        stdout=subprocess.PIPE,
    )
    people = json.loads(signed_in.stdout)
    port = _free_port()
    web = subprocess.Popen(
        [
            *(sys.executable, "-m", "granian", "--interface", "wsgi", "portal.wsgi:application"),
            *("--host", "127.0.0.1", "--port", str(port), "--workers", "2", "--blocking-threads", "4"),
            *("--backpressure", "64", "--no-ws"),
        ],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.DEVNULL,
    )
    try:
        _wait_until_ready(port)
        yield Portal(
            companies=companies,
            port=port,
            reference=people["reference"],
            foreign_reference=people["foreign_reference"],
            draft_reference=people["draft_reference"],
            sessions=tuple((slug, key) for slug, key in people["sessions"]),
            process_id=web.pid,
            database_url=environment["DATABASE_URL"],
        )
    finally:
        web.terminate()
        web.wait(timeout=20)


def prepared(
    name: str, server: postgres.Postgres, cache: valkey.Valkey, *commands: list[str]
) -> dict[str, str]:
    """The environment of a database with all tables, in which `commands` were run."""
    environment = os.environ | {
        "DATABASE_URL": server.url("portal_login", "only-for-bench", name),
        "DATABASE_ADMIN_URL": server.admin_url(name),
        "REDIS_URL": cache.url,
        "SECRET_KEY": "only-for-bench",
        "PORTAL_EMBEDDED": "1",
        "PORTAL_DATA_DIR": str(ROOT / ".data" / "bench" / name),
        "DJANGO_SETTINGS_MODULE": "bench.settings",
        "LOG_LEVEL": "ERROR",
    }
    Path(environment["PORTAL_DATA_DIR"]).mkdir(exist_ok=True)
    for command in (["manage.py", "make_roles"], ["manage.py", "migrate", "-v", "0"], *commands):
        subprocess.run(
            [sys.executable, *command], cwd=ROOT, env=environment, check=True, stdout=subprocess.DEVNULL
        )
    return environment


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_until_ready(port: int) -> None:
    for _ in range(300):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/health/ready", timeout=2) as answer:
                if answer.status == 200:
                    return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError("The measured web server did not get ready.")
