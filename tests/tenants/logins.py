"""The portal's connection as another login, and a browser for the pages of a real process."""

import http.cookiejar
import re
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from django.db import connections


@contextmanager
def logged_in_as(login: str) -> Iterator[None]:
    """This thread's connection logs in as `login` while this lasts; what was committed before is there."""
    before = connections["default"]
    other = before.copy()
    other.settings_dict |= {"USER": login}
    connections["default"] = other
    try:
        yield
    finally:
        other.close()
        connections["default"] = before


@dataclass(frozen=True, kw_only=True)
class Page:
    """What a browser has after its redirects."""

    status: int
    path: str
    text: str

    @property
    def text_without_reference(self) -> str:
        return re.sub(r'<span class="reference">\w+</span>', "", self.text)


class Browser:
    """Keeps cookies, follows redirects and sends forms with their token, like a person's."""

    def __init__(self, port: int) -> None:
        self._address = f"http://127.0.0.1:{port}"
        self._opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
        )

    def get(self, path: str) -> Page:
        return self._ask(path, None)

    def send(self, path: str, **form: str) -> Page:
        """Open the page and send the form that is on it."""
        token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', self.get(path).text)
        assert token, f"no form at {path}"
        return self._ask(path, urllib.parse.urlencode({"csrfmiddlewaretoken": token[1], **form}).encode())

    def sign_in(self, email: str, password: str) -> Page:
        return self.send("/accounts/login/", login=email, password=password)

    def _ask(self, path: str, body: bytes | None) -> Page:
        try:
            answer = self._opener.open(urllib.parse.urljoin(self._address, path), body, timeout=30)
        except urllib.error.HTTPError as error:
            answer = error
        with answer:
            return Page(
                status=int(answer.status or 0),
                path=urllib.parse.urlsplit(answer.url).path,
                text=answer.read().decode(),
            )
