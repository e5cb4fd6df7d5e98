"""`make check`: every linter and every check of Django, all of them run even when one fails."""

import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from deploy.local import progress


def run_linters(root: Path) -> bool:
    """Run the linters over the checkout at `root`; return whether all passed."""
    templates = sorted(str(path.relative_to(root)) for path in (root / "templates").rglob("*.html"))
    commands: dict[str, Sequence[str]] = {
        "ruff check": (_program("ruff"), "check", "."),
        "ruff format": (_program("ruff"), "format", "--check", "."),
        "djade": (_program("djade"), "--check", *templates),
        "lint-imports": (_program("lint-imports"),),
        "mypy": (_program("mypy"),),
    }
    passed = [_passes(root, name, command) for name, command in commands.items()]
    return all(passed)


def run_django_checks(root: Path, environment: Mapping[str, str]) -> bool:
    """Run the checks of Django against the services in `environment`; return whether all passed.

    They are about serving, so the settings are those behind a secure address.
    """
    served = {**environment, "SECURE": "1"}
    commands: dict[str, Sequence[str]] = {
        "makemigrations --check": (sys.executable, "manage.py", "makemigrations", "--check", "--dry-run"),
        "check --deploy": (sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"),
    }
    passed = [_passes(root, name, command, served) for name, command in commands.items()]
    return all(passed)


def _passes(
    root: Path, name: str, command: Sequence[str], environment: Mapping[str, str] | None = None
) -> bool:
    try:
        with progress.Step(name, done="passed"):
            subprocess.run(
                command, cwd=root, env=environment, capture_output=True, encoding="utf-8", check=True
            )
    except subprocess.CalledProcessError as error:
        progress.say(f"{error.stdout}{error.stderr}".rstrip())
        return False
    return True


def _program(name: str) -> str:
    return str(Path(sys.executable).parent / name)
