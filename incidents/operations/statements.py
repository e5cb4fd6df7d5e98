"""Issue a downtime statement: sign what the record says now, keep it, and have its PDF made."""

from collections.abc import Callable
from datetime import date, datetime, timedelta

from django.conf import settings
from django.db import transaction

from incidents import report_errors, signatures
from incidents.choices import DocumentKind
from incidents.models import Document, Statement
from incidents.models.statement import new_number
from incidents.queries import statement_documents, statements
from incidents.queries.statements import StatementFacts
from tenants import audit
from tenants.actor import ActingCompany, Actor
from tenants.permissions import Permission

Issue = Callable[[], tuple[Statement, bool]]

MOST_A_DAY = 200
"""Statements that one company may issue in 24 hours."""


def issue_for_incident(
    actor: Actor, *, reference: str, verify_at: str, now: datetime
) -> tuple[Statement, bool]:
    """A statement of the actor's company on one incident; returns (statement, is new).

    `verify_at` is the public address where anybody verifies it; it stands in the statement.

    Of a record that stands still there is one statement, and one a minute of a record that moves: who
    clicks twice gets the first. Runs in the client scope. Raises NotPermitted, IncidentNotFound,
    NoSigningKey and TooManyStatements.
    """
    company = _company(actor)
    facts = statements.incident_facts(reference, zone=company.time_zone, now=now)
    return _issue(actor, company, facts, verify_at=verify_at, now=now)


def issue_for_month(actor: Actor, *, month_on: date, verify_at: str, now: datetime) -> tuple[Statement, bool]:
    """A statement on one month of the company's zone, by its first day, like `issue_for_incident`.

    Raises NotAMonth instead of IncidentNotFound.
    """
    company = _company(actor)
    facts = statements.month_facts(month_on, zone=company.time_zone, now=now)
    return _issue(actor, company, facts, verify_at=verify_at, now=now)


def downloaded(actor: Actor, *, number: str, form: str, now: datetime) -> Statement:
    """Write down that somebody took a statement in one form (pdf, csv, json). Raises StatementNotFound."""
    company = _company(actor)
    found = Statement.objects.filter(number=number).first()
    if found is None:
        raise report_errors.StatementNotFound
    audit.record(actor, "statement.downloaded", found, now=now, company_id=company.id, form=form)
    return found


def _company(actor: Actor) -> ActingCompany:
    actor.require(Permission.READ_INCIDENTS)
    if actor.company is None:
        raise report_errors.StatementNotFound
    return actor.company


def _issue(
    actor: Actor, company: ActingCompany, facts: StatementFacts, *, verify_at: str, now: datetime
) -> tuple[Statement, bool]:
    if not settings.STATEMENT_SIGNING_KEY:
        raise report_errors.NoSigningKey
    subject = facts.incident_id or facts.month_on
    moment = f"{now:%Y%m%d%H%M}" if facts.is_provisional else "final"
    weight = facts.measured.degraded_weight_percent
    wanted = Statement(
        company_id=company.id,
        number=new_number(company.id),
        kind=facts.kind,
        incident_id=facts.incident_id,
        month_on=facts.month_on,
        record_version=facts.record_version,
        once_key=f"{subject}:{facts.record_version}:{weight}:{moment}",
        issued_at=now,
        issued_by_id=actor.user_id,
        issued_by_name=actor.name,
    )
    with transaction.atomic():
        same = Statement.objects.filter(once_key=wanted.once_key).first()
        if same is not None:
            return same, False
        if Statement.objects.filter(issued_at__gt=now - timedelta(days=1)).count() >= MOST_A_DAY:
            raise report_errors.TooManyStatements
        document = statement_documents.written(
            facts, number=wanted.number, company_name=company.name, verify_at=verify_at
        )
        key = signatures.SigningKey(settings.STATEMENT_SIGNING_KEY)
        wanted.content = signatures.canonical(key.sign(document)).decode()
        Statement.objects.bulk_create([wanted], ignore_conflicts=True)
        stored = Statement.objects.get(once_key=wanted.once_key)
        if stored.pk == wanted.pk:
            _keep(actor, company, stored, zone=facts.zone, now=now)
    return stored, stored.pk == wanted.pk


def _keep(actor: Actor, company: ActingCompany, stored: Statement, *, zone: str, now: datetime) -> None:
    Document(
        company_id=company.id,
        kind=DocumentKind.STATEMENT,
        statement=stored,
        once_key=f"statement:{stored.pk}",
        zone=zone,
        reader_name=actor.name,
        asked_by_id=actor.user_id,
        asked_at=now,
        due_at=now,
    ).save(force_insert=True)
    audit.record(actor, "statement.issued", stored, now=now, company_id=company.id, kind=str(stored.kind))
