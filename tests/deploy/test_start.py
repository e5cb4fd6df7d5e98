"""The bootstrap installs when something changed, and only then."""

import runpy
import sys
from pathlib import Path

import pytest

from deploy import start


@pytest.fixture
def environment(tmp_path: Path) -> Path:
    """A virtual environment as far as the stamps are concerned: its interpreter exists."""
    made = tmp_path / ".venv"
    (made / "bin").mkdir(parents=True)
    (made / "bin" / "python").symlink_to(sys.executable)
    return made


def test_a_stamp_counts_until_the_lock_file_changes(tmp_path: Path, environment: Path) -> None:
    (tmp_path / "uv.lock").write_text("one", "utf-8")
    (tmp_path / "pyproject.toml").write_text("two", "utf-8")
    before = start.fingerprint(tmp_path)
    assert not start.is_installed(environment, "run", before)

    start.write_stamp(environment, "run", before)
    assert start.is_installed(environment, "run", before)

    (tmp_path / "uv.lock").write_text("on", "utf-8")
    (tmp_path / "pyproject.toml").write_text("etwo", "utf-8")
    assert not start.is_installed(environment, "run", start.fingerprint(tmp_path))


def test_what_is_installed_for_development_is_enough_to_run_but_not_the_reverse(environment: Path) -> None:
    start.write_stamp(environment, "run", "same")
    assert not start.is_installed(environment, "development", "same")

    start.write_stamp(environment, "development", "same")
    (environment / ".installed-run").unlink()
    assert start.is_installed(environment, "development", "same")
    assert start.is_installed(environment, "run", "same")


def test_a_stamp_without_an_interpreter_counts_for_nothing(environment: Path) -> None:
    start.write_stamp(environment, "run", "same")
    (environment / "bin" / "python").unlink()

    assert not start.is_installed(environment, "run", "same")


def test_an_interpreter_that_does_not_start_is_not_taken(tmp_path: Path) -> None:
    broken = tmp_path / "python"
    broken.symlink_to(tmp_path / "removed")

    assert start.works(Path(sys.executable))
    assert not start.works(broken)


def test_the_uv_that_is_named_is_used_and_a_wrong_name_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "my-uv"
    program.write_text("#!/bin/sh\n", "utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("UV", str(program))
    assert start.find_uv() == str(program)

    monkeypatch.setenv("UV", str(tmp_path / "missing"))
    with pytest.raises(start.Stopped, match="missing is not a program"):
        start.find_uv()


def test_an_old_python_is_told_what_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 10, 13, "final", 0))

    with pytest.raises(SystemExit, match=r"needs Python 3\.11 or later; this is 3\.10"):
        runpy.run_path(str(Path(start.__file__)), run_name="__main__")
