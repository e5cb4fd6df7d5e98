"""Files of recoveries for tests, taken through as a worker would take them."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from incidents.choices import CompanyState
from incidents.import_files import Encoding
from incidents.models import Incident, RecoveryImport
from incidents.operations import import_work, recovery_imports
from tenants import scope
from tests import factories
from tests.conftest import World

NOW = factories.STARTED_AT + timedelta(hours=9)
HEADER = "company,at,state,component"


def at(minutes: int) -> str:
    """So many minutes after the start, as a file says it in UTC."""
    return f"{factories.STARTED_AT + timedelta(minutes=minutes):%Y-%m-%d %H:%M}"


def file_of(rows: Iterable[str]) -> bytes:
    return "\n".join((HEADER, *rows, "")).encode()


def sent(world: World, content: bytes, *, incident: Incident | None = None) -> RecoveryImport:
    with scope.as_staff():
        return recovery_imports.upload(
            factories.actor(world.sam),
            incident_id=(incident or world.incident).pk,
            file_name="recoveries.csv",
            content=content,
            now=NOW,
        )


def started(world: World, content: bytes, **changed: Any) -> RecoveryImport:
    """Sent, and its columns named; nobody has begun to read it."""
    incident = changed.pop("incident", None)
    made = sent(world, content, incident=incident)
    said: dict[str, Any] = {
        "encoding": Encoding.UTF_8,
        "company": 0,
        "at": 1,
        "state": 2,
        "component": 3,
        "state_of_all": None,
        "zone": ZoneInfo("UTC"),
    }
    with scope.as_staff():
        recovery_imports.start(factories.actor(world.sam), import_id=made.pk, now=NOW, **(said | changed))
    return made


def tried_out(
    world: World, rows: Iterable[str] | bytes, *, now: datetime = NOW, **changed: Any
) -> RecoveryImport:
    """Read and checked: its counts and preview are there."""
    made = started(world, rows if isinstance(rows, bytes) else file_of(rows), **changed)
    import_work.advance(made.pk, now=now)
    return again(made)


def applied(world: World, rows: Iterable[str] | bytes, **changed: Any) -> RecoveryImport:
    made = tried_out(world, rows, **changed)
    ask(world, made, recovery_imports.apply)
    import_work.advance(made.pk, now=NOW)
    return again(made)


def ask(world: World, made: RecoveryImport, what: Any) -> None:
    with scope.as_staff():
        what(factories.actor(world.sam), import_id=made.pk, now=NOW)


def again(made: RecoveryImport) -> RecoveryImport:
    with scope.as_staff():
        return RecoveryImport.objects.select_related("incident").get(pk=made.pk)


def restored(slug: str, minutes: int) -> str:
    return f"{slug},{at(minutes)},{CompanyState.RESTORED},"
