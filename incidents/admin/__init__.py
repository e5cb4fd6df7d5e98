"""The staff's screens; whatever has consequences calls an operation."""

from incidents.admin import (
    answer_templates,
    catalogue,
    client_reports,
    companies,
    incidents,
    postmortems,
    recoveries,
    recovery_imports,
    words,
)

__all__ = [
    "answer_templates",
    "catalogue",
    "client_reports",
    "companies",
    "incidents",
    "postmortems",
    "recoveries",
    "recovery_imports",
    "words",
]
