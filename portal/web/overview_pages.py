"""A company's status now."""

from django.http import HttpResponse
from django.shortcuts import render

from incidents.queries import overviews
from portal.web import access
from portal.web.access import ClientRequest
from tenants.permissions import Permission


@access.client_page(Permission.READ_INCIDENTS)
def overview(request: ClientRequest) -> HttpResponse:
    page = overviews.overview(zone=request.zone, month_zone=request.company.time_zone, now=request.now)
    return render(request, "web/overview/overview.html", access.page_context(request, page=page))
