"""Error pages: what happened, what to do, and a reference; the same for unknown and for foreign."""

import sys

import redis
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.template import loader
from django.urls import reverse

RETRY_SECONDS = 10
"""After how long a client that asks by itself should ask again."""

_AWAY = (OperationalError, InterfaceError, redis.ConnectionError, redis.TimeoutError)
"""The database's, and the cache's, in which sign-in counts wrong passwords."""


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return _page(request, "400.html", 400)


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return _page(request, "403.html", 403)


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return _page(request, "404.html", 404)


def server_error(request: HttpRequest) -> HttpResponse:
    """500 for a fault of the portal; 503 when database or cache cannot be had for the moment."""
    if not comes_from_something_away(sys.exc_info()[1]):
        return _page(request, "500.html", 500)
    response = _page(request, "503.html", 503)
    response.headers["Retry-After"] = str(RETRY_SECONDS)
    return response


def comes_from_something_away(error: BaseException | None) -> bool:
    """Whether it, or what it was raised from, is of the kind that passes: away, ended, none to spare."""
    while error is not None:
        if isinstance(error, _AWAY):
            return True
        error = error.__cause__
    return False


def _page(request: HttpRequest, template: str, status: int) -> HttpResponse:
    """Rendered without context processors: an error page reads nothing from anywhere.

    Staff who read as a client stay told so, and keep the way out.
    """
    viewed = getattr(request, "viewed", None)
    context = {
        "request_id": getattr(request, "request_id", ""),
        "viewed": viewed,
        "is_console": viewed is None and request.path.startswith(reverse("admin:index")),
        "zone": viewed.actor.zone if viewed else "",
    }
    headers = {"Cache-Control": "private, no-store"}
    return HttpResponse(loader.render_to_string(template, context), status=status, headers=headers)
