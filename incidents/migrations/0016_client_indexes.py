"""Pages of clients find the requests of one company on one incident, withdrawn ones too, at any number."""

from typing import ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies: ClassVar = [("incidents", "0015_standings_counted_later")]
    operations: ClassVar = [
        migrations.AddIndex(
            model_name="postmortemrequest",
            index=models.Index(fields=["company", "incident"], name="post_mortem_request_own"),
        ),
    ]
