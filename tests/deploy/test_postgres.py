"""The embedded PostgreSQL starts, survives what kills it, and lets nobody else in."""

import os
import signal
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

import environ
import psycopg
import pytest

from deploy.local import children, errors, folders, postgres

SOCKET_NAME = ".s.PGSQL.5432.lock"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder whose cluster is made once for this module."""
    made = tmp_path_factory.mktemp("postgres")
    postgres.start(made, durable=False).stop()
    return made


@pytest.fixture
def server(folder: Path) -> Iterator[postgres.Postgres]:
    """A running server, stopped at the end whatever the test did to it."""
    running = postgres.start(folder, durable=False)
    yield running
    running.stop()


def _socket_folder(server: postgres.Postgres) -> Path:
    return folders.for_socket(server.folder, SOCKET_NAME)


def test_it_answers_as_utf8_with_names_sorted_by_code_point(server: postgres.Postgres) -> None:
    with psycopg.connect(server.admin_url()) as connection:
        found = connection.execute(
            "select current_user, current_setting('server_encoding'), datlocprovider, datlocale,"
            " current_setting('timezone') from pg_database where datname = current_database()"
        ).fetchone()
        version = connection.info.server_version

    assert found == ("postgres", "UTF8", "b", "C.UTF-8", "UTC")
    assert version >= 180000


def test_what_was_written_is_there_after_a_stop_and_a_start(tmp_path: Path) -> None:
    first = postgres.start(tmp_path)
    first.make_database("portal")
    with psycopg.connect(first.admin_url("portal")) as connection:
        connection.execute("create table kept (word text)")
        connection.execute("insert into kept values ('recovered')")
    first.stop()

    second = postgres.start(tmp_path)
    try:
        second.make_database("portal")
        with psycopg.connect(second.admin_url("portal")) as connection:
            assert connection.execute("select word from kept").fetchall() == [("recovered",)]
            assert connection.execute("show fsync").fetchone() == ("on",)
    finally:
        second.stop()


def test_stop_leaves_no_process(folder: Path) -> None:
    running = postgres.start(folder, durable=False)
    assert running.process.pid in children.working_in(folder / "cluster")

    running.stop()

    assert children.working_in(folder / "cluster") == ()
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(running.admin_url())


def test_a_wrong_password_is_refused_and_there_is_no_tcp(server: postgres.Postgres) -> None:
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(server.url("postgres", "guessed", "postgres"))
    with psycopg.connect(server.admin_url()) as connection:
        assert connection.execute("show listen_addresses").fetchone() == ("",)


def test_its_secrets_and_its_socket_are_for_the_owner_only(server: postgres.Postgres) -> None:
    private = (server.folder / "password", server.folder / "cluster", _socket_folder(server))
    modes = [stat.S_IMODE(path.stat().st_mode) for path in private]
    arguments = Path(f"/proc/{server.process.pid}/cmdline").read_text("utf-8")

    assert modes == [0o600, 0o700, 0o700]
    assert (server.folder / "password").read_text("ascii") not in arguments


def test_libpq_and_django_read_its_url_alike(server: postgres.Postgres) -> None:
    url = server.url("a@b", "p/w:%?", "por tal")

    by_libpq = psycopg.conninfo.conninfo_to_dict(url)
    by_django = environ.Env.db_url_config(url)

    assert by_libpq == {
        "user": "a@b",
        "password": "p/w:%?",
        "dbname": "por tal",
        "host": str(_socket_folder(server)),
    }
    assert (by_django["USER"], by_django["PASSWORD"], by_django["NAME"]) == ("a@b", "p/w:%?", "por tal")
    assert (by_django["HOST"], by_django["OPTIONS"]) == ("", {"host": by_libpq["host"]})


def test_it_starts_again_after_being_killed_even_when_its_old_process_id_is_taken(folder: Path) -> None:
    killed = postgres.start(folder, durable=False)
    killed.process.send_signal(signal.SIGKILL)
    killed.process.wait()
    killed.release()
    # The stale file now names a living process of this very user: PostgreSQL alone would refuse to start.
    stale = folder / "cluster" / "postmaster.pid"
    stale.write_text(stale.read_text("ascii").replace(str(killed.process.pid), str(os.getpid()), 1), "ascii")

    running = postgres.start(folder, durable=False)

    assert running.answers()
    running.stop()


def test_a_killed_server_is_started_again_in_place(server: postgres.Postgres) -> None:
    url = server.admin_url()
    server.process.send_signal(signal.SIGKILL)
    assert server.child.process.wait() == -signal.SIGKILL

    server.restart()

    with psycopg.connect(url) as connection:
        assert connection.execute("select 1").fetchone() == (1,)


def test_a_folder_in_use_is_refused_and_its_server_left_alone(
    server: postgres.Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres, "_LOCK_PATIENCE_SECONDS", 0.1)

    with pytest.raises(
        errors.FolderInUse, match=f"in use by a running PostgreSQL \\(process {os.getpid()}\\)"
    ):
        postgres.start(server.folder, durable=False)

    assert server.answers()


def test_a_socket_in_a_deep_folder_moves_to_a_short_private_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deep = tmp_path / ("d" * 120)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    short = folders.for_socket(deep, SOCKET_NAME)

    assert short.parent == tmp_path
    assert stat.S_IMODE(short.stat().st_mode) == 0o700
    assert short == folders.for_socket(deep, SOCKET_NAME) != folders.for_socket(deep / "x", SOCKET_NAME)
    short.chmod(0o755)
    with pytest.raises(errors.CannotStart, match="not a private folder"):
        folders.for_socket(deep, SOCKET_NAME)
