"""The portal's settings for the type checker, which connects to nothing."""

import os

os.environ.setdefault("SECRET_KEY", "only-for-types")
os.environ.setdefault("DATABASE_URL", "postgres://portal_login@localhost/portal")
os.environ.setdefault("REDIS_URL", "redis://localhost")

from portal.settings import *  # noqa: F403
