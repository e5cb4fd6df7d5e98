"""The staff's screens; whatever has consequences calls an operation."""

from incidents.admin import (
    catalogue,
    client_reports,
    companies,
    corrective_actions,
    documents,
    incidents,
    postmortems,
    recoveries,
    recovery_imports,
    reports,
    words,
)

__all__ = [
    "catalogue",
    "client_reports",
    "companies",
    "corrective_actions",
    "documents",
    "incidents",
    "postmortems",
    "recoveries",
    "recovery_imports",
    "reports",
    "words",
]
