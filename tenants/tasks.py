"""What the tenants do in the background; each task calls one function."""

from datetime import datetime

from tenants import mail
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
