"""Ask for a post-mortem and see where the request stands."""

from zoneinfo import ZoneInfo

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render

from incidents import errors
from incidents.operations import postmortems
from incidents.queries import incident_pages
from portal.web import access
from portal.web.access import ClientRequest
from portal.web.forms import PostMortemRequestForm
from tenants.permissions import Permission


@access.client_page(Permission.READ_INCIDENTS, methods=("GET", "HEAD", "POST"))
def post_mortem(request: ClientRequest, reference: str) -> HttpResponse:
    today = request.now.astimezone(ZoneInfo(request.zone)).date()
    form = PostMortemRequestForm(request.POST or None, today=today)
    if request.method == "POST":
        request.actor.require(Permission.REQUEST_POST_MORTEM)
        if form.is_valid():
            return _send(request, reference, form)
    page = incident_pages.post_mortem_page(
        reference, may_request=request.actor.may(Permission.REQUEST_POST_MORTEM), now=request.now
    )
    status = 422 if request.method == "POST" else 200
    context = access.page_context(request, page=page, form=form)
    return render(request, "web/postmortems/request.html", context, status=status)


def _send(request: ClientRequest, reference: str, form: PostMortemRequestForm) -> HttpResponse:
    try:
        _request, is_new = postmortems.request(
            request.actor,
            reference=reference,
            purpose=form.cleaned_data["purpose"],
            needed_by_on=form.cleaned_data["needed_by_on"],
            now=request.now,
        )
    except errors.RequestsClosed as refusal:
        messages.error(request, refusal.message)
    else:
        if is_new:
            messages.success(request, "Request sent. This page shows where it stands.")
        else:
            messages.info(request, "Your company has asked already. This is that request.")
    return redirect("web:post_mortem", company=request.company.slug, reference=reference)
