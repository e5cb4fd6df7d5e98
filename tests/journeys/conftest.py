"""One portal and one browser for all journeys; without a browser they are skipped, or fail in CI."""

import os
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Playwright, sync_playwright

from tests.journeys import browsing, served
from tests.journeys.browsing import Browsing, Kept
from tests.journeys.served import Portal

MISSING = (
    "there is no browser. Install Debian's chromium, or name one with PORTAL_CHROMIUM=/path/to/chromium."
)


# Of the package, not of the run: while the browser is there an event loop runs in this thread,
# and Django refuses queries to the tests that follow.


@pytest.fixture(scope="package")
def chromium() -> str:
    program = browsing.chromium()
    if program is None:
        if os.environ.get("PORTAL_BROWSER_REQUIRED") == "1":
            pytest.fail(f"PORTAL_BROWSER_REQUIRED is set, but {MISSING}", pytrace=False)
        pytest.skip(MISSING)
    return program


@pytest.fixture(scope="package")
def portal(chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
    portal = served.start(tmp_path_factory.mktemp("portal"), database=f"portal_journeys_{worker}")
    yield portal
    portal.stop()


@pytest.fixture(scope="package")
def playwright(chromium: str) -> Iterator[Playwright]:
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="package")
def browser(playwright: Playwright, chromium: str) -> Iterator[Browser]:
    browser = playwright.chromium.launch(executable_path=chromium, args=list(browsing.ARGUMENTS))
    yield browser
    browser.close()


@pytest.fixture(scope="package")
def kept() -> Kept:
    return Kept()


@pytest.fixture
def windows(browser: Browser, portal: Portal, kept: Kept) -> Iterator[Browsing]:
    """Windows for anybody; whatever the console said in them fails the journey."""
    opened = Browsing(browser, portal, kept)
    yield opened
    assert opened.close() == []
