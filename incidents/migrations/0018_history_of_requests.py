"""What people change in a request's parts, answer templates and notes is written down row by row."""

from typing import ClassVar

from django.db import migrations

from tenants.row_history import KeepRowHistory, RowHistory

_OF_REQUEST = RowHistory(belongs_to=("request_id",))


class Migration(migrations.Migration):
    dependencies: ClassVar = [("incidents", "0017_imports_in_sql"), ("tenants", "0007_row_history")]
    operations: ClassVar = [
        KeepRowHistory("incidents_requestquestion", _OF_REQUEST),
        KeepRowHistory("incidents_requestrecipient", _OF_REQUEST),
        KeepRowHistory("incidents_requestdesk", _OF_REQUEST),
        KeepRowHistory("incidents_answertemplate", RowHistory()),
        KeepRowHistory("incidents_recoverynote", RowHistory(belongs_to=("company_id",))),
    ]
