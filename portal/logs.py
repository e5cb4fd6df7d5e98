"""Logs: an event name and fields; ids only, no texts, names, addresses or tokens."""

import logging
import time
import uuid
from collections.abc import Callable
from typing import Any

import structlog
from django.http import HttpRequest
from django.http.response import HttpResponseBase

log = structlog.get_logger("portal.request")

_SHARED: list[Any] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]


def configure() -> None:
    """Send structlog through the standard library's logging, so that one configuration rules."""
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_SHARED,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )


def configuration(level: str) -> dict[str, Any]:
    """The `LOGGING` setting: one JSON object a line on standard error."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "json": {
                "()": structlog.stdlib.ProcessorFormatter,
                "processors": [
                    structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                    structlog.processors.format_exc_info,
                    structlog.processors.JSONRenderer(),
                ],
                "foreign_pre_chain": _SHARED,
            }
        },
        "filters": {"without_address": {"()": WithoutAddress}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            "django.server": {"level": "WARNING"},
            "django.request": {"level": "ERROR", "filters": ["without_address"]},
            "django.security.csrf": {"filters": ["without_address"]},
        },
    }


class WithoutAddress(logging.Filter):
    """Django's line of a failed request gets the reference of the request in place of its address.

    The address names a company; the route is in the line of `RequestLogMiddleware`.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        request_id = getattr(getattr(record, "request", None), "request_id", "")
        record.msg, record.args = "request_failed %s", (request_id,)
        return True


class RequestLogMiddleware:
    """Gives each request a reference (shown on error pages) and writes one line when it is slow or fails."""

    SLOW_SECONDS = 1.0

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        request_id = uuid.uuid4().hex[:12]
        request.request_id = request_id  # type: ignore[attr-defined]
        began = time.monotonic()
        response = self.get_response(request)
        seconds = time.monotonic() - began
        if response.status_code >= 500 or seconds > self.SLOW_SECONDS:
            match = request.resolver_match
            log.warning(
                "request_finished",
                request_id=request_id,
                route=match.route if match else None,
                method=request.method,
                status=response.status_code,
                seconds=round(seconds, 3),
            )
        response.headers["X-Request-ID"] = request_id
        return response
