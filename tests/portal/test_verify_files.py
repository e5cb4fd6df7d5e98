"""Anybody shows the file of a statement, PDF or JSON, and is told what it is; hostile files do nothing."""

import io
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from django.test import Client

from incidents.queries import verification
from tenants.models import User
from tests import factories
from tests.conftest import World
from tests.portal.test_statement_pages import make_pdfs, number_of, verdict

SignIn = Callable[[User], Client]
ALPHABET_NUMBER = b"DS-22222-22222-22222-22222"


@pytest.fixture
def address(world: World, signed_in: SignIn) -> str:
    """The address of a statement of Acme's whose PDF is made."""
    factories.restore(world.acme, world.incident, minutes=30)
    answer = signed_in(world.ada).post(f"/acme/incidents/{world.incident.reference}/statement/")
    make_pdfs()
    return str(answer["Location"])


@pytest.fixture
def files(world: World, signed_in: SignIn, address: str) -> dict[str, bytes]:
    return {form: signed_in(world.ada).post(address, {"form": form}).content for form in ("pdf", "json")}


def show(content: bytes, name: str = "statement.pdf", **more: Any) -> Any:
    return Client().post("/verify/", {"file": io.BytesIO(content), **more})


def check(content: bytes) -> Any:
    return Client().post("/verify/check/", content, content_type="application/octet-stream")


@pytest.mark.parametrize("form", ["pdf", "json"])
def test_the_file_as_it_was_issued_is_valid_and_then_superseded(
    world: World, files: dict[str, bytes], form: str
) -> None:
    page = show(files[form]).content.decode()
    assert "Valid." in page
    assert world.incident.title in page
    assert verdict(check(files[form])) == "valid"
    factories.restore(world.acme, world.incident, minutes=45)
    assert "Superseded." in show(files[form]).content.decode()
    assert verdict(check(files[form])) == "superseded"


def test_a_number_alone_tells_whether_it_is_valid_and_nothing_of_anybody(
    world: World, address: str, files: dict[str, bytes]
) -> None:
    number = number_of(address)
    for expected in ("Valid.", "Superseded."):
        for answer in (Client().get(f"/verify/{number}/"), Client().post("/verify/", {"number": number})):
            assert answer.status_code == 200
            page = answer.content.decode()
            assert expected in page
            for secret in (world.acme.name, world.incident.title, world.incident.reference, "30 min"):
                assert secret not in page, secret
        factories.restore(world.acme, world.incident, minutes=45)


def test_a_pdf_that_was_altered_or_saved_anew_is_not_the_file_that_was_issued(
    world: World, files: dict[str, bytes], address: str
) -> None:
    pdf = files["pdf"]
    assert number_of(address).encode() in pdf
    anew = (pdf + b"\n", pdf[:-1], pdf.replace(b"Acme", b"Evil"), b"%PDF-1.7 " + number_of(address).encode())
    for altered in anew:
        page = show(altered).content.decode()
        assert "Not the file that was issued." in page
        assert world.incident.title not in page
        assert verdict(check(altered)) == "other_file"


def test_a_pdf_whose_statement_has_no_pdf_yet_is_not_taken_for_it(world: World, signed_in: SignIn) -> None:
    answer = signed_in(world.ada).post(f"/acme/incidents/{world.incident.reference}/statement/")
    number = number_of(str(answer["Location"])).encode()
    assert verdict(check(b"%PDF-1.7\n" + number)) == "other_file"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"%PDF-1.7\n", "no_number"),
        (b"%PDF-1.7\nDS-22222-22222-22222-2222", "no_number"),
        (b"%PDF-1.7\nDS-22222-22222-22222-22222A", "no_number"),
        (b"%PDF-1.7\n" + ALPHABET_NUMBER, "unknown"),
        (
            b"%PDF-1.7\n" + b" ".join(b"DS-22222-22222-22222-222%02d" % each for each in range(22, 99)),
            "unknown",
        ),
        (b"%PDF-" + b"DS-22222-22222-22222-" * 40_000, "no_number"),
        (b"%PDF-" + b"\0\xff" * 400_000, "no_number"),
        (b"PK\x03\x04" + b"\0" * 1_000, "unreadable"),
        (b"\x1f\x8b" + b"\0" * 1_000, "unreadable"),
        (b"<svg onload=alert(1)>", "unreadable"),
        (b"\xff\xfe{\0}\0", "altered"),
        (b"\xef\xbb\xbf{}", "altered"),
        (b"[" * 200_000, "unreadable"),
        (b'{"number": "' + ALPHABET_NUMBER + b'"}', "altered"),
    ],
)
def test_whatever_the_file_is_it_is_said_and_nothing_happens(
    world: World, content: bytes, expected: str
) -> None:
    page = show(content)
    assert page.status_code == 200
    assert verdict(check(content)) == expected
    words = {
        "no_number": "No number in this PDF.",
        "unknown": "Unknown number.",
        "unreadable": "Not a statement.",
        "altered": "Altered, or not issued here.",
    }
    assert words[expected] in page.content.decode()


def test_a_pdf_with_many_numbers_has_few_of_them_looked_up(
    world: World, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_up: list[str] = []

    def companies(number: str) -> list[UUID]:
        looked_up.append(number)
        return []

    monkeypatch.setattr(verification, "_companies", companies)
    numbers = [b"DS-2222%d-22222-22222-22222" % each for each in range(2, 10)]
    assert verdict(check(b"%PDF-" + b" ".join(numbers))) == "unknown"
    assert len(looked_up) == 3


def test_a_file_that_is_too_large_empty_or_a_second_one_is_refused(world: World) -> None:
    most = verification.MOST_FILE_BYTES
    large = show(b"%PDF-" + b"x" * most)
    assert large.status_code == 422
    assert "larger than 1 MB" in large.content.decode()
    assert "This file is empty." in show(b"").content.decode()
    assert show(b"x" * (5 * most)).status_code == 400
    assert show(b"{}", second=io.BytesIO(b"{}")).status_code == 400
    assert "Choose the file" in Client().post("/verify/", {}).content.decode()
    assert check(b"x" * 300_000).status_code == 413


def test_no_other_public_page_takes_a_file(world: World) -> None:
    client = Client()
    client.raise_request_exception = False
    for place in ("/accounts/login/", "/verify/DS-22222-22222-22222-22222/"):
        assert client.post(place, {"file": io.BytesIO(b"%PDF-")}).status_code in {400, 405}


def test_the_name_of_a_file_is_shown_nowhere(world: World) -> None:
    file = io.BytesIO(b"{}")
    file.name = '"><script>alert(1)</script>.pdf'
    assert b"alert(1)" not in Client().post("/verify/", {"file": file}).content
