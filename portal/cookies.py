"""The cookie of messages under the portal's own name; the other cookies' names are settings."""

from django.conf import settings
from django.contrib.messages.storage.cookie import CookieStorage


class MessageCookie(CookieStorage):
    """What the next page says, signed. Its name binds it to this host when the portal is secure."""

    cookie_name = settings.MESSAGE_COOKIE_NAME
