"""The staff's screens; whatever has consequences calls an operation."""

from incidents.admin import (
    answer_templates,
    catalogue,
    client_reports,
    companies,
    corrective_actions,
    incidents,
    postmortems,
    recoveries,
    recovery_imports,
    reports,
    words,
)

__all__ = [
    "answer_templates",
    "catalogue",
    "client_reports",
    "companies",
    "corrective_actions",
    "incidents",
    "postmortems",
    "recoveries",
    "recovery_imports",
    "reports",
    "words",
]
