"""To a login that cannot become staff, the people of staff, their sign-ins and addresses do not exist."""

from django.db import migrations

from tenants import rls

PEOPLE = "select insert update delete"
OWN_SIGN_IN = (("update", ("password", "last_login")),)


class Migration(migrations.Migration):
    dependencies = [("tenants", "0003_audit_in_ones_own_name")]
    operations = [
        rls.Protect(
            "tenants_user",
            rls.identity(
                visitor="select update",
                visitor_columns=OWN_SIGN_IN,
                visitor_rows=f"{rls.MAY_BECOME_STAFF} or not is_staff",
            ),
            before=rls.identity(visitor="select update", visitor_columns=OWN_SIGN_IN),
        ),
        rls.Protect(
            "tenants_session",
            rls.identity(visitor=PEOPLE, visitor_rows=rls.of_visible_people("tenants_session")),
            before=rls.identity(visitor=PEOPLE),
        ),
        rls.Protect(
            "account_emailaddress",
            rls.identity(visitor=PEOPLE, visitor_rows=rls.of_visible_people("account_emailaddress")),
            before=rls.identity(visitor=PEOPLE),
        ),
    ]
