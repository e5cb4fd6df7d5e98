"""The supervisor refuses what cannot work, starts again what ends, and shows the logins."""

import json
import os
import socket
import sys
from pathlib import Path

import pytest

from deploy.local import children, errors, supervisor


def test_a_busy_port_is_refused_by_a_message_that_names_the_setting() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]

        with pytest.raises(
            errors.PortInUse, match=f"Port {port} is in use by another program.*PORT=\\d+ make run"
        ):
            supervisor.refuse_a_busy_port(port)
    supervisor.refuse_a_busy_port(port)


def test_a_port_shared_by_another_server_is_busy_too() -> None:
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        other.bind(("127.0.0.1", 0))
        other.listen()

        with pytest.raises(errors.PortInUse):
            supervisor.refuse_a_busy_port(other.getsockname()[1])


def _kept(folder: Path, script: str) -> supervisor.Kept:
    return supervisor.Kept(
        name="worker",
        start=lambda: children.spawn(
            "worker",
            [sys.executable, "-c", script],
            log=folder / "worker.log",
            folder=folder,
            environment=os.environ,
            ending=children.Ending(),
        ),
    )


def test_a_child_that_keeps_ending_is_started_again_ever_more_slowly(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = _kept(tmp_path, "raise SystemExit(3)")
    kept.begin()
    waited = []
    now = kept.begun
    for _ in range(6):
        assert kept.child is not None
        kept.child.process.wait()
        kept.look(now)
        assert kept.start_again_at is not None
        waited.append(kept.start_again_at - now)
        before = kept.child
        kept.look(kept.start_again_at - 0.01)
        assert kept.child is before
        now = kept.start_again_at
        kept.look(now)
        assert kept.child is not before
    assert kept.child is not None
    kept.child.stop()

    assert waited == pytest.approx([0.5, 1, 2, 4, 8, 10])
    assert capsys.readouterr().out.startswith(
        "worker ended with exit code 3; starting it again in 0.5 s.\nworker was started again.\n"
    )


def test_a_child_that_lived_long_is_started_again_soon(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = _kept(tmp_path, "import time; time.sleep(60)")
    kept.delay_seconds = 10.0
    kept.begin()
    assert kept.child is not None
    kept.child.process.kill()
    kept.child.process.wait()

    kept.look(kept.begun + 61)

    assert kept.start_again_at == pytest.approx(kept.begun + 61.5)
    assert (
        capsys.readouterr().out == "worker ended with exit code -9 (SIGKILL); starting it again in 0.5 s.\n"
    )


def test_the_logins_are_shown_as_a_table(tmp_path: Path) -> None:
    file = tmp_path / "demo-logins.json"
    assert supervisor.table_of_logins(file) == []
    ada = {"email": "ada@acme.example", "password": "long-password", "role": "owner", "company": "Acme"}
    sam = {"email": "sam@vendor.example", "password": "short", "role": "staff", "company": None}
    file.write_text(json.dumps([ada, sam]), "utf-8")

    assert supervisor.table_of_logins(file) == [
        "",
        "  E-mail               Password        Role    Company",
        "  ada@acme.example     long-password   owner   Acme",
        "  sam@vendor.example   short           staff",
        "",
    ]


def test_a_data_folder_belongs_to_one_portal_at_a_time(tmp_path: Path) -> None:
    reset = supervisor.lock_of(tmp_path / ".data", holder="make reset")

    with (
        supervisor.lock_of(tmp_path / ".data", holder="make run"),
        pytest.raises(errors.FolderInUse, match=f"in use by make run \\(process {os.getpid()}\\)"),
    ):
        reset.acquire()

    reset.acquire()
    reset.release()
