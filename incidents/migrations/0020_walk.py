"""Words of fields that staff read."""

from typing import ClassVar

from django.db import migrations


class Migration(migrations.Migration):
    dependencies: ClassVar = [("incidents", "0019_documents")]
    operations: ClassVar = []
