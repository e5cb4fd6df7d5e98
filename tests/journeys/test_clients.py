"""Journeys of clients through a running portal: what they read, ask for and are kept out of."""

import html
import re

import pytest
from playwright.sync_api import Locator, Page, expect

from incidents import cohort
from incidents.demo import founding, load, others, people, world
from tests.journeys import browsing
from tests.journeys.browsing import Browsing

pytestmark = pytest.mark.browser

FOUNDING = f"/acme/incidents/{founding.REFERENCE}/"
OPEN = f"/acme/incidents/{others.OPEN}/"
MINOR = f"/acme/incidents/{others.MINOR}/"
COMPANIES = world.affected_companies(load.COMPANIES)
TAIL = COMPANIES[cohort.companies_in(95, affected_count=load.COMPANIES) :]


def figure(page: Page, name: str) -> Locator:
    """The value under a name among the figures of the account's answer."""
    return page.locator(".figure").filter(has=page.get_by_text(name, exact=True)).locator(".figure__value")


def read_the_founding_incident(page: Page) -> None:
    """What every member of Acme reads of its own account, as the record says."""
    expect(page.get_by_role("heading", level=1)).to_have_text("System outage")
    expect(figure(page, "Affected from")).to_have_text("4 Feb 2026, 13:45 CET")
    expect(figure(page, "Restored")).to_have_text("4 Feb 2026, 20:15 CET")
    expect(figure(page, "In all")).to_have_text("6 h 30 min")
    expect(figure(page, "In the last 5% to recover")).to_have_text("Yes")
    recovery = page.get_by_role("region", name="How everyone recovered")
    expect(recovery).to_contain_text(
        "The first 95% were back at 18:10 CET, 4 h 25 min after the start of the incident; "
        "the last one at 20:15 CET, 6 h 30 min after it."
    )
    claims = page.get_by_role("region", name="Announced, and what your account experienced")
    for said, difference in (("19:45 CET", "−30 min"), ("19:56 CET", "−19 min")):
        row = claims.get_by_role("row").filter(has_text=re.compile(f"“Resolved” update.*{said}"))
        expect(row).to_contain_text(f"4 Feb 2026, {said}")
        expect(row).to_contain_text(difference)
        expect(row).to_contain_text("Announced too early")


def test_an_owner_reads_the_truth_of_her_account_and_the_report(windows: Browsing) -> None:
    page = windows.open("/acme/")
    windows.sign_in(page, people.ADA)
    expect(page.get_by_role("heading", level=1)).to_have_text("Acme Stores: status now")
    now = page.get_by_role("region", name="Your account now")
    expect(now).to_contain_text("slow or failing at times, in 1 open incident")
    expect(now.get_by_role("link", name="Card payments slow or failing in Europe")).to_be_visible()

    page.get_by_role("link", name="System outage").click()
    read_the_founding_incident(page)

    page.get_by_role("link", name="Read the report").click()
    expect(page.get_by_role("region", name="Facts", exact=True)).to_contain_text("6 h 30 min")
    expect(page.get_by_role("region", name="Annex: your account in this incident")).to_contain_text("−30 min")
    page.get_by_role("link", name="Preliminary").click()
    expect(page.get_by_role("region", name="Where the text departs from the record")).to_contain_text(
        "the record says 4 h 25 min to the first 95%"
    )
    page.get_by_role("button", name="I have read it").click()
    expect(page.get_by_text("Kept: you have read this version.")).to_be_visible()
    page.get_by_role("link", name="What is new in it").click()
    expect(page.locator("del").first).to_be_visible()
    page.go_back()
    page.get_by_role("link", name="Follow the 3 actions").click()
    expect(page.get_by_text("1 overdue")).to_be_visible()
    page.get_by_role("button", name="Follow all").click()
    expect(page.get_by_text("You follow all of them, those to come too.")).to_be_visible()


def test_who_asks_again_is_shown_the_first_request(windows: Browsing) -> None:
    first = windows.open(f"{OPEN}post-mortem/", person=people.MIA)
    second = windows.open(f"{OPEN}post-mortem/", person=people.ADA)
    first.get_by_role("button", name="Send the request").click()
    expect(first.get_by_role("heading", name="Where your request stands")).to_have_count(0)
    for page, purpose in ((first, "For the <auditors> & us."), (second, "For the board.")):
        page.get_by_label("What do you need it for?").fill(purpose)
    for page in (first, second):
        page.get_by_role("button", name="Send the request").click()
        tracker = page.get_by_role("region", name="Where your request stands")
        expect(tracker).to_contain_text("by Mia Laurent")
        expect(tracker).to_contain_text("For the <auditors> & us.")
        expect(page.locator("body")).not_to_contain_text("For the board.")


def test_the_roster_names_who_agreed_and_nobody_else(windows: Browsing) -> None:
    page = windows.open(FOUNDING, person=people.ADA)
    roster = page.get_by_role("region", name="The last 5% to recover")
    agreed = sorted(company.name for company in TAIL if company.consents)
    shown = [
        name.removesuffix(" (you)") for name in roster.locator("li > span:first-child").all_inner_texts()
    ]
    assert shown == agreed
    assert "Acme Stores" in shown
    expect(roster).to_contain_text("12 companies, yours among them.")
    expect(roster).to_contain_text(f"{12 - len(agreed)} clients that are not named")
    assert others_named_in(page.content(), but={*agreed}) == []


def test_a_reader_reads_the_same_and_cannot_ask(windows: Browsing) -> None:
    page = windows.open(FOUNDING, person=people.BEA)
    read_the_founding_incident(page)
    page.goto(windows.portal.url(f"{MINOR}post-mortem/"))
    expect(page.get_by_role("heading", name="Your role does not allow asking")).to_be_visible()
    expect(page.locator("main form")).to_have_count(0)

    windows.allow("status of 403")
    with page.expect_navigation():
        # The form that the page does not have, with a token that is good.
        page.locator(".menu--account form").evaluate(
            "(form, address) => { form.action = address; form.submit(); }",
            f"{MINOR}post-mortem/",
        )
    expect(page.get_by_role("heading", level=1)).to_have_text("Not allowed")
    assert browsing.violations(page) == []
    page.goto(windows.portal.url(MINOR))
    expect(page.get_by_role("region", name="Post-mortem")).not_to_contain_text("Asked for by")


def test_a_stranger_reads_his_own_account_and_nothing_of_another(windows: Browsing) -> None:
    page = windows.open("/globex/", person=people.GUS)
    expect(page.get_by_role("heading", level=1)).to_have_text("Globex Hotels: status now")
    page.locator("ol").get_by_role("link", name="System outage").click()
    expect(figure(page, "Affected from")).to_have_text("4 Feb 2026, 07:45 EST")
    expect(figure(page, "Restored")).to_have_text("4 Feb 2026, 10:34 EST")
    expect(figure(page, "In the last 5% to recover")).to_have_text("No")
    expect(page.get_by_role("region", name="The last 5% to recover")).to_contain_text("12 companies.")

    named = {"Globex Hotels"} | {company.name for company in TAIL if company.consents}
    assert others_named_in(page.content(), but=named) == []
    page.goto(windows.portal.url("/globex/incidents/"))
    paths = [str(link.get_attribute("href")) for link in page.locator(".row__title a").all()]
    assert f"/globex/incidents/{founding.REFERENCE}/" in paths
    paths.remove(f"/globex/incidents/{founding.REFERENCE}/")
    for path in ("/globex/", "/globex/incidents/", *paths, f"{paths[0]}post-mortem/"):
        page.goto(windows.portal.url(path))
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        listed = page.locator(".names li > span:first-child").all_inner_texts()
        agreed = {company.name for company in COMPANIES if company.consents and company.name in listed}
        assert others_named_in(page.content(), but={"Globex Hotels", *agreed}) == [], path


def test_the_addresses_of_another_company_are_not_there(windows: Browsing) -> None:
    windows.allow("status of 404")
    page = windows.open("/", person=people.GUS)
    for path in (
        "/acme/",
        FOUNDING,
        f"{FOUNDING}post-mortem/",
        f"/globex/incidents/{others.OPEN}/",
        "/admin/",
    ):
        response = page.goto(windows.portal.url(path))
        assert response is not None
        assert response.status == 404
        expect(page.get_by_role("heading", level=1)).to_have_text("Page not found")
        expect(page.locator(".reference")).not_to_be_empty()
        assert "acme" not in page.content().casefold()


def test_a_person_of_two_companies_changes_between_them(windows: Browsing) -> None:
    page = windows.open("/", person=people.LOU)
    page.get_by_role("link", name="Quillmere Cafés").click()
    page.locator("summary").filter(has_text="Quillmere Cafés").click()
    page.get_by_role("link", name="Acme Stores").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Acme Stores: status now")


def test_everything_works_without_scripts(windows: Browsing) -> None:
    page = windows.open("/accounts/login/", has_scripts=False)
    windows.sign_in(page, people.ADA)
    for path in ("/acme/", "/acme/incidents/", FOUNDING, OPEN, f"{MINOR}post-mortem/"):
        page.goto(windows.portal.url(path))
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        expect(page.get_by_text(re.compile(r"\d\d:\d\d(:\d\d)? (CET|CEST)")).first).to_be_visible()
    page.get_by_label("What do you need it for?").fill("For the file.")
    page.get_by_label("Needed by").fill("2099-12-31")
    page.get_by_role("button", name="Send the request").click()
    tracker = page.get_by_role("region", name="Where your request stands")
    expect(tracker).to_contain_text("For the file.")
    expect(tracker).to_contain_text("31 Dec 2099")

    page.goto(windows.portal.url(FOUNDING))
    expect(page.locator("[data-freshness]")).to_contain_text("reload to refresh")
    page.get_by_role("button", name="UTC").click()
    expect(page).to_have_url(windows.portal.url(FOUNDING))
    expect(figure(page, "Restored")).to_have_text("4 Feb 2026, 19:15 UTC")
    page.get_by_role("button", name="Local").click()
    expect(figure(page, "Restored")).to_have_text("4 Feb 2026, 20:15 CET")
    page.locator("#curve-numbers summary").click()
    expect(page.locator("#curve-numbers").get_by_role("row").filter(has_text="95% reached")).to_contain_text(
        "18:10 CET"
    )
    page.locator(".menu--account summary").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")


def others_named_in(content: str, *, but: set[str]) -> list[str]:
    """Names and keys of client companies in the source of a page, besides those that may stand there."""
    text = html.unescape(content)
    every = (*COMPANIES, *world.newcomers(load.COMPANIES))
    return [
        company.name
        for company in every
        if (company.name not in but and company.name in text)
        or str(company.id) in text
        or (company.name not in but and f"/{company.slug}/" in text)
    ]
