"""Downtime statements and documents."""

from typing import ClassVar

from django.db import migrations


class Migration(migrations.Migration):
    dependencies: ClassVar = [("incidents", "0013_reports")]
    operations: ClassVar = []
