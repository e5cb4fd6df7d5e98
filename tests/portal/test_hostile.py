"""Whatever a browser can send: never a 500, never half applied, never a foreign byte."""

import string
from collections.abc import Callable
from urllib.parse import quote

import pytest
from django.test import Client
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from incidents.models import PostMortemRequest
from tenants import scope
from tenants.models import User
from tests.conftest import World

SignIn = Callable[[User], Client]

SURROGATE = "%ED%A0%80"
"""A lone surrogate as a browser could never, but an attacker would, send it."""
TEXTS = [
    "%00",
    "a%00b",
    SURROGATE,
    "%FF%FE",
    "%",
    "%zz",
    "%F0%9F%98%80",
    "%E2%80%AE",
    "' or 1=1 --",
    "%27%22%3E%3Cscript%3Ealert(1)%3C/script%3E",
    "{{7*7}}{%25 debug %25}",
    "../../etc/passwd",
    "%0d%0aSet-Cookie:%20a=b",
    "A" * 5000,
    "-1",
    "0",
    "1e999",
    "NaN",
    "9" * 400,
    "٣",
    "true",
    "",
]


def members(client: Client) -> Client:
    client.raise_request_exception = False
    return client


@pytest.mark.parametrize("field", ["q", "kind", "page", "unknown"])
def test_the_list_takes_anything(world: World, signed_in: SignIn, field: str) -> None:
    client = members(signed_in(world.ada))
    for text in TEXTS:
        response = client.get(f"/acme/incidents/?{field}={text}")
        assert response.status_code == 200, text
        assert b"Globex" not in response.content, text
        assert b"<script>alert(1)" not in response.content, text


def test_a_searched_text_comes_back_as_typed(world: World, signed_in: SignIn) -> None:
    typed = '{{7*7}}{% debug %}"><b>'
    html = signed_in(world.ada).get("/acme/incidents/", {"q": typed}).content.decode()
    assert 'value="{{7*7}}{% debug %}&quot;&gt;&lt;b&gt;"' in html


def test_a_reference_that_makes_no_sense_is_not_found(world: World, signed_in: SignIn) -> None:
    client = members(signed_in(world.ada))
    for text in filter(None, TEXTS):
        for path in (f"/acme/incidents/{text}/", f"/acme/incidents/{text}/post-mortem/"):
            assert client.get(path).status_code in {404, 301}, path
            assert client.post(path, {"purpose": "Please."}).status_code in {404, 405}, path
    with scope.as_staff():
        assert PostMortemRequest.objects.count() == 0


def test_a_company_that_makes_no_sense_is_not_found(world: World, signed_in: SignIn) -> None:
    client = members(signed_in(world.ada))
    for text in TEXTS:
        if text and "../" not in text:
            assert client.get(f"/{text}/").status_code == 404, text


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        ("purpose=%00", "application/x-www-form-urlencoded", 422),
        ("purpose=" + "a" * 2001, "application/x-www-form-urlencoded", 422),
        ("purpose=%20%20", "application/x-www-form-urlencoded", 422),
        ("purpose=x&needed_by_on=tomorrow", "application/x-www-form-urlencoded", 422),
        ("purpose=x&needed_by_on=0000-00-00", "application/x-www-form-urlencoded", 422),
        ("purpose=x&needed_by_on=2001-01-01", "application/x-www-form-urlencoded", 422),
        ("purpose=x&needed_by_on=99999-01-01", "application/x-www-form-urlencoded", 422),
        ("&".join(f"a{number}=1" for number in range(1500)), "application/x-www-form-urlencoded", 400),
        ("purpose=" + "a" * (1024 * 1024 + 1), "application/x-www-form-urlencoded", 400),
        ('{"purpose": "x"}', "application/json", 422),
        ("[" * 100_000, "application/json", 422),
        ("purpose=x", "text/plain", 422),
        ("--x\r\nbroken", "multipart/form-data; boundary=x", 422),
        ("--x\r\nbroken", "multipart/form-data", 400),
        ("purpose=x", "application/x-www-form-urlencoded; charset=utf-7", 400),
        ("", "", 422),
    ],
)
def test_a_form_that_makes_no_sense_is_refused_and_nothing_is_written(
    world: World, signed_in: SignIn, body: str, kind: str, status: int
) -> None:
    response = members(signed_in(world.ada)).generic(
        "POST", f"/acme/incidents/{world.incident.reference}/post-mortem/", body, kind
    )
    assert response.status_code == status, response.content[:500]
    with scope.as_staff():
        assert PostMortemRequest.objects.count() == 0


def test_a_typed_text_is_shown_as_text_wherever_it_is_shown(world: World, signed_in: SignIn) -> None:
    typed = "<script>alert(1)</script> {{ 7|add:7 }} \"'><img src=x onerror=alert(1)>"
    client = signed_in(world.ada)
    page = f"/acme/incidents/{world.incident.reference}/post-mortem/"
    assert client.post(page, {"purpose": typed}).status_code == 302
    html = client.get(page).content.decode()
    assert "&lt;script&gt;alert(1)&lt;/script&gt; {{ 7|add:7 }}" in html
    assert "<script>alert(1)" not in html
    assert "<img src=x" not in html


def test_a_lone_surrogate_in_a_form_is_kept_as_a_replacement_and_not_a_fault(
    world: World, signed_in: SignIn
) -> None:
    client = members(signed_in(world.ada))
    page = f"/acme/incidents/{world.incident.reference}/post-mortem/"
    response = client.generic("POST", page, f"purpose=a{SURROGATE}b", "application/x-www-form-urlencoded")
    assert response.status_code == 302
    with scope.as_staff():
        assert PostMortemRequest.objects.get().purpose == "a\ufffd\ufffd\ufffdb"


def test_a_method_cannot_be_smuggled(world: World, signed_in: SignIn) -> None:
    client = members(signed_in(world.ada))
    page = f"/acme/incidents/{world.incident.reference}/post-mortem/"
    for headers in ({"X-HTTP-Method-Override": "POST"}, {"X-Method-Override": "POST"}):
        assert client.get(page + "?_method=POST&purpose=x", headers=headers).status_code == 200
    with scope.as_staff():
        assert PostMortemRequest.objects.count() == 0


@hypothesis_settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    path=st.text(
        alphabet=st.one_of(st.sampled_from(string.printable), st.characters(exclude_categories=["Cs"])),
        max_size=40,
    ),
    query=st.text(alphabet=string.printable, max_size=40),
)
def test_no_address_is_a_500(world: World, signed_in: SignIn, path: str, query: str) -> None:
    client = members(signed_in(world.ada))
    for start in ("/", "/acme/", "/acme/incidents/", "/accounts/", "/health/"):
        response = client.get(f"{start}{quote(path)}?{quote(query)}")
        assert response.status_code < 500, (start, path, query)
        assert b"Globex" not in response.content
