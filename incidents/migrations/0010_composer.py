"""Texts that wait before they leave, and templates."""

from typing import ClassVar

from django.db import migrations


class Migration(migrations.Migration):
    dependencies: ClassVar = [("incidents", "0009_incident_course")]
    operations: ClassVar = []
