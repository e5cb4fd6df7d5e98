"""Every address of the portal, and what each of the actors is answered there: one table."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.urls import URLResolver, get_resolver

ACTORS = ("anonymous", "owner", "reader", "stranger", "of_two", "suspended", "removed", "staff")
"""In the order of the columns below. *owner* and *reader* belong to the company that is asked for;
*stranger* to another; *of_two* is a reader of it and owner of another; *suspended* belongs to a
suspended company and asks for that one; *removed* was a member; *staff* is the vendor's."""

LIBRARY_PREFIXES = ("admin/", "accounts/")
"""Django's admin and django-allauth bring many addresses; the tests walk all of them."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One address and method → the status for each of ACTORS."""

    route: str
    method: str
    statuses: tuple[int, ...]
    sent: tuple[tuple[str, str], ...] = ()
    """What a form posts."""

    def __str__(self) -> str:
        return f"{self.method} /{self.route}"


def row(method: str, route: str, *statuses: int, **sent: str) -> Row:
    return Row(route=route, method=method, statuses=statuses, sent=tuple(sent.items()))


LIST = "<slug:company>/incidents/"
INCIDENT = "<slug:company>/incidents/<reference:reference>/"
POST_MORTEM = "<slug:company>/incidents/<reference:reference>/post-mortem/"

ROUTES = (
    #                               anon. owner reader str. two  susp. rem. staff
    row("GET", "health/live", ____ := 200, 200, 200, 200, 200, 200, 200, 200),
    row("GET", "health/ready", ____, 200, 200, 200, 200, 200, 200, 200),
    row("GET", "", _____________ := 302, 302, 302, 302, 200, 200, 200, 302),
    row("POST", "zone/", ________ := 302, 302, 302, 302, 302, 302, 302, 302, zone="utc"),
)
