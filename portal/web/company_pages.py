"""Which company to open, and in which zone to read times."""

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST, require_safe

from portal.web.access import UTC_CHOSEN, ZONE_COOKIE
from tenants import door

A_YEAR = 60 * 60 * 24 * 365


@require_safe
@login_required
def choose(request: HttpRequest) -> HttpResponse:
    """The front door: staff go to the admin, a person of one company to it, others choose.

    Where clients are not served their people are told so. Where staff are not, none is signed in:
    they do not exist for that process.
    """
    if request.user.is_staff:
        return redirect("admin:index")
    if "client" not in settings.DOORS:
        return render(request, "web/companies/elsewhere.html")
    companies = door.companies_of(request.user.pk) if request.user.pk else ()
    if len(companies) == 1:
        return redirect("web:overview", company=companies[0].slug)
    return render(request, "web/companies/choose.html", {"companies": companies})


@require_POST
def zone(request: HttpRequest) -> HttpResponse:
    """Show times in UTC or in the reader's zone from now on, and go back to the page."""
    back = request.POST.get("next", "/")
    if not url_has_allowed_host_and_scheme(
        back, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    ):
        back = "/"
    response = HttpResponseRedirect(back)
    if request.POST.get("zone") == UTC_CHOSEN:
        response.set_cookie(
            ZONE_COOKIE, UTC_CHOSEN, max_age=A_YEAR, httponly=True, samesite="Lax", secure=request.is_secure()
        )
    else:
        response.delete_cookie(ZONE_COOKIE, samesite="Lax")
    return response
