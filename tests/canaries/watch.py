"""What is watched while a test runs, and what is said of a mark that stands where it must not.

Each `…_tells` looks at one thing that leaves the portal and keeps a complaint for each mark that its
receiver may not read. The plugin fails the test that has complaints; `collected` gives them to a
test that wants them.
"""

import functools
import logging
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from email import message_from_bytes
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from django.conf import settings
from django.core.mail import EmailMessage
from django.test.client import FakePayload

from portal.web import rendered
from tests.canaries import marks, receivers, texts
from tests.canaries.marks import Mark
from tests.canaries.receivers import Desk, Receiver

OPERATORS_FILES = frozenset({"demo-logins.json"})
"""Files in the data folder that are for whoever runs the portal."""
BUILT_FOLDERS = frozenset({"static"})
"""Folders that are filled before the portal runs."""
_NUMBER = re.compile(r"DS(?:-[2-9A-HJ-NP-Z]{5}){4}")
"""The number of a downtime statement, as it stands in its JSON and in its PDF."""
_FIELD_OF_NUMBER = re.compile(rb'name="number"\r\n\r\n[^\r]*|\bnumber=[^&]*')
_SHOWN = "canaries.shown"
_REFERENCE = re.compile(r"/(INC-[A-Z0-9]{8})/")
_PLAIN = re.compile(r"[A-Za-z0-9:.+_-]{0,64}")

complaints: list[str] = []


@contextmanager
def collected() -> Iterator[list[str]]:
    """What is complained of inside goes into the list that is given, and does not fail the test."""
    before, found = list(complaints), complaints
    found.clear()
    taken: list[str] = []
    try:
        yield taken
    finally:
        taken.extend(found)
        found[:] = before


def answer_tells(request: dict[str, Any], response: Any) -> None:
    """Look through all that a browser was answered. What the asker sent along is no news to them."""
    places = [
        (place, sighting)
        for place, text in texts.of_answer(response)
        for way in texts.written_ways(text)
        for sighting in marks.in_force.find(way)
    ]
    if not places:
        return
    asked = response.wsgi_request
    path = str(request.get("PATH_INFO", ""))
    reference = _REFERENCE.search(path)
    with receivers.desk() as desk:
        session_key = asked.COOKIES.get(settings.SESSION_COOKIE_NAME, "")
        receiver = desk.signed_in(session_key, path.lstrip("/").split("/", 1)[0])
        astray = [
            (place, sighting)
            for place, sighting in places
            if not _is_allowed(
                desk,
                receiver,
                sighting.marks,
                roster_of=reference[1] if reference and place == "the roster" else "",
            )
        ]
    sent = _sent(request, asked) if astray else set()
    held = _held(request) if astray else ""
    for place, sighting in astray:
        if sighting.text not in sent and sighting.text.casefold() not in held:
            method = request.get("REQUEST_METHOD", "GET")
            _complain(f"{method} {path} answered {receiver.words}", place, sighting)


def keep_what_is_shown(request: dict[str, Any]) -> None:
    """Keep the body of what is shown where anybody verifies a statement: afterwards nobody can read it."""
    if str(request.get("PATH_INFO", "")).startswith("/verify/") and "wsgi.input" in request:
        request[_SHOWN] = request["wsgi.input"].read()
        request["wsgi.input"] = FakePayload(request[_SHOWN])


def _held(request: dict[str, Any]) -> str:
    """What stands in the statement that was shown where anybody verifies one. Its number alone, in the
    address or in the field for it, shows none."""
    shown = _FIELD_OF_NUMBER.sub(b"", request.get(_SHOWN, b""))
    named = _NUMBER.findall(unquote(shown.decode(errors="replace")).upper())
    with receivers.reading() as rows:
        kept = rows("select content from incidents_statement where number = any (%s)", [named])
    return " ".join(content for (content,) in kept).casefold()


def message_tells(message: EmailMessage) -> None:
    """Look through a mail that is handed to a mail server, for each of its recipients."""
    built = message.message()
    for recipient in message.recipients():
        _message(f"a mail to {recipient}", recipient, texts.of_message(built))


def outbox_tells() -> None:
    """Look through the mails that wait in the outbox."""
    with receivers.reading() as rows:
        waiting = rows("select to_address, subject, body_text, body_html from tenants_outgoingmail", [])
    for address, *columns in waiting:
        named = zip(("the subject", "the text", "the HTML"), columns, strict=True)
        _message(f"a mail in the outbox to {address}", address, named)


def _message(what: str, recipient: str, parts: Iterable[tuple[str, str]]) -> None:
    found = [(place, sighting) for place, text in parts for sighting in _find(text)]
    if not found:
        return
    with receivers.desk() as desk:
        receiver = desk.at_address(recipient)
        for place, sighting in found:
            is_address = sighting.text == recipient.lower()
            if not is_address and not _is_allowed(desk, receiver, sighting.marks):
                _complain(what, place, sighting)


def files_tell(folder: Path) -> None:
    """Look through every file of the data folder: a mail is its recipient's, any other is nobody's."""
    for path in _kept_files(folder):
        inside, content = path.relative_to(folder), path.read_bytes()
        if inside.parts[0] != "mail":
            for sighting in _find(texts.decoded(content)):
                _complain(f"the file {inside}", "its text", sighting)
            continue
        for part in re.split(rb"\n-{79}\n", content):
            message = message_from_bytes(part)
            for address in filter(None, (each.strip() for each in message.get("To", "").split(","))):
                _message(f"the file {inside} to {address}", address, texts.of_message(message))


def _kept_files(folder: Path) -> Iterator[Path]:
    for top in sorted(folder.iterdir() if folder.exists() else ()):
        if top.name not in BUILT_FOLDERS:
            yield from (each for each in (top, *sorted(top.rglob("*"))) if _is_kept(each))


def _is_kept(path: Path) -> bool:
    return path.is_file() and path.name not in OPERATORS_FILES


def cache_command_tells(words: tuple[Any, ...]) -> None:
    """Look through a command to Valkey: no text of a company, but under a key with its own id."""
    key = _as_text(words[1]) if len(words) > 1 else ""
    for word in words[1:]:
        for sighting in _find(_as_text(word)):
            if not any(
                mark.is_id or (mark.owner.kind == "company" and str(mark.owner.id) in key)
                for mark in sighting.marks
            ):
                _complain(f"the cache's command {_as_text(words[0])} {key[:80]}", "what it keeps", sighting)


def kept_parts_tell() -> None:
    """Look through the parts of pages that the process keeps; rosters in them are seen in the answers."""
    for part in list(rendered._parts.values()):
        told = (("its title", part.title), ("its HTML", texts.without_rosters(part.html)))
        found = [(place, sighting) for place, text in told for sighting in _find(text)]
        if found:
            with receivers.desk() as desk:
                receiver = receivers.of_company(part.company_id)
                for place, sighting in found:
                    if not _is_allowed(desk, receiver, sighting.marks):
                        _complain(f"a kept part of company {part.company_id}", place, sighting)


def task_tells(name: str, body: Any) -> None:
    """Look through a message to the worker: ids, numbers and instants alone."""
    for sighting in _find(texts.of_fields(body)):
        if not any(mark.is_id for mark in sighting.marks):
            _complain(f"the task {name}", "its message", sighting)
    positional, named, *_rest = body
    complaints.extend(
        f"the task {name} was sent a text, not an id: {each!r}"
        for value in (*positional, *named.values())
        for each in (value if isinstance(value, list | tuple) else (value,))
        if not _is_plain(each)
    )


def _is_plain(value: Any) -> bool:
    return value is None or isinstance(value, int | float) or bool(_PLAIN.fullmatch(str(value)))


class LogWatch(logging.Handler):
    """Looks through every line that is logged, written as it would be."""

    def emit(self, record: logging.LogRecord) -> None:
        if not marks.in_force:
            return
        for sighting in _find(_log_formatter().format(record)):
            if not any(mark.is_id for mark in sighting.marks):
                _complain(f"the log line of {record.name}", "its text", sighting)


@functools.cache
def _log_formatter() -> logging.Formatter:
    """The portal's own, from its settings."""
    options = dict(settings.LOGGING["formatters"]["json"])
    formatter: logging.Formatter = options.pop("()")(**options)
    return formatter


def _find(text: str) -> Iterator[marks.Sighting]:
    if marks.in_force:
        for way in texts.written_ways(text):
            yield from marks.in_force.find(way)


def _is_allowed(
    desk: Desk, receiver: Receiver, of_one_text: tuple[Mark, ...], *, roster_of: str = ""
) -> bool:
    return any(desk.may_read(receiver, mark, roster_of=roster_of) for mark in of_one_text)


def _complain(what: str, place: str, sighting: marks.Sighting) -> None:
    told = " or ".join(str(mark) for mark in sighting.marks)
    complaint = f"{what}: {told} stands in {place}, at …{sighting.around}…"
    if complaint not in complaints:
        complaints.append(complaint)


def _sent(request: dict[str, Any], asked: Any) -> set[str]:
    """The marks in everything that the asker wrote."""
    headers = [str(value) for name, value in request.items() if name.startswith("HTTP_")]
    try:
        fields = [*asked.GET.lists(), *asked.POST.lists()]
    except Exception:  # noqa: BLE001 - what cannot be read as a form was not read as one
        fields = []
    words = [str(request.get("PATH_INFO", "")), *headers, texts.of_fields(fields)]
    return {sighting.text for word in words for sighting in _find(word)}


def _as_text(word: Any) -> str:
    return texts.decoded(word) if isinstance(word, bytes) else str(word)


def end_of_test(data_folder: Path) -> None:
    """Look at what a test has left: mails that wait, files, kept parts."""
    if marks.in_force:
        outbox_tells()
        files_tell(data_folder)
        kept_parts_tell()
