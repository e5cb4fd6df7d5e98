"""A step of an import that always fails: given up, with a reason that staff can read."""

from datetime import datetime

from django.db import Error

from incidents.choices import ImportState
from incidents.models import ImportRow, RecoveryImport
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


def let_be(found: RecoveryImport | None, why: str, *, now: datetime) -> None:
    """Leave the record, to which nothing can be added, as it is: what was applied stays applied."""
    if found is None:
        return
    is_applied = found.state == ImportState.ROLLING_BACK
    found.state = ImportState.APPLIED if is_applied else ImportState.FAILED
    found.trouble, found.leased_until, found.content = why[:_MOST_LETTERS], None, b""
    found.finished_at = found.finished_at or now
    found.save(update_fields=["state", "trouble", "leased_until", "content", "finished_at"])
    ImportRow.objects.filter(recovery_import=found, problem="").delete()
    audit.record(SYSTEM, "import.given_up", found, now=now, incident=str(found.incident_id))
