"""Grants and policies of the tables that libraries bring."""

from django.db import migrations

from tenants import rls

PEOPLE = "select insert update delete"


class Migration(migrations.Migration):
    dependencies = [
        ("account", "0009_emailaddress_unique_primary_email"),
        ("admin", "0003_logentry_add_action_flag_choices"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
        ("tenants", "0001_initial"),
    ]
    operations = [
        rls.Protect("account_emailaddress", rls.identity(visitor=PEOPLE)),
        rls.Protect("account_emailconfirmation", rls.identity(visitor=PEOPLE)),
        rls.Protect("auth_group", rls.identity(visitor="")),
        rls.Protect("auth_group_permissions", rls.identity(visitor="")),
        rls.Protect("auth_permission", rls.framework()),
        rls.Protect("django_admin_log", rls.staff_only(staff="select insert")),
        rls.Protect("django_content_type", rls.framework()),
        rls.Protect("django_migrations", rls.framework(visitor="select", staff="select")),
        rls.Protect("tenants_user_groups", rls.identity(visitor="")),
        rls.Protect("tenants_user_user_permissions", rls.identity(visitor="")),
    ]
