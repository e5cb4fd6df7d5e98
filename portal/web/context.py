"""What every template may name."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest


def portal(request: HttpRequest) -> dict[str, Any]:
    """The vendor's name and the request's reference; never anything of a company."""
    return {
        "vendor_name": settings.VENDOR_NAME,
        "request_id": getattr(request, "request_id", ""),
        "actor": getattr(request, "actor", None),
        "viewed": getattr(request, "viewed", None),
    }
