"""Error pages: what happened, what to do, and a reference; the same for unknown and for foreign."""

from django.http import HttpRequest, HttpResponse
from django.template import loader


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return _page(request, "400.html", 400)


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return _page(request, "403.html", 403)


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return _page(request, "404.html", 404)


def server_error(request: HttpRequest) -> HttpResponse:
    return _page(request, "500.html", 500)


def _page(request: HttpRequest, template: str, status: int) -> HttpResponse:
    """Rendered without context processors: an error page reads nothing from anywhere."""
    context = {"request_id": getattr(request, "request_id", "")}
    headers = {"Cache-Control": "private, no-store"}
    return HttpResponse(loader.render_to_string(template, context), status=status, headers=headers)
