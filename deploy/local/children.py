"""Child processes in groups of their own, ended with this process however it ends."""

import atexit
import contextlib
import dataclasses
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, ClassVar

# Names, in the environment of a child, the folder whose process started it: found again after a crash.
MARK = "PORTAL_STARTED_FOR"
_PROCESSES = Path("/proc")
# Elsewhere than on Linux what a crashed start left is not searched for.
PROCESSES_ARE_LISTED = (_PROCESSES / "self" / "cwd").exists()


@dataclasses.dataclass(frozen=True, kw_only=True)
class Ending:
    """How a child is asked to end, and for how many seconds before it is killed."""

    ask: signal.Signals = signal.SIGTERM
    seconds: float = 5.0


@dataclasses.dataclass(frozen=True, kw_only=True)
class Account:
    """The user and group ids a child runs with."""

    user: int
    group: int


class Child:
    """A running child, leader of its own process group."""

    def __init__(self, name: str, process: subprocess.Popen[bytes], ending: Ending) -> None:
        """Take over a process that leads its own group; `name` is for people."""
        self.name = name
        self.process = process
        self.ending = ending
        self._cleared = False

    def exit_code(self) -> int | None:
        """Return None while it runs; else its exit code, negative for a signal, with nothing of it left."""
        code = self.process.poll()
        if code is not None:
            self.kill()
        return code

    def ask_to_end(self) -> None:
        """Send the polite signal to the leader of the group."""
        if self.process.poll() is None:
            self.process.send_signal(self.ending.ask)

    def kill(self) -> None:
        """Kill every process of the group at once and collect the leader."""
        if self._cleared:
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self._cleared = True
        _Guardian.forget(self.process.pid)

    def stop(self) -> None:
        """Ask it to end, wait for as long as its ending says, then kill what is left."""
        self.ask_to_end()
        deadline = time.monotonic() + self.ending.seconds
        while self.process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.02)
        self.kill()


def spawn(
    name: str,
    command: Sequence[str | Path],
    *,
    log: Path,
    folder: Path,
    environment: Mapping[str, str],
    ending: Ending,
    account: Account | None = None,
) -> Child:
    """Start `command` in `folder` with exactly `environment`; its output is appended to `log`.

    The child leads a new session, so that Ctrl-C at the terminal reaches only this process, and it ends
    when this process ends, even by SIGKILL.
    """
    _Guardian.wake()
    with log.open("ab") as output:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            user=account.user if account else None,
            group=account.group if account else None,
            extra_groups=() if account else None,
        )
    _Guardian.remember(process.pid, ending)
    return Child(name, process, ending)


def watch_over() -> None:
    """See that the guardian of this process's children runs; start it again if somebody ended it."""
    _Guardian.wake()


def kill_all() -> None:
    """Kill every child of this process and all of its group at once, without collecting them."""
    _Guardian.kill_all()


def last_lines(log: Path, *, count: int = 20) -> str:
    """Return the last `count` lines of a log, indented; "(no output)" when there are none."""
    try:
        lines = log.read_text("utf-8", errors="replace").splitlines()[-count:]
    except FileNotFoundError:
        lines = []
    return "\n".join(f"    {line}" for line in lines) or "    (no output)"


def working_in(folder: Path) -> tuple[int, ...]:
    """Return the ids of the processes whose current folder is `folder` (none where there is no /proc)."""
    return tuple(process for process in _all_processes() if _current_folder(process) == os.fspath(folder))


def marked_with(folder: Path) -> tuple[int, ...]:
    """Return the ids of the processes whose environment names `folder` under MARK."""
    mark = os.fsencode(f"{MARK}={folder}")
    return tuple(process for process in _all_processes() if mark in _environment_of(process))


def end_leftovers(find: Callable[[], tuple[int, ...]], ending: Ending) -> bool:
    """End processes that are not our children: ask, wait, kill. Return whether there were any.

    `find` is called again until it returns none, so that a process is never judged by an old id.
    """
    found = find()
    if not found:
        return False
    deadline = time.monotonic() + ending.seconds
    for process in found:
        _send(process, ending.ask)
    while found:
        time.sleep(0.05)
        found = find()
        if time.monotonic() > deadline:
            for process in found:
                _send(process, signal.SIGKILL)
    return True


def _send(process: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(process, number)


def _all_processes() -> Iterator[int]:
    if not PROCESSES_ARE_LISTED:
        return
    for entry in _PROCESSES.iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            yield int(entry.name)


def _current_folder(process: int) -> str | None:
    try:
        return os.fspath((_PROCESSES / str(process) / "cwd").readlink())
    except OSError:
        return None


def _environment_of(process: int) -> list[bytes]:
    try:
        return (_PROCESSES / str(process) / "environ").read_bytes().split(b"\0")
    except OSError:
        return []


class _Guardian:
    """The one guardian.py beside this process, started with the first child."""

    _process: subprocess.Popen[bytes] | None = None
    _owner = 0
    _groups: ClassVar[dict[int, Ending]] = {}

    @classmethod
    def wake(cls) -> None:
        """Start it unless it runs; a forked copy of this process gets one of its own."""
        if cls._owner != os.getpid():
            cls._process, cls._owner, cls._groups = None, os.getpid(), {}
        if cls._process is not None and cls._process.poll() is None:
            return
        cls._process = subprocess.Popen(
            [sys.executable, "-I", "-S", Path(__file__).with_name("guardian.py"), str(os.getpid())],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            cwd="/",
        )
        for group, ending in cls._groups.items():
            cls._tell_added(group, ending)

    @classmethod
    def remember(cls, group: int, ending: Ending) -> None:
        """Have the group ended should this process die."""
        cls._groups[group] = ending
        cls._tell_added(group, ending)

    @classmethod
    def forget(cls, group: int) -> None:
        """The group has ended."""
        if cls._owner == os.getpid() and cls._groups.pop(group, None) is not None:
            cls._tell(f"remove {group}\n")

    @classmethod
    def kill_all(cls) -> None:
        """Kill every group that was remembered and not forgotten."""
        for group in tuple(cls._groups) if cls._owner == os.getpid() else ():
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(group, signal.SIGKILL)

    @classmethod
    def dismiss(cls) -> None:
        """Let it end what is left, and wait for it."""
        if cls._process is None or cls._owner != os.getpid():
            return
        with contextlib.suppress(BrokenPipeError):
            _pipe_of(cls._process).close()
        cls._process.wait()
        cls._process = None

    @classmethod
    def _tell_added(cls, group: int, ending: Ending) -> None:
        cls._tell(f"add {group} {ending.ask.value} {ending.seconds}\n")

    @classmethod
    def _tell(cls, line: str) -> None:
        if cls._process is None:
            return
        pipe = _pipe_of(cls._process)
        with contextlib.suppress(BrokenPipeError):
            pipe.write(line.encode("ascii"))
            pipe.flush()


def _pipe_of(process: subprocess.Popen[bytes]) -> IO[bytes]:
    if process.stdin is None:
        raise RuntimeError("the guardian was started without a pipe")
    return process.stdin


atexit.register(_Guardian.dismiss)
