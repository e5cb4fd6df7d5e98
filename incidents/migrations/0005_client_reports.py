"""What a client says of its own account."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("incidents", "0004_staff_roles")]

    operations = []
