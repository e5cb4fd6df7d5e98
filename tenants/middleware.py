"""The door: actor → transaction → scope → response → commit, or roll back on any answer of 400 or above."""

import re
from collections.abc import Callable, Sequence
from typing import TypeVar

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.db import InterfaceError, OperationalError, connection, transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.utils.cache import patch_vary_headers
from psycopg.pq import TransactionStatus

from tenants import door, scope, view_as
from tenants.actor import Actor
from tenants.errors import ScopeError
from tenants.models.company import RESERVED_SLUGS, SLUG_PATTERN

ADMIN = "admin"
"""The first part of staff's addresses."""
READING_METHODS = frozenset({"GET", "HEAD"})
_SLUG = re.compile(SLUG_PATTERN)


Answer = TypeVar("Answer", bound=HttpResponseBase | None)


class ServedDoorsMiddleware:
    """Answers the addresses of a door that this process does not serve as it answers unknown ones.

    Before all that reads the database, and before the answers that do not go through the door.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        place = _place(request)
        if place == ADMIN:
            is_served = "staff" in settings.DOORS
        else:
            is_served = "client" in settings.DOORS or not place or place in RESERVED_SLUGS
        if not is_served:
            # No address is known: a missing last slash is not put right either.
            request.urlconf = ()  # type: ignore[assignment]  # a sequence of patterns is one too
            raise Http404
        return self.get_response(request)


class DoorMiddleware:
    """Gives each request one actor, one transaction and one scope, by the first part of its path.

    `/admin/…` is staff's (`/admin/view-as/…` is what staff see in place of a client), `/health/…` has
    none of the three, another reserved first part is a visitor's, and any other is a company's.
    The transaction spans the rendering of the response, error pages included. Last in the list:
    nothing inside it runs without a scope that it should have.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        request.actor = request.viewed = None  # type: ignore[attr-defined]
        place = _place(request)
        if place == ADMIN:
            asked = view_as.asked(request.path_info)
            if asked is not None:
                return self._as_client(request, asked)
            return self._through(request, door.open_for_staff, self.get_response, reads_only=False)
        if place == "health":
            # Answers while the database does not: no transaction is opened for it.
            return self.get_response(request)
        if not place or place in RESERVED_SLUGS:
            response = self._in_transaction(lambda: self.get_response(request))
            response.headers.setdefault("Cache-Control", "private, no-store")
            return response
        if not _SLUG.fullmatch(place):
            raise Http404
        reads_only = request.method in READING_METHODS
        response = self._through(
            request,
            lambda key: door.open_for_member(key, place, read_only=reads_only),
            self.get_response,
            reads_only=reads_only,
        )
        self._leave_traces(request, response)
        return response

    def _leave_traces(self, request: HttpRequest, response: HttpResponseBase) -> None:
        """Write down what a page that only reads has shown, in a transaction of its own in the same scope.

        The page names it in `request.traces`; where it cannot be written, the page is not shown either.
        """
        traces: Sequence[Callable[[], None]] = getattr(request, "traces", ())
        if not traces or response.status_code != 200:
            return
        actor: Actor = request.actor  # type: ignore[attr-defined]  # set by the door
        if actor.company is not None:
            with scope.as_company(actor.company.id, user_id=actor.user_id):
                for leave in traces:
                    leave()

    def _as_client(self, request: HttpRequest, asked: view_as.Asked) -> HttpResponseBase:
        """What a person of staff sees in place of a client: two transactions, one after the other.

        That they look is written and committed as staff, then the page is read as the company alone.
        """
        found: list[view_as.Viewed] = []

        def let_in(request: HttpRequest) -> HttpResponseBase:
            allowed = view_as.let_in(request, asked, now=timezone.now())
            if not isinstance(allowed, view_as.Viewed):
                return allowed
            found.append(allowed)
            return HttpResponse()

        refusal = self._through(request, door.open_for_staff, let_in, reads_only=False)
        if not found:
            return refusal
        response = self._in_transaction(lambda: self._seen(request, found[-1]), reads_only=True)
        # Nothing of the visit stays in the browser: no token of a form, no message that was shown.
        response.cookies.clear()
        request.META["CSRF_COOKIE_NEEDS_UPDATE"] = False
        return response

    def _seen(self, request: HttpRequest, viewed: view_as.Viewed) -> HttpResponseBase:
        with view_as.through_the_eyes_of(request, viewed):
            return _dressed(self.get_response(request))

    def _through(
        self,
        request: HttpRequest,
        find: Callable[[str], door.Entry | None],
        answer: Callable[[HttpRequest], HttpResponseBase],
        *,
        reads_only: bool,
    ) -> HttpResponseBase:
        """What `answer` says to whom `find` finds; the unknown are sent to sign in, all others away."""
        key = request.COOKIES.get(settings.SESSION_COOKIE_NAME, "")
        if not door.is_session_key(key):
            return redirect_to_login(request.get_full_path())
        # The first statement is the health check: a connection that the server has dropped
        # (a restart) is replaced once, before anything has happened.
        connection.health_check_done = True  # type: ignore[attr-defined]  # missing from the stubs

        def attempt() -> HttpResponseBase | None:
            return self._in_transaction(
                lambda: self._answer(request, find, key, answer), reads_only=reads_only
            )

        try:
            try:
                response = attempt()
            except _ConnectionLost:
                connection.close()
                response = attempt()
        except door.SignInEnded:
            return redirect_to_login(request.get_full_path())
        if response is None:
            raise Http404
        return response

    def _answer(
        self,
        request: HttpRequest,
        find: Callable[[str], door.Entry | None],
        key: str,
        answer: Callable[[HttpRequest], HttpResponseBase],
    ) -> HttpResponseBase | None:
        """What the page answers; None where somebody else's is asked for."""
        try:
            entry = find(key)
        except (OperationalError, InterfaceError) as error:
            raise _ConnectionLost from error
        if entry is None:
            return None if request.user.is_authenticated else redirect_to_login(request.get_full_path())
        # What the session would read on first use: the door has read it already.
        request.session._session_cache = entry.session_content  # type: ignore[attr-defined]  # noqa: SLF001
        request.user = entry.user
        request.actor = entry.actor  # type: ignore[attr-defined]
        with scope.entered(entry.scope):
            return _dressed(answer(request))

    def _in_transaction(self, answer: Callable[[], Answer], *, reads_only: bool = False) -> Answer:
        """The answer, committed, or rolled back from 400 on.

        What the database has kept from writing is not rolled back for a mere 404: the driver would
        forget all plans that the server keeps for this connection, which others' requests use too.
        """
        is_nested = connection.in_atomic_block
        with transaction.atomic():
            response = answer()
            status = 404 if response is None else response.status_code
            if status >= (500 if reads_only else 400):
                transaction.set_rollback(True)
            elif _has_failed():
                # Its commit would silently be a rollback, and the answer says that all went well.
                raise TransactionFailed("A page went on after an error of the database.")
            elif is_nested:
                scope.leave()
        return response


def _dressed(response: HttpResponseBase) -> HttpResponseBase:
    """A page as it may leave its scope: read to its end, and for this browser alone."""
    if response.streaming:
        raise ScopeError("A streamed answer would be read after its scope has ended.")
    response.headers.setdefault("Cache-Control", "private, no-store")
    patch_vary_headers(response, ["Cookie"])
    return response


def _place(request: HttpRequest) -> str:
    """The first part of the path, which alone says whose address it is."""
    return request.path_info.lstrip("/").split("/", 1)[0]


def _has_failed() -> bool:
    """Whether the transaction in force has met an error that nothing has rolled back to before."""
    live = connection.connection
    return live is not None and live.info.transaction_status == TransactionStatus.INERROR


class TransactionFailed(RuntimeError):
    """A page caught an error of the database and answered, outside of a savepoint."""


class _ConnectionLost(Exception):
    """The first statement of a request found its connection gone."""
