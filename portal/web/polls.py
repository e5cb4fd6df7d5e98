"""An open page asks every few seconds whether anything changed: "no" takes one round trip.

Whatever is not that plain "no" (a change, a lost membership, an unknown reference) goes on through the
door to the page, which decides as for any other request.
"""

import re
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.cache import get_conditional_response, patch_vary_headers

from incidents.queries import versions
from portal.web import access, incident_pages
from tenants import door
from tenants.permissions import Permission

POLLED = re.compile(r"/(?P<company>[a-z0-9-]{1,63})/incidents/(?P<reference>[A-Za-z0-9-]{1,16})/")
"""The path of the page that asks; a test holds it to the address in `portal.web.urls`."""


class UnchangedMiddleware:
    """Answers 304 to a poll of an incident page when its live part is as the browser has it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return _unchanged(request) or self.get_response(request)


def _unchanged(request: HttpRequest) -> HttpResponseBase | None:
    polled = POLLED.fullmatch(request.path_info)
    if (
        polled is None
        or request.method != "GET"
        or "If-None-Match" not in request.headers
        or not incident_pages.asks_for_live_part(request)
    ):
        return None
    key = request.COOKIES.get(settings.SESSION_COOKIE_NAME, "")
    found = door.ask_as_member(key, polled["company"], versions.VERSION, [polled["reference"]])
    if found is None:
        return None
    actor, row = found
    if not actor.may(Permission.READ_INCIDENTS):
        return None
    request.actor = actor  # type: ignore[attr-defined]
    etag = incident_pages.live_etag(access.known(request), versions.of_row(row))
    response = get_conditional_response(request, etag=etag)
    if response is None or response.status_code != 304:
        return None
    patch_vary_headers(response, ["Cookie"])
    return incident_pages.dressed(response, etag, is_fragment=True)
