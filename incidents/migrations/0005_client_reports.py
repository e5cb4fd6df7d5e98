"""What a client says of its own account: the table, its wall, and who of staff may answer."""

from typing import Any

import django.contrib.postgres.fields
import django.db.models.deletion
import uuid6
from django.apps import apps as installed
from django.conf import settings
from django.contrib.auth.management import create_permissions
from django.db import migrations, models

import tenants.models.base
from tenants import rls

_OWN_WORD = (
    f"said_by_id = {rls.CURRENT_USER} and state = 'open' and answer = '' "
    "and answered_at is null and answered_by_id is null"
)
_GROUPS = {
    "Support": "view_clientreport change_clientreport",
    "Incident manager": "view_clientreport change_clientreport",
    "Publisher": "view_clientreport",
    "Administrator": "view_clientreport",
}


def _allow(apps: Any, schema_editor: Any) -> None:
    alias = schema_editor.connection.alias
    # Otherwise made only after the last migration, when it is too late for a group.
    create_permissions(installed.get_app_config("incidents"), verbosity=0, using=alias, apps=apps)
    permissions = apps.get_model("auth", "Permission").objects.using(alias)
    groups = apps.get_model("auth", "Group")
    rights = groups.permissions.through.objects.using(alias)
    _become(schema_editor, rls.STAFF)
    for name, codenames in _GROUPS.items():
        for group in groups.objects.using(alias).filter(name=name):
            wanted = permissions.filter(
                content_type__app_label="incidents", codename__in=codenames.split()
            ).values_list("pk", flat=True)
            rights.bulk_create(
                [rights.model(group_id=group.pk, permission_id=each) for each in wanted],
                ignore_conflicts=True,
            )
    _become(schema_editor, rls.OWNER)


def _forbid(apps: Any, schema_editor: Any) -> None:
    rights = apps.get_model("auth", "Group").permissions.through.objects.using(schema_editor.connection.alias)
    _become(schema_editor, rls.STAFF)
    rights.filter(
        permission__content_type__app_label="incidents", permission__content_type__model="clientreport"
    ).delete()
    _become(schema_editor, rls.OWNER)


def _become(schema_editor: Any, role: str) -> None:
    """Row security shows the owner no rows, so groups are written as staff."""
    schema_editor.execute(f"set local role {role}", params=None)


class Migration(migrations.Migration):
    dependencies = [
        ("incidents", "0004_staff_roles"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="ClientReport",
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
                ("number", models.PositiveSmallIntegerField()),
                ("kind", models.CharField(max_length=32)),
                (
                    "component_ids",
                    django.contrib.postgres.fields.ArrayField(base_field=models.UUIDField(), size=None),
                ),
                ("since_at", models.DateTimeField(null=True)),
                ("text", models.TextField(blank=True, max_length=1_000)),
                ("said_at", models.DateTimeField()),
                ("said_by_name", models.CharField(max_length=120)),
                ("state", models.CharField(default="open", max_length=32)),
                ("answer", models.TextField(blank=True, max_length=2_000)),
                ("answered_at", models.DateTimeField(null=True)),
                (
                    "answered_by",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
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
                        related_name="client_reports",
                        to="incidents.incident",
                    ),
                ),
                (
                    "said_by",
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
                "verbose_name": "client report",
                "abstract": False,
                "base_manager_name": "objects",
                "indexes": [
                    models.Index(
                        condition=models.Q(("state", "open")),
                        fields=["incident", "said_at"],
                        name="client_report_open",
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("company", "incident", "number"), name="client_report_number"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("kind__in", ["still_broken", "confirmed_back"])),
                        name="client_report_kind",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("state__in", ["open", "accepted", "disputed"])),
                        name="client_report_state",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("answered_at__isnull", True), ("state", "open")),
                            models.Q(
                                models.Q(("state", "open"), _negated=True), ("answered_at__isnull", False)
                            ),
                            _connector="OR",
                        ),
                        name="client_report_answered_when_answered",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("state", "disputed"), _negated=True),
                            models.Q(("answer", ""), _negated=True),
                            _connector="OR",
                        ),
                        name="client_report_dispute_has_reason",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("number__gte", 1), ("number__lte", 50)),
                        name="client_report_not_endless",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("component_ids__len__gte", 1)),
                        name="client_report_of_components",
                    ),
                ],
            },
        ),
        rls.Protect(
            "incidents_clientreport",
            rls.company_owned(client="select insert", client_inserts=_OWN_WORD, staff="select insert update"),
        ),
        rls.TieToCompany("incidents_clientreport", "incidents_recovery", "incident_id"),
        migrations.RunPython(_allow, _forbid),
    ]
