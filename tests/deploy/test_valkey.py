"""The embedded Valkey starts, keeps what it should, and asks for its password."""

import os
import signal
import stat
from pathlib import Path

import pytest
import redis

from deploy.local import errors, valkey


def test_what_was_written_survives_a_kill_and_a_restart_on_the_same_address(tmp_path: Path) -> None:
    running = valkey.start(tmp_path)
    try:
        address = running.url
        client = redis.Redis.from_url(address)
        client.set("message", "kept")
        assert client.waitaof(1, 0, 2000)
        running.process.send_signal(signal.SIGKILL)
        running.process.wait()

        running.restart()

        assert running.url == address
        assert redis.Redis.from_url(address).get("message") == b"kept"
    finally:
        running.stop()


def test_it_asks_for_a_password_that_no_command_line_shows(tmp_path: Path) -> None:
    running = valkey.start(tmp_path, durable=False)
    try:
        password = (tmp_path / "password").read_text("ascii")
        arguments = Path(f"/proc/{running.process.pid}/cmdline").read_text("utf-8")

        with pytest.raises(redis.AuthenticationError):
            redis.Redis.from_url(running.url.replace(password, "")).ping()
        assert password not in arguments
        assert stat.S_IMODE((tmp_path / "valkey.conf").stat().st_mode) == 0o600
    finally:
        running.stop()
    with pytest.raises(redis.ConnectionError):
        redis.Redis.from_url(running.url).ping()


def test_a_folder_in_use_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(valkey, "_LOCK_PATIENCE_SECONDS", 0.1)
    running = valkey.start(tmp_path, durable=False)
    try:
        with pytest.raises(errors.FolderInUse, match=f"a running Valkey \\(process {os.getpid()}\\)"):
            valkey.start(tmp_path, durable=False)

        assert running.answers()
    finally:
        running.stop()
