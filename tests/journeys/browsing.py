"""A real browser in the hands of the demonstration's people, which keeps every complaint it makes."""

import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, StorageState, WebError, expect

from incidents.demo.people import Person
from tests.journeys.served import Portal

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
WIDE, NARROW, NARROWEST = 1280, 375, 320
_HEIGHT = 900
_PATIENCE_MILLISECONDS = 10_000
_AXE = Axe()
# Without preloading style sheets, which no rule in use needs and the pages' own policy forbids.
_AXE_OPTIONS = {"resultTypes": ["violations"], "preload": False}


def chromium() -> str | None:
    """Path of the browser: `$PORTAL_CHROMIUM`, else the first of PROGRAMS in PATH; None without one."""
    named = os.environ.get("PORTAL_CHROMIUM")
    return shutil.which(named) if named else next(filter(None, map(shutil.which, PROGRAMS)), None)


class Browsing:
    """Opens windows for people, signed in once each, and gathers what the browser complains of.

    `cookies` outlives it: the signed-in state of each person, by e-mail.
    """

    def __init__(self, browser: Browser, portal: Portal, cookies: dict[str, StorageState]) -> None:
        self.portal = portal
        self.complaints: list[str] = []
        self._browser = browser
        self._cookies = cookies
        self._contexts: list[BrowserContext] = []
        self._allowed: list[str] = []

    def open(
        self,
        path: str,
        *,
        person: Person | None = None,
        width: int = WIDE,
        is_dark: bool = False,
        has_scripts: bool = True,
    ) -> Page:
        """A window of its own at `path`, signed in as `person` where one is given."""
        if person is not None and person.email not in self._cookies:
            page = self.open("/accounts/login/")
            self.sign_in(page, person)
            self._cookies[person.email] = page.context.storage_state()
        context = self._browser.new_context(
            viewport={"width": width, "height": _HEIGHT},
            color_scheme="dark" if is_dark else "light",
            java_script_enabled=has_scripts,
            storage_state=self._cookies[person.email] if person else None,
            reduced_motion="reduce",
        )
        context.set_default_timeout(_PATIENCE_MILLISECONDS)
        context.on("console", self._hear)
        context.on("weberror", self._catch)
        self._contexts.append(context)
        page = context.new_page()
        page.goto(self.portal.url(path))
        return page

    def sign_in(self, page: Page, person: Person) -> None:
        """Fill the sign-in form that `page` shows, and wait until it lets the person in."""
        fill_sign_in(page, person.email, self.portal.password_of(person))
        expect(page.locator("form[action='/accounts/logout/']").first).to_be_attached()

    def allow(self, words: str) -> None:
        """Not a complaint in this journey: a message of the console with these words."""
        self._allowed.append(words)

    def close(self) -> list[str]:
        """Close every window; returns the complaints."""
        for context in self._contexts:
            context.close()
        return self.complaints

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and not any(word in message.text for word in self._allowed):
            self.complaints.append(f"{message.type}: {message.text} ({message.location})")

    def _catch(self, error: WebError) -> None:
        self.complaints.append(f"uncaught: {error.error}")


def fill_sign_in(page: Page, email: str, password: str) -> None:
    page.get_by_label("mail").fill(email)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()


def violations(page: Page) -> list[str]:
    """What axe finds on a page, one line for each element."""
    return list(_found(_AXE.run(page, options=_AXE_OPTIONS).response))


def serious_violations(page: Page) -> list[str]:
    """What axe finds serious or critical on a page of the admin, but for the library's own search boxes."""
    answer = _AXE.run(page, context={"exclude": [[".select2-container"]]}, options=_AXE_OPTIONS)
    return list(_found(answer.response, impacts=("serious", "critical")))


def overflow(page: Page) -> int:
    """By how many pixels the page is wider than its window."""
    wider: int = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    return wider


def _found(answer: Mapping[str, Any], *, impacts: Sequence[str] = ()) -> Iterator[str]:
    for rule in answer["violations"]:
        if not impacts or rule["impact"] in impacts:
            for node in rule["nodes"]:
                yield f"{answer['url']}: {rule['id']} ({rule['impact']}) {' '.join(map(str, node['target']))}"
