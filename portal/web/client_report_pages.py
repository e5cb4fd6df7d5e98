"""Say "still broken for us" or "confirmed back", and see what became of it."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render

from incidents.choices import ReportKind
from incidents.operations import client_reports as operations
from incidents.queries import client_reports as queries
from portal.web import access
from portal.web.access import ClientRequest
from portal.web.forms import ClientReportForm
from tenants.errors import NotFound, NotPermitted, Refusal
from tenants.permissions import Permission


@access.client_page(Permission.READ_INCIDENTS, methods=("GET", "HEAD", "POST"))
def reports(request: ClientRequest, reference: str) -> HttpResponse:
    if request.method == "POST":
        request.actor.require(Permission.REPORT_OWN_STATE)
    page = queries.reports_page(
        reference, may_report=request.actor.may(Permission.REPORT_OWN_STATE), now=request.now
    )
    form = ClientReportForm(
        request.POST or None,
        components=page.components,
        zone=request.zone,
        now=request.now,
        initial={"kind": request.GET.get("kind", "")},
    )
    if request.method == "POST" and form.is_valid() and _send(request, reference, form):
        return redirect("web:incident", company=request.company.slug, reference=reference)
    status = 422 if request.method == "POST" else 200
    context = access.page_context(request, page=page, form=form)
    return render(request, "web/client_reports/reports.html", context, status=status)


def _send(request: ClientRequest, reference: str, form: ClientReportForm) -> bool:
    """Send what the form says. False where it was refused: then the form says why."""
    try:
        _said, is_new = operations.report(
            request.actor,
            reference=reference,
            kind=ReportKind(form.cleaned_data["kind"]),
            component_ids=form.cleaned_data["components"],
            since_at=form.cleaned_data["since_at"],
            text=form.cleaned_data["text"],
            now=request.now,
        )
    except (NotFound, NotPermitted):
        raise
    except Refusal as refusal:
        form.add_error(None, refusal.message)
        return False
    if is_new:
        messages.success(request, "Sent. The vendor sees it now, and this page shows the answer.")
    else:
        messages.info(request, "Your company has said so already. It waits for the vendor's answer.")
    return True
