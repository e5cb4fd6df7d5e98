"""Why each company of the tail took so long, for staff; a wrongly named component can be taken back."""

from typing import Any, ClassVar

import django.db.models.deletion
import uuid6
from django.apps import apps as installed
from django.conf import settings
from django.contrib.auth.management import create_permissions
from django.db import migrations, models

import tenants.models.base
from tenants import rls

_ROLES = ("Support", "Incident manager")


def _let_staff_write(apps: Any, schema_editor: Any) -> None:
    alias = schema_editor.connection.alias
    create_permissions(installed.get_app_config("incidents"), verbosity=0, using=alias, apps=apps)
    permission = (
        apps.get_model("auth", "Permission")
        .objects.using(alias)
        .get(content_type__app_label="incidents", codename="change_recoverynote")
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
    dependencies: ClassVar = [
        ("incidents", "0007_update_audiences"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations: ClassVar = [
        migrations.CreateModel(
            name="RecoveryNote",
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
                ("reason", models.CharField(default="unknown", max_length=32)),
                ("text", models.TextField(blank=True, max_length=2_000)),
                ("written_at", models.DateTimeField()),
                (
                    "company",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="tenants.company",
                    ),
                ),
                (
                    "incident",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="incidents.incident",
                    ),
                ),
                (
                    "written_by",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "default_permissions": ("change",),
                "abstract": False,
                "base_manager_name": "objects",
                "indexes": [models.Index(fields=["incident", "reason"], name="recovery_note_of_incident")],
                "constraints": [
                    models.UniqueConstraint(fields=("company", "incident"), name="recovery_note_once"),
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "reason__in",
                                ["provider", "data", "manual_work", "client_side", "other", "unknown"],
                            )
                        ),
                        name="recovery_note_reason",
                    ),
                ],
            },
        ),
        rls.Protect("incidents_recoverynote", rls.staff_only(staff="select insert update")),
        rls.TieToCompany("incidents_recoverynote", "incidents_recovery", "incident_id"),
        rls.Protect(
            "incidents_affectedplacement",
            rls.company_owned(staff="select insert delete"),
            before=rls.company_owned(staff="select insert"),
        ),
        migrations.RunPython(_let_staff_write, migrations.RunPython.noop),
    ]
