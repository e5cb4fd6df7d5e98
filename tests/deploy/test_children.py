"""No child outlives the process that started it, however that one ends."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psycopg

from deploy.local import children, postgres

ROOT = Path(__file__).resolve().parents[2]
STARTER = """
import pathlib, sys, time
from deploy.local import postgres, valkey
folder = pathlib.Path(sys.argv[1])
postgres.start(folder / "postgres", durable=False)
valkey.start(folder / "valkey", durable=False)
print("up", flush=True)
time.sleep(60)
"""
STUBBORN = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("up", flush=True)
time.sleep(60)
"""


def _start_servers_elsewhere(folder: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", STARTER, folder],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    with process.stdout as output:
        assert output.readline() == "up\n"
    return process


def _becomes_true(condition: Callable[[], bool], *, seconds: float = 10) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def _servers_of(folder: Path) -> tuple[int, ...]:
    return children.working_in(folder / "postgres" / "cluster") + children.working_in(folder / "valkey")


def _guardian_of(process: int) -> int:
    listed = Path(f"/proc/{process}/task/{process}/children").read_text("ascii").split()
    (guardian,) = [int(one) for one in listed if b"guardian.py" in Path(f"/proc/{one}/cmdline").read_bytes()]
    return guardian


def test_a_killed_process_leaves_no_server_and_the_next_start_works(tmp_path: Path) -> None:
    process = _start_servers_elsewhere(tmp_path)
    assert len(_servers_of(tmp_path)) > 1

    process.kill()
    process.wait()

    assert _becomes_true(lambda: _servers_of(tmp_path) == ())
    running = postgres.start(tmp_path / "postgres", durable=False)
    assert running.answers()
    running.stop()


def test_servers_left_by_a_process_killed_with_its_guardian_are_replaced(tmp_path: Path) -> None:
    process = _start_servers_elsewhere(tmp_path)
    os.kill(_guardian_of(process.pid), signal.SIGKILL)
    process.kill()
    process.wait()
    left = _servers_of(tmp_path)
    assert len(left) > 1

    running = postgres.start(tmp_path / "postgres", durable=False)

    with psycopg.connect(running.admin_url()) as connection:
        assert connection.execute("select 1").fetchone() == (1,)
    assert not set(left) & set(children.working_in(tmp_path / "postgres" / "cluster"))
    running.stop()
    assert children.end_leftovers(lambda: children.working_in(tmp_path / "valkey"), children.Ending())
    assert _servers_of(tmp_path) == ()


def test_a_child_that_does_not_end_when_asked_is_killed_with_its_own_children(tmp_path: Path) -> None:
    script = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {STUBBORN!r}])"
    child = children.spawn(
        "stubborn",
        [sys.executable, "-c", script],
        log=tmp_path / "log",
        folder=tmp_path,
        environment=os.environ,
        ending=children.Ending(seconds=0.2),
    )
    assert _becomes_true(lambda: children.last_lines(tmp_path / "log").strip() == "up")
    assert len(children.working_in(tmp_path)) == 2

    child.stop()

    assert _becomes_true(lambda: children.working_in(tmp_path) == ())


def test_processes_are_found_by_the_folder_they_were_started_for(tmp_path: Path) -> None:
    child = children.spawn(
        "marked",
        [sys.executable, "-c", "import time; time.sleep(60)"],
        log=tmp_path / "log",
        folder=Path("/"),
        environment={children.MARK: str(tmp_path)},
        ending=children.Ending(),
    )

    assert _becomes_true(lambda: children.marked_with(tmp_path) == (child.process.pid,))
    assert children.marked_with(tmp_path.parent) == ()
    child.stop()
    assert children.marked_with(tmp_path) == ()
