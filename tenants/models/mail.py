"""The outbox of account mails: a row is the truth, a worker's message only wakes somebody."""

from typing import ClassVar

from django.db import models

from tenants import rls
from tenants.models.base import Keyed


class OutgoingMail(Keyed):
    """One mail to one address. Its text is emptied when it has left (it may hold a secret link).

    Whoever resets a password writes a row as a visitor, who can read back nothing but its key.
    """

    access: ClassVar[rls.Access] = rls.identity(
        visitor="select insert", visitor_columns=(("select", ("id",)),)
    )

    to_address = models.EmailField(max_length=254)
    subject = models.CharField(max_length=200)
    body_text = models.TextField()
    body_html = models.TextField(blank=True)
    created_at = models.DateTimeField()
    due_at = models.DateTimeField()
    """When it may be tried (again); moved forward as a lease while somebody tries."""
    attempts = models.PositiveSmallIntegerField(default=0)
    sent_at = models.DateTimeField(null=True)
    failed_at = models.DateTimeField(null=True)
    """Set when it was given up."""

    class Meta:
        verbose_name = "outgoing mail"
        indexes = [
            models.Index(
                fields=["due_at"], name="outgoing_mail_due", condition=models.Q(sent_at=None, failed_at=None)
            ),
        ]

    def __str__(self) -> str:
        return str(self.pk)
