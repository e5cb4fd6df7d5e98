"""How sign-in is bound to this portal: nobody signs up, mails go through the outbox."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.conf import settings
from django.http import HttpRequest

from tenants import mail
from tenants.models import User

_TO_KNOWN_ADDRESS = "account/email/password_reset_key"
_TO_UNKNOWN_ADDRESS = "account/email/unknown_account"
"""Two of django-allauth's mails: both answer "Forgot your password?"."""


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth ships no types
    """Django-allauth's decisions, as this portal takes them."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Nobody opens an account for themselves; staff and owners add people."""
        return False

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Put the mail into the outbox; the sweep sends it.

        The time of the answer must not tell a known address from an unknown one: nobody is woken
        from here, and for an unknown address a mail to nobody takes the same way.
        """
        named = context | {"vendor_name": settings.VENDOR_NAME}
        if template_prefix == _TO_UNKNOWN_ADDRESS:
            named |= {"user": User(), "password_reset_url": context["signup_url"]}
            template_prefix, email = _TO_KNOWN_ADDRESS, mail.NOBODY
        mail.enqueue(self.render_mail(template_prefix, email, named))

    def set_password(self, user: User, password: str) -> None:
        """Write the password alone: a visitor's transaction may change nothing else of a person."""
        user.set_password(password)
        user.save(update_fields=["password"])
