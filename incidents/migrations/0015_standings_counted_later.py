"""Places in a large incident are counted again a little later than what was recorded."""

from typing import ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies: ClassVar = [("incidents", "0014_statements")]
    operations: ClassVar = [
        migrations.AddField("cohort", "stale_since", models.DateTimeField(null=True)),
    ]
