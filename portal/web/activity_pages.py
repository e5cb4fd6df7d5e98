"""What was done in a company's account, for those who answer for it."""

from django.http import HttpResponse
from django.shortcuts import render

from incidents.queries import activities
from portal.web import access, forms
from portal.web.access import ClientRequest
from tenants.permissions import Permission


@access.client_page(Permission.READ_ACTIVITY)
def activity(request: ClientRequest) -> HttpResponse:
    asked = forms.ListFilter(request.GET).asked
    page = activities.activity(page_number=asked.page_number, zone=request.zone, now=request.now)
    return render(request, "web/activity/activity.html", access.page_context(request, page=page))
