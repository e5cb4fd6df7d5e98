"""Staff see what a client sees: who may, how far they see, and what a visit leaves behind."""

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.http import HttpResponse
from django.test import Client, override_settings
from django.urls import get_script_prefix

from incidents.choices import PublicationKind
from incidents.models import PostMortemRequest
from incidents.operations import statements
from incidents.queries import overviews
from tenants import audit, scope, view_as
from tenants.models import AuditEvent, Company, User
from tenants.permissions import Role
from tests import factories
from tests.conftest import World, make_world
from tests.guards import route_cast, routes
from tests.incidents import reporting
from tests.incidents.asking import ask

SignIn = Callable[[User], Client]
NOW = "2026-02-04T13:30:00+00:00"
ACME = "/admin/view-as/owner/account/acme/"


def visits() -> list[dict[str, Any]]:
    with scope.as_staff():
        found = AuditEvent.objects.filter(action__in=view_as.VIEWED.values()).order_by("at", "id")
        names = ("action", "company__slug", "actor__email", "actor_kind", "shown_name", "detail")
        return [dict(zip(names, row, strict=True)) for row in found.values_list(*names)]


def client_pages(world: World) -> Iterator[str]:
    """Every client page of Acme, found and not listed."""
    for route in routes.live_routes():
        if route.startswith("<slug:company>/"):
            page = route.replace("<slug:company>", "acme")
            page = page.replace("<reference:reference>", world.incident.reference)
            if "<" not in page:
                yield f"/{page}"


def kept_pages(world: World) -> tuple[str, ...]:
    """Pages of what is there only when somebody has made it: a report that Acme holds, a statement."""
    reporting.asked(world, world.ada, world.acme)
    draft = reporting.begun(world)
    reporting.promised(world)
    reporting.published(world, draft)
    reporting.published(world, draft, PublicationKind.REVISION, note="More of it.")
    with scope.as_company(world.acme.pk, user_id=world.ada.pk):
        issued, _is_new = statements.issue_for_incident(
            factories.actor(world.ada, world.acme),
            reference=world.incident.reference,
            verify_at="https://portal.example/verify/",
            now=reporting.NOW,
        )
    of_incident = f"/acme/incidents/{world.incident.reference}/post-mortem"
    parts = ("", "report/", "report/?version=1", "differences/", "report/pdf/", "actions/")
    return (*(f"{of_incident}/{part}" for part in parts), f"/acme/statements/{issued.number}/")


def main_part(response: Any, before: str = "") -> str:
    """What stands between header and footer, with the client's own addresses and without form tokens.

    The public address of a statement is outside: who only looks reads it and cannot follow it.
    """
    html = re.sub(r"(?s)^.*<main|</main>.*$", "", response.content.decode()).replace(before, "")
    html = re.sub(r'<input type="hidden" name="csrfmiddlewaretoken"[^>]*>', "", html)
    html = re.sub(r'<a href="/verify/[^"]*">(.*?)</a>', r"\1", html)
    html = re.sub(r' disabled|<p class="note">You only look.*?</p>', "", html)
    return re.sub(r"\s+", " ", html)


def links_outside(answer: Any) -> set[str]:
    """Addresses of this portal on a page, but for files and the pages of Acme as an owner sees them."""
    links = set(re.findall(r'(?:href|src|action|hx-get)="(/[^"]*)"', answer.content.decode()))
    return {each for each in links if not each.startswith((ACME, "/static/"))}


def ways_out(world: World) -> set[str]:
    return {
        f"/admin/tenants/company/{world.acme.pk}/change/",
        "/admin/tenants/company/view-as/?company=acme",
    }


# What is seen


@pytest.mark.parametrize("role", Role)
def test_staff_read_every_page_as_a_person_of_that_role_reads_it(
    world: World, signed_in: SignIn, role: Role
) -> None:
    person = factories.person(f"{role}@acme.example")
    factories.member(person, world.acme, role)
    ask(world)
    before = f"/admin/view-as/{role}/account"
    pages = list(client_pages(world))
    assert len(pages) >= 5
    with time_machine.travel(NOW, tick=False):
        own, seen = signed_in(person), signed_in(world.sam)
        for page in pages:
            theirs, ours = own.get(page), seen.get(before + page)
            assert ours.status_code == theirs.status_code, page
            if theirs.status_code == 200 and "/activity/" not in page:
                assert main_part(ours, before) == main_part(theirs), page


def test_a_report_and_a_statement_are_read_as_the_client_reads_them_and_every_link_stays_inside(
    world: World, signed_in: SignIn
) -> None:
    before, person = "/admin/view-as/owner/account", factories.person("olga@acme.example")
    factories.member(person, world.acme, Role.OWNER)
    pages = kept_pages(world)
    with time_machine.travel(reporting.NOW + timedelta(hours=1), tick=False):
        own, seen = signed_in(person), signed_in(world.sam)
        for page in pages:
            theirs, ours = own.get(page), seen.get(before + page)
            assert (theirs.status_code, ours.status_code) == (200, 200), page
            assert main_part(ours, before) == main_part(theirs), page
            assert links_outside(ours) == ways_out(world), page


def test_forms_are_shown_and_cannot_be_used(world: World, signed_in: SignIn) -> None:
    page = f"{ACME}incidents/{world.incident.reference}/post-mortem/"
    html = signed_in(world.sam).get(page).content.decode()
    assert "Send the request" in html
    assert '<fieldset class="form" disabled>' in html
    assert "csrfmiddlewaretoken" not in html
    assert 'method="post" action="/zone/"' not in html
    assert "Sign out" not in html


def test_a_banner_says_whose_eyes_these_are_and_every_link_stays_inside(
    world: World, signed_in: SignIn
) -> None:
    client = signed_in(world.sam)
    ask(world)
    for page in client_pages(world):
        answer = client.get(f"/admin/view-as/owner/account{page}")
        if answer.status_code == 405:
            continue  # an address that is only sent to
        assert "You see what an owner of Acme Stores sees" in answer.content.decode(), page
        assert links_outside(answer) == ways_out(world), page


def test_times_are_in_the_chosen_zone_whatever_the_cookie_says(world: World, signed_in: SignIn) -> None:
    client = signed_in(world.sam)
    client.cookies["portal_zone"] = "utc"
    assert b"Times are shown in Europe/Paris" in client.get(ACME).content
    tokyo = client.get("/admin/view-as/owner/Asia.Tokyo/acme/")
    assert b"Times are shown in Asia/Tokyo" in tokyo.content
    assert b"Times in Asia/Tokyo" in tokyo.content
    assert b"Times are shown in UTC" in client.get("/admin/view-as/owner/UTC/acme/").content


def test_nothing_of_a_visit_is_kept_for_the_client_or_the_other_way_round(
    world: World, signed_in: SignIn
) -> None:
    page = f"/acme/incidents/{world.incident.reference}/"
    sam, ada = signed_in(world.sam), signed_in(world.ada)
    with time_machine.travel(NOW, tick=False):
        assert b"/admin/view-as/owner/account/acme/" in sam.get(f"/admin/view-as/owner/account{page}").content
        own = ada.get(page)
        assert b"/admin/" not in own.content
        again = sam.get(f"/admin/view-as/owner/account{page}", headers={"If-None-Match": own["ETag"]})
    assert again.status_code == 200
    assert f'href="{page}'.encode() not in again.content


def test_an_open_incident_is_not_polled_by_who_only_looks(world: World, signed_in: SignIn) -> None:
    page = f"/acme/incidents/{world.incident.reference}/"
    assert b"htmx" in signed_in(world.ada).get(page).content.replace(b"htmx-config", b"")
    seen = signed_in(world.sam).get(f"/admin/view-as/owner/account{page}").content
    assert b"htmx.min.js" not in seen


# Who may


def test_who_is_not_staff_or_lacks_the_right_opens_nothing_and_leaves_nothing(
    world: World, signed_in: SignIn
) -> None:
    cast = route_cast.make(world, signed_in)
    for actor in (each for each in routes.ACTORS if each != "staff"):
        for address in (ACME, "/admin/view-as/owner/account/nobody/", f"{ACME}incidents/"):
            answer = cast.browsers[actor].get(address)
            expected = 302 if actor in routes.SIGNED_OUT else 404
            if actor in {"staff_bare", "staff_view"}:
                expected = 403
            assert answer.status_code == expected, (actor, address)
            assert b"Acme" not in answer.content
    assert visits() == []


@pytest.mark.parametrize(
    "address",
    [
        "/admin/view-as/owner/account/nobody/",
        "/admin/view-as/owner/account/admin/",
        "/admin/view-as/owner/account/companies/",
        "/admin/view-as/owner/account/accounts/login/",
        "/admin/view-as/owner/account/ACME/",
        "/admin/view-as/owner/account/acme%00/",
        "/admin/view-as/owner/account/acme/no/such/page/",
        "/admin/view-as/owner/account/acme//admin/",
        "/admin/view-as/owner/account/admin/view-as/owner/account/acme/",
        "/admin/view-as/owner/Mars.Olympus/acme/",
        "/admin/view-as/owner/..%2f/acme/",
        "/admin/view-as/admin/account/acme/",
        "/admin/view-as/OWNER/account/acme/",
        "/admin/view-as/owner/acme/",
    ],
)
def test_what_is_no_page_of_a_company_is_not_found_and_not_written_down(
    world: World, signed_in: SignIn, address: str
) -> None:
    assert signed_in(world.sam).get(address).status_code == 404
    assert visits() == []


@pytest.mark.parametrize(
    ("role", "page", "status"),
    [
        ("reader", "acme/activity/", 403),
        ("owner", "acme/incidents/INC-22222222/", 404),
        ("owner", "acme/no/such/page/", 404),
    ],
)
def test_a_page_that_is_refused_keeps_the_banner_and_the_way_out(
    world: World, signed_in: SignIn, role: str, page: str, status: int
) -> None:
    refused = signed_in(world.sam).get(f"/admin/view-as/{role}/account/{page}")
    words = refused.content.decode()
    assert refused.status_code == status
    assert "read-only.</strong>" in words
    assert f'<a class="viewed__leave" href="/admin/tenants/company/{world.acme.pk}/change/">' in words
    assert f'href="/admin/view-as/{role}/account/acme/">the overview</a>' in words
    assert 'href="/">your companies' not in words


def test_nobody_else_reads_of_a_visit_on_a_page_that_is_refused(world: World, signed_in: SignIn) -> None:
    with scope.as_staff():
        User.objects.filter(pk=world.sam.pk).update(is_superuser=False)
    for person in (world.sam, world.ada):
        refused = signed_in(person).get(f"{ACME}no/such/page/")
        assert refused.status_code in {403, 404}
        assert b"viewed__leave" not in refused.content
        assert world.acme.name.encode() not in refused.content
    assert b"viewed__leave" not in signed_in(world.ada).get("/acme/no/such/page/").content


def test_a_process_that_does_not_serve_staff_does_not_serve_it(world: World, signed_in: SignIn) -> None:
    client = signed_in(world.sam)
    with override_settings(DOORS=("client",)):
        assert client.get(ACME).status_code == 404
    with override_settings(DOORS=("staff",)):
        assert client.get(ACME).status_code == 200
        assert client.get("/acme/").status_code == 404
    assert len(visits()) == 1


def test_a_suspended_companys_pages_are_seen_and_the_banner_says_that_nobody_else_does(
    world: World, signed_in: SignIn
) -> None:
    with scope.as_staff():
        Company.objects.filter(pk=world.acme.pk).update(suspended_at=factories.STARTED_AT)
    assert signed_in(world.ada).get("/acme/").status_code == 404
    assert b"Access is suspended" in signed_in(world.sam).get(ACME).content


# Read-only


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete", "options"])
def test_nothing_is_sent_from_there(world: World, signed_in: SignIn, method: str) -> None:
    page = f"{ACME}incidents/{world.incident.reference}/post-mortem/"
    for client in (signed_in(world.sam), Client(enforce_csrf_checks=True)):
        client.force_login(world.sam)
        answer = getattr(client, method)(page, {"purpose": "As if I were Ada."})
        assert answer.status_code == 405
        assert answer["Allow"] == "GET, HEAD"
    with scope.as_staff():
        assert not PostMortemRequest.objects.exists()
    assert visits() == []


def test_a_page_is_read_as_the_client_in_a_transaction_that_cannot_write(
    world: World, signed_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    found: list[Any] = []

    def looking(**_asked: Any) -> Any:
        with connection.cursor() as cursor:
            cursor.execute(
                "select current_user, current_setting('portal.company_id'), "
                "current_setting('portal.user_id'), current_setting('transaction_read_only')"
            )
            found.append(cursor.fetchone())
        found.append(scope.required())
        AuditEvent.objects.create(
            company_id=world.acme.pk, actor_kind="portal", action="test.written", at=factories.STARTED_AT
        )

    monkeypatch.setattr(overviews, "overview", looking)
    client = signed_in(world.sam)
    client.raise_request_exception = False
    assert client.get(ACME).status_code == 500
    assert found == [
        ("portal_client", str(world.acme.pk), "", "on"),
        scope.Scope(company_id=world.acme.pk),
    ]
    assert get_script_prefix() == "/"
    with scope.as_staff():
        assert not AuditEvent.objects.filter(action="test.written").exists()


def test_a_visit_sets_no_cookie_and_is_nobody_elses_session(world: World, signed_in: SignIn) -> None:
    client = signed_in(world.sam)
    before = dict(client.cookies.items())
    for page in client_pages(world):
        answer = client.get(f"/admin/view-as/owner/account{page}")
        assert answer.cookies == {}
        assert answer["Cache-Control"] == "private, no-store"
    assert dict(client.cookies.items()) == before
    assert client.get("/acme/").status_code == 404
    assert client.get("/admin/").status_code == 200


# What it leaves behind


def test_every_opening_is_written_down_with_who_whom_as_what_and_which_page(
    world: World, signed_in: SignIn
) -> None:
    client = signed_in(world.sam)
    client.get("/admin/view-as/reader/account/acme/")
    client.get(f"/admin/view-as/manager/UTC/globex/incidents/{world.incident.reference}/")
    first, second = visits()
    assert first == {
        "action": "company.viewed_as_reader",
        "company__slug": "acme",
        "actor__email": world.sam.email,
        "actor_kind": "staff",
        "shown_name": "",
        "detail": {"role": "reader", "page": "<slug:company>/", "incident": ""},
    }
    assert (second["action"], second["company__slug"]) == ("company.viewed_as_manager", "globex")
    assert second["detail"]["incident"] == world.incident.reference


def test_it_stays_written_down_when_the_page_fails(
    committed: None, signed_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = make_world()
    client = signed_in(world.sam)
    client.raise_request_exception = False
    assert client.get(f"{ACME}incidents/INC-22222222/").status_code == 404

    def failing(**_asked: Any) -> HttpResponse:
        raise RuntimeError

    monkeypatch.setattr(overviews, "overview", failing)
    assert client.get(ACME).status_code == 500
    assert get_script_prefix() == "/"
    assert [each["detail"]["page"] for each in visits()] == [routes.INCIDENT, routes.OVERVIEW]


def test_a_page_that_cannot_be_written_down_is_not_shown(
    world: World, signed_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(*_positional: Any, **_named: Any) -> None:
        raise RuntimeError

    monkeypatch.setattr(audit, "record", failing)
    client = signed_in(world.sam)
    client.raise_request_exception = False
    answer = client.get(ACME)
    assert answer.status_code == 500
    assert b"Acme" not in answer.content
