"""Real workers that are killed in the middle of a file: the next one goes on, and nothing is doubled."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
from django.utils import timezone

from incidents.choices import ImportState
from incidents.models import ImportPortion, RecoveryEntry, RecoveryImport
from incidents.operations import recovery_imports
from tenants import scope
from tests import services
from tests.conftest import make_world
from tests.incidents.sent_files import again, ask, file_of, restored, started

OWN_BROKER = 10
ROWS = 400_000


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
        time.sleep(0.01)


def let_the_lease_run_out(made: RecoveryImport) -> None:
    with scope.as_staff():
        RecoveryImport.objects.filter(pk=made.pk).update(leased_until=timezone.now() - timedelta(seconds=1))


def test_killed_while_it_reads_and_while_it_writes_an_import_is_whole_in_the_end(
    committed: None, tmp_path: Path
) -> None:
    world = make_world()
    rows = ["nobody,x,y,z"] * ROWS + [restored("acme", 90)]
    made = started(world, file_of(rows))
    with worker(tmp_path) as first:
        until(lambda: again(made).rows_read > 0)
        kill(first)
    stopped = again(made)
    assert (stopped.state, 0 < stopped.rows_read < ROWS) == (ImportState.READING, True)

    let_the_lease_run_out(made)
    with worker(tmp_path) as second:
        until(lambda: again(made).state == ImportState.READY)
        read = again(made)
        assert (read.counts["unknown_company"], read.counts["new"]) == (ROWS, 1)
        with scope.as_staff():
            assert [portion.company_ids for portion in ImportPortion.objects.all()] == [[world.acme.pk]]

        with psycopg.connect(services.admin_url(os.environ["PORTAL_TEST_DATABASE"])) as somebody:
            somebody.execute("select from incidents_incident for update")
            ask(world, made, recovery_imports.apply)
            until(somebody_waits)
            kill(second)
    assert again(made).state == ImportState.APPLYING
    with scope.as_staff():
        assert not RecoveryEntry.objects.filter(source="import").exists()

    let_the_lease_run_out(made)
    with worker(tmp_path):
        until(lambda: again(made).state == ImportState.APPLIED)
    with scope.as_staff():
        assert RecoveryEntry.objects.filter(source="import").count() == 1


def somebody_waits() -> bool:
    """Whether a connection waits for a row that another has locked."""
    with psycopg.connect(services.admin_url(os.environ["PORTAL_TEST_DATABASE"])) as looking:
        row = looking.execute(
            "select count(*) from pg_stat_activity where wait_event_type = 'Lock' "
            "and datname = current_database()"
        ).fetchone()
    return row is not None and row[0] > 0
