"""Downtime statements of the company of the scope: what one would say now, and those that were issued."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db.models import Q

from incidents import availability, errors, report_errors
from incidents.availability import Measured
from incidents.choices import CompanyState, DocumentState, IncidentState, StatementKind
from incidents.models import Document, Incident, Recovery, Statement
from incidents.queries import downtime
from incidents.queries.downtime import Course

MONTHS = 24
"""So many months back a statement can be issued."""
PAGE_SIZE = 100


@dataclass(frozen=True, kw_only=True)
class Stretch:
    """One stretch of an incident, clipped to the period; `until_at` is None while it holds."""

    reference: str
    title: str
    state: CompanyState
    is_planned: bool
    from_at: datetime
    until_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class StatementFacts:
    """What a statement says. `stretches` are in order of their beginning."""

    kind: StatementKind
    incident_id: UUID | None
    reference: str
    title: str
    """Of the incident; both empty for a month."""
    month_on: date | None
    zone: str
    measured: Measured
    stretches: tuple[Stretch, ...]
    record_version: str
    is_provisional: bool
    """Whether the period, or an incident in it, was still going on."""
    as_of: datetime


@dataclass(frozen=True, kw_only=True)
class IssuedStatement:
    """A statement as it was issued; `content` is the signed document."""

    id: UUID
    number: str
    content: str
    is_superseded: bool
    can_be_renewed: bool
    document_state: DocumentState
    issued_by: str

    @property
    def is_made(self) -> bool:
        """Whether there is a PDF of it."""
        return self.document_state is DocumentState.MADE

    @property
    def has_failed(self) -> bool:
        """Whether the PDF could not be made, which staff are told."""
        return self.document_state is DocumentState.FAILED


@dataclass(frozen=True, kw_only=True)
class StatementRow:
    number: str
    title: str
    """Of the incident; empty for a month."""
    month_on: date | None
    issued_at: datetime
    issued_by: str


@dataclass(frozen=True, kw_only=True)
class StatementList:
    """The newest statements first; `months` can be issued, newest first."""

    rows: tuple[StatementRow, ...]
    months: tuple[date, ...]
    zone: str
    as_of: datetime


def incident_facts(reference: str, *, zone: str, now: datetime) -> StatementFacts:
    """One incident, from first impact to own restoration or now. Three statements.

    Raises IncidentNotFound for an unknown reference, a draft, and an incident of others, and SetAside
    for what counts nowhere any more.
    """
    recovery = _recoveries().filter(incident__reference=reference).first()
    if recovery is None:
        raise errors.IncidentNotFound
    if recovery.incident.is_set_aside:
        raise errors.SetAside
    known = downtime.courses([recovery], now=now)
    incident = recovery.incident
    from_at = recovery.impacted_at or min(incident.started_at, now)
    until_at = recovery.restored_at or max(now, from_at)
    return StatementFacts(
        kind=StatementKind.INCIDENT,
        incident_id=incident.pk,
        reference=incident.reference,
        title=incident.title,
        month_on=None,
        zone=zone,
        measured=downtime.measured(known, from_at=from_at, until_at=until_at),
        stretches=_stretches(known, from_at, until_at),
        record_version=_version(known),
        is_provisional=recovery.restored_at is None or not incident.is_over,
        as_of=now,
    )


def month_facts(month_on: date, *, zone: str, now: datetime) -> StatementFacts:
    """One month of the zone, up to now while it lasts. Two statements.

    Raises NotAMonth for one that has not begun, or that is long ago.
    """
    if month_on not in months(zone, now=now):
        raise report_errors.NotAMonth
    return _month_facts(month_on, zone=zone, now=now)


def _month_facts(month_on: date, *, zone: str, now: datetime) -> StatementFacts:
    from_at, end_at = availability.month(month_on, zone)
    until_at = min(end_at, now)
    was_hit = Q(impacted_at__lt=until_at) & (Q(restored_at__isnull=True) | Q(restored_at__gt=from_at))
    is_silent = Q(impacted_at__isnull=True, state=CompanyState.UNKNOWN, incident__started_at__lt=until_at)
    counting = _recoveries().exclude(incident__state__in=IncidentState.set_aside())
    known = [
        each
        for each in downtime.courses(counting.filter(was_hit | is_silent), now=now)
        if _stretches([each], from_at, until_at)
    ]
    return StatementFacts(
        kind=StatementKind.MONTH,
        incident_id=None,
        reference="",
        title="",
        month_on=month_on,
        zone=zone,
        measured=downtime.measured(known, from_at=from_at, until_at=until_at),
        stretches=_stretches(known, from_at, until_at),
        record_version=_version(known, until=end_at),
        is_provisional=now < end_at or any(each.is_open for each in known),
        as_of=now,
    )


def months(zone: str, *, now: datetime) -> tuple[date, ...]:
    """The months of which statements are issued, newest first, by their first day."""
    first = now.astimezone(ZoneInfo(zone)).date().replace(day=1)
    found = []
    for _ in range(MONTHS):
        found.append(first)
        first = (first - timedelta(days=1)).replace(day=1)
    return tuple(found)


def statement_list(*, zone: str, now: datetime) -> StatementList:
    """The statements of the company of the scope. One statement."""
    rows = Statement.objects.order_by("-issued_at", "-pk").values_list(
        "number", "incident__title", "month_on", "issued_at", "issued_by_name"
    )[:PAGE_SIZE]
    return StatementList(
        rows=tuple(
            StatementRow(number=number, title=title or "", month_on=on, issued_at=at, issued_by=by)
            for number, title, on, at, by in rows
        ),
        months=months(zone, now=now),
        zone=zone,
        as_of=now,
    )


def issued(number: str, *, now: datetime) -> IssuedStatement:
    """A statement of the company of the scope. Raises StatementNotFound."""
    found = Statement.objects.filter(number=number).first()
    if found is None:
        raise report_errors.StatementNotFound
    made = Document.objects.filter(statement=found).values_list("state", flat=True).first()
    return IssuedStatement(
        id=found.pk,
        number=found.number,
        content=found.content,
        is_superseded=is_superseded(found, now=now),
        can_be_renewed=can_be_renewed(found, now=now),
        document_state=DocumentState(made or DocumentState.WAITING),
        issued_by=found.issued_by_name,
    )


def is_superseded(statement: Statement, *, now: datetime) -> bool:
    """Whether the record of what it speaks of has other entries now than when it was issued."""
    zone = json.loads(statement.content)["zone"]
    try:
        if statement.incident_id is not None:
            found = Incident.objects.values_list("reference", flat=True).get(pk=statement.incident_id)
            facts = incident_facts(found, zone=zone, now=now)
        elif statement.month_on is not None:
            facts = _month_facts(statement.month_on, zone=zone, now=now)
        else:
            return True
    except (errors.IncidentNotFound, errors.SetAside, Incident.DoesNotExist):
        return True
    return facts.record_version != statement.record_version


def can_be_renewed(statement: Statement, *, now: datetime) -> bool:
    """Whether another one can be issued of the same: not of what was set aside, nor of a month long ago."""
    if statement.month_on is not None:
        return statement.month_on in months(json.loads(statement.content)["zone"], now=now)
    counting = _recoveries().exclude(incident__state__in=IncidentState.set_aside())
    found: bool = counting.filter(incident=statement.incident_id).exists()
    return found


def content_of(statement_id: UUID) -> str:
    """The signed document of a statement. Raises StatementNotFound."""
    found = Statement.objects.filter(pk=statement_id).values_list("content", flat=True).first()
    if found is None:
        raise report_errors.StatementNotFound
    return found


def pdf_of(statement_id: UUID) -> bytes:
    """The PDF of a statement. Raises DocumentNotFound while there is none."""
    content = (
        Document.objects.filter(statement_id=statement_id, state=DocumentState.MADE)
        .values_list("content", flat=True)
        .first()
    )
    if content is None:
        raise report_errors.DocumentNotFound
    return bytes(content)


def _recoveries() -> Any:
    return (
        Recovery.objects.filter(incident__published_at__isnull=False)
        .select_related("incident")
        .order_by("incident__started_at", "incident_id")
    )


def _stretches(known: Sequence[Course], from_at: datetime, until_at: datetime) -> tuple[Stretch, ...]:
    found = [
        Stretch(
            reference=each.incident.reference,
            title=each.incident.title,
            state=impact.state,
            is_planned=impact.is_planned,
            from_at=max(impact.from_at, from_at),
            until_at=None if impact.until_at is None else min(impact.until_at, until_at),
        )
        for each in known
        for impact in each.impacts
        if impact.from_at < until_at and (impact.until_at is None or impact.until_at > from_at)
    ]
    return tuple(sorted(found, key=lambda stretch: (stretch.from_at, stretch.reference)))


def _version(known: Sequence[Course], *, until: datetime | None = None) -> str:
    """How many entries, and a digest of which: entries are never changed, so it stands for the record.

    Of a month those before its end; the window that a maintenance had announced belongs to it.
    """
    entries = [entry.id.hex for each in known for entry in each.entries if until is None or entry.at < until]
    windows = [
        f"{each.incident.pk} {each.incident.started_at} {each.incident.planned_end_at}"
        for each in known
        if each.incident.is_maintenance
    ]
    silent = [each.incident.pk.hex for each in known if not each.entries]
    text = "\n".join((*sorted(entries), *sorted(windows), *sorted(silent)))
    return f"{len(entries)}-{hashlib.sha256(text.encode()).hexdigest()[:12]}"
