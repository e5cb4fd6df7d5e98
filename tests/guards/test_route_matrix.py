"""The route matrix: what everybody is answered everywhere is what the one table declares."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import Client

from incidents.queries import incident_pages
from portal import urls
from portal.web import company_pages, error_pages
from tenants.errors import NotPermitted
from tenants.models import User
from tenants.models.session import Session
from tests import sampling
from tests.conftest import World, make_world
from tests.guards import answers, route_cast, route_matrix, routes

SignIn = Callable[[User], Client]
Record = Callable[[str, object], None]
OTHER_WAYS = routes.VARIANTS[1:]


def _report(complaints: list[str], counts: Counter[str], record: Record) -> None:
    for name, number in counts.items():
        record(sampling.CASES + name, number)
    assert complaints == [], f"{len(complaints)} complaints:\n" + "\n".join(complaints[:60])


def test_everybody_is_answered_everywhere_as_the_table_says(
    world: World, signed_in: SignIn, record_property: Record
) -> None:
    counts: Counter[str] = Counter()
    cast = route_cast.make(world, signed_in)
    complaints = route_matrix.run_matrix(cast, variants=(routes.PLAINLY,), most=15, counts=counts)
    _report(complaints, counts, record_property)


def test_no_way_to_ask_changes_what_may_be_read(
    world: World, signed_in: SignIn, record_property: Record
) -> None:
    counts: Counter[str] = Counter()
    cast = route_cast.make(world, signed_in)
    complaints = route_matrix.run_matrix(cast, variants=OTHER_WAYS, most=30, counts=counts)
    _report(complaints, counts, record_property)


def test_a_poll_of_its_own_transaction_is_answered_as_every_other_request(
    committed: None, signed_in: SignIn, record_property: Record
) -> None:
    """Polls take a way of their own past the door, which a test's transaction would hide."""
    cast = route_cast.make(make_world(), signed_in)
    row = next(each for each in routes.ROUTES if each.route == routes.INCIDENT)
    own_page = f"/acme/incidents/{cast.references[routes.OWN]}/"
    own = cast.browsers["owner"].get(own_page, headers={"HX-Request": "true"}).headers["ETag"]
    validators = (own, cast.words()["validators"], '"nonsense"')
    complaints, number = [], 0
    for actor in routes.ACTORS:
        for validator in validators if routes.is_member(actor) else validators[:1]:
            unknown = None
            for company, reference in route_matrix.FEWER_PAIRS:
                number += 1
                slug, name = cast.slug(actor, company, number), cast.reference(reference, number)
                path = f"/{slug}/incidents/{name}/"
                headers = {"HX-Request": "true", "If-None-Match": validator}
                answer = answers.heard(cast.browsers[actor], "GET", path, headers=headers)
                status = routes.expected(row, actor, company=company, reference=reference)
                may_hold_it = actor in {"owner", "manager"} and validator == own
                if answer.status != (304 if status == 200 and may_hold_it else status):
                    complaints.append(f"{actor}, {path} holding {validator}: answered {answer.status}")
                complaints += [
                    f"{actor}, {path}: tells {text}"
                    for text in cast.forbidden_texts(actor, slug)
                    if text.encode() in answer.body
                ]
                if company == routes.OWN and reference in routes.NOT_READABLE:
                    unknown = unknown or answer
                    if unknown.difference(answer):
                        complaints.append(f"{actor}, {path}: told by {unknown.difference(answer)}")
    _report(complaints, Counter({route_matrix.CASES + ", as polls": number}), record_property)


def test_the_matrix_finds_what_it_looks_for(
    world: World, signed_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Planted: a hint beside a 404, a text for staff in it, a refusal that admits, and a silent write."""

    def hinting(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
        response = error_pages.not_found(request, exception)
        if route_cast.UNKNOWN_REFERENCE not in request.path:
            response.headers["X-Hint"] = "there is something"
            response.content += route_cast.STAFF_ONLY.encode()
        return response

    def admitting(*_positional: Any, **_named: Any) -> Any:
        raise NotPermitted

    def writing(*_positional: Any, **_named: Any) -> bool:
        Session.objects.all().delete()
        return True

    monkeypatch.setattr(urls, "handler404", hinting)
    monkeypatch.setattr(incident_pages, "post_mortem_page", admitting)
    monkeypatch.setattr(company_pages, "url_has_allowed_host_and_scheme", writing)
    wanted = {("GET", routes.OVERVIEW), ("GET", routes.POST_MORTEM), ("POST", "zone/")}
    monkeypatch.setattr(
        routes, "ROUTES", tuple(each for each in routes.ROUTES if (each.method, each.route) in wanted)
    )
    cast = route_cast.make(world, signed_in)
    complaints = "\n".join(route_matrix.run_matrix(cast, variants=(routes.PLAINLY,), most=0))
    assert "X-Hint" in complaints
    assert f"tells “{route_cast.STAFF_ONLY}”" in complaints
    assert "foreign incident: /acme/incidents" in complaints
    assert "answered 403 instead of 404" in complaints
    assert "POST /zone/ with zone=utc, plainly, : /zone/: changed ['tenants_session']" in complaints
