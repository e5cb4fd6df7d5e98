"""A step of an import that always fails: given up, with a reason that staff can read."""

from datetime import datetime

from django.db import Error

from incidents.choices import ImportState
from incidents.models import RecoveryImport
from tenants import audit
from tenants.actor import SYSTEM

SAID_NOTHING = "The worker was stopped each time before it could say why, as when memory runs out."
_MOST_LETTERS = 200


def reason(error: Exception) -> str:
    """Why a step ended, for staff: what the database said first, or only that the portal is at fault."""
    if isinstance(error, Error):
        said = str(error).split("\n", maxsplit=1)[0]
        return f"The database refused: {said}"
    return f"The portal failed ({type(error).__name__}); the worker's log says where."


def give_up(found: RecoveryImport, why: str, *, now: datetime) -> None:
    """Let the import, which the caller has locked, fail at its step. What was sent and read is kept."""
    found.failed_at_step, found.state = found.state, ImportState.FAILED
    found.trouble, found.finished_at, found.leased_until = why[:_MOST_LETTERS], now, None
    found.save(update_fields=["failed_at_step", "state", "trouble", "finished_at", "leased_until"])
    audit.record(
        SYSTEM, "import.given_up", found, now=now, step=found.failed_at_step, attempts=found.attempts
    )
