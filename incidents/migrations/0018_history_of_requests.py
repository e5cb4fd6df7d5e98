"""What people change in a request's parts, answer templates and notes is written down row by row."""

from typing import ClassVar

from django.db import migrations


class Migration(migrations.Migration):
    dependencies: ClassVar = [("incidents", "0017_imports_in_sql")]
    operations: ClassVar = []
