"""The final reports of incidents that were set aside before this was written down are not due any more."""

from typing import Any, ClassVar

from django.db import migrations

from tenants import rls

NOT_DUE_ANY_MORE = """
update incidents_postmortemrequest request set final_due_at = null
from incidents_incident incident
where incident.id = request.incident_id and incident.set_aside_at is not null
    and request.state = 'preliminary_delivered' and request.final_due_at is not null
"""


def _clear(_apps: Any, schema_editor: Any) -> None:
    """Row security shows the owner no rows, so rows are written as staff."""
    schema_editor.execute(f"set local role {rls.STAFF}", params=None)
    schema_editor.execute(NOT_DUE_ANY_MORE, params=None)
    schema_editor.execute(f"set local role {rls.OWNER}", params=None)


class Migration(migrations.Migration):
    dependencies: ClassVar = [("incidents", "0018_history_of_requests")]
    operations: ClassVar = [migrations.RunPython(_clear, migrations.RunPython.noop)]
