"""A version of a report as PDF: asked for, made by the worker, taken along."""

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse

from incidents import report_errors
from incidents.choices import DocumentState
from incidents.operations import documents as operations
from incidents.queries import documents
from incidents.queries import reports as queries
from incidents.queries.report_shapes import ReportPage
from portal.web import access
from portal.web.access import ClientRequest
from portal.web.forms import VersionsForm
from tenants.permissions import Permission


@access.client_page(Permission.READ_INCIDENTS, methods=("GET", "HEAD", "POST"))
def report_pdf(request: ClientRequest, reference: str) -> HttpResponse:
    """How far the PDF of a version is. Sent, it is asked for; once it is made, sent, it is the file."""
    number, _against = VersionsForm(request.POST or request.GET).asked
    page = queries.report_page(reference, number=number, zone=request.zone, now=request.now)
    if page.version_id is None:
        raise report_errors.ReportNotFound
    if request.method == "POST":
        return _sent(request, page)
    state = documents.state_of_report(page.version_id, user_id=request.actor.user_id, zone=request.zone)
    context = access.page_context(
        request,
        page=page,
        is_waiting=state is DocumentState.WAITING,
        is_made=state is DocumentState.MADE,
        has_failed=state is DocumentState.FAILED,
    )
    return render(request, "web/reports/pdf.html", context)


def _sent(request: ClientRequest, page: ReportPage) -> HttpResponse:
    number = page.version.number
    document = operations.ask_for_report(
        request.actor, reference=page.reference, number=number, zone=request.zone, now=request.now
    )
    if document.state != DocumentState.MADE:
        address = reverse("web:report_pdf", args=[request.company.slug, page.reference])
        return redirect(f"{address}?version={number}")
    content = operations.take_report(request.actor, document=document, now=request.now)
    name = f"post-mortem-{page.reference}-{number}.pdf"
    return HttpResponse(
        content,
        content_type="application/pdf",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )
