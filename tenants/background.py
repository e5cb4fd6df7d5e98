"""Tasks that open a scope: a background task runs as staff or as one company, never as nothing."""

import functools
from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

from celery import shared_task
from django.utils import timezone

from tenants import scope


def staff_task(work: Callable[..., Any]) -> Any:
    """A task in the staff scope, one transaction; `work` is called with `now` and the ids sent."""

    @functools.wraps(work)
    def run(**ids: Any) -> None:
        with scope.as_staff():
            work(now=_now(), **ids)

    return shared_task(run)


def company_task(work: Callable[..., Any]) -> Any:
    """A task in the client scope of the company whose `company_id` (text) the message carries.

    A message without it fails loudly: TypeError, nothing read.
    """

    @functools.wraps(work)
    def run(*, company_id: str, **ids: Any) -> None:
        with scope.as_company(UUID(company_id)):
            work(now=_now(), company_id=UUID(company_id), **ids)

    return shared_task(run)


def visitor_task(work: Callable[..., Any]) -> Any:
    """A task that opens its scopes itself, between calls to the outside; called with `now`."""

    @functools.wraps(work)
    def run(**ids: Any) -> None:
        work(now=_now(), **ids)

    return shared_task(run)


def _now() -> datetime:
    """The clock of the background, read once a task."""
    return timezone.now()
