"""A poll that finds nothing new: one round trip, the same answer as the long way, nothing left behind."""

import os
from collections.abc import Callable

import psycopg
import pytest
from django.conf import settings
from django.db import InternalError, connection, transaction
from django.http.response import HttpResponseBase
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import resolve, reverse
from django.utils import timezone

from incidents.choices import CompanyState
from incidents.models import PostMortemRequest
from incidents.queries import versions
from portal.web import polls
from tenants import door, scope
from tenants.models import Company, Membership, Session, User
from tests import factories, services
from tests.conftest import World, make_world

SignIn = Callable[[User], Client]

POLL = {"HX-Request": "true"}
SCOPE_OF_CONNECTION = (
    "select current_user::text, coalesce(current_setting('portal.company_id', true), ''), "
    "current_setting('transaction_read_only')"
)

INSERT_REQUEST = """
insert into incidents_postmortemrequest
    (company_id, incident_id, state, requested_by_name, purpose, requested_at, answer_due_at, decline_reason)
values (%s, %s, 'requested', '', '', now(), now(), '') returning id
"""


@pytest.fixture
def still(committed: None) -> World:
    """The cast, committed; everybody is restored and it is announced, so that no minute counts."""
    world = make_world()
    factories.restore([world.acme, world.globex], world.incident, minutes=30)
    factories.resolve(world.incident, by=world.sam, now=timezone.now())
    return world


def path(world: World, company: str = "acme") -> str:
    return f"/{company}/incidents/{world.incident.reference}/"


def validator(world: World, client: Client, company: str = "acme") -> str:
    return str(client.get(path(world, company), headers=POLL)["ETag"])


def told(response: HttpResponseBase) -> tuple[int, dict[str, str]]:
    headers = {name: value for name, value in response.headers.items() if name != "X-Request-ID"}
    headers["Vary"] = ", ".join(sorted(headers.get("Vary", "").split(", ")))
    return response.status_code, headers


def both_ways(
    client: Client, address: str, etag: str
) -> tuple[tuple[int, dict[str, str]], tuple[int, dict[str, str]]]:
    """What is told to a poll, and what it is told when the short way is closed by a transaction."""
    headers = POLL | {"If-None-Match": etag}
    short = told(client.get(address, headers=headers))
    with transaction.atomic():
        return short, told(client.get(address, headers=headers))


def in_scope_of_connection() -> tuple[str, str, str]:
    with connection.cursor() as cursor:
        cursor.execute(SCOPE_OF_CONNECTION)
        row: tuple[str, str, str] = cursor.fetchone()
    return row


def test_the_pattern_is_the_address_of_the_page_that_asks() -> None:
    address = reverse("web:incident", args=["acme", "INC-2F8KQ4ZT"])
    found = polls.POLLED.fullmatch(address)
    assert found
    assert found.groupdict() == resolve(address).kwargs


def test_nothing_new_is_two_statements_and_no_transaction_of_ours(still: World, signed_in: SignIn) -> None:
    client = signed_in(still.ada)
    headers = POLL | {"If-None-Match": validator(still, client)}
    with CaptureQueriesContext(connection) as captured:
        response = client.get(path(still), headers=headers)
    assert (response.status_code, response.content) == (304, b"")
    assert len(captured) == 2, [each["sql"] for each in captured]


def test_the_short_answer_is_the_one_of_the_long_way(still: World, signed_in: SignIn) -> None:
    client = signed_in(still.ada)
    short, long = both_ways(client, path(still), validator(still, client))
    assert short == long
    assert short[0] == 304


def test_nothing_of_the_scope_is_left_on_the_connection(still: World, signed_in: SignIn) -> None:
    client = signed_in(still.ada)
    headers = POLL | {"If-None-Match": validator(still, client)}
    for _ in range(5):  # the server keeps the statements' plans from the third time on
        assert client.get(path(still), headers=headers).status_code == 304
        assert in_scope_of_connection() == ("portal_login", "", "off")
        assert scope.current() is None


def test_each_company_is_answered_for_itself_in_turn(still: World, signed_in: SignIn) -> None:
    ada, gus = signed_in(still.ada), signed_in(still.gus)
    of_acme, of_globex = validator(still, ada), validator(still, gus, "globex")
    assert of_acme != of_globex
    for _ in range(4):
        for client, company, own, foreign in (
            (ada, "acme", of_acme, of_globex),
            (gus, "globex", of_globex, of_acme),
        ):
            unchanged = client.get(path(still, company), headers=POLL | {"If-None-Match": own})
            other = client.get(path(still, company), headers=POLL | {"If-None-Match": foreign})
            assert (unchanged.status_code, unchanged["ETag"]) == (304, own)
            assert (other.status_code, other["ETag"]) == (200, own)


def test_a_change_is_sent_at_the_next_poll(still: World, signed_in: SignIn) -> None:
    client = signed_in(still.ada)
    before = validator(still, client)
    factories.restore(still.acme, still.incident, minutes=40, state=CompanyState.OUTAGE)
    response = client.get(path(still), headers=POLL | {"If-None-Match": before})
    assert (response.status_code, response["ETag"] != before) == (200, True)


def end_session(world: World) -> None:
    with transaction.atomic():
        Session.objects.filter(user=world.ada).delete()


def change_password(world: World) -> None:
    with scope.as_staff():
        User.objects.filter(pk=world.ada.pk).update(password=world.ada.password + "other")


def disable(world: World) -> None:
    with scope.as_staff():
        User.objects.filter(pk=world.ada.pk).update(is_active=False)


def remove(world: World) -> None:
    with scope.as_staff():
        Membership.objects.filter(user=world.ada).delete()


def suspend(world: World) -> None:
    with scope.as_staff():
        Company.objects.filter(pk=world.acme.pk).update(suspended_at=timezone.now())


@pytest.mark.parametrize("end", [end_session, change_password, disable, remove, suspend])
@pytest.mark.parametrize("star", [False, True])
def test_who_may_no_longer_come_in_is_not_told_unchanged(
    still: World, signed_in: SignIn, end: Callable[[World], None], star: bool
) -> None:
    client = signed_in(still.ada)
    etag = validator(still, client)
    end(still)
    short, long = both_ways(client, path(still), "*" if star else etag)
    assert short == long
    assert short[0] in {302, 404}


@pytest.mark.parametrize("who", ["gus", "sam"])
def test_strangers_and_staff_are_not_told_unchanged(still: World, signed_in: SignIn, who: str) -> None:
    own = validator(still, signed_in(still.ada))
    client = signed_in(getattr(still, who))
    for etag in (own, "*"):
        short, long = both_ways(client, path(still), etag)
        assert short == long
        assert short[0] == 404


def test_a_reference_that_is_not_ones_own_is_a_404_with_any_validator(
    still: World, signed_in: SignIn
) -> None:
    payments = factories.component("Payment Processing", "NA")
    factories.place(still.globex, payments)
    foreign = factories.incident(payments)
    draft = factories.draft(still.api)
    client = signed_in(still.ada)
    for reference in (foreign.reference, draft.reference, "INC-22222222"):
        short, long = both_ways(client, f"/acme/incidents/{reference}/", "*")
        assert short == long
        assert short[0] == 404


def test_a_connection_that_the_server_has_dropped_is_replaced(still: World, signed_in: SignIn) -> None:
    client = signed_in(still.ada)
    headers = POLL | {"If-None-Match": validator(still, client)}
    with psycopg.connect(services.admin_url(os.environ["PORTAL_TEST_DATABASE"]), autocommit=True) as admin:
        admin.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity "
            "where usename = 'portal_login' and datname = current_database()"
        )
    assert client.get(path(still), headers=headers).status_code == 304
    assert client.get(path(still), headers=headers).status_code == 304


def key(client: Client) -> str:
    return client.cookies[settings.SESSION_COOKIE_NAME].value


def test_the_question_is_asked_by_the_client_and_cannot_write(still: World, signed_in: SignIn) -> None:
    of_ada = key(signed_in(still.ada))
    found = door.ask_as_member(of_ada, "acme", SCOPE_OF_CONNECTION, [])
    assert found
    assert found[1] == ("portal_client", str(still.acme.pk), "on")
    seen = door.ask_as_member(of_ada, "acme", "select array_agg(company_id) from incidents_recovery", [])
    assert seen
    assert seen[1] == ([still.acme.pk],)
    with pytest.raises(InternalError, match="read-only"):
        door.ask_as_member(
            of_ada,
            "acme",
            INSERT_REQUEST,
            [still.acme.pk, still.incident.pk],
        )
    with scope.as_staff():
        assert PostMortemRequest.objects.count() == 0
    assert in_scope_of_connection() == ("portal_login", "", "off")


def test_inside_a_transaction_and_without_a_key_nothing_is_asked(still: World, signed_in: SignIn) -> None:
    of_ada = key(signed_in(still.ada))
    reference = [still.incident.reference]
    assert door.ask_as_member(of_ada, "acme", versions.VERSION, reference)
    for wrong in ("", "x", of_ada + "0", "' or 1=1 --".ljust(32), "a" * 32):
        assert door.ask_as_member(wrong, "acme", versions.VERSION, reference) is None
    assert door.ask_as_member(of_ada, "globex", versions.VERSION, reference) is None
    with transaction.atomic():
        assert door.ask_as_member(of_ada, "acme", versions.VERSION, reference) is None
