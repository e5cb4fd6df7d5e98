"""A whole portal for the journeys: its own database with the demonstration, served by granian."""

import http.client
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from deploy.local import children
from incidents.demo.people import Person
from tests import services

POLL_SECONDS = 1
VALKEY_DATABASE = 9
"""Not the one that the other tests empty after each test."""
_READY_SECONDS = 60


@dataclass(frozen=True, kw_only=True)
class Portal:
    """A running portal: where it is, and who can sign in with which password."""

    address: str
    passwords: dict[str, str]
    child: children.Child
    folder: Path
    environment: dict[str, str]

    def url(self, path: str) -> str:
        return f"{self.address}{path}"

    def password_of(self, person: Person) -> str:
        return self.passwords[person.email]

    @contextmanager
    def worker(self) -> Iterator[None]:
        """A background worker of this portal, for as long as it is needed: it costs a processor."""
        command = [sys.executable, "-m", "celery", "-A", "portal", "worker", "--beat", "--concurrency", "1"]
        command += ["--schedule", str(self.folder / "schedule"), "--loglevel", "warning"]
        child = children.spawn(
            "worker",
            command,
            log=self.folder / "worker.log",
            folder=services.ROOT,
            environment=self.environment,
            ending=children.Ending(seconds=5),
        )
        try:
            yield
        finally:
            child.stop()

    def stop(self) -> None:
        self.child.stop()


def start(
    folder: Path,
    *,
    database: str,
    loading: Sequence[str] = ("manage.py", "load_demo"),
    application: str = "portal.wsgi:application",
    **environment_besides: str,
) -> Portal:
    """Start a portal on a free port with everything it keeps in `folder`; `database` is made anew.

    What is in it the program `loading` writes. It ends with this process, however that ends. Raises
    RuntimeError with the server's last words when it is not ready within 60 s.
    """
    environment = os.environ | {
        "DATABASE_URL": services.copy_template(database),
        "REDIS_URL": _own_valkey_database(os.environ["REDIS_URL"]),
        "PORTAL_DATA_DIR": str(folder),
        "POLL_SECONDS": str(POLL_SECONDS),
        **environment_besides,
    }
    (folder / "static").symlink_to(Path(os.environ["PORTAL_DATA_DIR"]).resolve() / "static")
    subprocess.run(
        [sys.executable, *loading],
        cwd=services.ROOT,
        env=environment,
        check=True,
        timeout=120,
        stdout=subprocess.DEVNULL,
    )
    logins = json.loads((folder / "demo-logins.json").read_text("utf-8"))
    port = free_port()
    log = folder / "web.log"
    command = [sys.executable, "-m", "granian", "--interface", "wsgi", application]
    command += ["--host", "127.0.0.1", "--port", str(port), "--no-ws", "--workers", "2"]
    command += ["--blocking-threads", "4", "--backpressure", "64", "--workers-kill-timeout", "2"]
    portal = Portal(
        address=f"http://127.0.0.1:{port}",
        passwords={login["email"]: login["password"] for login in logins},
        folder=folder,
        environment=environment,
        child=children.spawn(
            "web",
            command,
            log=log,
            folder=services.ROOT,
            environment=environment,
            ending=children.Ending(seconds=5),
        ),
    )
    wait_until_ready(portal.child, port, log)
    return portal


def wait_until_ready(web: children.Child, port: int, log: Path) -> None:
    """Return when the web server of `port` answers; stops it and raises RuntimeError when it does not."""
    deadline = time.monotonic() + _READY_SECONDS
    while not _is_ready(port):
        if web.exit_code() is not None or time.monotonic() > deadline:
            web.stop()
            raise RuntimeError(f"The web server of the tests is not ready:\n{children.last_lines(log)}")
        time.sleep(0.05)


def _is_ready(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/health/ready")
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _own_valkey_database(url: str) -> str:
    return urlsplit(url)._replace(path=f"/{VALKEY_DATABASE}").geturl()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
