"""Files of recoveries are matched with companies by the database, and written with fewer lookups.

* The facts of a file are kept as columns of many, not as rows.
* An entry is tied to what its company ran on in the incident, which is tied to its recovery: one key
  instead of two.
* No index holds what changes with each recovery, and each page of them has room: a new state is written
  beside the old one instead of into every index.
"""

from typing import Any, ClassVar

import django.contrib.postgres.fields
import django.db.models.deletion
import uuid6
from django.conf import settings
from django.db import migrations, models

import tenants.models.base
from tenants import rls

_KINDS = (
    "new",
    "known",
    "twice",
    "unknown_company",
    "ambiguous_company",
    "not_affected",
    "unknown_component",
    "bad_time",
    "bad_state",
    "in_future",
    "before_start",
    "malformed",
)

_COLUMNS = ("lines", "company_ids", "component_ids", "states", "ats")

_READ_AGAIN = """
delete from incidents_importrow row using incidents_recoveryimport sent
where row.recovery_import_id = sent.id
and (row.problem = '' or sent.state in ('reading', 'checking', 'ready', 'applying')
    or sent.failed_at_step in ('reading', 'checking', 'applying'));
update incidents_recoveryimport
set trouble = 'It was read anew after the portal was changed. Look again; nothing was applied.'
where state = 'applying';
update incidents_recoveryimport set state = 'reading', counts = '{}', rows_read = 0, leased_until = null
where state in ('reading', 'checking', 'ready', 'applying');
update incidents_recoveryimport set failed_at_step = 'reading', counts = '{}', rows_read = 0
where failed_at_step in ('reading', 'checking', 'applying');
"""
"""What was kept of a file that is on its way had another shape: it is read once more, and looked at again."""

_KEEP_WHERE_ENTRIES_SAY_SO = """
insert into incidents_affectedplacement (company_id, incident_id, component_id)
select distinct company_id, incident_id, component_id from incidents_recoveryentry
on conflict (company_id, incident_id, component_id) do nothing;
set constraints all immediate
"""


def _as_staff(statements: str) -> Any:
    """Row security shows the owner no rows, so rows are written as staff."""

    def run(_apps: Any, schema_editor: Any) -> None:
        schema_editor.execute(f"set local role {rls.STAFF}", params=None)
        schema_editor.execute(statements, params=None)
        schema_editor.execute(f"set local role {rls.OWNER}", params=None)

    return migrations.RunPython(run, migrations.RunPython.noop)


def _array(of: Any) -> Any:
    return django.contrib.postgres.fields.ArrayField(base_field=of, size=None)


class Migration(migrations.Migration):
    dependencies: ClassVar = [("incidents", "0016_client_indexes")]
    operations: ClassVar = [
        _as_staff(_READ_AGAIN),
        migrations.RemoveConstraint("importrow", "import_row_fact_or_problem"),
        migrations.RemoveField("importrow", "affected_id"),
        migrations.RemoveField("importrow", "component_id"),
        migrations.RemoveField("importrow", "state"),
        migrations.RemoveField("importrow", "at"),
        migrations.AlterField("importrow", "problem", models.CharField(max_length=32)),
        migrations.AddConstraint(
            "importrow",
            models.CheckConstraint(condition=models.Q(("problem__in", _KINDS)), name="import_row_problem"),
        ),
        migrations.CreateModel(
            name="ImportPortion",
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
                ("lines", _array(models.PositiveIntegerField())),
                ("company_ids", _array(models.UUIDField())),
                ("component_ids", _array(models.UUIDField())),
                ("states", _array(models.CharField(max_length=32))),
                ("ats", _array(models.DateTimeField())),
                (
                    "recovery_import",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="portions",
                        to="incidents.recoveryimport",
                    ),
                ),
            ],
            options={"abstract": False, "base_manager_name": "objects"},
        ),
        # To compress them takes longer than all the rest of keeping them.
        migrations.RunSQL(
            "alter table incidents_importportion "
            + ", ".join(f"alter column {column} set storage external" for column in _COLUMNS),
            migrations.RunSQL.noop,
        ),
        rls.Protect("incidents_importportion", rls.staff_only(staff="select insert delete")),
        _as_staff(_KEEP_WHERE_ENTRIES_SAY_SO),
        migrations.RunSQL(
            "alter table incidents_recoveryentry drop constraint recoveryentry_same_company",
            "alter table incidents_recoveryentry add constraint recoveryentry_same_company foreign key "
            "(company_id, incident_id) references incidents_recovery (company_id, incident_id) "
            "deferrable initially deferred",
        ),
        rls.TieToCompany(
            "incidents_recoveryentry", "incidents_affectedplacement", "incident_id", also=("component_id",)
        ),
        migrations.AlterField(
            "recoveryentry",
            "component",
            models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="incidents.component",
            ),
        ),
        migrations.AlterField(
            "recoveryentry",
            "recorded_by",
            models.ForeignKey(
                db_constraint=False,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.RemoveIndex("recovery", "recovery_order"),
        migrations.RemoveIndex("recovery", "recovery_open"),
        migrations.RemoveIndex("recovery", "recovery_tail"),
        migrations.AddIndex(
            "recovery", models.Index(fields=["incident", "company"], name="recovery_of_incident")
        ),
        migrations.RunSQL(
            "alter table incidents_recovery set (fillfactor = 50)",
            "alter table incidents_recovery reset (fillfactor)",
        ),
    ]
