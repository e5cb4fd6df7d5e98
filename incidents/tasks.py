"""What incidents do in the background; each task calls one function."""

from datetime import datetime

from incidents.operations import incidents
from tenants.actor import SYSTEM
from tenants.background import staff_task


@staff_task
def advance_maintenance(*, now: datetime) -> None:
    """Start and end planned maintenance by the clock."""
    incidents.advance_maintenance(SYSTEM, now=now)
