"""Requests for post-mortems in full."""

from typing import ClassVar

from django.db import migrations


class Migration(migrations.Migration):
    dependencies: ClassVar = [("incidents", "0011_row_history")]
    operations: ClassVar = []
