"""Maintenance by the clock, false alarms and merged incidents."""

from typing import ClassVar

from django.db import migrations


class Migration(migrations.Migration):
    dependencies: ClassVar = [("incidents", "0008_tail")]
    operations: ClassVar = []
