"""A real browser in the hands of the demonstration's people, which keeps every complaint it makes."""

import os
import shutil
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, ConsoleMessage, Page, WebError, expect

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


@dataclass(frozen=True, kw_only=True)
class Look:
    """What a window is opened with and keeps."""

    width: int
    is_dark: bool
    has_scripts: bool


@dataclass(frozen=True)
class Kept:
    """What outlives a journey: who is signed in, by e-mail, and the windows that nobody uses any more.

    A new window costs the browser a process, four times what a page costs it.
    """

    cookies: dict[str, list[Any]] = field(default_factory=dict)
    windows: defaultdict[Look, list[Page]] = field(default_factory=lambda: defaultdict(list))


class Browsing:
    """Opens windows for people, signed in once each, and gathers what the browser complains of."""

    def __init__(self, browser: Browser, portal: Portal, kept: Kept) -> None:
        self.portal = portal
        self.complaints: list[str] = []
        self._browser = browser
        self._kept = kept
        self._opened: list[tuple[Look, Page]] = []
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
        if person is not None and person.email not in self._kept.cookies:
            page = self.open("/accounts/login/")
            self.sign_in(page, person)
            self._kept.cookies[person.email] = list(page.context.cookies())
        look = Look(width=width, is_dark=is_dark, has_scripts=has_scripts)
        page = self._kept.windows[look].pop() if self._kept.windows[look] else self._new_window(look)
        self._opened.append((look, page))
        page.context.on("console", self._hear)
        page.context.on("weberror", self._catch)
        page.context.add_cookies(self._kept.cookies[person.email] if person else [])
        page.goto(self.portal.url(path))
        return page

    def _new_window(self, look: Look) -> Page:
        context = self._browser.new_context(
            viewport={"width": look.width, "height": _HEIGHT},
            color_scheme="dark" if look.is_dark else "light",
            java_script_enabled=look.has_scripts,
            reduced_motion="reduce",
        )
        context.set_default_timeout(_PATIENCE_MILLISECONDS)
        return context.new_page()

    def sign_in(self, page: Page, person: Person) -> None:
        """Fill the sign-in form that `page` shows, and wait until it lets the person in."""
        fill_sign_in(page, person.email, self.portal.password_of(person))
        expect(page.locator("form[action='/accounts/logout/']").first).to_be_attached()

    def allow(self, words: str) -> None:
        """Not a complaint in this journey: a message of the console with these words."""
        self._allowed.append(words)

    def close(self) -> list[str]:
        """Leave every window as if it were new; returns the complaints."""
        for look, page in self._opened:
            page.goto("about:blank")
            page.context.remove_listener("console", self._hear)
            page.context.remove_listener("weberror", self._catch)
            page.context.set_offline(False)
            page.context.clear_cookies()
            page.set_viewport_size({"width": look.width, "height": _HEIGHT})
            self._kept.windows[look].append(page)
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
