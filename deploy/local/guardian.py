"""Ends the children of a process that died without ending them: run as a script, standard library only.

Its standard input is a pipe from the process it watches. Lines are `add <group> <signal> <seconds>` and
`remove <group>`, with the process group of a child. When the pipe closes or the parent changes, what is
left is stopped, youngest first: the signal, then after so many seconds SIGKILL.
"""

import contextlib
import os
import pathlib
import selectors
import signal
import sys
import time

# A copy of the pipe in a forked process would hide the end of the parent; so its number is watched too.
PARENT_WATCH_SECONDS = 0.5


def watch(parent: int) -> dict[int, tuple[int, float]]:
    """Read the pipe until `parent` is gone; return what it left, oldest first: group → signal, seconds."""
    left: dict[int, tuple[int, float]] = {}
    selector = selectors.DefaultSelector()
    selector.register(sys.stdin.fileno(), selectors.EVENT_READ)
    unread = b""
    while os.getppid() == parent:
        if not selector.select(PARENT_WATCH_SECONDS):
            continue
        received = os.read(sys.stdin.fileno(), 4096)
        if not received:
            break
        *lines, unread = (unread + received).split(b"\n")
        for line in lines:
            word, group, *rest = line.split()
            if word == b"add":
                left[int(group)] = (int(rest[0]), float(rest[1]))
            else:
                left.pop(int(group), None)
    return left


def end(group: int, number: int, seconds: float) -> None:
    """Send the signal to the process group; after `seconds` kill what has not ended."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and not has_ended(group):
            time.sleep(0.05)
        os.killpg(group, signal.SIGKILL)


def has_ended(process: int) -> bool:
    """Return whether the process is gone, or only waits to be collected by whoever adopted it."""
    try:
        os.kill(process, 0)
        stat = pathlib.Path(f"/proc/{process}/stat").read_bytes()
        return stat.rpartition(b")")[2].split()[0] == b"Z"
    except ProcessLookupError:
        return True
    except FileNotFoundError:
        # Gone between the two lines, or a system without /proc: the next round knows.
        return False


def main() -> None:
    """Watch the parent named on the command line, then end what it left."""
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    left = watch(int(sys.argv[1]))
    for group, (number, seconds) in reversed(left.items()):
        end(group, number, seconds)


if __name__ == "__main__":
    main()
