"""A report of a hundred pages from the request to the kept PDF, and mails beside two hundred of them.

Run in a database with the demonstration, which the environment names; prints its figures as JSON.
"""

import io
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import zoneinfo
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import django
import pypdf

django.setup()

from django.core.mail import EmailMessage  # noqa: E402
from django.utils import timezone  # noqa: E402

from bench import portals  # noqa: E402
from deploy.local import children  # noqa: E402
from incidents.choices import DocumentState, PublicationKind  # noqa: E402
from incidents.demo import founding, people, world  # noqa: E402
from incidents.models import Document, PostMortem  # noqa: E402
from incidents.operations import documents, report_drafts, reports  # noqa: E402
from portal.documents import making, typesetting  # noqa: E402
from tenants import mail, scope  # noqa: E402
from tests.tenants.smtp_sink import SmtpSink  # noqa: E402

ROUNDS = 5
WAITING = 200
MAILS = 40
"""One a second, beside the documents and without them."""
MOST_SECONDS = 120
"""A mail that has not left by then does not leave."""
PARAGRAPH = (
    "The link between the servers and their storage broke, and with it every service of both data centers "
    "stopped. While the queues drained, requests that had waited met those that had just come. "
)
CHAPTER = "\n\n".join(
    (
        "### What was seen",
        PARAGRAPH * 4,
        "* " + "\n* ".join([PARAGRAPH] * 3),
        "### Host by host",
        "| Host | Rack | What it did | For how long |\n|---|---|---|---|\n"
        + "\n".join(
            f"| db-{n:02} | EU-{n} | answered **slowly**, then not at all | {n} seconds |" for n in range(12)
        ),
        PARAGRAPH * 6,
    )
)
TEXTS = {"summary": CHAPTER, "root_cause": CHAPTER * 56, "contributing_causes": CHAPTER * 56}
PLAIN = """#set document(title: "Plain")
#set page(paper: "a4")
#set text(font: "Noto Sans", size: 10pt)
#for each in json(bytes(sys.inputs.values)) { par(each) }
"""


@dataclass(frozen=True, kw_only=True)
class Made:
    """What one document took."""

    pages: int
    seconds: float
    processor_seconds: float


def main() -> None:
    number = _publish()
    zones = iter(sorted(zoneinfo.available_timezones()))
    rounds = [(_taken(lambda: _made(number, next(zones))), _taken(_plain)) for _ in range(ROUNDS + 1)][1:]
    with SmtpSink() as sink, _worker(sink):
        alone = _mails(sink)
        for _ in range(WAITING):
            _ask(number, next(zones))
        beside = _mails(sink)
        left = _waiting()
    if not left:
        raise SystemExit(f"All {WAITING} documents were made before the last mail left: too few.")
    ours, plain = [made for made, _ in rounds], [floor for _, floor in rounds]
    figures = {
        "pages": ours[0].pages,
        "seconds": statistics.median(each.seconds for each in ours),
        "processor_seconds": statistics.median(each.processor_seconds for each in ours),
        "plain_pages": plain[0].pages,
        "plain_seconds": statistics.median(each.seconds for each in plain),
        "plain_processor_seconds": statistics.median(each.processor_seconds for each in plain),
        "mail_alone_seconds": statistics.median(alone),
        "mail_alone_most_seconds": max(alone),
        "mail_beside_seconds": statistics.median(beside),
        "mail_beside_most_seconds": max(beside),
        "documents_made_beside": WAITING - left,
    }
    json.dump({name: round(value, 2) for name, value in figures.items()}, sys.stdout)


def _publish() -> int:
    """A long revision of the founding incident's report, which Acme holds; its number."""
    sam, now = people.actor(people.SAM), timezone.now()
    with scope.as_staff():
        # What an earlier run left waiting is not measured.
        Document.objects.filter(state=DocumentState.WAITING).update(state=DocumentState.FAILED)
        draft = PostMortem.objects.get(incident__reference=founding.REFERENCE)
        texts = {name: getattr(draft, name) for name in report_drafts.TEXTS} | TEXTS
        draft = report_drafts.save(
            sam, post_mortem_id=draft.pk, seen=draft.saved_count, texts=texts, acknowledged={}, now=now
        )
        seen, number = draft.saved_count, reports.next_number(draft.incident)
        report_drafts.send_to_review(sam, post_mortem_id=draft.pk, seen=seen, now=now)
        report_drafts.approve(people.actor(people.REN), post_mortem_id=draft.pk, seen=seen, now=now)
        reports.publish(
            sam,
            post_mortem_id=draft.pk,
            kind=PublicationKind.REVISION,
            number=number,
            change_note="Longer.",
            now=now,
        )
    return number


def _ask(number: int, zone: str) -> Document:
    ada = people.actor(people.ADA, world.ACME)
    with scope.as_company(world.key("company", world.ACME), user_id=ada.user_id):
        return documents.ask_for_report(
            ada, reference=founding.REFERENCE, number=number, zone=zone, now=timezone.now()
        )


def _taken(make: Callable[[], bytes]) -> Made:
    began, processors = time.perf_counter(), _processor_seconds()
    content = make()
    return Made(
        seconds=time.perf_counter() - began,
        processor_seconds=_processor_seconds() - processors,
        pages=len(pypdf.PdfReader(io.BytesIO(content)).pages),
    )


def _processor_seconds() -> float:
    """Of this process and those that it has started, not of the database."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def _made(number: int, zone: str) -> bytes:
    """From asking for a document to its bytes out of the database, as the worker makes it."""
    asked = _ask(number, zone)
    documents.make_waiting(making.make, timezone.now)
    with scope.as_staff():
        return bytes(Document.objects.get(pk=asked.pk, state=DocumentState.MADE).content or b"")


def _plain() -> bytes:
    """The same words as nothing but paragraphs, by the same program."""
    words = [each for text in TEXTS.values() for each in text.split("\n\n")]
    asked = {"source": PLAIN, "values": words, "fonts": str(typesetting.FONTS)}
    with tempfile.TemporaryDirectory() as empty:
        made = subprocess.run(
            [sys.executable, "-I", str(typesetting.HERE / "typesetter.py")],
            input=json.dumps(asked | {"format": "pdf", "page": 0, "ppi": None}).encode(),
            cwd=empty,
            capture_output=True,
            check=True,
        )
    return made.stdout


@contextmanager
def _worker(sink: SmtpSink) -> Iterator[None]:
    """A worker with its clock, as `make run` starts it, which sends its mails into the sink."""
    environment = os.environ | {"EMAIL_URL": f"smtp://127.0.0.1:{sink.port}"}
    environment.pop("DATABASE_ADMIN_URL")
    folder = Path(environment["PORTAL_DATA_DIR"])
    command = [sys.executable, "-m", "celery", "-A", "portal", "worker", "--beat", "--concurrency", "2"]
    child = children.spawn(
        "worker",
        [*command, "--schedule", str(folder / "schedule"), "--loglevel", "error"],
        log=folder / "worker.log",
        folder=portals.ROOT,
        environment=environment,
        ending=children.Ending(seconds=10),
    )
    try:
        _mails(sink, count=1)
        yield
    finally:
        child.stop()


def _mails(sink: SmtpSink, *, count: int = MAILS) -> list[float]:
    """Seconds from the outbox to the mail server, of one mail each second."""
    before, began = len(sink.messages), time.perf_counter()
    sent: dict[str, float] = {}
    taken: list[float] = []
    while len(taken) < count:
        now = time.perf_counter()
        if len(sent) < count and now - began >= len(sent):
            sent[f"Bench {len(sent)}"] = now
            with scope.as_staff():
                mail.enqueue(EmailMessage(list(sent)[-1], "A mail.", to=["bench@bench.example"]))
        came = sink.messages[before + len(taken) :]
        taken += [time.perf_counter() - sent[str(message["Subject"])] for message in came]
        if now - began > count + MOST_SECONDS:
            raise SystemExit(f"Only {len(taken)} of {count} mails left.")
        time.sleep(0.005)
    return taken


def _waiting() -> int:
    with scope.as_staff():
        return Document.objects.filter(state=DocumentState.WAITING).count()


if __name__ == "__main__":
    main()
