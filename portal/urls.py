"""Every address: staff's, sign-in, health, and below a company's name the client pages."""

from allauth.account import urls as account_urls
from django.contrib import admin
from django.urls import include, path

from portal import health
from portal.web import error_pages

SIGN_IN_PAGES = frozenset(
    f"account_{name}"
    for name in (
        "login",
        "logout",
        "inactive",
        "signup",  # says that nobody signs up
        "reauthenticate",
        "change_password",
        "reset_password",
        "reset_password_done",
        "reset_password_from_key",
        "reset_password_from_key_done",
    )
)
"""Which of django-allauth's pages there are: nobody changes the address they sign in with."""

urlpatterns = [
    path("health/live", health.live, name="health_live"),
    path("health/ready", health.ready, name="health_ready"),
    path("admin/", admin.site.urls),
    path("accounts/", include([each for each in account_urls.urlpatterns if each.name in SIGN_IN_PAGES])),
    path("", include("portal.web.urls")),
]

handler400 = error_pages.bad_request
handler403 = error_pages.forbidden
handler404 = error_pages.not_found
handler500 = error_pages.server_error
