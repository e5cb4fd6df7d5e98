"""What `manage.py check --deploy` says beyond Django's own checks."""

from collections.abc import Sequence
from typing import Any

from django.core import checks
from django.db import OperationalError

from tenants import walls


def isolation_stands(app_configs: Sequence[Any] | None, **_: Any) -> list[checks.CheckMessage]:
    try:
        found = walls.weaknesses()
    except OperationalError:
        return [
            checks.Error(
                "The database cannot be reached, so its isolation cannot be checked.", id="portal.E001"
            )
        ]
    return [checks.Error(weakness, id="portal.E002") for weakness in found]
