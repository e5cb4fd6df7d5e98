"""What tables of rows that belong to an incident have in common."""

from typing import Any

from django.contrib import admin
from django.utils.safestring import SafeString

from tenants import admin_pages as pages


class OfIncident:
    """The column that leads from a row to its incident."""

    @admin.display(description="incident", ordering="incident__reference")
    def incident_reference(self, row: Any) -> SafeString:
        return pages.row_link(row.incident, row.incident.reference)
