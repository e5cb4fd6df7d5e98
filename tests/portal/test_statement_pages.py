"""Downtime statements on their way out: pages, files, and the public address where anybody verifies them."""

import csv
import io
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from incidents.models import Document, Statement
from incidents.operations import documents, false_alarms
from incidents.operations.announcing import Words
from portal.documents import making
from tenants import scope
from tenants.models import AuditEvent, User
from tests import factories
from tests.conftest import World

SignIn = Callable[[User], Client]


@pytest.fixture
def of_acme(world: World, signed_in: SignIn) -> str:
    """The address of a statement that ada has issued."""
    factories.restore(world.acme, world.incident, minutes=30)
    answer = signed_in(world.ada).post(f"/acme/incidents/{world.incident.reference}/statement/")
    assert answer.status_code == 302
    return str(answer["Location"])


def number_of(address: str) -> str:
    return address.rstrip("/").rsplit("/", maxsplit=1)[-1]


def downloads() -> list[tuple[str, str]]:
    with scope.as_staff():
        return [
            (event.actor_name, event.detail["form"])
            for event in AuditEvent.objects.filter(action="statement.downloaded").order_by("at")
        ]


def make_pdfs() -> None:
    with scope.as_staff():
        first = Document.objects.order_by("due_at").values_list("due_at", flat=True)[0]
    documents.make_waiting(making.make, lambda: first + timedelta(seconds=5))


def test_the_preview_says_what_is_issued_then_and_issues_nothing(world: World, signed_in: SignIn) -> None:
    factories.restore(world.acme, world.incident, minutes=30)
    page = signed_in(world.bea).get(f"/acme/incidents/{world.incident.reference}/statement/")
    assert page.status_code == 200
    assert "30 min" in page.content.decode()
    with scope.as_staff():
        assert not Statement.objects.exists()


def test_a_reader_issues_one_and_its_page_offers_the_files(
    world: World, signed_in: SignIn, of_acme: str
) -> None:
    page = signed_in(world.bea).get(of_acme).content.decode()
    assert "The PDF is being made" in page
    make_pdfs()
    page = signed_in(world.bea).get(of_acme).content.decode()
    assert "The PDF is being made" not in page
    assert number_of(of_acme) in page


def test_each_form_is_a_file_of_its_own_and_every_download_is_written_down(
    world: World, signed_in: SignIn, of_acme: str
) -> None:
    make_pdfs()
    browser, number = signed_in(world.bea), number_of(of_acme)
    begins = {"pdf": b"%PDF-", "json": b"{", "csv": b"\xef\xbb\xbfnumber"}
    for form, beginning in begins.items():
        answer = browser.post(of_acme, {"form": form})
        assert answer.status_code == 200
        assert answer.content.startswith(beginning)
        assert answer["Content-Disposition"] == f'attachment; filename="{number}.{form}"'
        assert "no-store" in answer["Cache-Control"]
    assert downloads() == [(world.bea.email, form) for form in begins]


def test_a_pdf_that_is_not_made_yet_is_no_download(world: World, signed_in: SignIn, of_acme: str) -> None:
    for form in ("pdf", "exe", ""):
        assert signed_in(world.ada).post(of_acme, {"form": form}).status_code == 302
    assert downloads() == []


def test_a_stranger_finds_neither_page_nor_file(world: World, signed_in: SignIn, of_acme: str) -> None:
    make_pdfs()
    gus, theirs = signed_in(world.gus), f"/globex/statements/{number_of(of_acme)}/"
    unknown = gus.get("/globex/statements/DS-22222-22222-22222-22222/")
    for address in (of_acme, theirs):
        for answer in (gus.get(address), gus.post(address, {"form": "pdf"})):
            assert answer.status_code == 404
            assert b"Acme" not in answer.content
    assert len(gus.get(theirs).content) == len(unknown.content)
    assert downloads() == []


@pytest.mark.parametrize("title", ["=1+1", "+1", "-1", "@x", "\t=1", '"=1"'])
def test_no_cell_of_the_csv_is_a_formula(world: World, signed_in: SignIn, title: str) -> None:
    hostile = factories.incident(world.reports, title=title)
    factories.restore(world.acme, hostile, minutes=5)
    ada = signed_in(world.ada)
    address = str(ada.post(f"/acme/incidents/{hostile.reference}/statement/")["Location"])
    content = ada.post(address, {"form": "csv"}).content.decode("utf-8-sig")
    cells = [cell for row in csv.reader(io.StringIO(content)) for cell in row]
    assert any(title.strip().strip('"') in cell for cell in cells)
    assert not any(cell.lstrip(" ")[:1] in tuple("=+-@\t\r\n") for cell in cells if cell)


def test_a_month_is_issued_from_the_list_and_nonsense_is_refused(world: World, signed_in: SignIn) -> None:
    ada = signed_in(world.ada)
    months = ada.get("/acme/statements/").context["page"].months
    assert ada.post("/acme/statements/", {"month": months[1].isoformat()}).status_code == 302
    for month in ("", "1999-01-01", "\0", "x" * 100, months[1].replace(day=2).isoformat()):
        assert ada.post("/acme/statements/", {"month": month}).status_code == 422
    with scope.as_staff():
        assert Statement.objects.count() == 1


# The public address.


def verdict(answer: Any) -> str:
    found: str = json.loads(answer.content)["verdict"]
    return found


def test_anybody_verifies_by_number_and_by_document(world: World, signed_in: SignIn, of_acme: str) -> None:
    content = signed_in(world.ada).post(of_acme, {"form": "json"}).content.decode()
    anybody = Client()
    for answer in (
        anybody.get(f"/verify/{number_of(of_acme)}/"),
        anybody.post("/verify/", {"number": f" {number_of(of_acme).lower()} "}),
        anybody.post("/verify/", {"document": content}),
    ):
        assert answer.status_code == 200
        assert "Valid." in answer.content.decode()
        assert world.globex.name not in answer.content.decode()
    assert verdict(anybody.post("/verify/check/", content, content_type="application/json")) == "valid"


def test_what_was_altered_shows_and_nothing_of_the_kept_one_with_it(
    world: World, signed_in: SignIn, of_acme: str
) -> None:
    content = signed_in(world.ada).post(of_acme, {"form": "json"}).content.decode()
    altered = content.replace("Acme Stores", "Globex Hotels")
    answer = Client().post("/verify/", {"document": altered})
    assert "Altered, or not issued here." in answer.content.decode()
    assert world.incident.title not in answer.content.decode().split("<textarea")[0]
    assert verdict(Client().post("/verify/check/", altered, content_type="application/json")) == "altered"


def test_what_the_record_has_left_behind_is_superseded_for_everybody(
    world: World, signed_in: SignIn, of_acme: str
) -> None:
    factories.restore(world.acme, world.incident, minutes=25)
    assert "Superseded." in signed_in(world.ada).get(of_acme).content.decode()
    assert "Superseded." in Client().get(f"/verify/{number_of(of_acme)}/").content.decode()


def test_a_new_statement_is_promised_only_where_one_can_be_issued(
    world: World, signed_in: SignIn, of_acme: str
) -> None:
    ada = signed_in(world.ada)
    content = ada.post(of_acme, {"form": "json"}).content.decode()

    def told() -> tuple[str, str, str]:
        """What the page of the statement says, and what anybody reads who shows its words or its number."""
        shown = Client().post("/verify/", {"document": content})
        return tuple(  # type: ignore[return-value]
            answer.content.decode().split("Superseded.</strong>")[1].split("</p>")[0]
            for answer in (ada.get(of_acme), shown, Client().get(f"/verify/{number_of(of_acme)}/"))
        )

    factories.restore(world.acme, world.incident, minutes=25)
    own, words, number = told()
    assert "issue a new one" in own
    assert "Ask the account's people for a new statement." in words
    with scope.as_staff():
        false_alarms.mark(
            factories.actor(world.sam),
            incident_id=world.incident.pk,
            words=Words(text="A probe."),
            now=timezone.now(),
        )
    own, words, number_then = told()
    assert "so there is no new one on it" in own
    assert "The incident counts nowhere any more, so there is no new statement on it." in words
    assert "Ask the account's people" not in words
    assert number_then == number, "a number alone tells nothing of what became of the incident"


@pytest.mark.parametrize(
    "sent", [b"", b"[]", b"\xff\x00", b"[" * 100_000, b'{"a":1.5}', b'{"a":1,"a":2}', b"x" * 300_000]
)
def test_whatever_is_sent_is_answered_and_nothing_is_kept(world: World, of_acme: str, sent: bytes) -> None:
    answer = Client().post("/verify/check/", sent, content_type="application/json")
    assert answer.status_code in {200, 413, 422}
    assert verdict(answer) in {"altered", "unreadable"}
    page = Client().post("/verify/", {"document": sent.decode(errors="replace")})
    assert page.status_code in {200, 422}


def test_the_public_keys_are_public(world: World) -> None:
    answer = json.loads(Client().get("/verify/keys/").content)
    assert answer["algorithm"] == "Ed25519"
    assert len(answer["keys"]) == 1


def test_one_address_does_not_ask_without_end(world: World) -> None:
    answers = {
        Client().post("/verify/check/", b"{}", content_type="application/json").status_code
        for _ in range(125)
    }
    assert 429 in answers
