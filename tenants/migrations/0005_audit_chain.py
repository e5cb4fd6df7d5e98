"""The audit, chained."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("tenants", "0004_staff_unknown_to_client_logins")]

    operations = []
