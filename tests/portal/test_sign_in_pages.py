"""Signing in, and which of the library's pages are there at all."""

from collections.abc import Callable

import pytest
from django.test import Client

from tenants.models import User
from tests import factories
from tests.conftest import World

SignIn = Callable[[User], Client]


@pytest.mark.parametrize(
    "path", ["login/", "password/reset/", "password/reset/done/", "signup/", "inactive/"]
)
def test_who_is_not_signed_in_opens_the_sign_in_pages(db: None, path: str) -> None:
    assert Client().get(f"/accounts/{path}").status_code == 200


def test_a_member_changes_the_password_and_stays_signed_in(world: World, signed_in: SignIn) -> None:
    client = signed_in(world.ada)
    assert client.get("/accounts/password/change/").status_code == 200
    fresh = "a fresh and longer passphrase"
    client.post(
        "/accounts/password/change/",
        {"oldpassword": factories.PASSWORD, "password1": fresh, "password2": fresh},
    )
    world.ada.refresh_from_db()
    assert world.ada.check_password(fresh)
    assert client.get("/acme/").status_code == 200


@pytest.mark.parametrize("path", ["email/", "confirm-email/", "password/set/", "login/code/"])
def test_nobody_changes_the_address_they_sign_in_with(world: World, signed_in: SignIn, path: str) -> None:
    assert signed_in(world.ada).get(f"/accounts/{path}").status_code == 404


def test_the_sign_up_page_makes_no_account(db: None) -> None:
    secret = "a fresh and longer passphrase"
    Client().post("/accounts/signup/", {"email": "new@acme.example", "password1": secret})
    assert not User.objects.filter(email="new@acme.example").exists()


def test_signing_in_with_the_right_password_opens_the_only_company(world: World) -> None:
    client = Client()
    answer = client.post(
        "/accounts/login/", {"login": "ada@acme.example", "password": factories.PASSWORD}, follow=True
    )
    assert answer.redirect_chain[-1][0] == "/acme/"
    assert b"Acme Stores" in answer.content


def test_a_wrong_password_and_an_unknown_address_get_the_same_words(world: World) -> None:
    answers = []
    for login in ("ada@acme.example", "nobody@acme.example"):
        answer = Client().post("/accounts/login/", {"login": login, "password": "wrong and long enough"})
        answers.append((answer.status_code, answer.context["form"].errors.as_json()))
    assert answers[0] == answers[1]
