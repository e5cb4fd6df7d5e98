"""Addresses of the client pages."""

from django.urls import path

from portal.web import company_pages, incident_pages, overview_pages, postmortem_pages

app_name = "web"
urlpatterns = [
    path("", company_pages.choose, name="choose"),
    path("zone/", company_pages.zone, name="zone"),
    path("<slug:company>/", overview_pages.overview, name="overview"),
    path("<slug:company>/incidents/", incident_pages.incident_list, name="incidents"),
    path("<slug:company>/incidents/<str:reference>/", incident_pages.detail, name="incident"),
    path(
        "<slug:company>/incidents/<str:reference>/post-mortem/",
        postmortem_pages.post_mortem,
        name="post_mortem",
    ),
]
