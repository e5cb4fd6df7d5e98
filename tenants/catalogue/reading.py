"""How the catalogue is read: one statement, its rows."""

from typing import Any

from django.db import connection

SCHEMA = "public"
"""Where every object of the portal is."""


def rows(statement: str, values: list[Any] | None = None) -> list[tuple[Any, ...]]:
    """All rows that `statement` finds."""
    with connection.cursor() as cursor:
        cursor.execute(statement, values or [])
        found: list[tuple[Any, ...]] = cursor.fetchall()
        return found
