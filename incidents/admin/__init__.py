"""The staff's screens; whatever has consequences calls an operation."""

from incidents.admin import (
    answer_templates,
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
    update_templates,
    waiting_updates,
    words,
)

__all__ = [
    "answer_templates",
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
    "update_templates",
    "waiting_updates",
    "words",
]
