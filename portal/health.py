"""Whether this process is alive, and whether it can serve."""

from django.core.cache import cache
from django.db import DatabaseError, connection, transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from redis.exceptions import RedisError


@transaction.non_atomic_requests
def live(request: HttpRequest) -> HttpResponse:
    """200 while the process answers at all; reads nothing."""
    return HttpResponse("ok\n", content_type="text/plain")


@transaction.non_atomic_requests
def ready(request: HttpRequest) -> HttpResponse:
    """200 when the database and the cache answer, else 503; names the part that does not."""
    parts = {"database": _database_answers(), "cache": _cache_answers()}
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
