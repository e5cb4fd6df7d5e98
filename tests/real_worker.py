"""A real worker in a process of its own, which can be killed; what it waits for."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psycopg

from tests import services

OWN_BROKER = 10
PAUSE = 0.05
"""Seconds between two looks, which take from the worker that is looked at."""


@contextmanager
def worker(folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A worker with its clock, which is killed with all its processes in the end."""
    broker = urlsplit(os.environ["REDIS_URL"])._replace(path=f"/{OWN_BROKER}").geturl()
    command = [sys.executable, "-m", "celery", "-A", "portal", "worker", "--concurrency", "1", "--beat"]
    with (folder / "worker.log").open("ab") as log:
        process = subprocess.Popen(
            [*command, "--schedule", str(folder / "schedule"), "--loglevel", "warning"],
            cwd=services.ROOT,
            env=os.environ | {"CELERY_BROKER_URL": broker},
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        try:
            yield process
        finally:
            kill(process)


def kill(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(10)


def until(is_so: Callable[[], bool], *, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, "it did not come to that"
        time.sleep(PAUSE)


def somebody_waits() -> bool:
    """Whether a connection waits for a row that another has locked."""
    with psycopg.connect(services.admin_url(os.environ["PORTAL_TEST_DATABASE"])) as looking:
        row = looking.execute(
            "select count(*) from pg_stat_activity where wait_event_type = 'Lock' "
            "and datname = current_database()"
        ).fetchone()
    return row is not None and row[0] > 0
