"""Ctrl-C and SIGTERM: the first asks for a clean stop, the second ends everything at once."""

import os
import signal
import time
from types import FrameType

from deploy.local import children

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_EXIT_CODE_WHEN_FORCED = 130
# `make` and `timeout` pass on a signal that the terminal or the group has delivered already: one request.
_SAME_REQUEST_SECONDS = 1.0


class Interrupted(Exception):
    """The user asked for an end before everything was up."""


class Interrupts:
    """Counts the requests to stop, from its making until the end of the process.

    A handler that raised could break off between starting a child and noting it; so it only notes the
    request, and whoever waits looks here.
    """

    def __init__(self) -> None:
        """Take over the signals."""
        self.asked = False
        self._asked_at = 0.0
        for number in _SIGNALS:
            signal.signal(number, self._note)

    def check(self) -> None:
        """Raise Interrupted when a stop was asked for."""
        if self.asked:
            raise Interrupted

    def _note(self, _number: int, _frame: FrameType | None) -> None:
        now = time.monotonic()
        if not self.asked:
            self.asked, self._asked_at = True, now
        elif now - self._asked_at > _SAME_REQUEST_SECONDS:
            os.write(1, b"\nStopping at once.\n")
            children.kill_all()
            os._exit(_EXIT_CODE_WHEN_FORCED)
