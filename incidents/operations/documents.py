"""PDFs: what is waiting to be made, taken by one worker at a time, and what came of it.

A row is the truth. It is leased in one transaction, made outside of any, and recorded in another; a
worker that is killed between leaves a lease that runs out. What cannot be made is tried again, and then
set aside with the reason, so that it never stands before the others.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from django.db import transaction
from django.db.models import F

from incidents import errors, report_errors
from incidents.choices import DocumentKind, DocumentState
from incidents.models import Document, PostMortemVersion
from incidents.operations.own_incident import own_incident
from tenants import audit, scope
from tenants.actor import Actor
from tenants.permissions import Permission

log = structlog.get_logger(__name__)

LEASE = timedelta(minutes=2)
"""How long a worker has for one before another may take it."""
ATTEMPTS = 3
PAUSE = timedelta(seconds=30)
"""Before it is tried again."""
STEP = timedelta(seconds=2)
"""A worker that has been at documents for so long lets other work pass: mails do not wait for PDFs."""


class NotMade(Exception):
    """A document could not be made; the message says why, for staff."""


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """A document to be made, as its maker needs to know it."""

    id: UUID
    company_id: UUID
    kind: DocumentKind
    statement_id: UUID | None
    version_id: UUID | None
    zone: str
    reader_name: str
    asked_at: datetime


Make = Callable[[Wanted], bytes]
Clock = Callable[[], datetime]


def make_waiting(make: Make, clock: Clock) -> None:
    """Make what waits, for one STEP; the next sweep goes on. Opens its scopes itself.

    While another worker is at a document this leaves at once: documents are made one after the other,
    so that the worker's other processes stay free.
    """
    began = clock()
    while (wanted := _take(now=clock())) is not None:
        _make(wanted, make, clock)
        if clock() - began >= STEP:
            return


def _take(*, now: datetime) -> Wanted | None:
    with scope.as_staff():
        waiting = Document.objects.select_for_update(skip_locked=True, no_key=True).filter(
            state=DocumentState.WAITING
        )
        if Document.objects.filter(
            state=DocumentState.WAITING, attempts__gt=0, due_at__gt=now + PAUSE
        ).exists():
            return None
        found = waiting.filter(due_at__lte=now).order_by("attempts", "due_at", "pk").first()
        if found is None:
            return None
        Document.objects.filter(pk=found.pk).update(due_at=now + LEASE, attempts=F("attempts") + 1)
        return Wanted(
            id=found.pk,
            company_id=found.company_id,
            kind=DocumentKind(found.kind),
            statement_id=found.statement_id,
            version_id=found.version_id,
            zone=found.zone,
            reader_name=found.reader_name,
            asked_at=found.asked_at,
        )


def _make(wanted: Wanted, make: Make, clock: Clock) -> None:
    try:
        content = make(wanted)
    except NotMade as error:
        _set_aside(wanted, str(error), now=clock())
        return
    except Exception as error:  # noqa: BLE001 - whatever is wrong with one must not stop the others
        _set_aside(wanted, f"{type(error).__name__} while it was made: a mistake of the portal.", now=clock())
        return
    now = clock()
    with scope.as_staff():
        Document.objects.filter(pk=wanted.id, state=DocumentState.WAITING).update(
            state=DocumentState.MADE,
            content=content,
            digest=hashlib.sha256(content).hexdigest(),
            made_at=now,
            trouble="",
        )


def _set_aside(wanted: Wanted, trouble: str, *, now: datetime) -> None:
    log.warning("document_not_made", document_id=str(wanted.id))
    with scope.as_staff():
        found = Document.objects.select_for_update(no_key=True).get(pk=wanted.id)
        if found.state != DocumentState.WAITING:
            return
        found.trouble = trouble.replace("\0", "")[:500]
        found.due_at = now + PAUSE
        if found.attempts >= ATTEMPTS:
            found.state = DocumentState.FAILED
        found.save(update_fields=["trouble", "due_at", "state"])


def ask_for_report(actor: Actor, *, reference: str, number: int, zone: str, now: datetime) -> Document:
    """Have version `number` of a report made as PDF for the actor, in a zone; asking twice gives the first.

    Runs in the client scope. Raises NotPermitted, and ReportNotFound where the company does not hold it.
    """
    company, incident = own_incident(actor, Permission.READ_INCIDENTS, reference)
    version_id = (
        PostMortemVersion.objects.filter(incident_id=incident.pk, number=number)
        .values_list("pk", flat=True)
        .first()
    )
    if version_id is None:
        raise report_errors.ReportNotFound
    wanted = Document(
        company_id=company.id,
        kind=DocumentKind.REPORT,
        version_id=version_id,
        once_key=Document.key_of_report(version_id, user_id=actor.user_id, zone=zone),
        zone=zone,
        reader_name=actor.name,
        asked_by_id=actor.user_id,
        asked_at=now,
        due_at=now,
    )
    Document.objects.bulk_create([wanted], ignore_conflicts=True)
    readable = Document.objects.only("company_id", "kind", "state")
    return readable.get(company_id=company.id, once_key=wanted.once_key)


def take_report(actor: Actor, *, document: Document, now: datetime) -> bytes:
    """The bytes of a report's PDF, and a line in the audit. Raises DocumentNotFound while there are none."""
    found = Document.objects.filter(pk=document.pk, state=DocumentState.MADE)
    content = found.values_list("content", flat=True).first()
    if content is None:
        raise report_errors.DocumentNotFound
    audit.record(actor, "report.downloaded", document, now=now, company_id=document.company_id)
    return bytes(content)


def make_again(actor: Actor, *, document_ids: list[UUID], now: datetime) -> int:
    """Have documents that could not be made tried again; returns how many. Staff scope.

    Raises NothingSelected where none of them had failed.
    """
    with transaction.atomic():
        found = list(
            Document.objects.select_for_update(no_key=True).filter(
                pk__in=document_ids, state=DocumentState.FAILED
            )
        )
        if not found:
            raise errors.NothingSelected
        for each in found:
            each.state, each.due_at, each.attempts = DocumentState.WAITING, now, 0
            each.save(update_fields=["state", "due_at", "attempts"])
            audit.record(actor, "document.asked_again", each, now=now, company_id=each.company_id)
    return len(found)
