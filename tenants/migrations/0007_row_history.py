"""Row history: its table, the function that writes it, and the tenants' tables that keep it; two rights.

A row of the audit names the incident that it is about, so that clients read which one. Rows that are
there name none, and keep the digests with which they were sealed.
"""

from typing import Any, ClassVar

import django.contrib.postgres.fields
import django.contrib.postgres.indexes
import tenants.models.base
import uuid6
from django.apps import apps as installed
from django.contrib.auth.management import create_permissions
from django.db import migrations, models

from tenants import rls
from tenants.row_history import KeepRowHistory, MakeRowHistory, RowHistory

_KINDS = ["added", "changed", "removed"]
_EVERYBODY = ("Support", "Incident manager", "Publisher", "Administrator")
_READABLE = ("id", "company_id", "actor_kind", "shown_name", "action", "object_type", "at")
_ALLOWED = {"view_rowchange": _EVERYBODY, "verify_audit": ("Administrator",)}
"""New right → the groups that have it."""


def _audit_access(*columns: str) -> rls.Access:
    return rls.company_owned(
        client="select insert",
        client_columns=(("select", columns),),
        client_inserts=f"actor_id = {rls.CURRENT_USER} and actor_kind = 'client'",
        staff="select insert",
    )


def _allow(apps: Any, schema_editor: Any) -> None:
    alias = schema_editor.connection.alias
    # Otherwise made only after the last migration, when it is too late for a group.
    create_permissions(installed.get_app_config("tenants"), verbosity=0, using=alias, apps=apps)
    rights, ids = _rights(apps, alias)
    _become(schema_editor, rls.STAFF)
    groups = apps.get_model("auth", "Group").objects.using(alias)
    rights.bulk_create(
        [
            rights.model(group_id=group.pk, permission_id=ids[right])
            for right, names in _ALLOWED.items()
            for group in groups.filter(name__in=names)
        ],
        ignore_conflicts=True,
    )
    _become(schema_editor, rls.OWNER)


def _refuse(apps: Any, schema_editor: Any) -> None:
    rights, ids = _rights(apps, schema_editor.connection.alias)
    _become(schema_editor, rls.STAFF)
    rights.filter(permission_id__in=list(ids.values())).delete()
    _become(schema_editor, rls.OWNER)


def _rights(apps: Any, alias: str) -> tuple[Any, dict[str, int]]:
    """The table that says which group has which right, and the keys of the new rights."""
    found = apps.get_model("auth", "Permission").objects.using(alias).filter(codename__in=_ALLOWED)
    through = apps.get_model("auth", "Group").permissions.through
    return through.objects.using(alias), dict(found.values_list("codename", "pk"))


def _become(schema_editor: Any, role: str) -> None:
    """Row security shows the owner no rows, so groups are written as staff."""
    schema_editor.execute(f"set local role {role}", params=None)


class Migration(migrations.Migration):
    dependencies: ClassVar = [("tenants", "0006_view_as_client"), ("incidents", "0004_staff_roles")]

    operations: ClassVar = [
        migrations.AlterModelOptions(
            name="auditevent",
            options={
                "base_manager_name": "objects",
                "permissions": [("verify_audit", "Can have the audit verified")],
            },
        ),
        migrations.AddField(
            model_name="auditevent",
            name="about",
            field=models.CharField(blank=True, db_default="", default="", max_length=36),
        ),
        rls.Protect(
            "tenants_auditevent",
            _audit_access(*_READABLE, "about"),
            before=_audit_access(*_READABLE),
        ),
        migrations.AddIndex(
            model_name="auditevent",
            index=models.Index(
                fields=["-at"],
                name="audit_verifications",
                condition=models.Q(
                    ("action__in", ["audit.verified", "audit.broken", "audit.verification_asked"])
                ),
            ),
        ),
        migrations.CreateModel(
            name="RowChange",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        db_default=tenants.models.base.UuidV7(),
                        default=uuid6.uuid7,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("at", models.DateTimeField()),
                ("table_name", models.CharField(max_length=64)),
                ("row_id", models.CharField(max_length=64)),
                (
                    "object_ids",
                    django.contrib.postgres.fields.ArrayField(base_field=models.UUIDField(), size=None),
                ),
                (
                    "kind",
                    models.CharField(choices=[(each, each) for each in _KINDS], max_length=16),
                ),
                ("changes", models.JSONField()),
                ("actor_id", models.UUIDField(null=True)),
                ("role", models.CharField(max_length=64)),
            ],
            options={
                "verbose_name": "row change",
                "abstract": False,
                "default_permissions": ("view",),
                "base_manager_name": "objects",
                "indexes": [
                    models.Index(fields=["row_id", "table_name"], name="row_change_of_row"),
                    django.contrib.postgres.indexes.GinIndex(
                        fields=["object_ids"], name="row_change_of_object"
                    ),
                ],
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("kind__in", _KINDS)), name="row_change_kind")
                ],
            },
        ),
        rls.Protect(
            "tenants_rowchange",
            rls.Access(
                kind="staff-only",
                rules=(
                    rls.Rule(role=rls.STAFF, command="select"),
                    rls.Rule(role=rls.OWNER, command="insert"),
                ),
            ),
        ),
        MakeRowHistory(),
        KeepRowHistory("tenants_company", RowHistory()),
        KeepRowHistory("tenants_membership", RowHistory(belongs_to=("company_id", "user_id"))),
        KeepRowHistory("tenants_user", RowHistory(not_kept=("last_login",), secret=("password",))),
        KeepRowHistory("tenants_user_groups", RowHistory(belongs_to=("user_id",))),
        KeepRowHistory("tenants_user_user_permissions", RowHistory(belongs_to=("user_id",))),
        migrations.RunPython(_allow, _refuse),
    ]
