"""Every page in a real browser: rules of accessibility, widths, keyboard, freshness, signing in and out."""

import re

import pytest
from playwright.sync_api import Page, Playwright, expect

from incidents.demo import founding, others, people
from tests.journeys import browsing, served
from tests.journeys.browsing import Browsing, Kept

pytestmark = pytest.mark.browser

OPEN = f"/acme/incidents/{others.OPEN}/"
FOUNDING = f"/acme/incidents/{founding.REFERENCE}/"
CLIENT_PAGES = (
    "/acme/",
    "/acme/incidents/",
    "/acme/incidents/?q=nothing+has+these+words",
    FOUNDING,
    OPEN,
    f"/acme/incidents/{others.SCHEDULED}/",
    f"/acme/incidents/{others.MINOR}/post-mortem/",
    f"{FOUNDING}post-mortem/report/",
    f"{FOUNDING}post-mortem/differences/",
    f"{FOUNDING}post-mortem/actions/",
    "/accounts/logout/",
    "/accounts/password/change/",
)
DOORS = (
    "/accounts/login/",
    "/accounts/signup/",
    "/accounts/password/reset/",
    "/accounts/password/reset/done/",
    "/accounts/password/reset/key/0-wrong/",
    "/accounts/password/reset/key/done/",
)
MAIN_PAGES = ("/acme/", FOUNDING, OPEN, f"/acme/incidents/{others.MINOR}/post-mortem/")


def test_every_client_page_is_open_to_everyone(windows: Browsing) -> None:
    page = windows.open("/acme/", person=people.ADA)
    assert found_on(page, windows, CLIENT_PAGES) == []


@pytest.mark.parametrize(
    ("width", "is_dark"), [(browsing.NARROW, True), (browsing.WIDE, True), (browsing.NARROW, False)]
)
def test_the_main_pages_are_open_to_everyone_in_every_look(
    windows: Browsing, width: int, is_dark: bool
) -> None:
    page = windows.open("/acme/", person=people.ADA, width=width, is_dark=is_dark)
    assert found_on(page, windows, MAIN_PAGES) == []


def test_a_request_and_a_choice_of_companies_are_open_to_everyone(windows: Browsing) -> None:
    page = windows.open("/", person=people.LOU)
    found = found_on(page, windows, ("/",))
    page = windows.open("/", person=people.GUS)
    found += found_on(page, windows, (f"/globex/incidents/{founding.REFERENCE}/post-mortem/",))
    assert found == []


def test_the_doors_are_open_to_everyone(windows: Browsing) -> None:
    windows.allow("status of 404")
    page = windows.open("/accounts/login/")
    found = found_on(page, windows, DOORS)
    page = windows.open("/accounts/login/", width=browsing.NARROW, is_dark=True)
    assert found + found_on(page, windows, DOORS[:2]) == []


def test_error_pages_are_open_to_everyone(windows: Browsing) -> None:
    windows.allow("status of 404")
    windows.allow("status of 403")
    page = windows.open("/acme/", person=people.ADA)
    found = found_on(page, windows, ("/no-such-company/",))
    page.goto(windows.portal.url("/acme/"))
    page.locator(".segments input[name=csrfmiddlewaretoken]").evaluate("(token) => { token.value = 'x'; }")
    page.get_by_role("button", name="UTC").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("This form has expired")
    assert found + browsing.violations(page) == []


def found_on(page: Page, windows: Browsing, paths: tuple[str, ...]) -> list[str]:
    """What axe finds on these pages, and which of them are wider than the narrowest window."""
    found = []
    size = page.viewport_size or {"width": browsing.WIDE, "height": 900}
    for path in paths:
        page.goto(windows.portal.url(path))
        assert page.get_by_role("heading", level=1).count() == 1, path
        found += browsing.violations(page)
        page.set_viewport_size({"width": browsing.NARROWEST, "height": size["height"]})
        if wider := browsing.overflow(page):
            found.append(f"{page.url}: {wider} px too wide")
        page.set_viewport_size(size)
    return found


def test_the_keyboard_reaches_everything_and_shows_where_it_is(windows: Browsing) -> None:
    page = windows.open(FOUNDING, person=people.ADA)
    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to content")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport(ratio=1)
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.locator("main a, main button").first).to_be_focused()

    page.goto(windows.portal.url("/acme/"))
    seen: list[tuple[str, bool]] = []
    while not seen or not seen[-1][0].startswith("<body"):
        page.keyboard.press("Tab")
        seen.append(page.evaluate(FOCUSED))
    assert [name for name, is_shown in seen[:-1] if not is_shown] == []
    assert len(seen) > page.locator("a, button:visible, summary, input:visible").count()


FOCUSED = """() => {
    const now = document.activeElement;
    const isOutlined = (element) => {
        const style = element && getComputedStyle(element);
        return style && style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
    };
    return [now.outerHTML.slice(0, 120), Boolean(isOutlined(now) || isOutlined(now.closest(".row")))];
}"""
"""What has the focus, and whether it, or the whole row that it opens, is outlined."""


def test_the_menu_opens_and_closes_by_keyboard(windows: Browsing) -> None:
    page = windows.open("/acme/", person=people.ADA)
    menu = page.locator(".menu--account summary")
    out = page.get_by_role("button", name="Sign out")
    menu.focus()
    expect(out).to_be_hidden()
    page.keyboard.press("Enter")
    expect(out).to_be_visible()
    page.keyboard.press("Tab")
    expect(out).to_be_focused()
    page.keyboard.press("Escape")
    expect(out).to_be_hidden()
    expect(menu).to_be_focused()


def asked_for_news(page: Page) -> list[str]:
    """Grows with each request of the page for its own live part."""
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "hx-request" in request.headers else None)
    return asked


def test_a_page_says_how_fresh_it_is_and_can_be_paused(windows: Browsing) -> None:
    page = windows.open(OPEN, person=people.ADA)
    asked = asked_for_news(page)
    bar = page.locator("[data-freshness]")
    expect(bar).to_contain_text(re.compile(r"Updated \d\d:\d\d:\d\d CET · refreshes every 1 s"))
    page.get_by_role("button", name="Pause").click()
    expect(bar).to_contain_text("paused")
    page.wait_for_timeout(300)
    asked.clear()
    page.wait_for_timeout(2_500 * served.POLL_SECONDS)
    assert asked == []
    with page.expect_response(lambda response: response.url.endswith(OPEN)) as answer:
        page.get_by_role("button", name="Resume").click()
    assert answer.value.status in (200, 304)
    expect(bar).to_contain_text("refreshes every 1 s")


def test_a_page_says_that_it_could_not_refresh_and_recovers(windows: Browsing) -> None:
    for words in ("ERR_INTERNET_DISCONNECTED", "sendError", "htmx:afterRequest"):
        windows.allow(words)
    page = windows.open(OPEN, person=people.ADA)
    bar = page.locator("[data-freshness]")
    expect(bar).to_contain_text("Updated")
    page.context.set_offline(True)
    expect(bar).to_contain_text(re.compile(r"Could not refresh since \d\d:\d\d:\d\d CET"))
    expect(bar).to_contain_text("showing earlier data")
    expect(page.get_by_role("region", name="Your account in this incident")).to_be_visible()
    page.context.set_offline(False)
    expect(bar).to_contain_text("Updated")


def test_an_incident_that_is_over_asks_no_more(windows: Browsing) -> None:
    page = windows.open(FOUNDING, person=people.ADA)
    asked = asked_for_news(page)
    page.wait_for_timeout(2_000 * served.POLL_SECONDS)
    assert asked == []
    expect(page.get_by_role("button", name="Pause")).to_have_count(0)


def test_a_wrong_password_and_an_unknown_address_are_answered_alike(windows: Browsing) -> None:
    answers = []
    for email in (people.HAL.email, "nobody@nowhere.example"):
        page = windows.open("/accounts/login/?next=/globex/")
        browsing.fill_sign_in(page, email, "not-the-password")
        expect(page.get_by_role("alert")).to_be_visible()
        answers.append(page.locator("main").inner_text())
        assert browsing.violations(page) == []
        assert page.context.cookies() == [
            cookie for cookie in page.context.cookies() if cookie["name"] != "portal_session"
        ]
    assert answers[0] == answers[1]


def test_a_new_password_is_promised_to_every_address_alike(windows: Browsing) -> None:
    answers = []
    for email in (people.HAL.email, "nobody@nowhere.example"):
        page = windows.open("/accounts/password/reset/")
        page.get_by_label("mail").fill(email)
        page.get_by_role("button", name="Send the link").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Check your mail")
        answers.append((page.url, page.locator("body").inner_text()))
    assert answers[0] == answers[1]


@pytest.mark.parametrize("path", [FOUNDING, "/acme/"])
def test_after_signing_out_the_back_button_shows_nothing(
    portal: served.Portal, playwright: Playwright, chromium: str, path: str
) -> None:
    # Started as people start it: the browser of the other journeys keeps no page for the back button.
    browser = playwright.chromium.launch(
        executable_path=chromium,
        args=list(browsing.ARGUMENTS),
        ignore_default_args=["--disable-back-forward-cache"],
    )
    windows = Browsing(browser, portal, Kept())
    page = windows.open("/accounts/login/")
    windows.sign_in(page, people.ADA)
    page.goto(portal.url(path))
    page.locator(".menu--account summary").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")
    page.evaluate("history.back()")
    page.wait_for_url(re.compile("next="), wait_until="commit")
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")
    assert "Acme" not in page.content()
    assert windows.close() == []
    browser.close()
