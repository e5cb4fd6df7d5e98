"""A text of staff that does not leave, with the reason that they read."""

from datetime import datetime

from incidents.choices import WaitingState
from incidents.models import WaitingUpdate
from tenants import audit
from tenants.actor import SYSTEM
from tenants.errors import Refusal


def stop(waiting: WaitingUpdate, refusal: Refusal, *, now: datetime) -> None:
    """Keep a text from being posted, because it is refused. The caller holds its incident's row lock."""
    waiting.state, waiting.settled_at, waiting.reason = WaitingState.STOPPED, now, refusal.message
    waiting.save(update_fields=["state", "settled_at", "reason"])
    audit.record(
        SYSTEM, "update.stopped", waiting, now=now, incident=str(waiting.incident_id), code=refusal.code
    )
