"""Pages of a company that say what they must not, each in another place: for tests of the watch."""

import gzip
import json
from collections.abc import Callable
from html import escape
from urllib.parse import quote

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.urls import path

planted = {"text": ""}
"""What all of these pages say."""


def in_cookie(text: str) -> HttpResponse:
    response = HttpResponse("")
    response.set_cookie("told", text)
    return response


def in_roster(text: str) -> HttpResponse:
    return HttpResponse(f'<section class="card" aria-labelledby="roster"><li>{text}</li></section>')


PLACES: dict[str, tuple[str, Callable[[str], HttpResponse]]] = {
    "body": ("the body", lambda text: HttpResponse(f"<p>{text}</p>")),
    "capitals": ("the body", lambda text: HttpResponse(text.upper())),
    "html": ("the body", lambda text: HttpResponse("".join(f"&#{ord(letter)};" for letter in text))),
    "attribute": ("the body", lambda text: HttpResponse(f'<i data-of="{escape(text)}"></i>')),
    "comment": ("the body", lambda text: HttpResponse(f"<!-- {text} -->")),
    "json": ("the body", lambda text: HttpResponse(json.dumps({"é": text}).replace("G", "\\u0047"))),
    "address": ("the body", lambda text: HttpResponse(f"/?q={quote(text)}")),
    "packed": (
        "the body",
        lambda text: HttpResponse(gzip.compress(text.encode()), headers={"Content-Encoding": "gzip"}),
    ),
    "header": ("the header X-Told", lambda text: HttpResponse("", headers={"X-Told": text})),
    "redirect": (
        "the header Location",
        lambda text: HttpResponse(status=302, headers={"Location": f"/?of={quote(text)}"}),
    ),
    "reason": ("the status line", lambda text: HttpResponse("", reason=text)),
    "cookie": ("the cookie told", in_cookie),
    "error": ("the body", lambda text: HttpResponse(text, status=404)),
    "roster": ("the roster", in_roster),
}
"""How a text is told: in which place it must be seen, and the answer."""


def tell(request: HttpRequest, company: str, reference: str, how: str) -> HttpResponse:
    if how == "message":
        messages.error(request, planted["text"] * 50)
        return HttpResponse("")
    return PLACES[how][1](planted["text"])


urlpatterns = [path("<slug:company>/incidents/<str:reference>/<str:how>/", tell)]
