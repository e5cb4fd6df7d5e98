"""What incidents do in the background; each task calls one function."""

from datetime import datetime
from uuid import UUID

from incidents import standings
from incidents.operations import import_work, incidents, postmortems
from tenants.actor import SYSTEM
from tenants.background import staff_task, visitor_task


@staff_task
def advance_maintenance(*, now: datetime) -> None:
    """Start and end planned maintenance by the clock."""
    incidents.advance_maintenance(SYSTEM, now=now)


@staff_task
def count_again(*, now: datetime) -> None:
    """Rank everybody anew in large incidents in which something was recorded."""
    standings.count_again(now=now)


@staff_task
def deliver_published(*, now: datetime) -> None:
    """Deliver published post-mortems to requests that came in while they were being published."""
    postmortems.deliver_published(now=now)


@visitor_task
def advance_import(*, now: datetime, import_id: str) -> None:
    """Read, check or write one file of recoveries, as far as it goes."""
    import_work.advance(UUID(import_id), now=now)


@visitor_task
def sweep_imports(*, now: datetime) -> None:
    """Go on with every file of recoveries that nobody is at."""
    for import_id in import_work.waiting(now=now):
        import_work.advance(import_id, now=now)
