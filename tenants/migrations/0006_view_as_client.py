"""Staff see what a client sees."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("tenants", "0005_audit_chain")]

    operations = []
