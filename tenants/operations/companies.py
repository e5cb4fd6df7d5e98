"""Close a client company's access, and open it again."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from django.db import transaction

from tenants import audit
from tenants.actor import Actor
from tenants.models import Company


def suspend(actor: Actor, *, company_ids: Collection[UUID], now: datetime) -> int:
    """Close the access of all people of these companies from their next request on.

    Returns how many were not suspended before. Staff scope.
    """
    with transaction.atomic():
        companies = _locked(company_ids, is_suspended=False)
        for company in companies:
            company.suspended_at = now
            company.save(update_fields=["suspended_at"])
            audit.record(actor, "company.suspended", company, now=now, company_id=company.pk)
    return len(companies)


def reinstate(actor: Actor, *, company_ids: Collection[UUID], now: datetime) -> int:
    """Open the access of suspended companies again; returns how many were suspended. Staff scope."""
    with transaction.atomic():
        companies = _locked(company_ids, is_suspended=True)
        for company in companies:
            company.suspended_at = None
            company.save(update_fields=["suspended_at"])
            audit.record(actor, "company.reinstated", company, now=now, company_id=company.pk)
    return len(companies)


def _locked(company_ids: Collection[UUID], *, is_suspended: bool) -> list[Company]:
    companies = Company.objects.select_for_update(no_key=True).filter(
        pk__in=company_ids, suspended_at__isnull=not is_suspended
    )
    return list(companies.order_by("pk"))
