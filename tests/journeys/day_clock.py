"""The clock of the portal that serves the founding day: a file that holds an instant."""

import os
from datetime import datetime
from pathlib import Path

VARIABLE = "PORTAL_TEST_CLOCK"
"""Environment variable with the path of the file."""


def read() -> datetime:
    return datetime.fromisoformat(Path(os.environ[VARIABLE]).read_text("utf-8"))


def put(file: Path, now: datetime) -> None:
    """In one step, so that nobody reads half an instant."""
    written = file.with_suffix(".new")
    written.write_text(now.isoformat(), "utf-8")
    written.replace(file)
