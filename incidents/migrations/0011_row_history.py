"""Row history of what staff change by hand, and of what clients ask and say; imports that give up.

Not of tables that only grow (entries, updates), for the row itself is its history; nor of what is
worked out anew with each recorded recovery (recoveries, cohort, roster), which would slow that down.
"""

from typing import ClassVar

from django.db import migrations, models

from tenants.row_history import KeepRowHistory, RowHistory

_IN_WORK = ("reading", "checking", "applying", "rolling_back")
_OF_INCIDENT = RowHistory(belongs_to=("incident_id",))


class Migration(migrations.Migration):
    dependencies: ClassVar = [("incidents", "0010_composer"), ("tenants", "0007_row_history")]
    operations: ClassVar = [
        KeepRowHistory("incidents_incident", RowHistory(not_kept=("version",))),
        KeepRowHistory("incidents_affectedcomponent", _OF_INCIDENT),
        KeepRowHistory("incidents_claim", _OF_INCIDENT),
        KeepRowHistory("incidents_datacenter", RowHistory()),
        KeepRowHistory("incidents_service", RowHistory()),
        KeepRowHistory("incidents_component", RowHistory()),
        KeepRowHistory("incidents_placement", RowHistory(belongs_to=("company_id",))),
        KeepRowHistory("incidents_clientreport", RowHistory()),
        KeepRowHistory("incidents_postmortemrequest", RowHistory()),
        migrations.AddField(
            model_name="recoveryimport",
            name="attempts",
            field=models.PositiveSmallIntegerField(default=0),
        ),
        migrations.AddField(
            model_name="recoveryimport",
            name="failed_at_step",
            field=models.CharField(blank=True, default="", max_length=32),
        ),
        migrations.AddConstraint(
            model_name="recoveryimport",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("failed_at_step", ""),
                    models.Q(("failed_at_step__in", _IN_WORK), ("state", "failed")),
                    _connector="OR",
                ),
                name="recovery_import_failed_at_step",
            ),
        ),
    ]
