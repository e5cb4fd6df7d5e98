"""Read a report, see what is new in it, say that one has read it."""

import functools

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render

from incidents import report_errors
from incidents.operations import reports as operations
from incidents.queries import report_differences
from incidents.queries import reports as queries
from portal.web import access
from portal.web.access import ClientRequest
from portal.web.forms import VersionsForm
from tenants.permissions import Permission


@access.client_page(Permission.READ_INCIDENTS, methods=("GET", "HEAD", "POST"))
def report(request: ClientRequest, reference: str) -> HttpResponse:
    """One version of the report; that it was opened is written down. POST: "I have read it"."""
    if request.method == "POST":
        return _say_read(request, reference)
    number, _against = VersionsForm(request.GET).asked
    page = queries.report_page(
        reference, number=number, user_id=request.actor.user_id, zone=request.zone, now=request.now
    )
    if page.version_id is not None and request.method == "GET":
        opened = functools.partial(
            operations.record_opening,
            request.actor,
            version_id=page.version_id,
            number=page.version.number,
            now=request.now,
        )
        request.traces = (opened,)
    return render(request, "web/reports/report.html", access.page_context(request, page=page))


@access.client_page(Permission.READ_INCIDENTS)
def differences(request: ClientRequest, reference: str) -> HttpResponse:
    number, against = VersionsForm(request.GET).asked
    page = report_differences.differences_page(reference, new=number, old=against, zone=request.zone)
    return render(request, "web/reports/differences.html", access.page_context(request, page=page))


def _say_read(request: ClientRequest, reference: str) -> HttpResponse:
    number, _against = VersionsForm(request.POST).asked
    if number is None:
        raise report_errors.ReportNotFound
    if operations.say_read(request.actor, reference=reference, number=number, now=request.now):
        messages.success(request, "Kept: you have read this version.")
    return redirect("web:report", company=request.company.slug, reference=reference)
