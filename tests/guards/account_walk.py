"""A walk through the sign-in pages by everybody: none fails, names a company, or tells who is known."""

from collections import Counter
from collections.abc import Iterator
from urllib.parse import quote
from uuid import UUID

from django.core.cache import cache

from tests import sampling
from tests.conftest import World
from tests.guards import answers, route_cast, routes
from tests.guards.answers import Answer, Ledger
from tests.guards.route_cast import Cast, SignIn

PREFIX = "accounts/"
RESET = "accounts/^password/reset/key/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$"
LINK = "/accounts/password/reset/key/"
LOGOUT = "/accounts/logout/"
CASES = "of the walk through the sign-in pages"
NOTED = "account_emailaddress"
"""The library notes the address of a person whose link it checks, whether the link is good or not."""
UNKNOWN_PERSON = UUID(int=7).hex
ELSEWHERE = ("https://evil.example/", "//evil.example/", "/\\evil.example/", "javascript:alert(1)")


class Walk:
    """The sign-in pages as one world has them, with everybody signed in. Complaints are sentences."""

    def __init__(self, world: World, sign_in: SignIn) -> None:
        self.cast: Cast = route_cast.make(world, sign_in)
        self.ledger = Ledger()
        self.counts: Counter[str] = Counter()

    def ask(
        self,
        actor: str,
        method: str,
        path: str,
        *,
        query: str = "",
        form: str = "",
        named: tuple[str, ...] = (),
    ) -> Answer:
        self.counts[CASES] += 1
        cache.clear()  # the limits are tested elsewhere
        return self.ledger.ask(self.cast.browsers[actor], method, path, query=query, form=form, named=named)

    @property
    def people(self) -> dict[str, str]:
        """The keys of somebody known here, of somebody of another company, and of nobody."""
        return {
            routes.OWN: self.cast.people["owner"].pk.hex,
            routes.FOREIGN: self.cast.people["stranger"].pk.hex,
            routes.UNKNOWN: UNKNOWN_PERSON,
            routes.MALFORMED: "0",
        }


def paths(walk: Walk) -> list[str]:
    """Every sign-in address that the resolver answers; the link of a mail for each kind of person."""
    found = []
    for route in routes.live_routes():
        if route == RESET:
            found += [
                _link(person, key) for person in walk.people.values() for key in ("x-y", "set-password")
            ]
        elif route.startswith(PREFIX):
            if "<" in route:
                raise LookupError(f"Tell the walk through the sign-in pages what to put into {route}.")
            found.append(f"/{route}")
    return found


def _link(person: str, key: str) -> str:
    return f"{LINK}{person}-{key}/"


def everybody(walk: Walk, *, most: int) -> Iterator[str]:
    asked = [
        (actor, method, path) for path in paths(walk) for method in routes.METHODS for actor in routes.ACTORS
    ]
    names = [company.name for company in walk.cast.companies.values()]
    for actor, method, path in sampling.sampled(asked, most=most):
        answer = walk.ask(actor, method, path)
        place = f"{actor}, {method} {path}"
        may_write = {"tenants_session"} if (method, path) == ("POST", LOGOUT) else set()
        if path.startswith(LINK) and "-" in path:
            may_write.add(NOTED)
        if answer.status >= 500:
            yield f"{place}: fails with {answer.status}"
        if answer.changed - may_write:
            yield f"{place}: changed {sorted(answer.changed)}"
        missing = answers.walls_missing(answer)
        if missing:
            yield f"{place}: {missing}"
        yield from (f"{place}: names {name}" for name in names if name.encode() in answer.body)


def nobody_is_told_who_is_known(walk: Walk) -> Iterator[str]:
    """A link, a sign-in and a reset answer for an unknown person as for a known one, byte for byte."""
    for key, method in (
        (key, method) for key in ("x-y", "set-password") for method in ("GET", "HEAD", "POST")
    ):
        for actor in ("anonymous", "stranger"):
            links = [_link(walk.people[kind], key) for kind in (routes.OWN, routes.FOREIGN, routes.UNKNOWN)]
            form = "password1=a+long+and+unusual+sentence&password2=a+long+and+unusual+sentence"
            yield from _told_apart(
                f"{actor}, {method} the link of a mail",
                [walk.ask(actor, method, link, form=form, named=(link,)) for link in links],
            )
    for path, form in (
        ("/accounts/login/", "login={address}&password=wrong+horse"),
        ("/accounts/password/reset/", "email={address}"),
    ):
        for known in ("ada@acme.example", "removed@people.example", "disabled@people.example"):
            pair = (known, f"zz{known[2:]}")
            told = [
                walk.ask("anonymous", "POST", path, form=form.format(address=each), named=(each,))
                for each in pair
            ]
            yield from _told_apart(f"POST {path} for {pair}", told)


def _told_apart(what: str, told: list[Answer]) -> Iterator[str]:
    for answer in told:
        difference = told[-1].difference(answer)
        if difference:
            yield f"{what}: known and unknown differ by {difference}"


def nobody_is_led_elsewhere(walk: Walk) -> Iterator[str]:
    """`next` leads to pages of the portal alone; it is never followed by who may not read them."""
    for actor in ("anonymous", "owner", "stranger", "staff"):
        for back in (*ELSEWHERE, "/umbrella/", "/nobody/"):
            asked = f"next={quote(back, safe='')}"
            for method, path, form in (
                ("GET", "/accounts/login/", ""),
                ("GET", "/accounts/password/reset/", ""),
                ("GET", LOGOUT, ""),
                ("POST", LOGOUT, asked),
                ("POST", "/zone/", f"zone=utc&{asked}"),
                ("GET", "/", ""),
            ):
                answer = walk.ask(actor, method, path, query=asked if method == "GET" else "", form=form)
                to = answer.headers.get("Location", "")
                if "evil" in to or to.startswith("javascript") or answer.status >= 500:
                    yield f"{actor}, {method} {path} with next={back}: {answer.status}, leads to {to!r}"
