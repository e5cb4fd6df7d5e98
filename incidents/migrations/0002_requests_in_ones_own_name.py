"""A client asks in its own name, and answers its request itself only where the policy is automatic."""

from django.db import migrations

from tenants import rls

_OWN_QUESTION = f"""requested_by_id = {rls.CURRENT_USER} and decline_reason = '' and (
    (state = 'requested' and answered_at is null)
    or (state = 'accepted' and incident_id = any (array(
        select visible.id from incidents_incident visible where visible.request_policy = 'automatic'
    )))
)"""  # noqa: S608 - constants of the row policies
_BEFORE = rls.company_owned(client="select insert", staff="select insert update")
_AFTER = rls.company_owned(
    client="select insert",
    client_inserts=_OWN_QUESTION,
    staff="select insert update",
)


class Migration(migrations.Migration):
    dependencies = [("incidents", "0001_initial"), ("tenants", "0003_audit_in_ones_own_name")]

    operations = [rls.Protect("incidents_postmortemrequest", _AFTER, before=_BEFORE)]
