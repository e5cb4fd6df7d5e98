"""Account mails through an outbox: kept when the mail server is down, sent at least once."""

from datetime import datetime, timedelta
from smtplib import SMTPException

import structlog
from django.core.mail import EmailMessage, EmailMultiAlternatives
from django.db.models import F
from django.utils import timezone

from tenants import scope
from tenants.models import OutgoingMail

log = structlog.get_logger(__name__)

LEASE = timedelta(minutes=2)
"""How long a worker has for a batch before another may take it."""
BATCH = 50
GIVE_UP_AFTER = 12
"""Attempts; with the pauses of `_pause` about three days."""

NOBODY = ""
"""The address of a mail that is built and kept like any other, and never sent."""


def enqueue(message: EmailMessage, *, now: datetime | None = None) -> OutgoingMail:
    """Put a built message into the outbox, in the transaction in force; nothing is sent here."""
    at = now or timezone.now()
    alternatives = getattr(message, "alternatives", [])
    html = next((str(part[0]) for part in alternatives if part[1] == "text/html"), "")
    return OutgoingMail.objects.create(
        to_address=message.to[0],
        subject=" ".join(str(message.subject).split())[:200],
        body_text=str(message.body),
        body_html=html,
        created_at=at,
        due_at=at,
    )


def deliver_due(*, now: datetime) -> int:
    """Send what is due, a batch at a time; returns how many left. Safe to run twice at once.

    A row is leased in one transaction, sent outside of any, and recorded in another: a worker
    that is killed between the two sends that mail again after the lease.
    """
    with scope.as_staff():
        OutgoingMail.objects.filter(to_address=NOBODY, sent_at=None, failed_at=None, due_at__lte=now).delete()
        due = (
            OutgoingMail.objects.select_for_update(skip_locked=True)
            .filter(sent_at=None, failed_at=None, due_at__lte=now)
            .order_by("due_at")[:BATCH]
        )
        batch = list(due)
        OutgoingMail.objects.filter(pk__in=[mail.pk for mail in batch]).update(
            due_at=now + LEASE, attempts=F("attempts") + 1
        )
    return sum(_send(mail, now=now) for mail in batch)


def _send(mail: OutgoingMail, *, now: datetime) -> int:
    """Try one mail and write down what came of it: 1 when it left, else 0."""
    message = EmailMultiAlternatives(
        mail.subject, mail.body_text, to=[mail.to_address], headers={"Message-ID": f"<{mail.pk}@portal>"}
    )
    if mail.body_html:
        message.attach_alternative(mail.body_html, "text/html")
    try:
        message.send()
    except (SMTPException, OSError, ValueError) as error:
        attempts = mail.attempts + 1
        log.warning("mail_failed", mail_id=str(mail.pk), attempts=attempts, error=type(error).__name__)
        with scope.as_staff():
            OutgoingMail.objects.filter(pk=mail.pk).update(
                due_at=now + _pause(attempts), failed_at=now if attempts >= GIVE_UP_AFTER else None
            )
        return 0
    with scope.as_staff():
        OutgoingMail.objects.filter(pk=mail.pk).update(sent_at=now, body_text="", body_html="")
    return 1


def _pause(attempts: int) -> timedelta:
    """How long to wait after so many attempts: 1, 2, 4 … minutes, at most 12 hours."""
    return min(timedelta(minutes=2 ** (attempts - 1)), timedelta(hours=12))
