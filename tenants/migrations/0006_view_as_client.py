"""Staff see what a client sees: a right, and the groups that have it."""

from typing import Any

from django.apps import apps as installed
from django.contrib.auth.management import create_permissions
from django.db import migrations

from tenants import rls

_GROUPS = ("Support", "Incident manager", "Administrator")


def _allow(apps: Any, schema_editor: Any) -> None:
    alias = schema_editor.connection.alias
    # Otherwise made only after the last migration, when it is too late for a group.
    create_permissions(installed.get_app_config("tenants"), verbosity=0, using=alias, apps=apps)
    right, rights = _right(apps, alias)
    _become(schema_editor, rls.STAFF)
    groups = list(_groups(apps, alias))
    rights.bulk_create(
        [rights.model(group_id=each, permission_id=right) for each in groups], ignore_conflicts=True
    )
    _become(schema_editor, rls.OWNER)


def _refuse(apps: Any, schema_editor: Any) -> None:
    alias = schema_editor.connection.alias
    right, rights = _right(apps, alias)
    _become(schema_editor, rls.STAFF)
    rights.filter(group_id__in=list(_groups(apps, alias)), permission_id=right).delete()
    _become(schema_editor, rls.OWNER)


def _right(apps: Any, alias: str) -> tuple[int, Any]:
    """The key of the right, and the table that says which group has which."""
    right = apps.get_model("auth", "Permission").objects.using(alias).get(codename="view_as_client")
    through = apps.get_model("auth", "Group").permissions.through
    return right.pk, through.objects.using(alias)


def _groups(apps: Any, alias: str) -> Any:
    groups = apps.get_model("auth", "Group").objects.using(alias)
    return groups.filter(name__in=_GROUPS).values_list("pk", flat=True)


def _become(schema_editor: Any, role: str) -> None:
    """Row security shows the owner no rows, so groups are written as staff."""
    schema_editor.execute(f"set local role {role}", params=None)


class Migration(migrations.Migration):
    dependencies = [("tenants", "0005_audit_chain"), ("incidents", "0004_staff_roles")]

    operations = [
        migrations.AlterModelOptions(
            name="company",
            options={
                "permissions": [("view_as_client", "Can open a client's pages as its people see them")],
                "verbose_name": "client company",
                "verbose_name_plural": "client companies",
            },
        ),
        migrations.RunPython(_allow, _refuse),
    ]
