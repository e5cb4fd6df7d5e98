"""The staff's screens; whatever has consequences calls an operation."""

from incidents.admin import (
    catalogue,
    client_reports,
    companies,
    documents,
    incidents,
    postmortems,
    recoveries,
    recovery_imports,
    words,
)

__all__ = [
    "catalogue",
    "client_reports",
    "companies",
    "documents",
    "incidents",
    "postmortems",
    "recoveries",
    "recovery_imports",
    "words",
]
