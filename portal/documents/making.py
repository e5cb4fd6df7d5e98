"""Make one document: read in the company's own scope, close it, and have it set."""

from typing import Any

from django.conf import settings

from incidents import report_errors
from incidents.choices import DocumentKind
from incidents.operations.documents import NotMade, Wanted
from incidents.queries import reports, statements
from portal.documents import report_values, statement_values, typesetting
from tenants import scope
from tenants.errors import NotFound


def make(wanted: Wanted) -> bytes:
    """The PDF that is wanted. Raises NotMade. No scope is open while it is set."""
    try:
        with scope.as_company(wanted.company_id, read_only=True):
            name, values = _read(wanted)
    except NotFound as error:
        raise NotMade(error.message) from error
    try:
        return typesetting.pdf(name, values)
    except typesetting.NotSet as error:
        raise NotMade(str(error)) from error


def _read(wanted: Wanted) -> tuple[str, dict[str, Any]]:
    """The name of the document and what it shows, in the company's scope."""
    if wanted.kind is DocumentKind.STATEMENT and wanted.statement_id is not None:
        return "statement", statement_values.values(statements.content_of(wanted.statement_id))
    if wanted.version_id is None:
        raise report_errors.DocumentNotFound
    page, account = reports.report_of_version(
        wanted.version_id, company_id=wanted.company_id, zone=wanted.zone, now=wanted.asked_at
    )
    return "report", report_values.values(
        page, vendor=settings.VENDOR_NAME, account=account, reader=wanted.reader_name
    )
