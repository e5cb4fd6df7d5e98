"""Whether this process is alive, and whether it can serve."""

import threading
import time
from dataclasses import dataclass, field

import structlog
from django.core.cache import cache
from django.db import DatabaseError, connection, transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from redis.exceptions import RedisError

from tenants import walls

log = structlog.get_logger("portal.health")

KEPT_SECONDS = 5.0
"""How long one look at the isolation counts, so that asking often does not load the database."""


@dataclass
class _Kept:
    """The last look at the isolation, for all threads of the process."""

    stands: bool = False
    until: float = 0.0
    lock: threading.Lock = field(default_factory=threading.Lock)


_kept = _Kept()


@transaction.non_atomic_requests
def live(request: HttpRequest) -> HttpResponse:
    """200 while the process answers at all; reads nothing."""
    return HttpResponse("ok\n", content_type="text/plain; charset=utf-8")


@transaction.non_atomic_requests
def ready(request: HttpRequest) -> HttpResponse:
    """200 when the database and the cache answer and the isolation stands, else 503.

    Names the part that fails and nothing more: which weakness it is, the log tells.
    """
    database_answers = _database_answers()
    parts = {
        "database": database_answers,
        "cache": _cache_answers(),
        "isolation": database_answers and _isolation_stands(),
    }
    return JsonResponse(
        {part: "ok" if answers else "unavailable" for part, answers in parts.items()},
        status=200 if all(parts.values()) else 503,
    )


def _database_answers() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("select 1")
    except DatabaseError:
        return False
    return True


def _cache_answers() -> bool:
    try:
        cache.get("health")
    except (RedisError, OSError):
        return False
    return True


def _isolation_stands() -> bool:
    with _kept.lock:
        if time.monotonic() >= _kept.until:
            _kept.stands = _look()
            _kept.until = time.monotonic() + KEPT_SECONDS
        return _kept.stands


def _look() -> bool:
    try:
        found = walls.weaknesses()
    except DatabaseError as error:
        log.exception("isolation_unknown", error=type(error).__name__)
        return False
    for weakness in found:
        log.error("isolation_weak", weakness=weakness)
    return not found


def forget() -> None:
    """Look anew at the next question."""
    _kept.until = 0.0
