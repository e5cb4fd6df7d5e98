"""Recoveries from a file."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("incidents", "0005_client_reports")]

    operations = []
