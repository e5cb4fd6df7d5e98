"""The web's entry: the application, once the isolation was found to stand."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
application = get_wsgi_application()

from tenants import walls  # noqa: E402 - models can be imported only after Django was set up

walls.refuse_unless_standing()
