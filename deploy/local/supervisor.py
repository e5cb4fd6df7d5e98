"""`make run`: starts everything in order, keeps it running, and stops it in the reverse order."""

import dataclasses
import errno
import http.client
import json
import signal
import socket
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from deploy.local import children, errors, folders, interrupts, progress, services

_LOCK_NAME = "lock"
_HIGHEST_PORT = 65535
_READY_SECONDS = 90
_ROUND_SECONDS = 0.1
_FIRST_DELAY_SECONDS = 0.5
_LONGEST_DELAY_SECONDS = 10.0
# After so long a life, the next death counts as the first again.
_STEADY_SECONDS = 60.0
# Who ends sooner did not start well: its last words are shown.
_STARTING_SECONDS = 10.0
_WEB_ENDING = children.Ending(seconds=8)
# Celery ends when the tasks in hand are done; one that is killed is given to another worker.
_WORKER_ENDING = children.Ending(seconds=10)
_BEAT_ENDING = children.Ending(seconds=5)


def lock_of(data: Path, *, holder: str) -> folders.Lock:
    """Return the lock of a whole data folder, which `holder` (such as "make run") is about to take."""
    services.make_data_folder(data)
    return folders.Lock(data / _LOCK_NAME, holder=holder)


@dataclasses.dataclass(kw_only=True)
class Kept:
    """One child that is started again whenever it ends; with a `log`, an early end shows its last lines."""

    name: str
    start: Callable[[], children.Child]
    child: children.Child | None = None
    begun: float = 0.0
    delay_seconds: float = _FIRST_DELAY_SECONDS
    start_again_at: float | None = None
    log: Path | None = None

    def begin(self) -> None:
        """Start it now."""
        self.child = self.start()
        self.begun = time.monotonic()
        self.start_again_at = None

    def look(self, now: float) -> None:
        """Notice its end, say so, and start it again when its delay has passed."""
        if self.start_again_at is None and self.child is not None:
            code = self.child.exit_code()
            if code is not None:
                if now - self.begun > _STEADY_SECONDS:
                    self.delay_seconds = _FIRST_DELAY_SECONDS
                self._put_off(now, f"{self.name} ended with {_in_words(code)}")
                if self.log is not None and now - self.begun < _STARTING_SECONDS:
                    progress.say(children.last_lines(self.log))
        elif self.start_again_at is not None and now >= self.start_again_at:
            try:
                self.begin()
            except errors.CannotStart as error:
                self._put_off(now, f"{self.name} did not come back: {error}")
            else:
                progress.say(f"{self.name} was started again.")

    def _put_off(self, now: float, what_happened: str) -> None:
        progress.say(f"{what_happened}; starting it again in {self.delay_seconds:g} s.")
        self.start_again_at = now + self.delay_seconds
        self.delay_seconds = min(self.delay_seconds * 2, _LONGEST_DELAY_SECONDS)


class Supervisor:
    """The whole portal on this machine, from one process."""

    def __init__(self, ground: services.Services) -> None:
        """Name the services it stands on; nothing is started."""
        self._ground = ground
        self._port = ground.asked.port
        self._stop = interrupts.Interrupts()
        self._kept: list[Kept] = []
        self._begun = time.monotonic()

    def run(self) -> int:
        """Start all, keep all until asked to stop, stop all; return the exit code of the program.

        Raises CannotStart, with everything stopped again, when the portal does not come up.
        """
        with lock_of(self._ground.data, holder="make run"):
            # Web, worker and beat of a portal that was killed together with its guardian.
            children.end_leftovers(
                lambda: children.marked_with(self._ground.data), children.Ending(seconds=3)
            )
            refuse_a_busy_port(self._port)
            try:
                self._start()
                self._keep()
            except interrupts.Interrupted:
                pass
            finally:
                self._end()
        return 0

    def _start(self) -> None:
        self._ground.start()
        self._stop.check()
        self._ground.prepare(self._stop)
        for server in (self._ground.postgres, self._ground.valkey):
            if server is not None:
                kept = Kept(
                    name=server.child.name, start=server.restart, child=server.child, begun=time.monotonic()
                )
                self._kept.append(kept)
        with progress.Step("Web"):
            self._keep_program("web", self._web_command(), _WEB_ENDING)
            self._wait_until_ready()
        ready_seconds = time.monotonic() - self._begun
        self._start_behind_the_pages()
        progress.say()
        progress.say(f"The portal is at http://127.0.0.1:{self._port} after {ready_seconds:.1f} s.")
        for line in table_of_logins(self._ground.data / "demo-logins.json"):
            progress.say(line)
        progress.say(f"Logs are in {self._ground.logs}. Ctrl-C stops everything.")

    def _start_behind_the_pages(self) -> None:
        """Start worker and beat once the pages are up: no page needs them, and the cores are free again."""
        celery = [sys.executable, "-m", "celery", "-A", "portal"]
        worker = [*celery, "worker", "--concurrency", "2", "--loglevel", "warning"]
        self._keep_program("worker", worker, _WORKER_ENDING)
        schedule = folders.private(self._ground.data / "beat") / "schedule"
        beat = [*celery, "beat", "--loglevel", "warning", "--schedule", str(schedule)]
        self._keep_program("beat", beat, _BEAT_ENDING)

    def _keep(self) -> None:
        while not self._stop.asked:
            children.watch_over()
            for kept in self._kept:
                kept.look(time.monotonic())
            time.sleep(_ROUND_SECONDS)
        progress.say("\nStopping …")

    def _end(self) -> None:
        begun = time.monotonic()
        for kept in reversed(self._kept):
            if kept.child is not None:
                kept.child.stop()
        self._ground.stop()
        seconds = time.monotonic() - begun
        progress.say(f"Everything has stopped after {seconds:.1f} s; data stay in {self._ground.data}.")

    def _keep_program(self, name: str, command: Sequence[str], ending: children.Ending) -> None:
        log = services.fresh_log(self._ground.logs, name)
        environment = {**self._ground.environment(), children.MARK: str(self._ground.data)}
        kept = Kept(
            name=name,
            log=log,
            start=lambda: children.spawn(
                name, command, log=log, folder=self._ground.root, environment=environment, ending=ending
            ),
        )
        kept.begin()
        self._kept.append(kept)

    def _web_command(self) -> list[str]:
        command = [sys.executable, "-m", "granian", "--interface", "wsgi", "portal.wsgi:application"]
        command += ["--host", "127.0.0.1", "--port", str(self._port), "--no-ws"]
        command += ["--workers", str(self._ground.asked.web_workers), "--respawn-failed-workers"]
        command += ["--blocking-threads", "4", "--backpressure", "64", "--workers-kill-timeout", "5"]
        return command

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + _READY_SECONDS
        answer = ""
        while not self._stop.asked:
            for kept in self._kept:
                code = kept.child.exit_code() if kept.child else None
                if code is not None:
                    lines = children.last_lines(self._ground.logs / f"{kept.name}.log")
                    message = f"{kept.name} ended with {_in_words(code)} while starting:\n{lines}"
                    raise errors.DiedWhileStarting(message)
            status, answer = _ask(self._port, "/health/ready")
            if status == http.HTTPStatus.OK:
                return
            if time.monotonic() > deadline:
                lines = children.last_lines(self._ground.logs / "web.log")
                message = (
                    f"The portal was not ready within {_READY_SECONDS} s. It answered: {answer}\n{lines}"
                )
                raise errors.DiedWhileStarting(message)
            time.sleep(_ROUND_SECONDS)
        raise interrupts.Interrupted


def refuse_a_busy_port(port: int) -> None:
    """Raise PortInUse when something listens on the port already, WrongSetting when it may not be used."""
    with socket.socket() as probe:
        # Connections of an earlier run that still fade away do not count as busy.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
            probe.listen(1)
        except PermissionError:
            raise errors.WrongSetting(
                f"This user may not listen on port {port}. Set PORT above 1023."
            ) from None
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
            other = port + 1 if port < _HIGHEST_PORT else port - 1
            message = (
                f"Port {port} is in use by another program. Stop it, or choose another: PORT={other} make run"
            )
            raise errors.PortInUse(message) from None


def table_of_logins(file: Path) -> list[str]:
    """Return the lines of a table of the demo's logins, read from `file`; none when there is no demo."""
    try:
        logins: list[dict[str, str]] = json.loads(file.read_text("utf-8"))
    except FileNotFoundError:
        return []
    columns = ("email", "password", "role", "company")
    rows = [("E-mail", "Password", "Role", "Company")]
    rows += [tuple(str(login.get(column) or "") for column in columns) for login in logins]  # type: ignore[misc]
    widths = [max(len(row[place]) for row in rows) for place in range(len(columns))]
    return ["", *("  " + "   ".join(map(str.ljust, row, widths)).rstrip() for row in rows), ""]


def _ask(port: int, path: str) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, f"{response.status} {response.read(400).decode('utf-8', 'replace')}"
    except (OSError, http.client.HTTPException) as error:
        return 0, str(error) or type(error).__name__
    finally:
        connection.close()


def _in_words(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"exit code {code} ({signal.Signals(-code).name})"
    except ValueError:
        return f"exit code {code}"
