"""The staff's screens; whatever has consequences calls an operation."""

from incidents.admin import (
    catalogue,
    client_reports,
    companies,
    incidents,
    postmortems,
    recoveries,
    recovery_imports,
    update_templates,
    waiting_updates,
    words,
)

__all__ = [
    "catalogue",
    "client_reports",
    "companies",
    "incidents",
    "postmortems",
    "recoveries",
    "recovery_imports",
    "update_templates",
    "waiting_updates",
    "words",
]
