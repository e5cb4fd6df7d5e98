"""What was promised in a report: how far it is, and which of it a member follows."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render

from incidents.operations import corrective_actions as operations
from incidents.queries import corrective_actions as queries
from portal.web import access
from portal.web.access import ClientRequest
from portal.web.forms import FollowForm
from tenants.permissions import Permission


@access.client_page(Permission.READ_INCIDENTS, methods=("GET", "HEAD", "POST"))
def actions(request: ClientRequest, reference: str) -> HttpResponse:
    form = FollowForm(request.POST or None)
    is_sent = request.method == "POST"
    if is_sent and form.is_valid():
        operations.follow(
            request.actor,
            reference=reference,
            number=form.cleaned_data["number"],
            is_wanted=form.cleaned_data["is_wanted"],
            now=request.now,
        )
        what = "all of them" if form.cleaned_data["number"] is None else "this action"
        word = "You follow" if form.cleaned_data["is_wanted"] else "You no longer follow"
        messages.success(request, f"{word} {what}.")
        return redirect("web:corrective_actions", company=request.company.slug, reference=reference)
    page = queries.actions_page(reference, user_id=request.actor.user_id, zone=request.zone, now=request.now)
    context = access.page_context(request, page=page, form=form)
    return render(request, "web/reports/actions.html", context, status=422 if is_sent else 200)
