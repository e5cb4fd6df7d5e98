"""Row history."""

from typing import ClassVar

from django.db import migrations


class Migration(migrations.Migration):
    dependencies: ClassVar = [("tenants", "0006_view_as_client")]
    operations: ClassVar = []
