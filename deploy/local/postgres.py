"""The embedded PostgreSQL: a private cluster in one folder, reached by a socket, run as a child."""

import contextlib
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path
from urllib.parse import quote, urlencode

import psycopg
from psycopg import sql

from deploy.local import children, errors, folders, postgres_programs

SUPERUSER = "postgres"
_SOCKET_NAME = ".s.PGSQL.5432.lock"
_READY_SECONDS = 120
_LOCK_PATIENCE_SECONDS = 1
# SIGINT is PostgreSQL's "fast" shutdown: it ends the connections and writes everything down.
_ENDING = children.Ending(ask=signal.SIGINT, seconds=15)
_FOR_A_SMALL_MACHINE = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "shared_buffers": "256MB",
    "random_page_cost": "1.1",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_min_messages": "warning",
    "password_encryption": "scram-sha-256",
}
_FORGETFUL = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


def start(folder: Path, *, durable: bool = True) -> "Postgres":
    """Start the PostgreSQL of `folder`, made there the first time; return it when it answers.

    Without `durable` it does not wait for the disk: faster, for tests only; a power cut may spoil it.
    A server left over from a process that was killed is stopped first.
    Raises FolderInUse when a living process has it, CannotStart when it cannot run here, and
    DiedWhileStarting, with the end of its log, when it does not come up.
    """
    postgres = Postgres(folder, durable=durable)
    postgres.start()
    return postgres


class Postgres:
    """One embedded server; made by `start`, or alone to reach one that another process runs."""

    def __init__(self, folder: Path, *, durable: bool = True) -> None:
        """Name the folder; nothing is started."""
        self.folder = folder.resolve()
        self.log = self.folder / "server.log"
        self._cluster = self.folder / "cluster"
        self._durable = durable
        self._child: children.Child | None = None
        self._lock = folders.Lock(self.folder / "lock", holder="a running PostgreSQL")

    @property
    def is_made(self) -> bool:
        """Whether the folder holds a cluster already."""
        return self._cluster.exists()

    @property
    def process(self) -> subprocess.Popen[bytes]:
        """The server's main process, a child of this one."""
        return self.child.process

    @property
    def child(self) -> children.Child:
        """The server as a child of this process; raises RuntimeError unless it was started here."""
        if self._child is None:
            raise RuntimeError("this PostgreSQL was not started by this process")
        return self._child

    @property
    def version(self) -> str:
        """The version of the programs, such as "18.6"."""
        return postgres_programs.version(postgres_programs.folder_of_programs())

    def admin_url(self, database: str = "postgres") -> str:
        """Return the superuser's URL for `database`."""
        return self.url(SUPERUSER, self._password(), database)

    def url(self, user: str, password: str, database: str) -> str:
        """Return the URL of a login, which libpq, psycopg and django-environ read alike.

        The socket's folder is a parameter (`?host=/…`), because in the place of the host name
        django-environ would take its percent signs literally.
        """
        socket = urlencode({"host": os.fspath(self._socket_folder())}, quote_via=quote, safe="/")
        login = f"{quote(user, safe='')}:{quote(password, safe='')}"
        return f"postgres://{login}@/{quote(database, safe='')}?{socket}"

    def start(self) -> None:
        """Start the server and wait until it answers; see the function `start`."""
        folders.private(self.folder, passable=True)
        self._lock.acquire(patience_seconds=_LOCK_PATIENCE_SECONDS)
        try:
            self.restart()
        except BaseException:
            self.stop()
            raise

    def restart(self) -> children.Child:
        """Start the server again after it ended, in the same place; return its main process."""
        programs = postgres_programs.folder_of_programs()
        run_as = postgres_programs.run_as(programs / "postgres", self.folder)
        children.end_leftovers(lambda: children.working_in(self._cluster), _ENDING)
        socket_folder = self._socket_folder()
        _own(socket_folder, run_as)
        if not self._cluster.exists():
            self._make_cluster(programs, run_as)
        _own(self._cluster, run_as)
        if children.PROCESSES_ARE_LISTED:
            self._forget_servers_that_are_gone()
        settings = {**_FOR_A_SMALL_MACHINE, **({} if self._durable else _FORGETFUL)}
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        self._child = children.spawn(
            "PostgreSQL",
            [*run_as.prefix, programs / "postgres", "-D", self._cluster, "-k", socket_folder, *options],
            log=self.log,
            folder=self.folder,
            environment=_environment(),
            ending=_ENDING,
            account=run_as.account,
        )
        self._wait_until_it_answers()
        return self._child

    def stop(self) -> None:
        """Stop the server cleanly (killed after 15 s) and give the folder back; harmless twice."""
        if self._child is not None:
            self._child.stop()
            self._leave_no_folder_elsewhere()
        self.release()

    def release(self) -> None:
        """Give the folder back, when the server has already ended."""
        self._lock.release()

    def make_database(self, name: str) -> None:
        """Make an empty database of that name unless there is one."""
        with psycopg.connect(self.admin_url(), autocommit=True) as connection:
            if connection.execute("select 1 from pg_database where datname = %s", [name]).fetchone() is None:
                connection.execute(sql.SQL("create database {}").format(sql.Identifier(name)))

    def answers(self) -> bool:
        """Return whether a query is answered now."""
        try:
            with psycopg.connect(self.admin_url(), connect_timeout=5) as connection:
                return connection.execute("select 1").fetchone() == (1,)
        except psycopg.OperationalError:
            return False

    def _wait_until_it_answers(self) -> None:
        deadline = time.monotonic() + _READY_SECONDS
        while not self.answers():
            if self.child.exit_code() is not None:
                raise errors.DiedWhileStarting(
                    f"PostgreSQL ended while starting:\n{children.last_lines(self.log)}"
                )
            if time.monotonic() > deadline:
                message = (
                    f"PostgreSQL did not answer within {_READY_SECONDS} s:\n{children.last_lines(self.log)}"
                )
                raise errors.DiedWhileStarting(message)
            time.sleep(0.02)

    def _forget_servers_that_are_gone(self) -> None:
        # The folder is locked and no process works in it, so these files name a server that is gone;
        # PostgreSQL itself would refuse to start when its process id now belongs to another process.
        (self._cluster / "postmaster.pid").unlink(missing_ok=True)
        (self._socket_folder() / _SOCKET_NAME).unlink(missing_ok=True)

    def _leave_no_folder_elsewhere(self) -> None:
        socket_folder = self._socket_folder()
        if not socket_folder.is_relative_to(self.folder):
            with contextlib.suppress(OSError):
                socket_folder.rmdir()

    def _make_cluster(self, programs: Path, run_as: postgres_programs.RunAs) -> None:
        unfinished = self.folder / "cluster.unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(mode=0o700)
        _own(unfinished, run_as)
        password = self._socket_folder() / "password"
        folders.write_private(password, self._password())
        os.chown(password, *run_as.owner)
        command: list[str | Path] = [
            *run_as.prefix,
            programs / "initdb",
            "-D",
            unfinished,
            "-U",
            SUPERUSER,
            f"--pwfile={password}",
        ]
        command += ["-A", "scram-sha-256", "-E", "UTF8", "--no-locale", "--locale-provider=builtin"]
        command += [
            "--builtin-locale=C.UTF-8",
            "--no-instructions",
            *([] if self._durable else ["--no-sync"]),
        ]
        try:
            made = subprocess.run(
                command,
                env=_environment(),
                cwd="/",
                capture_output=True,
                text=True,
                user=run_as.account.user if run_as.account else None,
                group=run_as.account.group if run_as.account else None,
                extra_groups=() if run_as.account else None,
                check=False,
            )
        finally:
            password.unlink()
        if made.returncode != 0:
            raise errors.CannotStart(
                f"PostgreSQL could not make its data folder:\n{made.stdout}{made.stderr}"
            )
        unfinished.rename(self._cluster)

    def _password(self) -> str:
        return folders.secret(self.folder / "password")

    def _socket_folder(self) -> Path:
        return folders.for_socket(self.folder, _SOCKET_NAME)


def _environment() -> dict[str, str]:
    # Nothing of ours but the way to the programs: a PG… variable of the user must not reach the server.
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}


def _own(folder: Path, run_as: postgres_programs.RunAs) -> None:
    """Give the folder and all in it to whom the server runs as; only root ever has to."""
    if os.geteuid() != 0 or folder.stat().st_uid == run_as.owner[0]:
        return
    for parent, _, names in os.walk(folder):
        for name in ("", *names):
            with contextlib.suppress(FileNotFoundError):
                os.chown(Path(parent) / name, *run_as.owner, follow_symlinks=False)
