"""A client's transaction writes of itself only: who did it is the person whose transaction it is."""

from django.db import migrations

from tenants import rls

_BEFORE = rls.company_owned(
    client="select insert",
    client_columns=(("select", ("id", "company_id")),),
    staff="select insert",
)
_AFTER = rls.company_owned(
    client="select insert",
    client_columns=(("select", ("id", "company_id")),),
    client_inserts=f"actor_id = {rls.CURRENT_USER}",
    staff="select insert",
)


class Migration(migrations.Migration):
    dependencies = [("tenants", "0002_library_tables")]

    operations = [rls.Protect("tenants_auditevent", _AFTER, before=_BEFORE)]
