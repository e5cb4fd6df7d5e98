"""What the tenants do in the background; each task calls one function."""

from datetime import datetime

from tenants import audit_seals, mail, scope
from tenants.background import visitor_task
from tenants.models.session import SessionStore


@visitor_task
def sweep_mail(*, now: datetime) -> None:
    """Send every account mail that is due."""
    while mail.deliver_due(now=now):
        pass


@visitor_task
def clear_ended_sessions(*, now: datetime) -> None:
    SessionStore.clear_expired()


@visitor_task
def seal_audit(*, now: datetime) -> None:
    """Seal what was written into the audit since the last time, a transaction for each batch."""
    while _seal(now=now, everything=False):
        pass


@visitor_task
def verify_audit(*, now: datetime) -> None:
    """Seal whatever still waits, however old; then verify the whole chain and write down the result."""
    while _seal(now=now, everything=True):
        pass
    with scope.as_staff():
        audit_seals.verify_and_record(now=now)


def _seal(*, now: datetime, everything: bool) -> int:
    with scope.as_staff():
        return audit_seals.seal_waiting(now=now, everything=everything)
