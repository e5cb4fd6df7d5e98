"""Seal what was written into the audit, in order; find what is not as it was sealed."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import structlog
from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef, QuerySet

from tenants import audit, chain
from tenants.actor import SYSTEM, Actor
from tenants.models import AuditEvent, AuditSeal
from tenants.models.audit import BROKEN, VERIFICATION_ASKED, VERIFIED

BATCH = 1_000
LOOKED_BACK = timedelta(days=1)
"""A row becomes visible when its transaction ends, so it may be older than what is sealed already."""
_BITS_AFTER_TIME = 80
"""Of a time-ordered key, after the milliseconds since 1970."""
COLUMNS = tuple(field.name for field in fields(chain.Content))

LONGEST_WITHOUT = timedelta(days=2)
"""The clock verifies once a day: after this long it cannot have."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class Head:
    """The last place of the chain. Kept elsewhere, it shows that nothing before it was rewritten or cut."""

    number: int
    digest: str
    sealed_at: datetime | None

    def __str__(self) -> str:
        return f"{self.number}:{self.digest}"


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What the verifier found. `fault` names the first row that is not as it was sealed; '' for none."""

    head: Head
    fault: str
    waiting_count: int
    waiting_since: datetime | None
    """When the oldest row that is not sealed yet was made."""

    @property
    def is_sound(self) -> bool:
        return not self.fault


@dataclass(frozen=True, kw_only=True)
class LastVerification:
    """What came of the last verification that was written down; `at` None while there was none."""

    at: datetime | None
    is_sound: bool
    number: int
    """So many rows were as they were sealed."""
    fault: str
    asked_at: datetime | None
    """When somebody asked for one that has not ended."""
    is_late: bool


def seal_waiting(*, now: datetime, everything: bool = False) -> int:
    """Give the rows that wait for it their place in the chain, oldest first, at most BATCH of them.

    Returns how many. Looks at rows made since a day before the last sealed one, or at all of them. Of
    two that seal at once one gets nothing done, and returns 0: a number is given once. Staff scope.
    """
    try:
        with transaction.atomic():
            before = head()
            waiting = _waiting(everything=everything).order_by("pk").values(*COLUMNS)[:BATCH]
            seals = _seals(before, [chain.Content(**row) for row in waiting], now=now)
            AuditSeal.objects.bulk_create(seals)
    except IntegrityError:
        return 0
    if seals:
        # Whoever keeps the log elsewhere keeps the head of the chain elsewhere.
        log.info("audit_sealed", number=seals[-1].number, digest=seals[-1].digest)
    return len(seals)


def _seals(before: Head, contents: list[chain.Content], *, now: datetime) -> list[AuditSeal]:
    seals = []
    previous = before.digest
    for number, content in enumerate(contents, start=before.number + 1):
        digest = chain.digest(content, previous_digest=previous, sealed_at=now)
        seals.append(
            AuditSeal(
                number=number, event_id=content.id, previous_digest=previous, digest=digest, sealed_at=now
            )
        )
        previous = digest
    return seals


def head() -> Head:
    """The last place of the chain; number 0 while it is empty. Staff scope."""
    last = AuditSeal.objects.order_by("-number").first()
    if last is None:
        return Head(number=0, digest=chain.NO_DIGEST, sealed_at=None)
    return Head(number=last.number, digest=last.digest, sealed_at=last.sealed_at)


def verify(*, kept: Mapping[int, str] | None = None) -> Verdict:
    """Hold every row against its seal, every seal against the one before, and the chain against heads
    that were kept elsewhere (number → digest). Staff scope; reads only.

    A row that is not sealed yet can be changed or taken out without a trace: the verdict says how many
    such rows there are.
    """
    waiting = _waiting(everything=True)
    oldest = waiting.order_by("pk").values_list("pk", flat=True).first()
    last, fault = _walked(kept or {})
    return Verdict(
        head=last,
        fault=fault,
        waiting_count=waiting.count(),
        waiting_since=None if oldest is None else _made_at(oldest),
    )


def verify_and_record(*, now: datetime) -> Verdict:
    """Verify, and write what was found into the audit itself and into the log. Staff scope."""
    verdict = verify()
    seal = AuditSeal.objects.order_by("-number").first()
    if seal is not None:
        action = VERIFIED if verdict.is_sound else BROKEN
        audit.record(
            SYSTEM,
            action,
            seal,
            now=now,
            number=verdict.head.number,
            digest=verdict.head.digest,
            fault=verdict.fault,
        )
    if verdict.fault:
        log.error("audit_broken", number=verdict.head.number + 1)
    return verdict


def ask_for_verification(actor: Actor, *, now: datetime) -> None:
    """Write down who wants the audit verified at once; the caller wakes the worker. Staff scope."""
    audit.record(actor, VERIFICATION_ASKED, AuditSeal(), now=now)


def last_verification(*, now: datetime) -> LastVerification:
    """What was found the last time, and whether that is too long ago. Two statements. Staff scope."""
    told = AuditEvent.objects.filter(action__in=(VERIFIED, BROKEN, VERIFICATION_ASKED)).order_by("-at", "-pk")
    newest = told.first()
    last = newest if newest is None or newest.action != VERIFICATION_ASKED else _last_ended(told)
    return LastVerification(
        at=None if last is None else last.at,
        is_sound=last is not None and last.action == VERIFIED,
        number=0 if last is None else last.detail["number"],
        fault="" if last is None else last.detail.get("fault", ""),
        asked_at=newest.at if newest is not None and newest.action == VERIFICATION_ASKED else None,
        is_late=last is not None and now - last.at > LONGEST_WITHOUT,
    )


def _last_ended(told: QuerySet[AuditEvent]) -> AuditEvent | None:
    return told.filter(action__in=(VERIFIED, BROKEN)).first()


def _walked(kept: Mapping[int, str]) -> tuple[Head, str]:
    """The last sound place, and what is wrong with the next one."""
    last = Head(number=0, digest=chain.NO_DIGEST, sealed_at=None)
    while seals := list(AuditSeal.objects.filter(number__gt=last.number).order_by("number")[:BATCH]):
        ids = [seal.event_id for seal in seals]
        events = {
            row["id"]: chain.Content(**row) for row in AuditEvent.objects.filter(pk__in=ids).values(*COLUMNS)
        }
        for seal in seals:
            fault = _fault(seal, last, events.get(seal.event_id), kept)
            if fault:
                return last, fault
            last = Head(number=seal.number, digest=seal.digest, sealed_at=seal.sealed_at)
    beyond = sorted(number for number in kept if number > last.number)
    if beyond:
        return last, f"Number {last.number + 1} is missing: the chain ends before the kept head {beyond[0]}."
    return last, ""


def _fault(seal: AuditSeal, last: Head, content: chain.Content | None, kept: Mapping[int, str]) -> str:
    expected = last.number + 1
    if seal.number != expected:
        return f"Number {expected} is missing: {seal.number} follows {last.number}."
    if content is None:
        return f"Number {seal.number} is missing: its row {seal.event_id} is gone."
    of_row = chain.digest(content, previous_digest=seal.previous_digest, sealed_at=seal.sealed_at)
    if of_row != seal.digest:
        return f"Number {seal.number} was changed: its row {seal.event_id} is not the one that was sealed."
    if seal.previous_digest != last.digest:
        return (
            f"Number {seal.number} is out of order: its row {seal.event_id} was not sealed after "
            f"number {last.number}."
        )
    if kept.get(seal.number, seal.digest) != seal.digest:
        return f"Number {seal.number} was rewritten: its digest is not the kept one."
    return ""


def _waiting(*, everything: bool) -> QuerySet[AuditEvent]:
    rows: QuerySet[AuditEvent, Any] = AuditEvent.objects.filter(
        ~Exists(AuditSeal.objects.filter(event_id=OuterRef("pk")))
    )
    newest = None if everything else AuditSeal.objects.order_by("-number").first()
    return rows if newest is None else rows.filter(pk__gte=_earlier(newest.event_id))


def _earlier(key: UUID) -> UUID:
    """The least time-ordered key of LOOKED_BACK before this one: its first 48 bits are milliseconds."""
    milliseconds = (key.int >> _BITS_AFTER_TIME) - int(LOOKED_BACK / timedelta(milliseconds=1))
    return UUID(int=max(milliseconds, 0) << _BITS_AFTER_TIME)


def _made_at(key: UUID) -> datetime:
    return datetime.fromtimestamp((key.int >> _BITS_AFTER_TIME) / 1000, UTC)
