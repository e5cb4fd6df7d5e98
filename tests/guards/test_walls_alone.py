"""Each wall alone holds: with either down every page is the same byte for byte; with both down it is not."""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
import time_machine
from django.db import connection, transaction
from django.test import Client

from incidents.models import Recovery
from tenants import scope
from tenants.models import User
from tenants.permissions import Role
from tests import factories, sampling
from tests.canaries import watch
from tests.conftest import make_world
from tests.guards import full_world, route_cast, route_matrix, routes, wall_modes
from tests.guards.full_world import FullWorld
from tests.guards.wall_modes import Mode

SignIn = Callable[[User], Client]

NOW = factories.STARTED_AT + timedelta(days=2)
_TOKEN = re.compile(rb'(name="csrfmiddlewaretoken" value=")\w+')
ASIDE = {routes.STATEMENT, routes.REPORT_PDF}
"""Named by a number, or without a text of a row: the table of routes walks them."""
PAGES = {each.route for each in routes.ROUTES if each.method == "GET" and each.is_of_company} - ASIDE
"""Every kind of page that a company has."""
HELD_BY_ITSELF = {routes.WITHDRAW}
"""It says the title of an incident for whose report the company has asked, found by the company itself,
and the database ties such a request to an incident of its own: behind no wall either is that of others."""
MOST_IN_A_QUICK_RUN = 10
ASKING = ("owner", "stranger", "of_two")
"""Who goes through the table of routes: members, who alone get as far as the walls."""
IN_WAYS = routes.VARIANTS[:3]
"""Plainly, and looking for what is of others."""
SEARCHES = ("", "?q=alone", "?q=mk", "?kind=incident", "?page=2")


@pytest.fixture
def full(superuser: None) -> Iterator[FullWorld]:
    """The full world behind both walls, made by the login; the connection is the superuser's between."""
    with time_machine.travel(NOW, tick=False), wall_modes.standing(wall_modes.BOTH):
        made = full_world.fill(make_world())
    with time_machine.travel(NOW, tick=False):
        yield made


@pytest.fixture
def browsers(full: FullWorld, signed_in: SignIn) -> dict[str, Client]:
    """Somebody of each company, and somebody of both."""
    with wall_modes.standing(wall_modes.BOTH):
        tia = factories.person("tia@people.example")
        factories.member(tia, full.world.acme, Role.OWNER)
        factories.member(tia, full.world.globex, Role.READER)
        people = {"ada": full.world.ada, "gus": full.world.gus, "tia": tia}
        return {name: signed_in(person) for name, person in people.items()}


def answers(full: FullWorld, browsers: dict[str, Client]) -> dict[tuple[str, str, str], bytes]:
    """What everybody is answered on every page: by person, kind of page, and address."""
    return {
        (name, page, address): _answer(browser, address)
        for name, browser in browsers.items()
        for page in sorted(PAGES)
        for address in _addresses(page, full)
    }


def _addresses(page: str, full: FullWorld) -> Iterator[str]:
    for slug in ("acme", "globex"):
        of_company = "/" + page.replace("<slug:company>", slug)
        if "<reference:reference>" in page:
            for incident in full.incidents:
                yield of_company.replace("<reference:reference>", incident.reference)
        else:
            yield from (of_company + search for search in (SEARCHES if page == routes.INCIDENTS else ("",)))


def _answer(browser: Client, address: str) -> bytes:
    """Status and body, without what is another in every answer; that it was asked leaves no trace."""
    with transaction.atomic():
        response = browser.get(address)
        transaction.set_rollback(True)
    body = _TOKEN.sub(rb"\1", response.content)
    return b"%d %s" % (response.status_code, body.replace(response["X-Request-ID"].encode(), b""))


def test_each_wall_alone_gives_the_same_bytes_and_none_of_another_company(
    full: FullWorld, browsers: dict[str, Client], record_property: Callable[[str, object], None]
) -> None:
    answered = {}
    for mode in wall_modes.HOLDING:
        with wall_modes.standing(mode), watch.collected() as astray:
            answered[mode] = answers(full, browsers)
        assert astray == [], mode
    both = answered[wall_modes.BOTH]
    assert sum(body.startswith(b"200") for body in both.values()) > len(both) / 4
    for mode in (wall_modes.ROW_SECURITY_ALONE, wall_modes.ORM_FILTER_ALONE):
        differing = [key for key, body in answered[mode].items() if body != both[key]]
        assert differing == [], mode
    record_property(sampling.CASES + "of pages with either wall down", len(both) * len(answered))


def test_with_both_walls_down_every_kind_of_page_leaks_and_the_leak_is_seen(
    full: FullWorld, browsers: dict[str, Client]
) -> None:
    """The proof that what is asked with one wall down can fail."""
    asking = {name: browsers[name] for name in ("ada", "gus")}
    with wall_modes.standing(wall_modes.BOTH):
        both = answers(full, asking)
    with wall_modes.standing(wall_modes.NONE), watch.collected() as astray:
        none = answers(full, asking)
    leaking = {page for (name, page, address), body in none.items() if body != both[name, page, address]}
    assert leaking == PAGES - HELD_BY_ITSELF
    # On an incident's own page others' entries have instants, but no texts. Whose colleagues one may
    # choose from goes by which company's recovery is found first: one of the two sees the other's.
    for page in leaking - {routes.INCIDENT, routes.RECIPIENTS}:
        words = "/" + page.replace("<slug:company>", "acme").replace(
            "<reference:reference>", full.of_globex.reference
        )
        assert any(f"GET {words} answered ada@acme.example: " in each for each in astray), page
    assert any("/post-mortem/recipients/ answered " in each for each in astray)


@pytest.mark.parametrize("mode", [wall_modes.ROW_SECURITY_ALONE, wall_modes.ORM_FILTER_ALONE], ids=str)
def test_with_either_wall_alone_everybody_is_answered_as_the_table_of_routes_says(
    superuser: None, signed_in: SignIn, mode: Mode, record_property: Callable[[str, object], None]
) -> None:
    counts: Counter[str] = Counter()
    with wall_modes.standing(mode):
        cast = route_cast.make(make_world(), signed_in)
        complaints = route_matrix.run_matrix(
            cast, variants=IN_WAYS, actors=ASKING, most=MOST_IN_A_QUICK_RUN, counts=counts
        )
    for name, number in counts.items():
        record_property(f"{sampling.CASES}{name}, {mode}", number)
    # The probe of readiness is right to say that a wall is down.
    strange = [each for each in complaints if "/health/ready" not in each]
    assert strange == [], "\n".join(strange[:60])


def test_with_both_walls_down_the_table_of_routes_is_broken(superuser: None, signed_in: SignIn) -> None:
    """The people ask for their reports behind both walls: without, a company would join another's request."""
    with wall_modes.standing(wall_modes.BOTH):
        cast = route_cast.make(make_world(), signed_in)
    with wall_modes.standing(wall_modes.NONE), watch.collected() as astray:
        complaints = route_matrix.run_matrix(cast, variants=(routes.PLAINLY,), actors=("owner",), most=0)
    assert any("answered 200 instead of 404" in each for each in complaints)
    assert astray != []


def test_the_modes_are_what_they_say(superuser: None) -> None:
    """Else every test with a wall down would be green behind both."""
    with wall_modes.standing(wall_modes.BOTH):
        world = make_world()
    for mode in (*wall_modes.HOLDING, wall_modes.NONE):
        with wall_modes.standing(mode):
            with connection.cursor() as cursor:
                cursor.execute("select session_user, current_user, current_setting('is_superuser')")
                assert cursor.fetchone() == ("portal_login", "portal_login", "off")
            with scope.as_company(world.acme.pk), connection.cursor() as cursor:
                cursor.execute("select count(*) from incidents_recovery")
                assert cursor.fetchone() == (1 if mode.has_row_security else 2,), mode
                is_whole = mode.has_orm_filter or mode.has_row_security
                assert Recovery.objects.count() == (1 if is_whole else 2), mode
