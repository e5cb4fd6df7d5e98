"""An entry supersedes an entry of its own company only: the key names the company too."""

from django.db import migrations, models

from tenants import rls


class Migration(migrations.Migration):
    dependencies = [("incidents", "0002_requests_in_ones_own_name")]

    operations = [
        migrations.AddConstraint(
            model_name="recoveryentry",
            constraint=models.UniqueConstraint(fields=("company", "id"), name="recovery_entry_of_company"),
        ),
        rls.TieToCompany(
            "incidents_recoveryentry", "incidents_recoveryentry", "supersedes_id", to_column="id"
        ),
    ]
