"""What the user's environment asks for: addresses that replace embedded services, the port, the workers."""

import dataclasses
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Self

import environ

from deploy.local import errors

_MOST_WEB_WORKERS_UNASKED = 8
_ADMIN_ALONE = (
    "DATABASE_ADMIN_URL is set, DATABASE_URL is not. Set both for a database of your own, or neither."
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Wishes:
    """The settings this package reads, and the whole environment they came in (`given`)."""

    given: Mapping[str, str]
    port: int
    web_workers: int
    database_url: str | None
    database_admin_url: str | None
    redis_url: str | None

    @classmethod
    def of(cls, given: Mapping[str, str]) -> Self:
        """Read an environment; empty values count as missing. Raises WrongSetting with what to change."""
        wishes = cls(
            given=dict(given),
            port=_whole_number(given, "PORT", default=8000, at_most=65535),
            web_workers=_whole_number(given, "WEB_WORKERS", default=_cores(), at_most=1000),
            database_url=given.get("DATABASE_URL") or None,
            database_admin_url=given.get("DATABASE_ADMIN_URL") or None,
            redis_url=given.get("REDIS_URL") or None,
        )
        if wishes.database_admin_url and not wishes.database_url:
            raise errors.WrongSetting(_ADMIN_ALONE)
        return wishes


def read(root: Path) -> Wishes:
    """Read the environment of this process, completed by the file `.env` in `root` where it is silent."""
    file = root / ".env"
    if file.is_file():
        environ.Env.read_env(file)
    return Wishes.of(os.environ)


def _whole_number(given: Mapping[str, str], name: str, *, default: int, at_most: int) -> int:
    text = given.get(name, "").strip()
    if not text:
        return default
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= at_most):
        raise errors.WrongSetting(f"{name}={text!r} must be a whole number from 1 to {at_most}.")
    return int(text)


def _cores() -> int:
    # Each worker holds database connections; the embedded server accepts a hundred.
    available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(available, _MOST_WEB_WORKERS_UNASKED)
