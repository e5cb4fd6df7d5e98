"""The portal as the web server of the founding day serves it: each request at the instant of the clock."""

import threading
from collections.abc import Callable, Iterable
from typing import Any

import time_machine

from portal import wsgi
from tests.journeys import day_clock

_ONE_CLOCK = threading.Lock()


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """One request after the other, because a process has one clock."""
    with _ONE_CLOCK, time_machine.travel(day_clock.read(), tick=True):
        return list(wsgi.application(environ, start_response))
