"""Reports, their versions and corrective actions."""

from typing import ClassVar

from django.db import migrations


class Migration(migrations.Migration):
    dependencies: ClassVar = [("incidents", "0012_requests")]
    operations: ClassVar = []
