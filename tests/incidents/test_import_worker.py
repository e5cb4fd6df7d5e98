"""Real workers that are killed in the middle of a file: the next one goes on, and nothing is doubled."""

import os
from datetime import timedelta
from pathlib import Path

import psycopg
from django.utils import timezone

from incidents.choices import ImportState
from incidents.models import ImportPortion, RecoveryEntry, RecoveryImport
from incidents.operations import recovery_imports
from tenants import scope
from tests import services
from tests.conftest import make_world
from tests.incidents.sent_files import again, ask, file_of, restored, started
from tests.real_worker import kill, somebody_waits, until, worker

ROWS = 400_000


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
