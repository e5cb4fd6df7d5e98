"""Private folders, secrets kept in files, and the lock that gives a folder to one process."""

import contextlib
import fcntl
import hashlib
import os
import secrets
import stat
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from deploy.local import errors

# sockaddr_un holds 108 bytes with the closing NUL; the name of the socket comes on top of the folder.
LONGEST_SOCKET_PATH_BYTES = 107


def private(folder: Path, *, passable: bool = False) -> Path:
    """Make `folder` (and its parents) if missing, open to its owner only, and return it.

    `passable` lets other accounts pass through to what is named inside, without listing it: a database
    that runs under an account of its own needs that.
    Raises CannotStart when the folder belongs to somebody else.
    """
    folder.mkdir(parents=True, exist_ok=True)
    try:
        folder.chmod(0o711 if passable else 0o700)
    except PermissionError as error:
        owner = folder.stat().st_uid
        message = (
            f"{folder} belongs to the user with id {owner}. Run this as that user, or use another checkout."
        )
        raise errors.CannotStart(message) from error
    return folder


def secret(path: Path, *, random_bytes: int = 32) -> str:
    """Return the secret kept in `path`, made at random the first time (URL-safe text, file mode 600)."""
    try:
        return path.read_text("ascii")
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_private(path, secrets.token_urlsafe(random_bytes))
        return path.read_text("ascii")


def write_private(path: Path, text: str) -> None:
    """Write `text` to `path` with mode 600, whole or not at all."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    fresh.unlink(missing_ok=True)
    with os.fdopen(
        os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8"
    ) as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)


def for_socket(folder: Path, socket_name: str) -> Path:
    """Return a private folder in which a socket called `socket_name` has a path short enough to be used.

    That is `folder`/socket where it fits; else a folder of this user in the temporary folder, named by
    the hash of `folder`. Raises CannotStart when that name is taken by another user.
    """
    near = folder / "socket"
    if len(os.fsencode(near / socket_name)) <= LONGEST_SOCKET_PATH_BYTES:
        return private(near)
    mark = hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]
    short = Path(tempfile.gettempdir()) / f"portal-{os.getuid()}-{mark}"
    with contextlib.suppress(FileExistsError):
        short.mkdir(mode=0o700)
    found = short.lstat()
    # A database that runs as another account owns the folder; only root can have given it away.
    ours = found.st_uid == os.getuid() or os.getuid() == 0
    if not (stat.S_ISDIR(found.st_mode) and ours) or stat.S_IMODE(found.st_mode) & 0o077:
        raise errors.CannotStart(
            f"{short} exists and is not a private folder of this user. Remove it, or set TMPDIR."
        )
    return short


class Lock:
    """The right to use a folder, held by one process until it releases it or dies."""

    def __init__(self, path: Path, *, holder: str) -> None:
        """Name the file to lock and, for a refusal, who holds it (`holder`, such as "make run")."""
        self._path = path
        self._holder = holder
        self._file: IO[str] | None = None

    def acquire(self, *, patience_seconds: float = 0) -> None:
        """Take the lock, waiting at most `patience_seconds`. Raises FolderInUse when another has it."""
        file = self._path.open("a+", encoding="utf-8")
        deadline = time.monotonic() + patience_seconds
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() < deadline:
                    time.sleep(0.05)
                    continue
                file.seek(0)
                holder = file.read().strip() or "another process"
                file.close()
                raise errors.FolderInUse(
                    f"{self._path.parent} is in use by {holder}. Stop that first."
                ) from None
            break
        file.truncate(0)
        file.write(f"{self._holder} (process {os.getpid()})")
        file.flush()
        self._file = file

    def release(self) -> None:
        """Give the lock back; harmless when it is not held."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def __enter__(self) -> Self:
        """Take the lock at once, or raise FolderInUse."""
        self.acquire()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Give the lock back."""
        self.release()
