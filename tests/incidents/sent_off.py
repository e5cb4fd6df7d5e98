"""Texts that staff send off, in minutes after the start of the world's incident."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from incidents.audiences import Readers
from incidents.choices import Audience, Severity, UpdateKind
from incidents.models import Incident, Update, WaitingUpdate
from incidents.operations import waiting_updates
from incidents.operations.waiting_updates import Written
from tenants import scope
from tenants.models import User
from tests import factories
from tests.conftest import World

NOW = factories.STARTED_AT + timedelta(hours=1)
WINDOW = timedelta(seconds=20)


def written(text: str = "We are on it.", **more: Any) -> Written:
    given: dict[str, Any] = {"kind": UpdateKind.UPDATE, "readers": Readers(audience=Audience.EVERYONE)}
    return Written(body_markdown=text, **given | more)


def send(
    world: World,
    text: str = "We are on it.",
    *,
    now: datetime = NOW,
    by: User | None = None,
    form_key: UUID | None = None,
    **more: Any,
) -> WaitingUpdate:
    with scope.as_staff():
        return waiting_updates.send(
            factories.actor(by or world.sam),
            incident_id=world.incident.pk,
            form_key=form_key or uuid4(),
            written=written(text, **more),
            now=now,
        )


def act(world: World, name: str, waiting: WaitingUpdate, *, by: User | None = None, **more: Any) -> None:
    """One of the operations on a text that was sent off."""
    with scope.as_staff():
        given = {"now": NOW} | more
        getattr(waiting_updates, name)(factories.actor(by or world.sam), waiting_id=waiting.pk, **given)


def again(waiting: WaitingUpdate) -> WaitingUpdate:
    with scope.as_staff():
        return WaitingUpdate.objects.get(pk=waiting.pk)


def posted(world: World) -> list[str]:
    """The texts of the incident in the order in which they were posted."""
    with scope.as_staff():
        rows = Update.objects.filter(incident=world.incident).order_by("published_at", "pk")
        return list(rows.values_list("body_markdown", flat=True))


def make_critical(world: World) -> None:
    with scope.as_staff():
        Incident.objects.filter(pk=world.incident.pk).update(severity=Severity.CRITICAL)


def read_by_ada(world: World) -> tuple[str, ...]:
    """Everything that a client can find of the texts of staff, through both walls."""
    with scope.as_company(world.acme.pk):
        return tuple(Update.objects.values_list("body_html", flat=True))
