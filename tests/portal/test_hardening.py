"""What a security standard asks of small things: cookies, caches, uploads, limits, redirects."""

import io
import json
import logging
import logging.config
import os
import pickle
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.core.cache import cache
from django.core.files import uploadhandler
from django.test import Client, override_settings
from django.utils import timezone

from incidents.models import PostMortemRequest
from portal import logs
from portal.charsets import OnlyUtf8
from tenants import scope
from tenants.models import OutgoingMail, User
from tenants.permissions import Role
from tests import factories
from tests.conftest import World

SignIn = Callable[[User], Client]
ROOT = Path(__file__).resolve().parent.parent.parent
COOKIES = """
import django
django.setup()
from django.conf import settings as s
from portal.cookies import MessageCookie
from portal.web.access import ZONE_COOKIE
print(s.SESSION_COOKIE_NAME, s.CSRF_COOKIE_NAME, MessageCookie.cookie_name, ZONE_COOKIE)
print(s.SESSION_COOKIE_SECURE, s.CSRF_COOKIE_SECURE, s.SESSION_COOKIE_DOMAIN, s.SESSION_COOKIE_PATH)
"""
WALLS = {
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Strict-Transport-Security": "max-age=31536000; includeSubDomains; preload",
}
POLICY = {
    "default-src 'self'",
    "base-uri 'none'",
    "object-src 'none'",
    "frame-ancestors 'none'",
    "form-action 'self'",
    "img-src 'self' data:",
}
WRONG = "wrong and long enough"


# Cookies


def test_secure_cookies_are_bound_to_their_host() -> None:
    """Asked in a process of its own, with the settings of a deployment."""
    done = subprocess.run(
        [sys.executable, "-c", COOKIES],
        cwd=ROOT,
        env=os.environ | {"SECURE": "on", "DJANGO_SETTINGS_MODULE": "portal.settings"},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    names = "__Host-portal_session __Host-portal_csrf __Host-portal_messages __Host-portal_zone"
    assert done.stdout.split("\n")[:2] == [names, "True True None /"]


def test_no_script_reads_a_cookie(world: World) -> None:
    client = Client()
    client.get("/accounts/login/")
    client.post("/accounts/login/", {"login": "ada@acme.example", "password": factories.PASSWORD})
    client.post(f"/acme/incidents/{world.incident.reference}/post-mortem/", {"purpose": "Please"})
    client.post("/zone/", {"zone": "utc"})
    assert set(client.cookies) == {"portal_csrf", "portal_session", "portal_messages", "portal_zone"}
    assert {(each["httponly"], each["samesite"]) for each in client.cookies.values()} == {(True, "Lax")}


# Caches


@pytest.mark.parametrize(
    "path", ["/", "/accounts/password/change/", "/accounts/logout/", "/accounts/password/reset/", "/acme/"]
)
def test_a_page_of_a_signed_in_person_is_stored_nowhere(world: World, signed_in: SignIn, path: str) -> None:
    factories.member(world.ada, world.globex, Role.READER)
    response = signed_in(world.ada).get(path)
    assert response.status_code == 200
    assert "no-store" in response["Cache-Control"]


class Bomb:
    """Makes a folder when it is unpickled."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.mkdir, (str(self.folder),)


def test_what_somebody_planted_in_the_cache_is_not_run(tmp_path: Path) -> None:
    client = cache._cache.get_client(write=True)  # type: ignore[attr-defined]  # Django's own handle
    client.set(cache.make_key("planted"), pickle.dumps(Bomb(tmp_path / "went-off")))
    assert cache.get("planted") is None
    assert list(tmp_path.iterdir()) == []


def test_the_cache_gives_back_what_limits_are_counted_with() -> None:
    for value in ([1790000000.25, 1790000001.5], True, 5, "text", None):
        cache.set("kept", value)
        assert cache.get("kept") == value
    cache.set("count", 5)
    assert cache.incr("count") == 6


# Uploads


@pytest.mark.parametrize("path", ["/accounts/login/", "/zone/", "/acme/incidents/INC-22222222/post-mortem/"])
def test_a_file_that_nobody_asked_for_is_refused_and_not_written(
    world: World, signed_in: SignIn, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, path: str
) -> None:
    made: list[str] = []
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    for handler in (uploadhandler.MemoryFileUploadHandler, uploadhandler.TemporaryFileUploadHandler):
        monkeypatch.setattr(handler, "new_file", lambda *_, **__: made.append("file"))
    client = signed_in(world.ada)
    client.raise_request_exception = False
    for size in (0, 10, 3 * 1024 * 1024):
        response = client.post(path, {"file": io.BytesIO(b"a" * size), "purpose": "x"})
        assert response.status_code == 400, size
    assert (list(tmp_path.iterdir()), made) == ([], [])


def test_a_form_as_a_browser_sends_it_in_parts_is_taken(world: World) -> None:
    """Without a file, or with an empty place for one."""
    body = (
        '--x\r\nContent-Disposition: form-data; name="login"\r\n\r\nada@acme.example\r\n'
        f'--x\r\nContent-Disposition: form-data; name="password"\r\n\r\n{factories.PASSWORD}\r\n'
        '--x\r\nContent-Disposition: form-data; name="f"; filename=""\r\n\r\n\r\n--x--\r\n'
    )
    response = Client().generic("POST", "/accounts/login/", body, "multipart/form-data; boundary=x")
    assert response.status_code == 302


# Signing in


def test_after_ten_wrong_passwords_an_address_waits_whatever_headers_it_sends(world: World) -> None:
    said = [
        Client()
        .post(
            "/accounts/login/",
            {"login": f"person{number}@acme.example", "password": WRONG},
            headers={"X-Forwarded-For": f"203.0.113.{number}", "X-Real-IP": f"203.0.113.{number}"},
        )
        .content.decode()
        for number in range(12)
    ]
    assert ["Too many" in each for each in said] == [False] * 10 + [True] * 2


@override_settings(ALLAUTH_TRUSTED_PROXY_COUNT=1)
def test_behind_one_proxy_each_client_has_a_limit_of_its_own(world: World) -> None:
    for number in range(12):
        response = Client().post(
            "/accounts/login/",
            {"login": f"person{number}@acme.example", "password": WRONG},
            headers={"X-Forwarded-For": f"198.51.100.7, 203.0.113.{number}"},
        )
        assert "Too many" not in response.content.decode()


@pytest.mark.parametrize(
    "back", ["https://evil.example/", "//evil.example", "https:///evil.example", "\\\\evil.example"]
)
def test_signing_in_and_out_leads_to_no_other_host(world: World, signed_in: SignIn, back: str) -> None:
    sent = {"login": "ada@acme.example", "password": factories.PASSWORD, "next": back}
    assert Client().post("/accounts/login/", sent)["Location"] == "/"
    assert signed_in(world.ada).get("/accounts/login/", {"next": back})["Location"] == "/"
    assert signed_in(world.ada).post("/accounts/logout/", {"next": back})["Location"] == "/accounts/login/"


@pytest.mark.parametrize(
    ("password", "is_taken"),
    [
        ("839201847562930184", True),
        (" spaces before and after ", True),
        ("ünïcödé wörds ÜÜÜ", True),
        ("long " * 40, True),
        ("eleven char", False),
        ("password1234", False),
        ("ada@acme.example", False),
    ],
)
def test_any_characters_make_a_password_and_it_is_kept_as_typed(
    world: World, signed_in: SignIn, password: str, is_taken: bool
) -> None:
    signed_in(world.ada).post(
        "/accounts/password/change/",
        {"oldpassword": factories.PASSWORD, "password1": password, "password2": password},
    )
    world.ada.refresh_from_db()
    assert world.ada.check_password(password) is is_taken
    assert world.ada.check_password(password.strip()) is (is_taken and password == password.strip())


def test_a_password_is_not_changed_without_the_old_one(world: World, signed_in: SignIn) -> None:
    fresh = "a fresh and longer passphrase"
    signed_in(world.ada).post(
        "/accounts/password/change/", {"oldpassword": WRONG, "password1": fresh, "password2": fresh}
    )
    world.ada.refresh_from_db()
    assert world.ada.check_password(factories.PASSWORD)


def test_a_reset_link_is_held_to_its_signature_and_its_age(world: World) -> None:
    Client().post("/accounts/password/reset/", {"email": "ada@acme.example"})
    with scope.as_staff():
        found = re.search(r"http://testserver(/\S+?-)(\S+)/", OutgoingMail.objects.get().body_text)
    assert found is not None
    start, signature = found.groups()

    def opens(path: str) -> bool:
        browser = Client()
        return b'name="password1"' in browser.get(path, follow=True).content

    other = signature[:-1] + ("a" if signature[-1] != "a" else "b")
    assert opens(f"{start}{signature}/")
    assert not opens(f"{start}{other}/")
    with time_machine.travel(timezone.now() + timedelta(days=3, minutes=1)):
        assert not opens(f"{start}{signature}/")


def test_a_password_is_typed_hidden_and_may_be_pasted(world: World, signed_in: SignIn) -> None:
    for client, path, fields in (
        (Client(), "/accounts/login/", 1),
        (signed_in(world.ada), "/accounts/password/change/", 3),
    ):
        html = client.get(path).content.decode()
        named = re.findall(r"<input[^>]*name=\"\w*password\w*\"[^>]*>", html)
        assert len(named) == fields
        assert all('type="password"' in each and "autocomplete=" in each for each in named)
        assert not re.search(r"onpaste|autocomplete=\"off\"|maxlength", "".join(named))


# Headers


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/acme/", "text/html; charset=utf-8"),
        ("/acme/incidents/INC-22222222/", "text/html; charset=utf-8"),
        ("/accounts/password/change/", "text/html; charset=utf-8"),
        ("/health/live", "text/plain; charset=utf-8"),
        ("/health/ready", "application/json"),
    ],
)
def test_an_answer_says_what_it_is(world: World, signed_in: SignIn, path: str, kind: str) -> None:
    assert signed_in(world.ada).get(path)["Content-Type"] == kind


@pytest.mark.parametrize(
    "path", ["/.git/config", "/.env", "/static/", "/static/portal/", "/static/../manage.py", "/manage.py"]
)
def test_no_file_and_no_folder_of_the_checkout_is_shown(world: World, signed_in: SignIn, path: str) -> None:
    for client in (Client(), signed_in(world.ada), signed_in(world.sam)):
        client.raise_request_exception = False
        assert client.get(path).status_code == 404


def test_a_log_line_is_one_line_whatever_is_in_it() -> None:
    handler = logging.config.DictConfigurator(logs.configuration("INFO")).configure_formatter(
        logs.configuration("INFO")["formatters"]["json"]
    )
    record = logging.LogRecord("any", logging.ERROR, "", 0, 'a\nb\r\n{"level": 1}\u2028', None, None)
    line = handler.format(record)
    assert len(line.splitlines()) == 1
    told = json.loads(line)
    assert (told["event"], told["level"]) == ('a\nb\r\n{"level": 1}\u2028', "error")
    assert told["timestamp"].endswith("Z")


@override_settings(
    SECURE_HSTS_SECONDS=31536000, SECURE_HSTS_INCLUDE_SUBDOMAINS=True, SECURE_HSTS_PRELOAD=True
)
def test_every_kind_of_answer_has_the_walls_of_the_browser(world: World, signed_in: SignIn) -> None:
    post_mortem = f"/acme/incidents/{world.incident.reference}/post-mortem/"
    ada, bea, sam, nobody = signed_in(world.ada), signed_in(world.bea), signed_in(world.sam), Client()
    for client, method, path, status in (
        (ada, "GET", "/acme/", 200),
        (ada, "HEAD", "/acme/", 200),
        (ada, "GET", "/", 302),
        (ada, "DELETE", "/acme/", 405),
        (ada, "GET", "/globex/", 404),
        (ada, "GET", "/admin/", 404),
        (ada, "POST", post_mortem, 422),
        (bea, "POST", post_mortem, 403),
        (sam, "GET", "/admin/", 200),
        (sam, "GET", "/admin/none/", 404),
        (nobody, "GET", "/acme/", 302),
        (nobody, "GET", "/accounts/login/", 200),
        (nobody, "GET", "/health/live", 200),
        (nobody, "GET", "/health/ready", 200),
        (nobody, "GET", "/api/no/such/page/", 404),
    ):
        client.raise_request_exception = False
        answer = client.generic(method, path, secure=True)
        assert answer.status_code == status, path
        assert {name: answer.headers.get(name) for name in WALLS} == WALLS, path
        policy = {each.strip() for each in answer.headers["Content-Security-Policy"].split(";")}
        assert policy == POLICY, path


@pytest.mark.parametrize(
    ("who", "path"),
    [
        ("ada", "/acme/incidents/{reference}/post-mortem/"),
        ("ada", "/zone/"),
        ("ada", "/accounts/password/change/"),
        ("ada", "/accounts/logout/"),
        ("sam", "/admin/tenants/company/add/"),
        ("", "/accounts/login/"),
        ("", "/accounts/password/reset/"),
    ],
)
def test_no_form_is_taken_without_its_token(world: World, signed_in: SignIn, who: str, path: str) -> None:
    client = Client(enforce_csrf_checks=True)
    if who:
        client.force_login(getattr(world, who))
    there = path.format(reference=world.incident.reference)
    for headers in ({}, {"Origin": "https://evil.example"}):
        assert client.post(there, {"purpose": "Please", "next": "/"}, headers=headers).status_code == 403
    with scope.as_staff():
        assert (PostMortemRequest.objects.count(), OutgoingMail.objects.count()) == (0, 0)
    assert not who or client.get("/admin/" if who == "sam" else "/acme/").status_code == 200


@pytest.mark.parametrize("hsts", [0, 31536000])
def test_the_answer_before_the_framework_has_the_walls_of_the_browser_too(hsts: int) -> None:
    told: dict[str, str] = {}

    def start_response(status: str, headers: list[tuple[str, str]], *_: Any) -> None:
        told.update(headers, status=status)

    with override_settings(SECURE_HSTS_SECONDS=hsts):
        OnlyUtf8(lambda *_: [])({"CONTENT_TYPE": "text/plain; charset=rot13"}, start_response)
    assert told["status"].startswith("415")
    assert "frame-ancestors 'none'" in told["Content-Security-Policy"]
    expected = f"max-age={hsts}; includeSubDomains" if hsts else None
    assert told.get("Strict-Transport-Security") == expected


def test_nothing_is_echoed_to_trace(world: World, signed_in: SignIn) -> None:
    for path in ("/", "/acme/", "/admin/", "/health/live"):
        for client in (Client(), signed_in(world.ada), signed_in(world.sam)):
            client.raise_request_exception = False
            answer = client.generic("TRACE", path, headers={"X-Told": "not to be echoed"})
            assert b"not to be echoed" not in answer.content
            assert "message/http" not in answer.headers.get("Content-Type", "")
