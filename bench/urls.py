"""The portal's addresses and one view that does nothing, the measure of everything else."""

from django.http import HttpRequest, HttpResponse
from django.urls import include, path


def bare(request: HttpRequest) -> HttpResponse:
    return HttpResponse("ok")


urlpatterns = [path("health/bare", bare), path("", include("portal.urls"))]

handler404 = "portal.web.error_pages.not_found"
handler500 = "portal.web.error_pages.server_error"
