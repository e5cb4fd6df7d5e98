"""A charset that the sender chose never reaches a decoder."""

import io
from typing import Any

import pytest

from portal.charsets import OnlyUtf8, Start


def plain(environ: dict[str, Any], start_response: Start) -> list[bytes]:
    """An application that answers everything."""
    start_response("200 OK", [("Content-Length", "0")])
    return []


def ask(content_type: str, *, query: bytes = b"") -> str:
    """The status that a request of this content type gets."""
    statuses: list[str] = []

    def start_response(status: str, headers: list[tuple[str, str]], *_: Any) -> None:
        statuses.append(status)

    environ = {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": "/accounts/login/",
        "QUERY_STRING": query.decode("latin-1"),
        "CONTENT_TYPE": content_type,
        "HTTP_HOST": "127.0.0.1",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "80",
        "wsgi.input": io.BytesIO(),
        "wsgi.url_scheme": "http",
    }
    answer = OnlyUtf8(plain)(environ, start_response)
    b"".join(answer)
    return statuses[0][:3]


@pytest.mark.parametrize("charset", ["rot13", "hex", "zlib", "undefined", "raw_unicode_escape", "utf-7"])
def test_a_charset_that_is_none_is_refused(charset: str) -> None:
    assert ask(f"text/plain; charset={charset}", query=rb"q=\ud800") == "415"


@pytest.mark.parametrize("content_type", ["", "text/plain", "text/plain; charset=UTF-8"])
def test_utf8_and_no_charset_pass(content_type: str) -> None:
    assert ask(content_type) == "200"
