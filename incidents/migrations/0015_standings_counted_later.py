"""Large incidents are written faster: places are counted later, and nothing is looked up twice.

An entry's company and incident are those of its recovery, and what it supersedes is of its company: the
composite keys of the first and third migration hold that.
"""

from typing import Any, ClassVar

import django.db.models.deletion
from django.db import migrations, models


def _held_by_a_composite_key(to: str, **options: Any) -> Any:
    return models.ForeignKey(to=to, db_constraint=False, **options)


class Migration(migrations.Migration):
    dependencies: ClassVar = [("incidents", "0014_statements"), ("tenants", "0006_view_as_client")]
    operations: ClassVar = [
        migrations.AddField("cohort", "stale_since", models.DateTimeField(null=True)),
        migrations.AlterField(
            "recoveryentry",
            "company",
            _held_by_a_composite_key(
                "tenants.company",
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="+",
            ),
        ),
        migrations.AlterField(
            "recoveryentry",
            "incident",
            _held_by_a_composite_key(
                "incidents.incident",
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="entries",
            ),
        ),
        migrations.AlterField(
            "recoveryentry",
            "supersedes",
            _held_by_a_composite_key(
                "incidents.recoveryentry",
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
            ),
        ),
    ]
