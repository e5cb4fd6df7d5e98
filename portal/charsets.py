"""Refuse a request whose declared charset is not UTF-8, before anything decodes it."""

import re
from collections.abc import Callable, Iterable
from typing import Any

from django.conf import settings

_CHARSET = re.compile(r"charset\s*=\s*[\"']?([^\s;\"']*)", re.IGNORECASE)
_MEANT = frozenset({"", "utf-8", "utf8", "us-ascii"})

Start = Callable[..., Any]


class OnlyUtf8:
    """Wraps a WSGI application: 415 for any other charset.

    Python knows codecs that are no charsets (rot13, zlib) and some that let lone surrogates
    through, and the framework looks the sender's word up before any of our code runs.
    """

    def __init__(self, application: Callable[[dict[str, Any], Start], Iterable[bytes]]) -> None:
        self.application = application

    def __call__(self, environ: dict[str, Any], start_response: Start) -> Iterable[bytes]:
        declared = _CHARSET.search(environ.get("CONTENT_TYPE", ""))
        if declared is None or declared[1].lower() in _MEANT:
            return self.application(environ, start_response)
        body = b"Send text as UTF-8.\n"
        headers = [
            ("Content-Type", "text/plain; charset=utf-8"),
            ("Content-Length", str(len(body))),
            ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"),
            ("X-Content-Type-Options", "nosniff"),
            ("Cache-Control", "no-store"),
        ]
        if settings.SECURE_HSTS_SECONDS:
            headers.append(
                ("Strict-Transport-Security", f"max-age={settings.SECURE_HSTS_SECONDS}; includeSubDomains")
            )
        start_response("415 Unsupported Media Type", headers)
        return [body]
