"""The web's entry: the application, once the isolation was found to stand."""

import os

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.db import connection

from portal.charsets import OnlyUtf8
from tenants import connections, walls

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
application = OnlyUtf8(get_wsgi_application())
walls.refuse_unless_standing()
# This thread answers no requests: the connection of its check would be held for good.
connection.close()
connections.share(size=settings.DATABASE_POOL_SIZE, wait_seconds=settings.DATABASE_WAIT_SECONDS)
