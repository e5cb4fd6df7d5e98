"""The web's entry: the application, once the isolation was found to stand."""

import os

from django.core.wsgi import get_wsgi_application

from portal.charsets import OnlyUtf8
from tenants import walls

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
application = OnlyUtf8(get_wsgi_application())
walls.refuse_unless_standing()
