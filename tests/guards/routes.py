"""Every address of the portal, and what each of the actors is answered there: one table."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.urls import get_resolver

ACTORS = ("anonymous", "owner", "reader", "stranger", "of_two", "suspended", "removed", "staff")
"""In the order of the columns below. *owner* and *reader* belong to the company that is asked for,
*stranger* to another one; *of_two* reads for it and owns another; *suspended* belongs to a suspended
company and asks for that one; *removed* was a member; *staff* is the vendor's."""

LIBRARY_PREFIXES = ("admin/", "accounts/")
"""Django's admin and django-allauth bring many addresses; tests walk them without naming each."""

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")

INCIDENTS = "<slug:company>/incidents/"
INCIDENT = "<slug:company>/incidents/<reference:reference>/"
POST_MORTEM = "<slug:company>/incidents/<reference:reference>/post-mortem/"


@dataclass(frozen=True, kw_only=True)
class Row:
    """One method at one address: the status for each of ACTORS, and what a form sends there."""

    method: str
    route: str
    statuses: tuple[int, ...]
    sent: tuple[tuple[str, str], ...]

    def __str__(self) -> str:
        return f"{self.method} /{self.route}"


def row(method: str, route: str, statuses: str, **sent: str) -> Row:
    return Row(
        method=method,
        route=route,
        statuses=tuple(int(status) for status in statuses.split()),
        sent=tuple(sent.items()),
    )


ROUTES = (
    #                            anon owner read stran two  susp remov staff
    row("GET", "health/live", "   200  200  200  200  200  200  200  200"),
    row("GET", "health/ready", "  200  200  200  200  200  200  200  200"),
    row("GET", "", "              302  302  302  302  200  200  200  302"),
    row("POST", "zone/", "        302  302  302  302  302  302  302  302", zone="utc"),
    row("GET", "<slug:company>/", "302 200  200  404  200  404  404  404"),
    row("GET", INCIDENTS, "       302  200  200  404  200  404  404  404"),
    row("GET", INCIDENT, "        302  200  200  404  200  404  404  404"),
    row("GET", POST_MORTEM, "     302  200  200  404  200  404  404  404"),
    row("POST", POST_MORTEM, "    302  302  403  404  403  404  404  404", purpose="Our auditors ask."),
    row("POST", POST_MORTEM, "    302  422  403  404  403  404  404  404", purpose=""),
)


def live_routes() -> Iterator[str]:
    """Every address that the resolver answers, as it is written in the urls modules."""
    yield from _walk(get_resolver().url_patterns, "")


def _walk(patterns: Any, before: str) -> Iterator[str]:
    for pattern in patterns:
        route = before + str(pattern.pattern)
        nested = getattr(pattern, "url_patterns", None)
        if nested is None:
            yield route
        else:
            yield from _walk(nested, route)
