"""The one decorator that a client page wears: who may come in, and what a refusal looks like."""

import functools
from collections.abc import Callable
from datetime import datetime
from typing import Any, cast

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from tenants import view_as
from tenants.actor import ActingCompany, Actor
from tenants.errors import NotFound, NotPermitted, ScopeError
from tenants.permissions import Permission

ZONE_COOKIE: str = settings.ZONE_COOKIE_NAME
UTC_CHOSEN = "utc"

Page = Callable[..., HttpResponseBase]


class ClientRequest(HttpRequest):
    """A request that the door let in for one company."""

    actor: Actor
    company: ActingCompany
    zone: str
    """IANA name of the zone in which times are shown."""
    now: datetime
    viewed: view_as.Viewed | None
    """Set where staff read the page in place of a client: nothing on it may be sent."""
    traces: tuple[Callable[[], None], ...]
    """What a page that only reads has to write down once it is shown; the door does."""


def client_page(
    permission: Permission, *, methods: tuple[str, ...] = ("GET", "HEAD")
) -> Callable[[Page], Page]:
    """A page below a company's name for members whose role has `permission`.

    What the domain does not find is the same 404 for unknown and for foreign; what a role may not
    do is a 403, and only inside the own company. The view is called without the company: the
    request carries it. The door holds the transaction, so the view opens none.
    """

    def decorate(view: Page) -> Page:
        @functools.wraps(view)
        def page(request: HttpRequest, company: str, **reference: Any) -> HttpResponseBase:
            client_request = known(request)
            try:
                client_request.actor.require(permission)
                return view(client_request, **reference)
            except NotFound as error:
                raise Http404 from error
            except NotPermitted as error:
                raise PermissionDenied(error.message) from error

        page.permission = permission  # type: ignore[attr-defined]
        return transaction.non_atomic_requests(require_http_methods(list(methods))(page))

    return decorate


def known(request: HttpRequest) -> ClientRequest:
    """The request as client pages read it: what the door found, the zone, the time of asking."""
    found = cast("ClientRequest", request)
    if found.actor is None:
        # A reserved word where a company's name would stand: /api/, /feeds/incidents/.
        raise Http404
    if found.actor.company is None:
        raise ScopeError("A client page was reached without passing the door.")
    found.company = found.actor.company
    found.viewed = getattr(request, "viewed", None)
    found.now = timezone.now()
    prefers_utc = request.COOKIES.get(ZONE_COOKIE) == UTC_CHOSEN and found.viewed is None
    found.zone = "UTC" if prefers_utc else found.actor.zone
    return found


def page_context(request: ClientRequest, **more: Any) -> dict[str, Any]:
    """What every client page's template names: company, zone, now, viewed; the rest is the page's own."""
    return {
        "company": request.company,
        "zone": request.zone,
        "now": request.now,
        "viewed": request.viewed,
        "may_read_activity": request.actor.may(Permission.READ_ACTIVITY),
        **more,
    }
