"""The audit, chained; a company's people may read what was done to its record, without staff's names.

Rows that are there are told apart as client's, staff's and the portal's own. Their seals are the
worker's work, as for every other row.
"""

import datetime as dt
from typing import Any

import django.db.models.functions.datetime
import tenants.models.base
import uuid6
from django.db import migrations, models

from tenants import rls

_BEFORE = rls.company_owned(
    client="select insert",
    client_columns=(("select", ("id", "company_id")),),
    client_inserts=f"actor_id = {rls.CURRENT_USER}",
    staff="select insert",
)
_AFTER = rls.company_owned(
    client="select insert",
    client_columns=(
        ("select", ("id", "company_id", "actor_kind", "shown_name", "action", "object_type", "at")),
    ),
    client_inserts=f"actor_id = {rls.CURRENT_USER} and actor_kind = 'client'",
    staff="select insert",
)
_KINDS = ["client", "staff", "portal"]


def _tell_apart(apps: Any, schema_editor: Any) -> None:
    """Nobody may change a row of the audit, and row security shows the owner none: it looks past its
    own row security for these two statements, while the tables are locked."""
    for table in ("tenants_auditevent", "tenants_user"):
        schema_editor.execute(f"alter table {table} no force row level security", params=None)
    schema_editor.execute(
        "update tenants_auditevent e set actor_kind = case when u.is_staff then 'staff' else 'client' end, "
        "shown_name = case when u.is_staff or e.company_id is null then '' else u.name end "
        "from tenants_user u where u.id = e.actor_id",
        params=None,
    )
    for table in ("tenants_auditevent", "tenants_user"):
        schema_editor.execute(f"alter table {table} force row level security", params=None)


class Migration(migrations.Migration):
    dependencies = [("tenants", "0004_staff_unknown_to_client_logins")]

    operations = [
        migrations.AddField(
            model_name="auditevent",
            name="actor_kind",
            field=models.CharField(default="portal", max_length=16),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name="auditevent",
            name="shown_name",
            field=models.CharField(blank=True, default="", max_length=120),
        ),
        migrations.RunPython(_tell_apart, migrations.RunPython.noop),
        migrations.AlterField(
            model_name="auditevent",
            name="actor_kind",
            field=models.CharField(choices=[(each, each) for each in _KINDS], max_length=16),
        ),
        migrations.AddConstraint(
            model_name="auditevent",
            constraint=models.CheckConstraint(
                condition=models.Q(("actor_kind__in", _KINDS)), name="audit_actor_kind"
            ),
        ),
        migrations.AddConstraint(
            model_name="auditevent",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("actor__isnull", True), ("actor_kind", "portal")),
                    models.Q(("actor__isnull", False), models.Q(("actor_kind", "portal"), _negated=True)),
                    _connector="OR",
                ),
                name="audit_portal_is_nobody",
            ),
        ),
        migrations.AddConstraint(
            model_name="auditevent",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("shown_name", ""),
                    models.Q(("actor_kind", "client"), ("company__isnull", False)),
                    _connector="OR",
                ),
                name="audit_shows_own_people_alone",
            ),
        ),
        migrations.AddConstraint(
            model_name="auditevent",
            constraint=models.UniqueConstraint(
                models.F("company"),
                models.F("actor"),
                models.F("object_type"),
                models.F("object_id"),
                django.db.models.functions.datetime.TruncHour("at", tzinfo=dt.UTC),
                condition=models.Q(("action", "record.read")),
                nulls_distinct=False,
                name="audit_read_once_an_hour",
            ),
        ),
        migrations.CreateModel(
            name="AuditSeal",
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
                ("number", models.BigIntegerField(unique=True)),
                ("event_id", models.UUIDField(unique=True)),
                ("previous_digest", models.CharField(max_length=64)),
                ("digest", models.CharField(max_length=64)),
                ("sealed_at", models.DateTimeField()),
            ],
            options={
                "abstract": False,
                "base_manager_name": "objects",
                "default_permissions": (),
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("number__gte", 1)), name="audit_seal_number")
                ],
            },
        ),
        rls.Protect("tenants_auditseal", rls.staff_only(staff="select insert")),
        rls.Protect("tenants_auditevent", _AFTER, before=_BEFORE),
    ]
