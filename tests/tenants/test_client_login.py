"""A client-facing process whose login cannot become staff: what clients do works, what staff do does not."""

import os
import re
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import psycopg
import pytest
from allauth.account.models import EmailAddress
from django.db import ProgrammingError, connection, transaction
from django.test import Client, override_settings
from pytest_django import Settings

from incidents.models import PostMortemRequest
from tenants import door, mail, rls, scope, walls
from tenants.models import OutgoingMail, Session, User
from tests import factories, services
from tests.conftest import World, make_world
from tests.tenants import wires
from tests.tenants.logins import Browser, logged_in_as

SignIn = Callable[[User], Client]

FRESH = "a fresh and longer passphrase"
WAYS_TO_MORE = (
    "set role portal_staff",
    "set local role portal_staff",
    "select set_config('role', 'portal_staff', true)",
    "set role portal_owner",
    "set role portal_login",
    "set role portal_visitor",
    "set session authorization portal_staff",
    "set session authorization portal_login",
    "grant portal_staff to portal_client_login",
    "alter role portal_client_login createrole",
    "alter role portal_login password 'taken'",
    "create role another",
    "set session_replication_role = replica",
)


@pytest.fixture
def real_world(committed: None, settings: Settings) -> World:
    """The cast, committed, for a process that serves clients alone."""
    settings.DOORS = ["client"]
    return make_world()


def reset_link() -> str:
    with scope.as_staff():
        mail = OutgoingMail.objects.get(to_address="ada@acme.example")
    found = re.search(r"https?://[^/\s]+(\S+)", mail.body_text)
    assert found
    return found[1]


def stored(email: str) -> User:
    with scope.as_staff():
        return User.objects.get(email=email)


def affected(statement: str, *values: UUID) -> int:
    """How many rows the statement would change; it is taken back."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement, values)
        transaction.set_rollback(True)
        return int(cursor.rowcount)


# What the login cannot do


def test_the_login_can_become_nothing_but_a_client(real_world: World) -> None:
    with logged_in_as(rls.CLIENT_LOGIN):
        for statement in WAYS_TO_MORE:
            with (
                pytest.raises(ProgrammingError, match="permission denied"),
                transaction.atomic(),
                connection.cursor() as cursor,
            ):
                cursor.execute(statement)
            with (
                pytest.raises(ProgrammingError, match="permission denied"),
                scope.as_company(real_world.acme.pk),
                connection.cursor() as cursor,
            ):
                cursor.execute(statement)
        with connection.cursor() as cursor:
            cursor.execute("select session_user, current_user, current_setting('role')")
            assert cursor.fetchone() == (rls.CLIENT_LOGIN, rls.CLIENT_LOGIN, "none")


def test_the_staff_scope_is_refused_and_nothing_is_left_of_it(real_world: World, signed_in: SignIn) -> None:
    key = signed_in(real_world.sam).cookies["portal_session"].value
    with logged_in_as(rls.CLIENT_LOGIN):
        with (
            pytest.raises(ProgrammingError, match='permission denied to set role "portal_staff"'),
            scope.as_staff(),
        ):
            pytest.fail("the staff scope was entered")
        assert scope.current() is None
        with transaction.atomic():
            assert door.open_for_staff(key) is None
        with connection.cursor() as cursor:
            cursor.execute("select current_user, current_setting('role')")
            assert cursor.fetchone() == (rls.CLIENT_LOGIN, "none")


def test_what_only_staff_read_is_denied_before_and_behind_the_door(real_world: World) -> None:
    hidden = [name for name, access in walls.declared().items() if access.kind == "staff-only"]
    business = [name for name, access in walls.declared().items() if access.kind != "identity"]
    assert hidden
    with logged_in_as(rls.CLIENT_LOGIN):
        for table in [name for name in business if not _is_for_visitors(name)]:
            with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
                _count(table)
        for table in hidden:
            with (
                pytest.raises(ProgrammingError, match="permission denied"),
                scope.as_company(real_world.acme.pk),
            ):
                _count(table)
        with scope.as_company(real_world.acme.pk):
            assert _count("incidents_recovery") == 1


def _is_for_visitors(table: str) -> bool:
    return any(rule.role == rls.VISITOR for rule in walls.declared()[table].rules)


def _count(table: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(f'select count(*) from "{table}"')
        return int(cursor.fetchone()[0])


# Staff are nobody to it: their sign-ins and passwords would open staff's door in the other process


def test_people_of_staff_their_sign_ins_and_addresses_do_not_exist_for_it(
    real_world: World, signed_in: SignIn
) -> None:
    sam = real_world.sam
    signed_in(sam)
    adas = signed_in(real_world.ada).cookies["portal_session"].value
    with scope.as_staff():
        EmailAddress.objects.create(user=sam, email=sam.email, primary=True, verified=True)
    assert {person.email for person in User.objects.all()} > {sam.email}
    with logged_in_as(rls.CLIENT_LOGIN):
        assert {person.email for person in User.objects.all()} == {
            "ada@acme.example",
            "bea@acme.example",
            "gus@globex.example",
        }
        assert [each.session_key for each in Session.objects.all()] == [adas]
        assert not EmailAddress.objects.exists()
        # Without a condition, so that nothing but the policy of the command itself is asked.
        assert affected("update tenants_user set password = 'taken'") == 3
        assert affected("delete from tenants_session") == 1
        assert affected("delete from account_emailaddress") == 0
        for statement in (
            "update tenants_session set user_id = %s",
            "insert into tenants_session values (repeat('a', 32), '', now(), %s)",
            (
                'insert into account_emailaddress (email, verified, "primary", user_id) '
                "values ('taken@elsewhere.example', true, false, %s)"
            ),
        ):
            with pytest.raises(ProgrammingError, match="violates row-level security"):
                affected(statement, sam.pk)
    assert stored(sam.email).check_password(factories.PASSWORD)
    assert Session.objects.count() == 2


def test_a_person_of_staff_signs_in_there_like_somebody_unknown(real_world: World, signed_in: SignIn) -> None:
    known = signed_in(real_world.sam)
    with logged_in_as(rls.CLIENT_LOGIN):
        told = []
        for email in (real_world.sam.email, "nobody@vendor.example"):
            form = {"login": email, "password": factories.PASSWORD}
            entered = Client().post("/accounts/login/", form)
            forgot = Client().post("/accounts/password/reset/", {"email": email})
            told.append((entered.status_code, entered.context["form"].errors.as_json(), forgot["Location"]))
        assert told[0] == told[1]
        assert known.get("/")["Location"] == "/accounts/login/?next=/"
        assert known.get("/acme/")["Location"] == "/accounts/login/?next=/acme/"
    with scope.as_staff():
        assert set(OutgoingMail.objects.values_list("to_address", flat=True)) == {mail.NOBODY}


# What clients do


def test_a_client_does_everything_with_it_from_signing_in_to_signing_out(real_world: World) -> None:
    incident = f"/acme/incidents/{real_world.incident.reference}/"
    ada, bea = Client(), Client()
    with logged_in_as(rls.CLIENT_LOGIN):
        came = ada.post(
            "/accounts/login/", {"login": "ada@acme.example", "password": factories.PASSWORD}, follow=True
        )
        assert [path for path, _ in came.redirect_chain] == ["/", "/acme/"]
        for path in (
            "/acme/",
            "/acme/incidents/",
            incident,
            f"{incident}post-mortem/",
            "/accounts/password/change/",
        ):
            assert ada.get(path).status_code == 200, path
        live = ada.get(incident, headers={"HX-Request": "true"})
        again = ada.get(incident, headers={"HX-Request": "true", "If-None-Match": live["ETag"]})
        assert (live.status_code, again.status_code) == (200, 304)
        assert ada.post("/zone/", {"zone": "utc", "next": incident})["Location"] == incident
        sent = ada.post(f"{incident}post-mortem/", {"purpose": "for our own clients"}, follow=True)
        assert b"Request sent" in sent.content

        bea.force_login(real_world.bea)
        assert bea.post(f"{incident}post-mortem/", {"purpose": "too"}).status_code == 403
        assert ada.post(f"{incident}post-mortem/", {"purpose": "x" * 5000}).status_code == 422
        assert ada.get("/globex/").status_code == 404
        assert ada.put(incident).status_code == 405

        changed = {"oldpassword": factories.PASSWORD, "password1": FRESH, "password2": FRESH}
        assert ada.post("/accounts/password/change/", changed).status_code == 302
        assert ada.get("/acme/").status_code == 200
        assert ada.post("/accounts/logout/").status_code == 302
        assert ada.get("/acme/")["Location"].startswith("/accounts/login/")
    with scope.as_staff():
        assert PostMortemRequest.objects.get().requested_by_name == real_world.ada.name
        assert not Session.objects.filter(user=real_world.ada).exists()
    person = stored("ada@acme.example")
    assert person.check_password(FRESH)
    assert person.last_login is not None


def test_a_forgotten_password_is_set_anew_through_the_outbox(real_world: World) -> None:
    client = Client()
    with logged_in_as(rls.CLIENT_LOGIN):
        told = [
            client.post("/accounts/password/reset/", {"email": email})["Location"]
            for email in ("ada@acme.example", "nobody@acme.example")
        ]
    assert told == ["/accounts/password/reset/done/"] * 2
    link = reset_link()
    with logged_in_as(rls.CLIENT_LOGIN):
        form = client.get(link, follow=True)
        path = form.redirect_chain[-1][0]
        done = client.post(path, {"password1": FRESH, "password2": FRESH}, follow=True)
        assert done.status_code == 200
        entered = Client().post("/accounts/login/", {"login": "ada@acme.example", "password": FRESH})
        assert entered.status_code == 302
    assert stored("ada@acme.example").check_password(FRESH)


def test_guessing_is_stopped_after_ten_tries(real_world: World) -> None:
    tried = {"login": "ada@acme.example", "password": "wrong and long enough"}
    with logged_in_as(rls.CLIENT_LOGIN):
        for _ in range(10):
            assert Client().post("/accounts/login/", tried).status_code == 200
        stopped = Client().post("/accounts/login/", tried | {"password": factories.PASSWORD})
    assert stopped.status_code == 200
    assert b"Too many failed" in stopped.content
    assert stored("ada@acme.example").last_login is None


@override_settings(ROOT_URLCONF="tests.tenants.door_pages")
def test_a_page_that_fails_is_an_error_page_and_leaves_nothing(real_world: World) -> None:
    client = Client(raise_request_exception=False)
    client.force_login(real_world.ada)
    with logged_in_as(rls.CLIENT_LOGIN):
        answer = client.post("/acme/fails/")
        assert answer.status_code == 500
        assert b"secret words" not in answer.content
        assert client.get("/acme/who/").status_code == 200


def test_health_answers_and_the_walls_stand(real_world: World) -> None:
    with logged_in_as(rls.CLIENT_LOGIN):
        assert Client().get("/health/live").status_code == 200
        assert Client().get("/health/ready").status_code == 200
        assert walls.weaknesses() == ()


# Two real processes


def test_two_processes_of_the_same_code_serve_a_door_each(committed: None, tmp_path: Path) -> None:
    world = make_world()
    incident = f"/acme/incidents/{world.incident.reference}/"
    (tmp_path / "clients").mkdir()
    (tmp_path / "staff").mkdir()
    common = {"DJANGO_SETTINGS_MODULE": "portal.settings"}
    with (
        wires.granian(
            tmp_path / "clients",
            threads=2,
            DOORS="client",
            DATABASE_URL=services.as_client_login(os.environ["DATABASE_URL"]),
            PGAPPNAME="for clients",
            **common,
        ) as for_clients,
        wires.granian(
            tmp_path / "staff", threads=2, DOORS="staff", PGAPPNAME="for staff", **common
        ) as for_staff,
    ):
        ada, sam = Browser(for_clients), Browser(for_staff)
        assert ada.sign_in("ada@acme.example", factories.PASSWORD).path == "/acme/"
        assert ada.get(incident).status == 200
        assert ada.send(f"{incident}post-mortem/", purpose="for our own clients").status == 200
        assert sam.sign_in("sam@vendor.example", factories.PASSWORD).path == "/admin/"
        assert sam.get("/admin/incidents/postmortemrequest/").text.count("Acme Stores") >= 1

        for browser, other in ((ada, "/admin/"), (sam, "/acme/"), (sam, incident)):
            closed, unknown = browser.get(other), browser.get("/_/")
            assert (closed.status, closed.path) == (404, other)
            assert closed.text_without_reference == unknown.text_without_reference
        assert _logins("for clients") == {rls.CLIENT_LOGIN}
        assert _logins("for staff") == {rls.LOGIN}
    with scope.as_staff():
        assert PostMortemRequest.objects.count() == 1


def _logins(application: str) -> set[str]:
    with psycopg.connect(services.admin_url(os.environ["PORTAL_TEST_DATABASE"])) as superuser:
        found = superuser.execute(
            "select usename from pg_stat_activity where application_name = %s", [application]
        )
        return {login for (login,) in found}
