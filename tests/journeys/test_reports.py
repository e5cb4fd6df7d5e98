"""Journeys of a report: from the queue to the final version, from the request to the file on the disk."""

import re
from pathlib import Path

import pypdf
import pytest
from playwright.sync_api import Page, expect

from incidents.demo import founding, others, people
from incidents.demo.people import Person
from tests.journeys.browsing import Browsing

pytestmark = pytest.mark.browser

REASON = "That is what we said on the day; it counts the watch that was kept afterwards."
CLAIM = "The total resolution took 4 h 30 min."
SUMMARY = "Card payments failed after {{ affected_count }} companies lost the gateway."


def ask(windows: Browsing, person: Person, path: str, *, question: str = "") -> Page:
    """From the incident's page to a request that was sent; stays where it is tracked."""
    page = windows.open(path, person=person)
    page.get_by_role("link", name="Ask for the post-mortem").click()
    page.get_by_label("What do you need it for?").fill("For our auditors.")
    page.locator("[name=question_1]").fill(question)
    page.get_by_role("button", name="Send the request").click()
    expect(page.get_by_role("region", name="Where your request stands")).to_contain_text("Answer due")
    return page


def accept(staff: Page, *, company: str, reference: str) -> None:
    """From the console's queue to a request that is accepted; stays on its page."""
    queue = staff.get_by_role("region", name="Post-mortem requests, by due date")
    row = queue.get_by_role("row").filter(has_text=reference).filter(has_text=company)
    row.get_by_role("link").first.click()
    staff.get_by_role("button", name="Accept", exact=True).click()
    expect(staff.get_by_text("1 request was accepted.")).to_be_visible()


def begin(windows: Browsing, staff: Page, reference: str) -> str:
    """A report that is begun; returns its address and stays there."""
    staff.goto(windows.portal.url("/admin/incidents/postmortem/add/"))
    option = staff.locator("[name=report_on] option").filter(has_text=reference)
    staff.get_by_label("Report on").select_option(value=str(option.get_attribute("value")))
    staff.get_by_role("button", name="Begin").click()
    expect(staff.get_by_text("Begun. The timeline holds what the record knows.")).to_be_visible()
    return staff.url


def review(windows: Browsing, staff: Page, report: str) -> None:
    """Sent by who wrote it, who cannot approve it; approved by a second person."""
    staff.get_by_role("button", name="Save and send to review").click()
    expect(staff.get_by_text("Waits for a second person.")).to_be_visible()
    expect(staff.get_by_role("button", name="Approve")).to_have_count(0)
    second = windows.open(report.removeprefix(windows.portal.address), person=people.REN)
    second.get_by_role("button", name="Approve").click()
    expect(second.get_by_text("Approved. It can be published.")).to_be_visible()


def publish(staff: Page, report: str, *, kind: str, note: str = "") -> None:
    staff.goto(report)
    staff.get_by_role("link", name="Publish…").click()
    staff.get_by_label(kind, exact=True).check()
    if note:
        staff.get_by_label("What is new").fill(note)
    staff.get_by_role("button", name="Publish").click()
    expect(staff.get_by_text("Its holders can read it now.")).to_be_visible()


def test_staff_take_a_request_to_the_final_report(windows: Browsing) -> None:
    incident = f"/quillmere/incidents/{others.RESOLVED}/"
    client = ask(windows, people.LOU, incident, question="Were payments lost?")
    staff = windows.open("/admin/", person=people.SAM)
    accept(staff, company="Quillmere", reference=others.RESOLVED)
    asked = staff.get_by_role("region", name="Questions of the client")
    asked.locator("[name=q1-text]").fill("None: the tills tried them again.")
    staff.get_by_role("button", name="Send what is answered").click()
    client.reload()
    expect(client.get_by_role("region", name="Where your request stands")).to_contain_text("Accepted (done)")
    expect(client.get_by_role("region", name="Your questions")).to_contain_text("None: the tills tried")

    report = begin(windows, staff, others.RESOLVED)
    write_with_a_claim(staff)
    review(windows, staff, report)
    publish(staff, report, kind="Preliminary")
    client.reload()
    client.get_by_role("link", name="Read the report").click()
    expect(client.get_by_text("Preliminary.", exact=True)).to_be_visible()
    footnotes = client.get_by_role("region", name="Where the text departs from the record")
    expect(footnotes).to_contain_text("“4 h 30 min”: the record says")
    expect(footnotes).to_contain_text(REASON)

    staff.goto(report)
    staff.get_by_label("Summary").fill(f"{SUMMARY} Certificates are renewed in time now.")
    review(windows, staff, report)
    publish(staff, report, kind="Final", note="The announced total is dropped.")
    client.reload()
    expect(client.locator(".tags")).to_contain_text("Final")
    expect(footnotes).to_have_count(0)
    client.get_by_role("link", name="What is new in it").click()
    expect(client.get_by_text("The announced total is dropped.")).to_be_visible()
    expect(client.locator("article ins").first).to_contain_text("Certificates")
    assert "4 h 30 min" in " ".join(client.locator("article del").all_inner_texts())
    client.goto(windows.portal.url(f"{incident}post-mortem/report/?version=1"))
    expect(client.get_by_text("This is not the newest version.")).to_be_visible()
    expect(footnotes).to_contain_text(REASON)


def write_with_a_claim(staff: Page) -> None:
    """Typed, saved by itself, caught; then sent to review with the reason why it stays."""
    staff.get_by_label("Summary").fill(f"{SUMMARY} {CLAIM}")
    staff.get_by_label("Root cause").fill("A certificate had expired.")
    expect(staff.get_by_role("status").filter(has_text="Saved by itself")).to_be_visible()
    staff.reload()
    expect(staff.get_by_label("Summary")).to_have_value(f"{SUMMARY} {CLAIM}")
    caught = staff.get_by_role(
        "region", name="The record says otherwise: 1 to change or to give a reason for"
    )
    expect(caught).to_contain_text("“4 h 30 min”")
    staff.get_by_role("button", name="Save and send to review").click()
    expect(caught).to_be_visible()
    expect(staff.get_by_text("Waits for a second person.")).to_have_count(0)
    caught.get_by_label("Why it stays").fill(REASON)


def test_a_client_takes_the_report_and_a_statement_home(windows: Browsing, tmp_path: Path) -> None:
    incident = f"/globex/incidents/{founding.REFERENCE}/"
    withdraw(windows, f"{incident}post-mortem/")
    client = ask(windows, people.GUS, incident)
    accept(windows.open("/admin/", person=people.SAM), company="Globex", reference=founding.REFERENCE)

    client.reload()
    client.get_by_role("link", name="Read the report").click()
    digest = client.get_by_role("region", name="What this version is").locator(".reference").inner_text()
    with windows.portal.worker():
        client.get_by_role("link", name="PDF", exact=True).click()
        client.get_by_role("button", name="Make the PDF").click()
        until_made(client, "Download the PDF")
        pages = read(client, "Download the PDF", tmp_path / "report.pdf")
        assert digest in pages[0]
        for page in pages:
            assert "For Globex Hotels, Gus Whitfield · times in America/New_York" in page
            assert f"{founding.REFERENCE} · version 2 · record version" in page
            assert f"SHA-256 {digest[:16]}…" in page

        client.goto(windows.portal.url(incident))
        client.get_by_role("link", name="Downtime statement").click()
        client.get_by_role("button", name="Issue this statement").click()
        until_made(client, "PDF")
    number = client.locator(".heading .reference").inner_text()
    pages = read(client, "PDF", tmp_path / "statement.pdf")
    assert all(number in page for page in pages)
    with client.expect_download() as taken:
        client.get_by_role("button", name="Signed JSON").click()
    taken.value.save_as(tmp_path / "statement.json")
    verify(windows, number, (tmp_path / "statement.json").read_text("utf-8"))


def withdraw(windows: Browsing, path: str) -> None:
    """What the demonstration's Globex has asked for already."""
    page = windows.open(path, person=people.GUS)
    page.get_by_role("link", name="Withdraw the request").click()
    page.get_by_role("button", name="Withdraw the request").click()
    expect(page.get_by_text("Your company has asked before.")).to_be_visible()


def until_made(page: Page, name: str) -> None:
    """Reload until the button can be pressed, as the page says to."""
    button = page.get_by_role("button", name=name, exact=True)
    for _ in range(60):
        if button.count() and button.is_enabled():
            return
        page.wait_for_timeout(500)
        page.get_by_role("link", name="Reload").click()
    raise AssertionError(f"It was not made: {page.locator('main').inner_text()}")


def read(page: Page, name: str, file: Path) -> list[str]:
    """Press the button, keep what comes, and return the text of each of its pages."""
    with page.expect_download() as taken:
        page.get_by_role("button", name=name, exact=True).click()
    taken.value.save_as(file)
    assert file.read_bytes().startswith(b"%PDF-")
    return [each.extract_text() for each in pypdf.PdfReader(file).pages]


def verify(windows: Browsing, number: str, content: str) -> None:
    """By anybody who holds it: as it is, with one figure changed, and by its number."""
    page = windows.open("/verify/")
    altered = re.sub(r'("downtime_seconds":)\d+', r"\g<1>1", content)
    assert altered != content
    for shown, verdict in ((content, "Valid."), (altered, "Altered, or not issued here.")):
        page.get_by_label("Or the text of the JSON").fill(shown)
        page.get_by_role("button", name="Verify").click()
        expect(page.get_by_role("status")).to_contain_text(verdict)
        page.goto(windows.portal.url("/verify/"))
    page.get_by_label("Number").fill(number)
    page.get_by_role("button", name="Verify").click()
    expect(page.get_by_role("status")).to_contain_text("Valid.")
    expect(page.locator("main")).not_to_contain_text("Globex Hotels")
