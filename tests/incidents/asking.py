"""A company's request for a post-mortem and what belongs to it, as tests ask for it."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from incidents.models import PostMortemRequest, RequestQuestion, RequestRecipient
from incidents.operations import postmortems
from tenants import scope
from tenants.actor import Actor
from tenants.models import AuditEvent, Company, User
from tenants.permissions import Role
from tests import factories
from tests.conftest import World

WEDNESDAY = datetime(2026, 2, 4, 15, 0, tzinfo=UTC)


@contextmanager
def acting(user: User, company: Company, role: Role = Role.OWNER) -> Iterator[Actor]:
    """The scope and the actor of a company's person."""
    with scope.as_company(company.pk, user_id=user.pk):
        yield factories.actor(user, company, role)


def ask(world: World, user: User | None = None, company: Company | None = None, **asked: Any) -> UUID:
    """Ask about the world's incident, as Ada for Acme unless said otherwise."""
    with acting(user or world.ada, company or world.acme) as actor:
        made, _is_new = postmortems.request(
            actor,
            reference=world.incident.reference,
            **{"purpose": "For our auditors.", "now": WEDNESDAY, **asked},
        )
        return made.pk


def request(key: UUID) -> PostMortemRequest:
    with scope.as_staff():
        return PostMortemRequest.objects.get(pk=key)


def questions(key: UUID, *, from_vendor: bool = False) -> list[RequestQuestion]:
    with scope.as_staff():
        return list(RequestQuestion.objects.filter(request=key, from_vendor=from_vendor).order_by("number"))


def names(key: UUID) -> list[str]:
    """For whom the report is."""
    with scope.as_staff():
        return sorted(RequestRecipient.objects.filter(request=key).values_list("person__email", flat=True))


def audited(action: str) -> int:
    with scope.as_staff():
        return AuditEvent.objects.filter(action=action).count()
