"""The verbs of `deploy/start.py`, each one function that returns an exit code."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from deploy.local import checks, children, errors, interrupts, progress, services, supervisor, wishes

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT / ".data"
_TEST_DEFAULTS = ("-n", "2", "-q")


def run(arguments: Sequence[str]) -> int:
    """Start the portal and keep it running until Ctrl-C."""
    _refuse(arguments, "run")
    return supervisor.Supervisor(services.Services(root=ROOT, data=DATA, asked=wishes.read(ROOT))).run()


def reset(arguments: Sequence[str]) -> int:
    """Remove all data of this checkout; refuse while anything uses them."""
    _refuse(arguments, "reset")
    if not DATA.exists():
        progress.say("There are no data to remove.")
        return 0
    with supervisor.lock_of(DATA, holder="make reset"):
        ending = children.Ending(ask=signal.SIGINT)
        for folder in (DATA / "postgres" / "cluster", DATA / "valkey"):
            children.end_leftovers(lambda folder=folder: children.working_in(folder), ending)  # type: ignore[misc]
        children.end_leftovers(lambda: children.marked_with(DATA), children.Ending(seconds=3))
        shutil.rmtree(DATA)
    progress.say(f"{DATA} is removed; the next start begins anew.")
    return 0


def test(arguments: Sequence[str]) -> int:
    """Run the tests; further arguments go to pytest."""
    return _become([sys.executable, "-m", "pytest", *_TEST_DEFAULTS, *arguments])


def bench(arguments: Sequence[str]) -> int:
    """Run the measurements; further arguments go to them."""
    return _become([sys.executable, "-m", "bench", *arguments])


def check(arguments: Sequence[str]) -> int:
    """Run the linters, then Django's own checks on a prepared database of their own."""
    _refuse(arguments, "check")
    passed = checks.run_linters(ROOT)
    data = ROOT / ".test-data" / "check"
    ground = services.Services(root=ROOT, data=data, asked=wishes.Wishes.of(_without_addresses()))
    stop = interrupts.Interrupts()
    with supervisor.lock_of(data, holder="make check"):
        try:
            ground.start()
            ground.prepare(stop)
            passed = checks.run_django_checks(ROOT, ground.environment()) and passed
        except interrupts.Interrupted:
            passed = False
        finally:
            ground.stop()
    progress.say("All checks pass." if passed else "Some checks failed; see above.")
    return 0 if passed else 1


def manage(arguments: Sequence[str]) -> int:
    """Run `manage.py` with the portal's services, those of a running portal where there is one."""
    return _with_services([sys.executable, "manage.py", *arguments], prepare_always=False)


def with_services(arguments: Sequence[str]) -> int:
    """Prepare the portal's services and run the command given after `--` with their environment."""
    command = list(arguments[1:] if arguments[:1] == ["--"] else arguments)
    if not command:
        raise errors.WrongSetting("Name a command: deploy/start.py with-services -- python manage.py shell")
    # The interpreter with the portal's packages, whatever `python` means at the user's prompt.
    if command[0] in ("python", "python3"):
        command[0] = sys.executable
    return _with_services(command, prepare_always=True)


VERBS: dict[str, Callable[[Sequence[str]], int]] = {
    "run": run,
    "reset": reset,
    "test": test,
    "check": check,
    "bench": bench,
    "manage": manage,
    "with-services": with_services,
}


def _with_services(command: Sequence[str], *, prepare_always: bool) -> int:
    ground = services.Services(root=ROOT, data=DATA, asked=wishes.read(ROOT))
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(supervisor.lock_of(DATA, holder="another command"))
        except errors.FolderInUse:
            if not ground.answer():
                raise
            return _in_foreground(command, ground)
        stop = interrupts.Interrupts()
        stack.callback(ground.stop)
        prepare = prepare_always or ground.is_new
        try:
            ground.start()
            if prepare:
                ground.prepare(stop)
            return _in_foreground(command, ground, stop)
        except interrupts.Interrupted:
            return 130


def _in_foreground(
    command: Sequence[str], ground: services.Services, stop: interrupts.Interrupts | None = None
) -> int:
    """Run the command on this terminal. Ctrl-C is the command's own business; SIGTERM is passed on to it."""
    # A handler, not SIG_IGN: that would be inherited by the command.
    previous = signal.signal(signal.SIGINT, lambda *_: None)
    try:
        process = subprocess.Popen(command, cwd=ROOT, env=ground.admin_environment())
    except FileNotFoundError as error:
        raise errors.WrongSetting(f"There is no command {command[0]}.") from error
    while (code := process.poll()) is None:
        if stop is not None and stop.asked:
            process.terminate()
            stop = None
        time.sleep(0.05)
    signal.signal(signal.SIGINT, previous)
    return code if code >= 0 else 128 - code


def _become(command: Sequence[str]) -> int:
    sys.stdout.flush()
    os.execv(command[0], list(command))  # noqa: S606 - our own interpreter, no shell


def _without_addresses() -> dict[str, str]:
    """Return this environment without what would lead a check to a real database, or a weaker setting."""
    replaced = ("DATABASE_URL", "DATABASE_ADMIN_URL", "REDIS_URL")
    return {name: value for name, value in os.environ.items() if name not in replaced}


def _refuse(arguments: Sequence[str], verb: str) -> None:
    if arguments:
        raise errors.WrongSetting(f"`{verb}` takes no arguments: {' '.join(arguments)}")
