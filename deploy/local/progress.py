"""What the user sees while things start: one line each, with the seconds it took."""

import sys
import time
from types import TracebackType
from typing import Self

from deploy.local import interrupts


def say(line: str = "") -> None:
    """Print a line at once, also into a pipe."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


class Step:
    """A `with` block that prints its name when it begins and how it went when it ends.

    "PostgreSQL 18.6 … ready 1.2 s"; on an exception "PostgreSQL 18.6 … failed 1.2 s".
    """

    def __init__(self, name: str, *, done: str = "ready") -> None:
        """Name the step and the word for its success."""
        self._name = name
        self._done = done
        self._begun = 0.0

    def __enter__(self) -> Self:
        """Print the name and start the clock."""
        sys.stdout.write(f"{self._name} … ")
        sys.stdout.flush()
        self._begun = time.monotonic()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Print the outcome and the seconds."""
        outcome = (
            self._done
            if error is None
            else "stopped"
            if isinstance(error, interrupts.Interrupted)
            else "failed"
        )
        say(f"{outcome} {time.monotonic() - self._begun:.1f} s")
