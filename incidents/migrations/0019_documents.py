"""What documents need besides."""

from typing import ClassVar

from django.db import migrations


class Migration(migrations.Migration):
    dependencies: ClassVar = [("incidents", "0018_history_of_requests")]
    operations: ClassVar = []
