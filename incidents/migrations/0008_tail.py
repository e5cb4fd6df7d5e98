"""Why each company of the tail took so long, for staff."""

from typing import ClassVar

from django.db import migrations


class Migration(migrations.Migration):
    dependencies: ClassVar = [("incidents", "0007_update_audiences")]
    operations: ClassVar = []
