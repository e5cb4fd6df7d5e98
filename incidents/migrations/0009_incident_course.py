"""Maintenance by the clock, false alarms and merged incidents."""

from typing import ClassVar

import django.core.validators
import django.db.models.deletion
from django.db import migrations, models

_STATES = (
    *("investigating", "identified", "monitoring", "resolved"),
    *("scheduled", "in_progress", "verifying", "completed"),
    *("cancelled", "false_alarm", "merged"),
)
_SET_ASIDE = ["cancelled", "false_alarm", "merged"]


class Migration(migrations.Migration):
    dependencies: ClassVar = [("incidents", "0008_tail")]
    operations: ClassVar = [
        migrations.AddField(
            model_name="incident",
            name="remind_minutes",
            field=models.PositiveIntegerField(
                blank=True,
                help_text="Maintenance only. Everyone affected reads a reminder so long before; empty: none. "
                "1440 is a day.",
                null=True,
                validators=[
                    django.core.validators.MinValueValidator(5),
                    django.core.validators.MaxValueValidator(20160),
                ],
                verbose_name="reminder, in minutes before the start",
            ),
        ),
        migrations.AddField(
            model_name="incident",
            name="reminded_at",
            field=models.DateTimeField(blank=True, editable=False, null=True),
        ),
        migrations.AddField(
            model_name="incident",
            name="set_aside_at",
            field=models.DateTimeField(blank=True, editable=False, null=True),
        ),
        migrations.AddField(
            model_name="incident",
            name="set_aside_reason",
            field=models.TextField(blank=True, db_default="", default="", editable=False, max_length=2000),
        ),
        migrations.AddField(
            model_name="incident",
            name="merged_into",
            field=models.ForeignKey(
                blank=True,
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="merged_from",
                to="incidents.incident",
            ),
        ),
        migrations.RemoveConstraint(model_name="incident", name="incident_state"),
        migrations.AddConstraint(
            model_name="incident",
            constraint=models.CheckConstraint(
                condition=models.Q(("state__in", list(_STATES))), name="incident_state"
            ),
        ),
        migrations.AddConstraint(
            model_name="incident",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("set_aside_at__isnull", False), ("state__in", _SET_ASIDE)),
                    models.Q(
                        models.Q(("state__in", _SET_ASIDE), _negated=True),
                        ("set_aside_at__isnull", True),
                        ("set_aside_reason", ""),
                    ),
                    _connector="OR",
                ),
                name="incident_set_aside_when_set_aside",
            ),
        ),
        migrations.AddConstraint(
            model_name="incident",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("state__in", ["cancelled", "false_alarm"]), _negated=True),
                    models.Q(("set_aside_reason", ""), _negated=True),
                    _connector="OR",
                ),
                name="incident_set_aside_has_reason",
            ),
        ),
        migrations.AddConstraint(
            model_name="incident",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("merged_into__isnull", False),
                        ("state", "merged"),
                        models.Q(("merged_into", models.F("id")), _negated=True),
                    ),
                    models.Q(models.Q(("state", "merged"), _negated=True), ("merged_into__isnull", True)),
                    _connector="OR",
                ),
                name="incident_merged_into_another",
            ),
        ),
    ]
