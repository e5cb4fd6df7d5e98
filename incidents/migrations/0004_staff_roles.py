"""The groups of the vendor's people, as they stood when this was written."""

from typing import Any

from django.apps import apps as installed
from django.contrib.auth.management import create_permissions
from django.db import migrations

from tenants import rls

_READ = (
    "view_affectedcomponent view_claim view_cohort view_component view_datacenter view_incident "
    "view_placement view_postmortemrequest view_recovery view_recoveryentry view_rosterentry view_service "
    "view_update view_auditevent view_company view_membership view_outgoingmail view_user view_group "
)
_GROUPS = {
    "Support": "change_postmortemrequest",
    "Incident manager": (
        "change_postmortemrequest add_incident change_incident delete_incident change_recovery "
        "add_claim change_claim delete_claim override_record"
    ),
    "Publisher": "change_postmortemrequest add_claim change_claim delete_claim",
    "Administrator": (
        "add_component change_component delete_component add_datacenter change_datacenter delete_datacenter "
        "add_placement change_placement delete_placement add_service change_service delete_service "
        "add_company change_company add_membership change_membership delete_membership add_user change_user"
    ),
}
_APPS = ("auth", "incidents", "tenants")


def _make(apps: Any, schema_editor: Any) -> None:
    alias = schema_editor.connection.alias
    for label in _APPS:
        # Otherwise made only after the last migration, when it is too late for a group.
        create_permissions(installed.get_app_config(label), verbosity=0, using=alias, apps=apps)
    permissions = apps.get_model("auth", "Permission").objects.using(alias)
    group_model = apps.get_model("auth", "Group")
    rights = group_model.permissions.through.objects.using(alias)
    _become(schema_editor, rls.STAFF)
    for name, codenames in _GROUPS.items():
        group, _is_new = group_model.objects.using(alias).get_or_create(name=name)
        wanted = permissions.filter(
            content_type__app_label__in=_APPS, codename__in=(_READ + codenames).split()
        )
        rights.bulk_create(
            [
                rights.model(group_id=group.pk, permission_id=each)
                for each in wanted.values_list("pk", flat=True)
            ],
            ignore_conflicts=True,
        )
    _become(schema_editor, rls.OWNER)


def _remove(apps: Any, schema_editor: Any) -> None:
    groups = apps.get_model("auth", "Group").objects.using(schema_editor.connection.alias)
    _become(schema_editor, rls.STAFF)
    groups.filter(name__in=_GROUPS).delete()
    _become(schema_editor, rls.OWNER)


def _become(schema_editor: Any, role: str) -> None:
    """Row security shows the owner no rows, so groups are written as staff."""
    schema_editor.execute(f"set local role {role}", params=None)


class Migration(migrations.Migration):
    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
        ("incidents", "0003_entries_supersede_own"),
        ("tenants", "0004_staff_unknown_to_client_logins"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="incident",
            options={
                "base_manager_name": "objects",
                "permissions": [("override_record", "Can post against the record, with a reason")],
            },
        ),
        migrations.RunPython(_make, _remove),
    ]
