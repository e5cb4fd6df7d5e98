"""What incidents do in the background; each task calls one function."""

from datetime import datetime
from uuid import UUID

from incidents.operations import import_work, incidents, waiting_updates
from tenants.actor import SYSTEM
from tenants.background import staff_task, visitor_task


@staff_task
def advance_maintenance(*, now: datetime) -> None:
    """Start and end planned maintenance by the clock."""
    incidents.advance_maintenance(SYSTEM, now=now)


@visitor_task
def post_due_updates(*, now: datetime) -> None:
    """Post what staff have sent off and not taken back."""
    waiting_updates.leave_due(now=now)


@visitor_task
def advance_import(*, now: datetime, import_id: str) -> None:
    """Read, check or write one file of recoveries, as far as it goes."""
    import_work.advance(UUID(import_id), now=now)


@visitor_task
def sweep_imports(*, now: datetime) -> None:
    """Go on with every file of recoveries that nobody is at."""
    for import_id in import_work.waiting(now=now):
        import_work.advance(import_id, now=now)
