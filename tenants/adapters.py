"""How sign-in is bound to this portal: nobody signs up, mails go through the outbox."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.conf import settings
from django.db import transaction
from django.http import HttpRequest

from tenants import mail, tasks


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth ships no types
    """Django-allauth's decisions, as this portal takes them."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Nobody opens an account for themselves; staff and owners add people."""
        return False

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Put the mail into the outbox and wake the worker once the request has committed."""
        named = context | {"vendor_name": settings.VENDOR_NAME}
        mail.enqueue(self.render_mail(template_prefix, email, named))
        transaction.on_commit(tasks.sweep_mail.delay, robust=True)
