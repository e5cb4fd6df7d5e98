"""The portal's settings with the pages of `door_pages` beside its own, for a process of its own."""

from portal.settings import *  # noqa: F403

ROOT_URLCONF = "tests.tenants.door_pages"
