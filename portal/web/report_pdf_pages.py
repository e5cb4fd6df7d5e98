"""A version of a report as PDF: asked for, made by the worker, taken along."""

from django.http import HttpResponse
from django.shortcuts import render

from incidents.choices import DocumentState
from incidents.operations import documents
from incidents.queries import reports as queries
from portal.web import access
from portal.web.access import ClientRequest
from portal.web.forms import VersionsForm
from tenants.permissions import Permission


@access.client_page(Permission.READ_INCIDENTS, methods=("GET", "HEAD", "POST"))
def report_pdf(request: ClientRequest, reference: str) -> HttpResponse:
    """Ask for the PDF of a version; once it is made the same button gives it."""
    number, _against = VersionsForm(request.POST or request.GET).asked
    page = queries.report_page(reference, number=number, zone=request.zone, now=request.now)
    document = None
    if request.method == "POST":
        document = documents.ask_for_report(
            request.actor,
            reference=reference,
            number=page.version.number,
            zone=request.zone,
            now=request.now,
        )
        if document.state == DocumentState.MADE:
            content = documents.take_report(request.actor, document=document, now=request.now)
            name = f"post-mortem-{reference}-{page.version.number}.pdf"
            return HttpResponse(
                content,
                content_type="application/pdf",
                headers={"Content-Disposition": f'attachment; filename="{name}"'},
            )
    context = access.page_context(
        request,
        page=page,
        is_waiting=document is not None and document.state == DocumentState.WAITING,
        has_failed=document is not None and document.state == DocumentState.FAILED,
    )
    return render(request, "web/reports/pdf.html", context)
