"""Every address is declared, and no answer lacks the walls of the browser.

What everybody is answered everywhere is held in test_route_matrix.py and test_admin_walk.py.
"""

from collections.abc import Callable

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import path

from portal.web import company_pages
from tenants.models import User
from tests import sampling
from tests.conftest import World
from tests.guards import account_walk, answers, route_cast, routes
from tests.guards.answers import Ledger

SignIn = Callable[[User], Client]
Record = Callable[[str, object], None]
RESERVED = ("api", "companies", "feeds", "metrics", "static", "health")


def undeclared() -> list[str]:
    """What is wrong with the table of addresses, in words."""
    declared = {each.route for each in routes.ROUTES}
    live = {route for route in routes.live_routes() if not route.startswith(routes.LIBRARY_PREFIXES)}
    return [f"/{route} has no row in tests/guards/routes.py" for route in sorted(live - declared)] + [
        f"the row of /{route} has no address" for route in sorted(declared - live)
    ]


def test_every_address_is_in_the_table_and_every_row_has_an_address() -> None:
    assert undeclared() == []


def test_an_address_that_nobody_declared_and_a_row_without_one_are_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    live = [path("<slug:company>/secrets/", lambda _request: HttpResponse())]
    monkeypatch.setattr(routes, "live_routes", lambda: (str(each.pattern) for each in live))
    found = undeclared()
    assert "/<slug:company>/secrets/ has no row in tests/guards/routes.py" in found
    assert "the row of /<slug:company>/incidents/ has no address" in found


def test_a_reserved_word_is_no_company(world: World, signed_in: SignIn) -> None:
    browsers = {"anonymous": Client(), "owner": signed_in(world.ada), "staff": signed_in(world.sam)}
    ledger = Ledger()
    for word in RESERVED:
        for more in ("", "incidents/", f"incidents/{route_cast.UNKNOWN_REFERENCE}/"):
            for actor, browser in browsers.items():
                answer = ledger.ask(browser, "GET", f"/{word}/{more}")
                assert answer.status == 404, (actor, word, more)
                assert answers.walls_missing(answer) == ""


@pytest.fixture
def walk(world: World, signed_in: SignIn) -> account_walk.Walk:
    return account_walk.Walk(world, signed_in)


def _report(walk: account_walk.Walk, complaints: list[str], record: Record) -> None:
    for name, number in walk.counts.items():
        record(sampling.CASES + name, number)
    assert complaints == [], f"{len(complaints)} complaints:\n" + "\n".join(complaints[:60])


def test_the_sign_in_pages_never_fail_and_never_name_a_company(
    walk: account_walk.Walk, record_property: Record
) -> None:
    assert "/accounts/login/" in account_walk.paths(walk)
    _report(walk, list(account_walk.everybody(walk, most=150)), record_property)


def test_the_sign_in_pages_do_not_tell_who_is_known(walk: account_walk.Walk, record_property: Record) -> None:
    _report(walk, list(account_walk.nobody_is_told_who_is_known(walk)), record_property)


def test_no_page_leads_away_from_the_portal(walk: account_walk.Walk, record_property: Record) -> None:
    _report(walk, list(account_walk.nobody_is_led_elsewhere(walk)), record_property)


def test_the_walk_finds_a_page_that_leads_away(
    walk: account_walk.Walk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(company_pages, "url_has_allowed_host_and_scheme", lambda *_p, **_n: True)
    complaints = "\n".join(account_walk.nobody_is_led_elsewhere(walk))
    assert "POST /zone/ with next=https://evil.example/: 302, leads to 'https://evil.example/'" in complaints


@pytest.mark.parametrize(
    ("headers", "address"),
    [
        ({"host": "evil.example"}, "/acme/"),
        ({"host": "evil.example"}, "/accounts/login/"),
        ({}, "/no/such/page"),
        ({}, "/acme"),
        ({}, "/ACME/"),
        ({}, "/%00/"),
        ({}, "/acme%2f/incidents/"),
        ({"cookie": "portal_session=\x00"}, "/acme/"),
        ({"cookie": "portal_session=" + "a" * 32}, "/acme/"),
        ({"cookie": "portal_session=' or 1=1 --"}, "/admin/"),
    ],
)
def test_errors_and_redirects_carry_the_walls_of_the_browser_too(
    db: None, headers: dict[str, str], address: str
) -> None:
    answer = Ledger().ask(Client(raise_request_exception=False), "GET", address, headers=headers)
    assert 300 <= answer.status < 500
    assert answers.walls_missing(answer) == ""


def test_a_form_without_its_token_is_refused_and_nothing_changes(world: World) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(world.ada)
    ledger = Ledger()
    sent = [
        each for each in routes.ROUTES if each.method == "POST" and each.route not in routes.WITHOUT_TOKEN
    ]
    assert len(sent) >= 3
    for each in sent:
        address = each.route.replace("<slug:company>", "acme")
        address = address.replace("<reference:reference>", world.incident.reference)
        address = address.replace("<number:number>", route_cast.UNKNOWN_NUMBER)
        answer = ledger.ask(client, "POST", f"/{address}", form=each.form)
        assert (answer.status, answer.changed) == (403, frozenset()), each
        assert answers.walls_missing(answer) == ""
