"""The portal's settings with the bare view beside it, so that both pass the same middleware."""

from portal.settings import *  # noqa: F403

ROOT_URLCONF = "bench.urls"
