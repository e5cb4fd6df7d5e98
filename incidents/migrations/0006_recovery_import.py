"""Recoveries from a file."""

from typing import Any

import django.core.serializers.json
import django.db.models.deletion
import tenants.models.base
import uuid6
from django.apps import apps as installed
from django.conf import settings
from django.contrib.auth.management import create_permissions
from django.db import migrations, models

from tenants import rls

_STATES = [
    "uploaded",
    "reading",
    "checking",
    "ready",
    "applying",
    "applied",
    "rolling_back",
    "rolled_back",
    "cancelled",
    "failed",
]
_IN_WORK = ("reading", "checking", "applying", "rolling_back")
_ROLES = ("Support", "Incident manager", "Publisher", "Administrator")


def _let_staff_read(apps: Any, schema_editor: Any) -> None:
    alias = schema_editor.connection.alias
    create_permissions(installed.get_app_config("incidents"), verbosity=0, using=alias, apps=apps)
    permission = (
        apps.get_model("auth", "Permission")
        .objects.using(alias)
        .get(content_type__app_label="incidents", codename="view_recoveryimport")
    )
    group_model = apps.get_model("auth", "Group")
    rights = group_model.permissions.through
    # Row security shows the owner no rows, so groups are written as staff.
    schema_editor.execute(f"set local role {rls.STAFF}", params=None)
    rights.objects.using(alias).bulk_create(
        [
            rights(group_id=group.pk, permission_id=permission.pk)
            for group in group_model.objects.using(alias).filter(name__in=_ROLES)
        ],
        ignore_conflicts=True,
    )
    schema_editor.execute(f"set local role {rls.OWNER}", params=None)


class Migration(migrations.Migration):
    dependencies = [
        ("incidents", "0005_client_reports"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="RecoveryImport",
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
                ("state", models.CharField(default="uploaded", max_length=32)),
                ("file_name", models.CharField(max_length=120)),
                ("content", models.BinaryField()),
                ("line_count", models.PositiveIntegerField()),
                ("uploaded_at", models.DateTimeField()),
                ("mapping", models.JSONField(default=dict)),
                ("started_at", models.DateTimeField(null=True)),
                ("leased_until", models.DateTimeField(null=True)),
                ("rows_read", models.PositiveIntegerField(default=0)),
                ("counts", models.JSONField(default=dict)),
                (
                    "preview",
                    models.JSONField(default=dict, encoder=django.core.serializers.json.DjangoJSONEncoder),
                ),
                ("trouble", models.CharField(blank=True, max_length=200)),
                ("entry_count", models.PositiveIntegerField(default=0)),
                ("finished_at", models.DateTimeField(null=True)),
                (
                    "asked_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "incident",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="imports",
                        to="incidents.incident",
                    ),
                ),
                (
                    "uploaded_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "recovery import",
                "abstract": False,
                "base_manager_name": "objects",
                "indexes": [
                    models.Index(
                        condition=models.Q(("state__in", _IN_WORK)),
                        fields=["leased_until"],
                        name="recovery_import_in_work",
                    )
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("state__in", _STATES)), name="recovery_import_state"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="ImportRow",
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
                ("line", models.PositiveIntegerField()),
                ("problem", models.CharField(blank=True, max_length=32)),
                ("typed", models.CharField(blank=True, max_length=300)),
                ("affected_id", models.UUIDField(null=True)),
                ("component_id", models.UUIDField(null=True)),
                ("state", models.CharField(blank=True, max_length=32)),
                ("at", models.DateTimeField(null=True)),
                (
                    "recovery_import",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="rows",
                        to="incidents.recoveryimport",
                    ),
                ),
            ],
            options={
                "abstract": False,
                "base_manager_name": "objects",
                "indexes": [models.Index(fields=["recovery_import", "line"], name="import_row_in_order")],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("problem", ""), _negated=True),
                            models.Q(
                                ("affected_id__isnull", False),
                                ("at__isnull", False),
                                ("component_id__isnull", False),
                            ),
                            _connector="OR",
                        ),
                        name="import_row_fact_or_problem",
                    )
                ],
            },
        ),
        rls.Protect("incidents_recoveryimport", rls.staff_only(staff="select insert update")),
        rls.Protect("incidents_importrow", rls.staff_only(staff="select insert delete")),
        migrations.RunPython(_let_staff_read, migrations.RunPython.noop),
    ]
