"""Downtime statements, and PDFs that the worker makes: the tables, their walls, who of staff may look."""

from typing import Any

import django.db.models.deletion
import uuid6
from django.apps import apps as installed
from django.conf import settings
from django.contrib.auth.management import create_permissions
from django.db import migrations, models

import tenants.models.base
from tenants import rls

_STATEMENTS = rls.company_owned(
    client="select insert", client_inserts=f"issued_by_id = {rls.CURRENT_USER}", staff="select"
)
_DOCUMENTS = rls.company_owned(
    client="select insert",
    client_columns=(
        (
            "select",
            (
                *("id", "company_id", "kind", "statement_id", "version_id", "once_key", "state"),
                *("zone", "asked_at", "asked_by_id", "reader_name", "made_at", "content", "digest"),
            ),
        ),
    ),
    client_inserts=(
        f"asked_by_id = {rls.CURRENT_USER} and state = 'waiting' and attempts = 0 and trouble = '' "
        "and content is null and made_at is null"
    ),
    staff="select update",
)
_READ = "view_statement view_document"
_GROUPS = {
    "Support": f"{_READ} change_document",
    "Incident manager": f"{_READ} change_document",
    "Publisher": f"{_READ} change_document",
    "Administrator": _READ,
}


def _allow(apps: Any, schema_editor: Any) -> None:
    alias = schema_editor.connection.alias
    # Otherwise made only after the last migration, when it is too late for a group.
    create_permissions(installed.get_app_config("incidents"), verbosity=0, using=alias, apps=apps)
    permissions = apps.get_model("auth", "Permission").objects.using(alias)
    groups = apps.get_model("auth", "Group")
    rights = groups.permissions.through.objects.using(alias)
    # Row security shows the owner no rows, so groups are written as staff.
    schema_editor.execute(f"set local role {rls.STAFF}", params=None)
    for name, codenames in _GROUPS.items():
        wanted = permissions.filter(content_type__app_label="incidents", codename__in=codenames.split())
        rights.bulk_create(
            [
                rights.model(group_id=group.pk, permission_id=permission.pk)
                for group in groups.objects.using(alias).filter(name=name)
                for permission in wanted
            ],
            ignore_conflicts=True,
        )
    schema_editor.execute(f"set local role {rls.OWNER}", params=None)


class Migration(migrations.Migration):
    dependencies = [
        ("incidents", "0013_reports"),
        ("tenants", "0007_row_history"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Statement",
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
                ("number", models.CharField(max_length=26)),
                ("kind", models.CharField(max_length=32)),
                ("month_on", models.DateField(null=True)),
                ("content", models.TextField()),
                ("record_version", models.CharField(max_length=32)),
                ("once_key", models.CharField(max_length=120)),
                ("issued_at", models.DateTimeField()),
                ("issued_by_name", models.CharField(max_length=120)),
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
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="incidents.incident",
                    ),
                ),
                (
                    "issued_by",
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
                "verbose_name": "downtime statement",
                "abstract": False,
                "base_manager_name": "objects",
            },
        ),
        migrations.CreateModel(
            name="Document",
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
                ("kind", models.CharField(max_length=32)),
                ("version_id", models.UUIDField(null=True)),
                ("once_key", models.CharField(max_length=200)),
                ("zone", models.CharField(max_length=64)),
                ("reader_name", models.CharField(blank=True, max_length=120)),
                ("asked_at", models.DateTimeField()),
                ("state", models.CharField(default="waiting", max_length=32)),
                ("due_at", models.DateTimeField()),
                ("attempts", models.PositiveSmallIntegerField(default=0)),
                ("trouble", models.CharField(blank=True, max_length=500)),
                ("made_at", models.DateTimeField(null=True)),
                ("content", models.BinaryField(null=True)),
                ("digest", models.CharField(blank=True, max_length=64)),
                (
                    "asked_by",
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
                    "statement",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="incidents.statement",
                    ),
                ),
            ],
            options={
                "abstract": False,
                "base_manager_name": "objects",
            },
        ),
        migrations.AddIndex(
            model_name="statement",
            index=models.Index(fields=["company", "-issued_at"], name="statement_newest"),
        ),
        migrations.AddConstraint(
            model_name="statement",
            constraint=models.UniqueConstraint(fields=("company", "number"), name="statement_number"),
        ),
        migrations.AddConstraint(
            model_name="statement",
            constraint=models.UniqueConstraint(fields=("company", "once_key"), name="statement_once"),
        ),
        migrations.AddConstraint(
            model_name="statement",
            constraint=models.UniqueConstraint(fields=("company", "id"), name="statement_of_company"),
        ),
        migrations.AddConstraint(
            model_name="statement",
            constraint=models.CheckConstraint(
                condition=models.Q(("kind__in", ["incident", "month"])), name="statement_kind"
            ),
        ),
        migrations.AddConstraint(
            model_name="statement",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("incident__isnull", False), ("kind", "incident"), ("month_on__isnull", True)),
                    models.Q(("incident__isnull", True), ("kind", "month"), ("month_on__isnull", False)),
                    _connector="OR",
                ),
                name="statement_of_incident_or_month",
            ),
        ),
        migrations.AddIndex(
            model_name="document",
            index=models.Index(
                condition=models.Q(("state", "waiting")), fields=["due_at"], name="document_due"
            ),
        ),
        migrations.AddConstraint(
            model_name="document",
            constraint=models.UniqueConstraint(fields=("company", "once_key"), name="document_once"),
        ),
        migrations.AddConstraint(
            model_name="document",
            constraint=models.CheckConstraint(
                condition=models.Q(("kind__in", ["statement", "report"])), name="document_kind"
            ),
        ),
        migrations.AddConstraint(
            model_name="document",
            constraint=models.CheckConstraint(
                condition=models.Q(("state__in", ["waiting", "made", "failed"])), name="document_state"
            ),
        ),
        migrations.AddConstraint(
            model_name="document",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("kind", "statement"), ("statement__isnull", False), ("version_id__isnull", True)
                    ),
                    models.Q(("kind", "report"), ("statement__isnull", True), ("version_id__isnull", False)),
                    _connector="OR",
                ),
                name="document_of_statement_or_report",
            ),
        ),
        migrations.AddConstraint(
            model_name="document",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("content__isnull", False), ("made_at__isnull", False), ("state", "made")),
                    models.Q(
                        models.Q(("state", "made"), _negated=True),
                        ("content__isnull", True),
                        ("made_at__isnull", True),
                    ),
                    _connector="OR",
                ),
                name="document_made_when_made",
            ),
        ),
        rls.Protect("incidents_statement", _STATEMENTS),
        rls.Protect("incidents_document", _DOCUMENTS),
        rls.TieToCompany("incidents_document", "incidents_statement", "statement_id", "id"),
        rls.TieToCompany("incidents_statement", "incidents_recovery", "incident_id"),
        migrations.RunPython(_allow, migrations.RunPython.noop),
    ]
