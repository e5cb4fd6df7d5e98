"""The company of a statement's number is found by the end of its id, at any number of companies."""

from typing import ClassVar

from django.db import migrations, models

import tenants.models.company


class Migration(migrations.Migration):
    dependencies: ClassVar = [("tenants", "0007_row_history")]
    operations: ClassVar = [
        migrations.AddIndex(
            model_name="company",
            index=models.Index(tenants.models.company.Ending("id"), name="company_ending"),
        ),
    ]
