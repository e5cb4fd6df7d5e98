"""Whom an update is for."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("incidents", "0006_recovery_import")]

    operations = []
