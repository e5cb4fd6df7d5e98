"""The portal's settings with the bare view beside it, so that both pass the same middleware."""

from portal.settings import *  # noqa: F403

ROOT_URLCONF = "bench.urls"
ACCOUNT_RATE_LIMITS = dict.fromkeys(("login", "login_failed", "reset_password"), "1000000/s/ip")
"""Hundreds of sign-ins from one address are measured, which nobody may try of a portal in use."""
