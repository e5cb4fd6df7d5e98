"""Whether the time of an answer tells what exists: foreign against unknown, asked in turn."""

import http.client
import random
import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from bench import portals

SAMPLES = 200
WARMING_UP = 20
SEED = 4022026
GOAL_MILLISECONDS = 5.0

UNKNOWN_COMPANY = "nobody-of-this-name"
UNKNOWN_REFERENCES = ("INC-22222222", "INC-33333333")
UNKNOWN_ADDRESS = "nobody@of-this-name.example"
CSRF_COOKIE = "portal_csrf"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
POLL = {"HX-Request": "true", "If-None-Match": '"0123456789abcdef0123456789abcdef"'}


@dataclass(frozen=True, kw_only=True)
class Asked:
    """One request, the same each time."""

    path: str
    method: str = "GET"
    headers: dict[str, str] = field(default_factory=dict)
    body: str = ""


@dataclass(frozen=True, kw_only=True)
class Pair:
    """Two requests that must be answered alike: of what exists, and of what does not."""

    name: str
    existing: Asked
    unknown: Asked
    status: int = 404


@dataclass(frozen=True, kw_only=True)
class Compared:
    """Medians of both, in milliseconds."""

    name: str
    existing: float
    unknown: float

    @property
    def difference(self) -> float:
        return self.existing - self.unknown


def compare(portal: portals.Portal) -> Iterator[Compared]:
    """Each pair over one kept connection, 200 times each, whichever comes first by a fixed dice."""
    chance = random.Random(SEED)  # noqa: S311 - an order, not a secret
    for pair in _pairs(portal):
        connection = http.client.HTTPConnection("127.0.0.1", portal.port, timeout=30)
        taken: dict[bool, list[float]] = {True: [], False: []}
        for number in range(WARMING_UP + SAMPLES):
            first = chance.random() < 0.5
            for is_existing in (first, not first):
                asked = pair.existing if is_existing else pair.unknown
                milliseconds = _ask(connection, asked, status=pair.status)
                if number >= WARMING_UP:
                    taken[is_existing].append(milliseconds)
        connection.close()
        yield Compared(
            name=pair.name, existing=statistics.median(taken[True]), unknown=statistics.median(taken[False])
        )


def _ask(connection: http.client.HTTPConnection, asked: Asked, *, status: int) -> float:
    """Milliseconds to the last byte of the answer."""
    began = time.perf_counter()
    connection.request(asked.method, asked.path, asked.body or None, asked.headers)
    answer = connection.getresponse()
    answer.read()
    taken = (time.perf_counter() - began) * 1000
    if answer.status != status:
        raise SystemExit(f"{asked.method} {asked.path} answered {answer.status}, not {status}")
    return taken


def _pairs(portal: portals.Portal) -> Iterator[Pair]:
    (own, key), (foreign, _key) = portal.sessions[:2]
    signed_in = {"Cookie": f"portal_session={key}"}

    def page(company: str, reference: str, **more: str) -> Asked:
        return Asked(path=f"/{company}/incidents/{reference}/", headers=signed_in | more)

    one, other = UNKNOWN_REFERENCES
    yield Pair(name="unknown incident, twice (the noise)", existing=page(own, other), unknown=page(own, one))
    yield Pair(
        name="company",
        existing=Asked(path=f"/{foreign}/", headers=signed_in),
        unknown=Asked(path=f"/{UNKNOWN_COMPANY}/", headers=signed_in),
    )
    yield Pair(
        name="incident at a foreign company",
        existing=page(foreign, portal.reference),
        unknown=page(UNKNOWN_COMPANY, portal.reference),
    )
    for name, reference in (("foreign", portal.foreign_reference), ("draft", portal.draft_reference)):
        yield Pair(name=f"{name} incident", existing=page(own, reference), unknown=page(own, one))
        yield Pair(
            name=f"{name} incident, polled",
            existing=page(own, reference, **POLL),
            unknown=page(own, one, **POLL),
        )
    yield from _addresses(portal, f"bench@{foreign}.example")


def _addresses(portal: portals.Portal, known: str) -> Iterator[Pair]:
    """Sign-in with a wrong password, and a password's reset, of somebody and of nobody."""
    connection = http.client.HTTPConnection("127.0.0.1", portal.port, timeout=30)
    connection.request("GET", "/accounts/login/")
    cookies = connection.getresponse().headers.get_all("Set-Cookie") or []
    connection.close()
    token = next(
        each.split(";")[0].partition("=")[2] for each in cookies if each.startswith(f"{CSRF_COOKIE}=")
    )
    headers = FORM | {"Cookie": f"{CSRF_COOKIE}={token}", "X-CSRFToken": token}

    def send(path: str, body: str) -> Asked:
        return Asked(method="POST", path=path, headers=headers, body=body)

    wrong = f"&password=not-{portals.PASSWORD}"
    yield Pair(
        name="address at sign-in",
        existing=send("/accounts/login/", f"login={known}{wrong}"),
        unknown=send("/accounts/login/", f"login={UNKNOWN_ADDRESS}{wrong}"),
        status=200,
    )
    yield Pair(
        name="address at a password's reset",
        existing=send("/accounts/password/reset/", f"email={known}"),
        unknown=send("/accounts/password/reset/", f"email={UNKNOWN_ADDRESS}"),
        status=302,
    )
