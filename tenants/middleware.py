"""The door: actor → transaction → scope → response → commit, or roll back on any answer of 400 or above."""

import re
from collections.abc import Callable

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.db import InterfaceError, OperationalError, connection, transaction
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.utils.cache import patch_vary_headers

from tenants import door, scope
from tenants.errors import ScopeError
from tenants.models.company import RESERVED_SLUGS, SLUG_PATTERN

READING_METHODS = frozenset({"GET", "HEAD"})
_SLUG = re.compile(SLUG_PATTERN)
_SESSION_KEY = re.compile(r"[a-z0-9]{32}")


class DoorMiddleware:
    """Gives each request one actor, one transaction and one scope, by the first part of its path.

    `/admin/…` is staff's, `/health/…` has none of the three, another reserved first part is a
    visitor's, and any other is a company's.
    The transaction spans the rendering of the response, error pages included. Last in the list:
    nothing inside it runs without a scope that it should have.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        request.actor = None  # type: ignore[attr-defined]
        place = request.path_info.lstrip("/").split("/", 1)[0]
        if place == "admin":
            return self._through(request, door.open_for_staff)
        if place == "health":
            # Answers while the database does not: no transaction is opened for it.
            return self.get_response(request)
        if not place or place in RESERVED_SLUGS:
            return self._in_transaction(lambda: self.get_response(request))
        if not _SLUG.fullmatch(place):
            raise Http404
        read_only = request.method in READING_METHODS
        return self._through(request, lambda key: door.open_for_member(key, place, read_only=read_only))

    def _through(self, request: HttpRequest, find: Callable[[str], door.Entry | None]) -> HttpResponseBase:
        """Let in whom `find` finds; send the unknown to sign in and everybody else away."""
        key = request.COOKIES.get(settings.SESSION_COOKIE_NAME, "")
        if not _SESSION_KEY.fullmatch(key):
            return redirect_to_login(request.get_full_path())
        # The first statement is the health check: a connection that the server has dropped
        # (a restart) is replaced once, before anything has happened.
        connection.health_check_done = True  # type: ignore[attr-defined]  # missing from the stubs
        try:
            try:
                return self._in_transaction(lambda: self._answer(request, find, key))
            except _ConnectionLost:
                connection.close()
                return self._in_transaction(lambda: self._answer(request, find, key))
        except door.SignInEnded:
            return redirect_to_login(request.get_full_path())

    def _answer(
        self, request: HttpRequest, find: Callable[[str], door.Entry | None], key: str
    ) -> HttpResponseBase:
        try:
            entry = find(key)
        except (OperationalError, InterfaceError) as error:
            raise _ConnectionLost from error
        if entry is None:
            if request.user.is_authenticated:
                raise Http404
            return redirect_to_login(request.get_full_path())
        # What the session would read on first use: the door has read it already.
        request.session._session_cache = entry.session_content  # type: ignore[attr-defined]  # noqa: SLF001
        request.user = entry.user
        request.actor = entry.actor  # type: ignore[attr-defined]
        with scope.entered(entry.scope):
            response = self.get_response(request)
            if response.streaming:
                raise ScopeError("A streamed answer would be read after its scope has ended.")
        response.headers.setdefault("Cache-Control", "private, no-store")
        patch_vary_headers(response, ["Cookie"])
        return response

    def _in_transaction(self, answer: Callable[[], HttpResponseBase]) -> HttpResponseBase:
        is_nested = connection.in_atomic_block
        with transaction.atomic():
            response = answer()
            if response.status_code >= 400:
                transaction.set_rollback(True)
            elif is_nested:
                scope.leave()
        return response


class _ConnectionLost(Exception):
    """The first statement of a request found its connection gone."""
