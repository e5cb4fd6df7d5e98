"""Row history."""

from typing import ClassVar

from django.db import migrations


class Migration(migrations.Migration):
    dependencies: ClassVar = [("incidents", "0010_composer")]
    operations: ClassVar = []
