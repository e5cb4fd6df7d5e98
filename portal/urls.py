"""Every address: staff's, sign-in, health, and below a company's name the client pages."""

from django.contrib import admin
from django.urls import include, path

from portal import health
from portal.web import error_pages

urlpatterns = [
    path("health/live", health.live, name="health_live"),
    path("health/ready", health.ready, name="health_ready"),
    path("admin/", admin.site.urls),
    path("accounts/", include("allauth.account.urls")),
    path("", include("portal.web.urls")),
]

handler400 = error_pages.bad_request
handler403 = error_pages.forbidden
handler404 = error_pages.not_found
handler500 = error_pages.server_error
