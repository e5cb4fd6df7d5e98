"""All the texts that an answer, a mail or a file holds, in every way in which they may be written."""

import base64
import binascii
import gzip
import html
import json
import re
import zlib
from collections.abc import Iterator
from email.message import Message
from typing import Any
from urllib.parse import unquote

_ROSTER = re.compile(r'<section[^>]*aria-labelledby="roster".*?</section>', re.DOTALL)
_ESCAPED = re.compile(r"\\u([0-9a-fA-F]{4})")


def written_ways(text: str) -> Iterator[str]:
    """The text as it is, and as it reads without the escapes of HTML, of JSON and of addresses."""
    yield text
    plain = text
    if "&" in plain:
        plain = html.unescape(plain)
    if "\\u" in plain:
        plain = _ESCAPED.sub(lambda found: chr(int(found[1], 16)), plain)
    if "%" in plain:
        plain = unquote(plain, errors="replace")
    if plain != text:
        yield plain


def decoded(body: bytes, encoding: str = "") -> str:
    """Bytes as text, whatever they are; unpacked where `encoding` says how they are packed."""
    if encoding == "gzip" or body[:2] == b"\x1f\x8b":
        body = gzip.decompress(body)
    elif encoding == "deflate":
        body = zlib.decompress(body)
    return body.decode("utf-8", "replace")


def of_answer(response: Any) -> Iterator[tuple[str, str]]:
    """(place, text) of everything that a browser gets; the roster of an incident is a place of its own."""
    yield "the status line", str(response.reason_phrase)
    for name, value in response.items():
        yield f"the header {name}", str(value)
    for name, morsel in response.cookies.items():
        yield f"the cookie {name}", morsel.OutputString()
        yield f"the cookie {name}", signed_content(morsel.value)
    if response.streaming:
        response.streaming_content = parts = list(response)
        body = b"".join(parts)
    else:
        body = response.content
    text = decoded(body, response.get("Content-Encoding", ""))
    for roster in _ROSTER.findall(text):
        yield "the roster", roster
    yield "the body", without_rosters(text)


def without_rosters(text: str) -> str:
    return _ROSTER.sub(" ", text)


def signed_content(value: str) -> str:
    """What Django has signed into a cookie, unpacked; empty where it is nothing of the kind."""
    packed, _, _signature = value.partition(":")
    is_compressed = packed.startswith(".")
    packed = packed.removeprefix(".")
    try:
        content = base64.urlsafe_b64decode(packed + "=" * (-len(packed) % 4))
        return (zlib.decompress(content) if is_compressed else content).decode("utf-8", "replace")
    except (binascii.Error, ValueError, zlib.error):
        return ""


def of_message(message: Message) -> Iterator[tuple[str, str]]:
    """(place, text) of a mail: its headers, and each part as it reads."""
    for name, value in message.items():
        yield f"the header {name}", str(value)
    for part in message.walk():
        if not part.is_multipart():
            content = part.get_payload(decode=True)
            assert isinstance(content, bytes)
            yield f"the part {part.get_content_type()}", decoded(content)


def of_fields(fields: Any) -> str:
    """Anything with fields in it, as one text."""
    return json.dumps(fields, default=repr, ensure_ascii=False)
