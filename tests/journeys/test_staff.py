"""Journeys of staff through the admin, with the client's page open beside it."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Page, expect

from incidents.demo import founding, others, people
from incidents.demo.people import Person
from tests.journeys import browsing
from tests.journeys.browsing import Browsing

pytestmark = pytest.mark.browser

OPEN = f"/acme/incidents/{others.OPEN}/"
OPEN_TITLE = "Card payments slow or failing in Europe"
TABLES = (
    "incidents/incident",
    "incidents/recovery",
    "incidents/claim",
    "tenants/company",
    "tenants/user",
)


def console(windows: Browsing) -> Page:
    page = windows.open("/admin/", person=people.SAM)
    expect(page.get_by_role("heading", name="Open incidents")).to_be_visible()
    return page


def choose_action(page: Page, *, company: str, action: str, incident: str = "") -> None:
    """Tick the row of one company (in one incident) in a change list and go to an action's page."""
    rows = page.locator("#result_list tbody tr").filter(has_text=company).filter(has_text=incident)
    expect(rows).to_have_count(1)
    rows.locator("input.action-select").check()
    page.locator("select[name=action]").select_option(label=action)
    page.get_by_role("button", name="Run").or_(page.get_by_role("button", name="Go")).click()


def record_for_acme(page: Page, *, state: str) -> None:
    """From the console to a recovery entry of Acme in the open incident, a few seconds old."""
    page.goto(page.url.split("/admin/")[0] + "/admin/")
    page.get_by_role("link", name=OPEN_TITLE).click()
    page.get_by_role("link", name="Record recoveries…").click()
    page.locator("#searchbar").fill("acme")
    page.locator("#searchbar").press("Enter")
    choose_action(
        page,
        company="Acme Stores",
        action="Record how the selected companies are doing…",
    )
    expect(page.get_by_role("heading", name="Record how 1 company is doing")).to_be_visible()
    page.get_by_label(state, exact=True).check()
    at = datetime.now(UTC) - timedelta(seconds=1)
    page.locator("[name=at_0]").fill(f"{at:%Y-%m-%d}")
    page.locator("[name=at_1]").fill(f"{at:%H:%M:%S}")
    page.get_by_role("button", name="Record for 1 company").click()
    expect(page.get_by_text("Recorded for 1 company")).to_be_visible()


def test_a_recovery_that_staff_record_reaches_the_open_page_without_a_reload(windows: Browsing) -> None:
    client = windows.open(OPEN, person=people.ADA)
    answer = client.get_by_role("region", name="Your account in this incident")
    expect(answer).to_contain_text("Acme Stores: Degraded")
    speaker = client.locator("[data-live-speaker][role=status]")
    expect(speaker).to_be_empty()
    client.evaluate("window.isTheSamePage = true")

    staff = console(windows)
    record_for_acme(staff, state="Restored")
    expect(answer).to_contain_text("Acme Stores: Restored")
    expect(speaker).to_have_text("Your account is restored.")
    expect(client.get_by_role("region", name="How everyone recovered")).to_contain_text("Provisional")
    assert client.evaluate("window.isTheSamePage") is True
    client.goto(windows.portal.url("/acme/"))
    expect(client.get_by_role("region", name="Your account now")).to_contain_text("Not affected")
    client.goto(windows.portal.url(OPEN))

    record_for_acme(staff, state="Degraded")
    expect(answer).to_contain_text("Acme Stores: Degraded")
    expect(speaker).to_have_text("Your account is reachable, but slow or failing at times.")


def test_a_resolved_that_would_be_untrue_is_refused_with_the_numbers(windows: Browsing) -> None:
    client = windows.open(OPEN, person=people.ADA)
    staff = console(windows)
    staff.get_by_role("link", name=OPEN_TITLE).click()
    staff.get_by_role("link", name="Post update…").click()
    said = staff.locator(".says", has_text="companies are affected").inner_text()
    affected, restored, still = map(int, re.findall(r"\d+", said))
    assert (affected, restored + still) == (110, 110)
    staff.get_by_label("Kind").select_option(label="Resolved")
    staff.get_by_label("Text:", exact=True).fill("Payments run **again** in most shops.")
    staff.get_by_role("button", name="Post update").click()

    refused = staff.get_by_role("region", name="“Resolved” would be untrue: nothing was posted")
    expect(refused).to_contain_text(f"{restored} of {affected} restored, {still} open: {still} EU")
    assert browsing.serious_violations(staff) == []
    client.reload()
    expect(client.get_by_role("region", name="Your account in this incident")).to_contain_text(
        "announced as identified"
    )
    expect(client.locator("body")).not_to_contain_text("Payments run")

    refused.get_by_role("button", name=re.compile("^Post as “Monitoring")).click()
    expect(staff.get_by_text("Posted as “Monitoring” for: everyone affected.")).to_be_visible()
    updates = client.get_by_role("region", name="Updates")
    expect(updates).to_contain_text(f"accounts are restored: {restored} of {affected}.")
    expect(updates).to_contain_text("Payments run again in most shops.")


def ask(windows: Browsing, person: Person, path: str) -> Page:
    """Ask for a report, and stay on the page that says where the request stands."""
    page = windows.open(path, person=person)
    page.get_by_label("What do you need it for?").fill("For our franchisees.")
    page.get_by_role("button", name="Send the request").click()
    expect(page.get_by_role("region", name="Where your request stands")).to_contain_text("Answer due")
    return page


def test_staff_decline_a_request_and_the_client_reads_the_reason(windows: Browsing) -> None:
    client = ask(windows, people.LOU, f"/quillmere/incidents/{founding.REFERENCE}/post-mortem/")
    staff = console(windows)
    staff.goto(windows.portal.url("/admin/incidents/postmortemrequest/"))
    choose_action(staff, company="Quillmere", incident=founding.REFERENCE, action="Decline with a reason…")
    expect(staff.get_by_role("heading", name="Decline 1 request")).to_be_visible()
    assert browsing.serious_violations(staff) == []
    staff.get_by_label("Reason").fill("The report <b>follows</b> in March.")
    staff.get_by_role("button", name="Decline").click()
    expect(staff.get_by_text("1 request was declined.")).to_be_visible()
    client.reload()
    tracker = client.get_by_role("region", name="Where your request stands")
    expect(tracker).to_contain_text("Declined")
    expect(tracker).to_contain_text("The report <b>follows</b> in March.")


def test_staff_accept_a_request_and_the_client_reads_by_when(windows: Browsing) -> None:
    client = ask(windows, people.GUS, f"/globex/incidents/{others.RESOLVED}/post-mortem/")
    staff = console(windows)
    staff.get_by_role("row").filter(has_text=others.RESOLVED).get_by_role("link").click()
    staff.get_by_role("button", name="Accept").click()
    expect(staff.get_by_text("1 request was accepted.")).to_be_visible()
    client.reload()
    expect(client.get_by_role("region", name="Where your request stands")).to_contain_text("Accepted (done)")


def test_the_admins_pages_are_open_to_everyone_and_break_no_rule(windows: Browsing) -> None:
    page = console(windows)
    found = browsing.serious_violations(page)
    for table in TABLES:
        page.goto(windows.portal.url(f"/admin/{table}/"))
        found += browsing.serious_violations(page)
        row = page.locator("#result_list tbody a").first
        if row.count():
            row.click()
            expect(page.locator("#content h1, #content h2").first).to_be_visible()
            found += browsing.serious_violations(page)
    for path in ("incidents/incident/add/", "incidents/postmortemrequest/", "tenants/auditevent/"):
        page.goto(windows.portal.url(f"/admin/{path}"))
        found += browsing.serious_violations(page)
    assert found == []


def test_the_admin_reads_well_in_the_dark_and_on_a_telephone(windows: Browsing) -> None:
    page = windows.open("/admin/", person=people.SAM, width=browsing.NARROW, is_dark=True)
    found = browsing.serious_violations(page)
    page.get_by_role("link", name=OPEN_TITLE).click()
    found += browsing.serious_violations(page)
    for name in ("Tail", "Roster policy…", "Components…"):
        page.get_by_role("link", name=name, exact=True).click()
        found += browsing.serious_violations(page)
        page.go_back()
    page.get_by_role("link", name="Record recoveries…").click()
    found += browsing.serious_violations(page)
    assert found == []
