"""The founding incident's PDFs, held against the client's own pages and against the figures of that day."""

import html
import io
import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from typing import Any

import pypdf
import pytest
from django.db import transaction
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoDbBlocker

from incidents.choices import DocumentKind, DocumentState
from incidents.demo import founding, load, people, world
from incidents.models import Document, Statement
from incidents.operations import documents
from incidents.queries import incident_pages
from incidents.queries.shapes import OwnRecovery
from portal.documents import making
from portal.templatetags.portal_time import duration, plain_instant
from tenants import scope
from tenants.models import User

ACME = world.key("company", world.ACME)
REPORT = f"/acme/incidents/{founding.REFERENCE}/post-mortem/report/"
ZONE = "Europe/Paris"
FIGURE = re.compile(r"[+−]?\d+ h(?: \d+ min)?|[+−]?\d+ min|\d{1,2} [A-Z][a-z]{2} \d{4}|\d\d:\d\d|\d+ of \d+")
"""Lengths, differences, days, clocks and places: what a reader compares."""


@pytest.fixture(scope="module", autouse=True)
def _made(
    django_db_setup: None, django_db_blocker: DjangoDbBlocker, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[None]:
    """The demonstration with ada's three PDFs, once for this module, rolled back at its end."""
    logins = tmp_path_factory.mktemp("demo") / "demo-logins.json"
    with django_db_blocker.unblock(), transaction.atomic():
        load.load(now=timezone.now(), logins_file=logins)
        ada = people.actor(people.ADA, world.ACME)
        for number in (1, 2):
            with scope.as_company(ACME, user_id=ada.user_id):
                documents.ask_for_report(
                    ada, reference=founding.REFERENCE, number=number, zone=ZONE, now=timezone.now()
                )
        while waiting():
            documents.make_waiting(making.make, timezone.now)
        yield
        transaction.set_rollback(True)
    for each in (pdf, page_of):
        each.cache_clear()


def waiting() -> bool:
    with scope.as_staff():
        return Document.objects.filter(state=DocumentState.WAITING).exists()


@cache
def pdf(kind: DocumentKind, number: int = 1) -> pypdf.PdfReader:
    """The statement's, or of the report's version `number`."""
    with scope.as_staff():
        made = Document.objects.defer(None).filter(kind=kind, state=DocumentState.MADE).order_by("asked_at")
        return pypdf.PdfReader(io.BytesIO(bytes(made[number - 1].content or b"")))


def said(kind: DocumentKind, number: int = 1) -> str:
    """Its text without what stands at the head and foot of its pages, in the order of reading."""
    text = "\n".join(page.extract_text() for page in pdf(kind, number).pages)
    return re.sub(
        r"(?m)^(For Acme Stores, .*|INC-.* · version .*|\d+ / \d+|Post-mortem: .* Systems)\n?", "", text
    )


@cache
def page_of(address: str) -> str:
    """A page as ada reads it."""
    browser = Client()
    browser.force_login(User.objects.get(email=people.ADA.email))
    answer = browser.get(address)
    assert answer.status_code == 200
    return answer.content.decode()


def words(markup: str) -> str:
    return html.unescape(
        re.sub(r"<[^>]+>", " ", re.sub(r'<span class="visually-hidden">.*?</span>', "", markup))
    )


def between(text: str, first: str, last: str) -> str:
    """What stands after `first` and before the next `last`, both of which must be there."""
    _, found, rest = text.partition(first)
    inside, ended, _ = rest.partition(last)
    assert found, first
    assert ended, last
    return inside


def figures(text: str) -> Counter[str]:
    return Counter(" ".join(each.split()) for each in FIGURE.findall(text.replace("\N{NO-BREAK SPACE}", " ")))


def statement_page() -> str:
    with scope.as_staff():
        number = Statement.objects.get(company_id=ACME).number
    return page_of(f"/acme/statements/{number}/")


def own_record() -> OwnRecovery:
    """What the incident's own page says of Acme."""
    with scope.as_company(ACME):
        return incident_pages.incident_page(
            founding.REFERENCE,
            company_name="Acme Stores",
            consents=True,
            may_request=True,
            now=timezone.now(),
        ).recovery


@pytest.mark.parametrize("number", [1, 2])
def test_the_annex_of_the_pdf_has_every_figure_of_the_page_and_no_other(number: int) -> None:
    page = words(between(page_of(f"{REPORT}?version={number}"), 'id="annex"', "</section>"))
    annex = said(DocumentKind.REPORT, number).rpartition("Annex: your account in this incident")[2]
    # The page says a day once where an account's impact began and ended on it.
    assert figures(annex) - figures(page) == Counter({"4 Feb 2026": 1})
    assert figures(page) - figures(annex) == Counter()
    assert figures(page).total() > 30


@pytest.mark.parametrize("number", [1, 2])
def test_the_facts_of_the_pdf_are_those_of_the_page(number: int) -> None:
    page = words(between(page_of(f"{REPORT}?version={number}"), "report__facts", "</table>"))
    table = between(said(DocumentKind.REPORT, number), "After the start\n", "Companies affected")
    assert figures(table) == figures(page)
    assert figures(page).total() == 17


def test_the_statements_figures_are_those_of_its_page() -> None:
    page, text = statement_page(), said(DocumentKind.STATEMENT)
    for first, last, heading, end in (
        ('id="figures"', "</section>", "Acme Stores\n", "Issued"),
        ('id="stretches"', "</table>", "What was counted", "How it was counted"),
    ):
        assert figures(between(text, heading, end)) == figures(words(between(page, first, last)))


def test_the_annex_says_what_the_incidents_page_says() -> None:
    own, annex = own_record(), said(DocumentKind.REPORT, 2).rpartition("Annex:")[2]
    assert own.impacted_at
    assert own.restored_at
    for line in (
        f"Affected from {plain_instant(own.impacted_at, ZONE)}",
        f"Restored {plain_instant(own.restored_at, ZONE)}",
        f"In all {duration(own.total_seconds)}, first impact to your restoration",
        f"Down {duration(own.outage_seconds)}, any component, counted once",
        f"Degraded {duration(own.degraded_seconds)}, reachable, slow or failing",
        f"Place {own.rank} of {load.COMPANIES}, in order of restoration",
        "In the last 5% to recover Yes",
    ):
        assert line in annex, line


def test_the_figures_are_those_of_that_day() -> None:
    """As the vendor's status page and its report gave them, on the clock of Central Europe."""
    text = said(DocumentKind.REPORT, 1)
    for line in (
        "Start: first impact 4 Feb 2026, 13:45 CET –",
        "First word to everyone affected 4 Feb 2026, 13:57 CET 12 min",
        "First 95% restored 4 Feb 2026, 18:10 CET 4 h 25 min",
        "Last company restored 4 Feb 2026, 20:15 CET 6 h 30 min",
        "4 Feb 2026, 13:45 to 14:00 CET Interruption",
        "4 Feb 2026, 14:00 to 16:00 CET Degraded",
        "4 Feb 2026, 16:00 to 18:10 CET Recovery of the first 95%",
        "4 Feb 2026, 18:10 to 20:15 CET Recovery of the last 5%",
        "4 Feb 2026, 19:45 CET 4 Feb 2026, 20:15 CET −30 min",
        "4 Feb 2026, 19:56 CET 4 Feb 2026, 20:15 CET −19 min",
        "4 Feb 2026, 13:50 CET 4 Feb 2026, 13:45 CET +5 min",
        "4 h 30 min 6 h 30 min −2 h",
        "6 h 8 min 6 h 30 min −22 min",
        "“4 h 30 min”: the record says 4 h 25 min to the first 95%, 6 h 30 min to the last account.",
    ):
        assert line in text, line
    assert "“4 h 30 min”" not in said(DocumentKind.REPORT, 2)


def test_company_reader_version_record_and_hash_stand_at_the_foot_of_each_page() -> None:
    page = page_of(f"{REPORT}?version=2")
    (digest,) = re.findall(r"\b[0-9a-f]{64}\b", page)
    record = re.search(r"Record version</dt><dd>(\d+)", page)
    assert record
    reader = pdf(DocumentKind.REPORT, 2)
    assert digest in reader.pages[0].extract_text()
    for each in reader.pages:
        foot = each.extract_text().splitlines()[-3:]
        assert foot[0] == f"For Acme Stores, Ada Moreau · times in {ZONE}"
        assert foot[1] == (
            f"{founding.REFERENCE} · version 2 · record version {record[1]} · SHA-256 {digest[:16]}…"
        )


# Tags: what a screen reader is told.


def tags(reader: pypdf.PdfReader) -> Counter[str]:
    """How often each kind of element stands in the tree of the document."""
    root: Any = reader.trailer["/Root"]
    found: Counter[str] = Counter()
    open_: list[Any] = [root["/StructTreeRoot"]]
    while open_:
        element = open_.pop().get_object()
        if isinstance(element, list):
            open_ += element
        elif isinstance(element, dict):
            found[str(element.get("/S", ""))] += 1
            found["scoped /TH"] += element.get("/S") == "/TH" and "/Scope" in str(element.get("/A"))
            found["/Figure with words"] += element.get("/S") == "/Figure" and bool(element.get("/Alt"))
            open_ += [element["/K"]] if "/K" in element else []
    return found


@pytest.mark.parametrize("kind", list(DocumentKind))
def test_a_pdf_has_its_standard_language_title_bookmarks_and_headings(kind: DocumentKind) -> None:
    reader = pdf(kind)
    root: Any = reader.trailer["/Root"]
    metadata = root["/Metadata"].get_object().get_data()
    assert b"<pdfuaid:part>1</pdfuaid:part>" in metadata
    assert root["/MarkInfo"]["/Marked"]
    assert root["/Lang"] == "en-GB"
    assert root["/ViewerPreferences"]["/DisplayDocTitle"]
    assert reader.metadata is not None
    assert founding_title(kind) in str(reader.metadata.title)
    marks = [str(each["/Title"]) for each in reader.outline if not isinstance(each, list)]
    found = tags(reader)
    # The table of contents has a heading and no bookmark.
    assert found["/H1"] - (kind is DocumentKind.REPORT) == len(marks) > 2
    assert found["/Table"] >= 1
    assert found["/TH"] == found["scoped /TH"] >= 3
    assert found["/TD"] > found["/TH"]
    assert all(page.get("/Tabs") == "/S" for page in reader.pages if "/Annots" in page)


def founding_title(kind: DocumentKind) -> str:
    return (
        "Post-mortem: System outage" if kind is DocumentKind.REPORT else "Downtime statement: System outage"
    )


def test_the_curve_says_in_words_what_it_shows() -> None:
    assert tags(pdf(DocumentKind.REPORT))["/Figure with words"] == 1


def test_a_minus_an_arrow_and_a_mark_have_a_shape() -> None:
    for kind, numbers in ((DocumentKind.REPORT, (1, 2)), (DocumentKind.STATEMENT, (1,))):
        for number in numbers:
            assert "\N{REPLACEMENT CHARACTER}" not in said(kind, number)
