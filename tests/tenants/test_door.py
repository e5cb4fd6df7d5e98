"""The door: who is let in at each request, and when a request leaves something behind."""

import functools
from collections.abc import Callable
from datetime import timedelta

import psycopg
import pytest
from django.conf import settings
from django.db import connection, transaction
from django.test import Client, override_settings
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from incidents.models import PostMortemRequest, Recovery
from tenants import door, scope
from tenants.models import AuditEvent, Company, Membership, Session, User
from tenants.permissions import Role
from tests import factories, services
from tests.conftest import World, make_world
from tests.tenants import door_pages
from tests.threads import at_once

SignIn = Callable[[User], Client]

behind_the_door = override_settings(ROOT_URLCONF="tests.tenants.door_pages")


@pytest.fixture
def real_world(committed: None) -> World:
    """The cast, committed: requests begin and end transactions as in production."""
    return make_world()


def key_of(client: Client) -> str:
    return client.cookies[settings.SESSION_COOKIE_NAME].value


def written() -> int:
    with scope.as_staff():
        return AuditEvent.objects.filter(action="test.written").count()


# Who is let in


def test_finding_a_member_and_entering_the_scope_is_one_statement(world: World, signed_in: SignIn) -> None:
    key = key_of(signed_in(world.ada))
    with CaptureQueriesContext(connection) as statements, transaction.atomic():
        entry = door.open_for_member(key, "acme", read_only=True)
    assert [each["sql"] for each in statements if "SAVEPOINT" not in each["sql"]] == [statements[1]["sql"]]
    assert entry is not None
    assert entry.scope == scope.Scope(company_id=world.acme.pk, user_id=world.ada.pk)


def test_the_member_found_is_the_person_as_stored(world: World, signed_in: SignIn) -> None:
    with scope.as_staff():
        User.objects.filter(pk=world.ada.pk).update(time_zone="Asia/Tokyo", last_login=factories.STARTED_AT)
        stored = User.objects.get(pk=world.ada.pk)
    with transaction.atomic():
        entry = door.open_for_member(key_of(signed_in(world.ada)), "acme", read_only=True)
    assert entry is not None
    columns = [field.attname for field in User._meta.concrete_fields if field.attname != "last_login"]
    assert {name: getattr(entry.user, name) for name in columns} == {
        name: getattr(stored, name) for name in columns
    }
    actor = entry.actor
    assert (actor.user_id, actor.name, actor.email) == (world.ada.pk, world.ada.name, "ada@acme.example")
    assert (actor.zone, actor.role, actor.is_staff) == ("Asia/Tokyo", Role.OWNER, False)
    assert actor.company is not None
    assert (actor.company.id, actor.company.slug, actor.company.name) == (
        world.acme.pk,
        "acme",
        "Acme Stores",
    )
    assert actor.company.consents_to_be_named is True
    assert [each.slug for each in actor.companies] == ["acme"]


def test_staff_found_are_no_superusers_by_accident(world: World, signed_in: SignIn) -> None:
    plain = factories.person("tom@vendor.example", is_staff=True)
    with scope.as_staff():
        User.objects.filter(pk=plain.pk).update(is_superuser=False)
    with transaction.atomic():
        entry = door.open_for_staff(key_of(signed_in(plain)))
    assert entry is not None
    assert (entry.user.is_staff, entry.user.is_superuser, entry.user.is_active) == (True, False, True)
    assert entry.user.email == "tom@vendor.example"
    assert entry.scope.is_staff


def test_a_person_of_two_companies_opens_both_and_the_address_decides(
    world: World, signed_in: SignIn
) -> None:
    factories.member(world.ada, world.globex, Role.READER)
    client = signed_in(world.ada)
    own, other = client.get("/acme/"), client.get("/globex/")
    assert (own.status_code, other.status_code) == (200, 200)
    post = f"/{{}}/incidents/{world.incident.reference}/post-mortem/"
    assert client.post(post.format("globex"), {"purpose": "Please"}).status_code == 403
    assert client.post(post.format("acme"), {"purpose": "Please"}).status_code == 302
    with scope.as_staff():
        assert [each.company_id for each in PostMortemRequest.objects.all()] == [world.acme.pk]


def test_a_company_named_in_a_header_a_query_or_a_form_changes_nothing(
    world: World, signed_in: SignIn
) -> None:
    client = signed_in(world.ada)
    client.cookies["company"] = "globex"
    response = client.get(
        "/acme/?company=globex&company_id=" + str(world.globex.pk), headers={"X-Company": "globex"}
    )
    assert response.status_code == 200
    assert b"Globex" not in response.content
    client.post(
        f"/acme/incidents/{world.incident.reference}/post-mortem/",
        {"purpose": "Mine", "company": str(world.globex.pk), "company_id": str(world.globex.pk)},
    )
    with scope.as_staff():
        assert [each.company_id for each in PostMortemRequest.objects.all()] == [world.acme.pk]


# Access ends at the next request


def remove_member(world: World) -> None:
    Membership.objects.filter(user=world.ada).delete()


def suspend_company(world: World) -> None:
    Company.objects.filter(pk=world.acme.pk).update(suspended_at=timezone.now())


def disable_person(world: World) -> None:
    User.objects.filter(pk=world.ada.pk).update(is_active=False)


def change_password(world: World) -> None:
    world.ada.set_password("a brand new pass phrase")
    world.ada.save()


def end_session(world: World) -> None:
    Session.objects.filter(user=world.ada).update(expire_date=timezone.now() - timedelta(seconds=1))


def delete_session(world: World) -> None:
    Session.objects.filter(user=world.ada).delete()


def make_staff(world: World) -> None:
    User.objects.filter(pk=world.ada.pk).update(is_staff=True)


def give_session_to_another(world: World) -> None:
    Session.objects.filter(user=world.ada).update(user=world.bea)


def spoil_session(world: World) -> None:
    Session.objects.filter(user=world.ada).update(session_data="unsigned")


@pytest.mark.parametrize(
    ("change", "status"),
    [
        (remove_member, 404),
        (suspend_company, 404),
        (make_staff, 404),
        (disable_person, 302),
        (change_password, 302),
        (end_session, 302),
        (delete_session, 302),
        (give_session_to_another, 302),
        (spoil_session, 302),
    ],
)
@pytest.mark.parametrize("method", ["get", "post"])
def test_access_ends_at_the_next_request(
    world: World, signed_in: SignIn, change: Callable[[World], None], status: int, method: str
) -> None:
    path = f"/acme/incidents/{world.incident.reference}/post-mortem/"
    client = signed_in(world.ada)
    client.raise_request_exception = False
    assert client.get(path).status_code == 200
    with scope.as_staff():
        change(world)
    response = getattr(client, method)(path, {"purpose": "Still here?"})
    assert response.status_code == status
    assert b"Acme" not in response.content
    if status == 302:
        assert response["Location"].startswith("/accounts/login/?next=/acme/")
    with scope.as_staff():
        assert PostMortemRequest.objects.count() == 0


def test_after_a_changed_password_one_can_sign_in_again(world: World, signed_in: SignIn) -> None:
    client = signed_in(world.ada)
    with scope.as_staff():
        change_password(world)
    assert client.get("/acme/").status_code == 302
    response = client.post(
        "/accounts/login/", {"login": "ada@acme.example", "password": "a brand new pass phrase"}
    )
    assert response.status_code == 302, response.content
    assert client.get("/acme/").status_code == 200


def test_a_lowered_role_holds_at_the_next_request(world: World, signed_in: SignIn) -> None:
    client = signed_in(world.ada)
    with scope.as_staff():
        Membership.objects.filter(user=world.ada).update(role=Role.READER)
    response = client.post(f"/acme/incidents/{world.incident.reference}/post-mortem/", {"purpose": "Please"})
    assert response.status_code == 403
    with scope.as_staff():
        assert PostMortemRequest.objects.count() == 0


def test_the_cookie_of_a_browser_that_signed_out_is_worth_nothing(world: World) -> None:
    client = Client()
    client.post("/accounts/login/", {"login": "ada@acme.example", "password": factories.PASSWORD})
    assert client.get("/acme/").status_code == 200
    replayed = Client()
    replayed.cookies[settings.SESSION_COOKIE_NAME] = key_of(client)
    assert replayed.get("/acme/").status_code == 200
    assert client.post("/accounts/logout/").status_code == 302
    assert replayed.get("/acme/").status_code == 302
    assert replayed.get("/acme/")["Location"] == "/accounts/login/?next=/acme/"


def test_signing_in_gives_a_new_key_whatever_the_browser_brought(world: World) -> None:
    client = Client()
    client.cookies[settings.SESSION_COOKIE_NAME] = "f" * 32
    client.post("/accounts/login/", {"login": "ada@acme.example", "password": factories.PASSWORD})
    assert key_of(client) != "f" * 32
    assert client.get("/acme/").status_code == 200


# What a request leaves behind


@behind_the_door
@pytest.mark.parametrize("status", [200, 204, 302, 400, 403, 404, 409, 422, 500, 503])
def test_a_post_is_kept_unless_its_answer_is_400_or_above(
    real_world: World, signed_in: SignIn, status: int
) -> None:
    response = signed_in(real_world.ada).post(f"/acme/answers/{status}/")
    assert response.status_code == status
    assert written() == (1 if status < 400 else 0)


@behind_the_door
@pytest.mark.parametrize("page", ["fails", "fails-late"])
def test_a_fault_answers_500_with_a_reference_and_leaves_nothing(
    real_world: World, signed_in: SignIn, page: str
) -> None:
    client = signed_in(real_world.ada)
    client.raise_request_exception = False
    response = client.post(f"/acme/{page}/")
    assert response.status_code == 500
    assert response["X-Request-ID"].encode() in response.content
    assert b"secret words" not in response.content
    assert b"Traceback" not in response.content
    assert written() == 0


@behind_the_door
@pytest.mark.parametrize(("method", "status", "rows"), [("get", 500, 0), ("head", 500, 0), ("post", 200, 1)])
def test_reading_methods_cannot_write(
    real_world: World, signed_in: SignIn, method: str, status: int, rows: int
) -> None:
    client = signed_in(real_world.ada)
    client.raise_request_exception = False
    assert getattr(client, method)("/acme/answers/200/").status_code == status
    assert written() == rows


@behind_the_door
def test_a_client_request_is_the_client_role_of_one_company_and_reads_only(
    world: World, signed_in: SignIn
) -> None:
    client = signed_in(world.ada)
    reading = client.get("/acme/who/").content.decode().split("|")
    assert reading[:3] == ["portal_client", str(world.acme.pk), "on"]


@behind_the_door
def test_what_a_column_grant_hides_stays_hidden_and_the_request_goes_on(
    world: World, signed_in: SignIn
) -> None:
    assert signed_in(world.ada).get("/acme/hides/").content == b"ProgrammingError"


@behind_the_door
def test_a_page_renders_inside_its_scope_even_late(real_world: World, signed_in: SignIn) -> None:
    response = signed_in(real_world.ada).get("/acme/late/")
    assert response.content.decode().split() == [str(real_world.acme.pk)]


@behind_the_door
def test_a_streamed_answer_is_refused(real_world: World, signed_in: SignIn) -> None:
    client = signed_in(real_world.ada)
    client.raise_request_exception = False
    response = client.get("/acme/streams/")
    assert response.status_code == 500
    assert str(real_world.acme.pk).encode() not in response.content


@behind_the_door
def test_after_the_commit_no_scope_is_in_force(real_world: World, signed_in: SignIn) -> None:
    door_pages.SEEN.clear()
    assert signed_in(real_world.ada).post("/acme/commits/").status_code == 200
    assert door_pages.SEEN == [None]
    assert scope.current() is None
    with connection.cursor() as cursor:
        cursor.execute("select current_user, current_setting('portal.company_id', true)")
        assert cursor.fetchone() == ("portal_login", "")


@behind_the_door
def test_a_visitor_reads_no_business_table(real_world: World) -> None:
    client = Client(raise_request_exception=False)
    assert client.get("/accounts/visitor-reads/").status_code == 500


@behind_the_door
@pytest.mark.parametrize(("status", "rows"), [(200, 1), (400, 0), (500, 0)])
def test_a_visitors_request_is_held_to_the_same_rule(committed: None, status: int, rows: int) -> None:
    assert Client().post(f"/accounts/visitor-answers/{status}/").status_code == status
    assert Session.objects.filter(session_key="written").count() == rows


# Connections and plans


@behind_the_door
def test_a_connection_that_the_server_ended_is_replaced_and_nobody_notices(
    real_world: World, signed_in: SignIn
) -> None:
    client = signed_in(real_world.ada)
    first = client.get("/acme/who/").content.decode().split("|")[-1]
    with psycopg.connect(services.admin_url("postgres"), autocommit=True) as administrator:
        administrator.execute("select pg_terminate_backend(%s, 5000)", [int(first)])
    response = client.get("/acme/who/")
    assert response.status_code == 200
    role, company, _read_only, second = response.content.decode().split("|")
    assert (role, company) == ("portal_client", str(real_world.acme.pk))
    assert second != first


def test_a_kept_plan_of_one_company_never_answers_another(real_world: World) -> None:
    """The server keeps plans of statements that repeat; a plan depends on the role and the company."""
    statement = "select company_id from incidents_recovery order by company_id"
    for _ in range(12):
        for company in (real_world.acme, real_world.globex):
            with scope.as_company(company.pk), connection.cursor() as cursor:
                cursor.execute(statement)
                assert cursor.fetchall() == [(company.pk,)]
        with scope.as_staff(), connection.cursor() as cursor:
            cursor.execute(statement)
            assert cursor.fetchall() == sorted([(real_world.acme.pk,), (real_world.globex.pk,)])
        with (
            pytest.raises(Exception, match="permission denied"),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(statement)


def test_companies_at_once_in_many_threads_never_mix(real_world: World) -> None:
    def read(company: Company) -> None:
        for _ in range(25):
            with scope.as_company(company.pk):
                assert [each.company_id for each in Recovery.objects.all()] == [company.pk]

    readers = [functools.partial(read, company) for company in (real_world.acme, real_world.globex)]
    assert at_once(*readers * 4) == [None] * 8


def test_what_is_not_found_does_not_cost_others_the_plans_that_the_server_keeps(
    real_world: World, signed_in: SignIn
) -> None:
    """Everybody's requests share the connections, so a flood of wrong addresses would slow them all."""

    def kept() -> int:
        with connection.cursor() as cursor:
            cursor.execute("select count(*) from pg_prepared_statements")
            return int(cursor.fetchone()[0])

    ada, gus = signed_in(real_world.ada), signed_in(real_world.gus)
    page = f"/acme/incidents/{real_world.incident.reference}/"
    for _ in range(4):
        assert ada.get(page).status_code == 200
    before = kept()
    assert before >= 2
    assert gus.get(page).status_code == 404
    assert ada.get("/acme/incidents/INC-22222222/").status_code == 404
    assert kept() >= before
