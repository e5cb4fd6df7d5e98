"""PDFs: made by the worker, one after the other, whatever stands in them, and never read as markup."""

import io
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pypdf
import pytest
from django.utils import timezone

from incidents import errors, report_errors
from incidents.choices import DocumentState, PublicationKind
from incidents.models import Document, Statement
from incidents.operations import documents, statements
from incidents.operations.documents import NotMade, Wanted
from portal import tasks
from portal.documents import making, typesetting
from tenants import scope
from tenants.models import AuditEvent, Company, User
from tests import factories
from tests.conftest import World, make_world
from tests.incidents import reporting
from tests.threads import at_once

NOW = factories.STARTED_AT + timedelta(hours=8)
HOSTILE = (
    '#eval("1+1") #read("/etc/passwd") #import "@preview/x:1.0.0": * $x^2$ @cite <label> \\ // /* `raw` '
    "{{ secret }} {% load x %} =SUM(A1) 'quo\"ted' שלום 東京 Ωμέγα Привет \N{GRINNING FACE} \u202e \u200d end"
)


def issue(
    world: World, *, at: datetime = NOW, company: Company | None = None, by: User | None = None
) -> Statement:
    of, person = company or world.acme, by or world.ada
    with scope.as_company(of.pk, user_id=person.pk):
        return statements.issue_for_incident(
            factories.actor(person, of),
            reference=world.incident.reference,
            verify_at="https://portal.example/verify/",
            now=at,
        )[0]


def clock(start: datetime = NOW, *, step: timedelta = timedelta()) -> Callable[[], datetime]:
    """A clock that goes on by `step` each time it is read."""
    times = [start - step]

    def read() -> datetime:
        times[0] += step
        return times[0]

    return read


def rows() -> list[Document]:
    with scope.as_staff():
        return list(Document.objects.defer(None).order_by("asked_at", "pk"))


def text_of(content: bytes) -> str:
    return "\n".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(content)).pages)


def test_the_worker_makes_what_waits_and_the_figures_are_those_of_the_statement(world: World) -> None:
    factories.restore(world.acme, world.incident, minutes=265)
    made = issue(world, at=timezone.now())
    tasks.make_documents()
    (row,) = rows()
    assert (row.state, row.attempts, row.trouble) == (DocumentState.MADE, 1, "")
    said = text_of(bytes(row.content or b""))
    assert "4 h 25 min" in said
    assert made.number in said
    assert "4 Feb 2026, 13:45 to 18:10 CET" in said
    assert world.globex.name not in said


def test_a_pdf_is_tagged_has_a_title_and_a_language(world: World) -> None:
    issue(world)
    documents.make_waiting(making.make, clock())
    reader = pypdf.PdfReader(io.BytesIO(bytes(rows()[0].content or b"")))
    root: Any = reader.trailer["/Root"]
    assert root["/MarkInfo"]["/Marked"]
    assert root["/Lang"] == "en-GB"
    assert root["/StructTreeRoot"]
    assert reader.metadata is not None
    assert reader.metadata.title
    assert b"pdfuaid:part" in root["/Metadata"].get_object().get_data()


def test_no_scope_is_open_while_a_pdf_is_set(world: World) -> None:
    issue(world)
    seen = []

    def make(wanted: Wanted) -> bytes:
        seen.append(scope.current())
        return b"pdf"

    documents.make_waiting(make, clock())
    assert seen == [None]


def test_one_that_cannot_be_made_says_why_and_does_not_hold_up_the_others(world: World) -> None:
    bad, good = issue(world), issue(world, company=world.globex, by=world.gus)

    def make(wanted: Wanted) -> bytes:
        if wanted.statement_id == bad.pk:
            raise NotMade("A letter has no shape.")
        return b"pdf"

    for minutes in range(5):
        documents.make_waiting(make, clock(NOW + timedelta(minutes=minutes)))
    of = {row.statement_id: row for row in rows()}
    assert (of[good.pk].state, of[good.pk].content) == (DocumentState.MADE, b"pdf")
    failed = of[bad.pk]
    assert (failed.state, failed.attempts) == (DocumentState.FAILED, documents.ATTEMPTS)
    assert failed.trouble == "A letter has no shape."


def test_a_mistake_of_ours_is_set_aside_too_and_tells_no_text(world: World) -> None:
    issue(world)

    def make(wanted: Wanted) -> bytes:
        raise KeyError("Acme Stores")

    documents.make_waiting(make, clock())
    assert rows()[0].trouble.startswith("KeyError while it was made")
    assert "Acme" not in rows()[0].trouble


def test_staff_have_it_made_again_and_only_what_had_failed(world: World) -> None:
    issue(world)
    sam = factories.actor(world.sam)
    with scope.as_staff(), pytest.raises(errors.NothingSelected):
        documents.make_again(sam, document_ids=[rows()[0].pk], now=NOW)
    with scope.as_staff():
        Document.objects.update(state=DocumentState.FAILED, attempts=3, trouble="x")
        assert documents.make_again(sam, document_ids=[rows()[0].pk], now=NOW) == 1
    documents.make_waiting(lambda _wanted: b"pdf", clock())
    assert rows()[0].state == DocumentState.MADE
    with scope.as_staff():
        assert AuditEvent.objects.filter(action="document.asked_again", company=world.acme).count() == 1


def test_a_worker_that_was_killed_leaves_a_lease_that_runs_out(world: World) -> None:
    issue(world)

    class Killed(BaseException):
        pass

    def make(wanted: Wanted) -> bytes:
        raise Killed

    with pytest.raises(Killed):
        documents.make_waiting(make, clock())
    documents.make_waiting(lambda _wanted: b"pdf", clock(NOW + timedelta(seconds=10)))
    assert rows()[0].state == DocumentState.WAITING
    documents.make_waiting(lambda _wanted: b"pdf", clock(NOW + documents.LEASE))
    assert rows()[0].state == DocumentState.MADE


def test_many_are_made_in_steps_so_that_mails_pass(world: World) -> None:
    for minute in range(6):
        issue(world, at=NOW + timedelta(minutes=minute))
    late = NOW + timedelta(hours=1)
    documents.make_waiting(lambda _wanted: b"pdf", clock(late, step=documents.STEP / 4))
    made = [row for row in rows() if row.state == DocumentState.MADE]
    assert 0 < len(made) < 6
    for _ in range(6):
        documents.make_waiting(lambda _wanted: b"pdf", clock(late))
    assert all(row.state == DocumentState.MADE for row in rows())


def test_two_workers_make_one_document_once(committed: None) -> None:
    issue(make_world())
    made: list[object] = []

    def make(wanted: Wanted) -> bytes:
        made.append(wanted.id)
        return b"pdf"

    ended = at_once(*[lambda: documents.make_waiting(make, clock())] * 2)
    assert not [each for each in ended if isinstance(each, Exception)]
    assert len(made) == 1


# What is typed is shown, never read.


def hostile_report(world: World, **texts: str) -> bytes:
    draft = reporting.begun(world)
    reporting.written(world, draft, acknowledged=None, **texts)
    reporting.asked(world, world.ada, world.acme)
    reporting.published(world, draft, PublicationKind.PRELIMINARY)
    ada = factories.actor(world.ada, world.acme)
    with scope.as_company(world.acme.pk, user_id=world.ada.pk):
        documents.ask_for_report(
            ada, reference=world.incident.reference, number=1, zone="Europe/Paris", now=reporting.NOW
        )
    documents.make_waiting(making.make, clock(reporting.NOW))
    (row,) = rows()
    assert (row.state, row.trouble) == (DocumentState.MADE, "")
    return bytes(row.content or b"")


def test_markup_templates_formulas_and_other_scripts_are_shown_as_typed(world: World) -> None:
    typed = HOSTILE.replace("{{ secret }}", "{ secret }")
    said = text_of(
        hostile_report(
            world,
            summary=f"{typed}\n\n| a | b |\n|---|---|\n| =1+1 | {typed.replace('|', '')} |",
            root_cause="# One\n\n#### Deep\n\n### High\n\nwords",
            timeline=f"2026-02-04 13:45 to 14:00 | {typed.replace('|', '')[:90]} | No sign-in.",
        )
    )
    for words in ('#eval("1+1")', '#read("/etc/passwd")', "{% load x %}", "=SUM(A1)", "Ωμέγα", "Привет"):
        assert words in said.replace("\n", " ").replace("“", '"').replace("”", '"'), words
    assert "root:" not in said
    assert "end" in said


def test_nothing_runs_over_the_edge_of_the_page(world: World) -> None:
    """Words that no line holds are broken: an address, the cells of a wide table, a heading."""
    word, columns = "x" * 400, range(14)
    table = "\n".join(
        (
            "|".join(f" Column{n} " for n in columns),
            "|".join("---" for _ in columns),
            "|".join(f" {n}{'y' * 60} " for n in columns),
        )
    )
    content = hostile_report(
        world,
        summary=f"https://example.org/{word}\n\n{table}",
        timeline=f"2026-02-04 13:45 to 14:00 | {'z' * 90} | {word}",
    )
    for page in pypdf.PdfReader(io.BytesIO(content)).pages:
        # A4 is 595 points wide, less the margin on the right.
        assert all(right <= 595 - 60 for right in rights(page)), page.page_number


def rights(page: pypdf.PageObject) -> list[float]:
    """Where each run of letters ends, if each of its letters were no wider than half its height."""
    found: list[float] = []

    def see(text: str, _own: Any, matrix: list[float], _font: Any, size: float) -> None:
        if text.strip():
            found.append(matrix[4] + len(text.strip()) * abs(size * matrix[0] or size) * 0.3)

    page.extract_text(visitor_text=see)
    return found


def test_a_long_report_with_a_huge_table_is_made(world: World) -> None:
    table = "| First | Second | Third |\n|---|---|---|\n" + "| one | two | three |\n" * 1_500
    content = hostile_report(world, summary="Word after word of it. " * 4_000, root_cause=table)
    pages = [page.extract_text() for page in pypdf.PdfReader(io.BytesIO(content)).pages]
    assert len(pages) > 40
    tabled = [page for page in pages if "one two three" in page]
    assert len(tabled) > 20
    assert all("First Second Third\none two three" in page for page in tabled)


def test_a_report_names_its_reader_its_version_and_its_annex(world: World) -> None:
    said = text_of(hostile_report(world))
    assert f"For Acme Stores, {world.ada.name}" in said
    assert "Annex: your account in this incident" in said
    assert "record version" in said
    assert world.globex.name not in said


def test_a_report_that_is_not_held_is_not_asked_for(world: World) -> None:
    draft = reporting.begun(world)
    reporting.published(world, draft)
    with scope.as_company(world.acme.pk, user_id=world.ada.pk), pytest.raises(report_errors.ReportNotFound):
        documents.ask_for_report(
            factories.actor(world.ada, world.acme),
            reference=world.incident.reference,
            number=1,
            zone="UTC",
            now=NOW,
        )
    assert rows() == []


@pytest.mark.parametrize(
    "source",
    [
        '#read("/etc/passwd")',
        '#read("../../../../etc/passwd")',
        '#image("/etc/passwd")',
        '#import "@preview/cetz:0.3.0"',
        '#include "house.typ"',
        "#while true {}",
    ],
)
def test_even_markup_that_is_read_reaches_no_file_and_no_network(
    source: str, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path_factory.mktemp("documents")
    (folder / "house.typ").write_text("")
    (folder / "planted.typ").write_text(source)
    monkeypatch.setattr(typesetting, "HERE", folder)
    (folder / "typesetter.py").write_text((typesetting.FONTS.parent / "typesetter.py").read_text())
    monkeypatch.setattr(typesetting, "MOST_SECONDS", 5)
    with pytest.raises(typesetting.NotSet):
        typesetting.pdf("planted", {})


def test_a_letter_without_a_shape_is_replaced_and_others_stay() -> None:
    shown = typesetting.printable({"a": ["Ω שלום 東京 \N{GRINNING FACE}\u202e\u200d\x07"]})
    assert shown == {"a": ["Ω שלום 東京 " + 3 * typesetting.REPLACEMENT]}


def test_signs_that_people_and_figures_use_have_a_shape() -> None:
    signs = "−30 min ± × ÷ ≤ ≥ ≠ ≈ ∞ → ← ↑ ↓ ⇒ ✓ ✗ ⚠ ● ■ ▲ • … – — “ ” ‘ ’ € £ ¥ ° ½ ² ™ №"
    assert typesetting.printable(signs) == signs
