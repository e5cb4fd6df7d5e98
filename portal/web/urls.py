"""Addresses of the client pages."""

from django.urls import path, register_converter
from django.urls.converters import StringConverter

from portal.web import (
    activity_pages,
    client_report_pages,
    company_pages,
    incident_pages,
    overview_pages,
    postmortem_pages,
)


class ReferenceConverter(StringConverter):
    """An incident's reference: nothing else is looked for, so that no NUL reaches the database."""

    regex = "[A-Za-z0-9-]{1,16}"


register_converter(ReferenceConverter, "reference")

app_name = "web"
urlpatterns = [
    path("", company_pages.choose, name="choose"),
    path("zone/", company_pages.zone, name="zone"),
    path("<slug:company>/", overview_pages.overview, name="overview"),
    path("<slug:company>/activity/", activity_pages.activity, name="activity"),
    path("<slug:company>/incidents/", incident_pages.incident_list, name="incidents"),
    path("<slug:company>/incidents/<reference:reference>/", incident_pages.detail, name="incident"),
    path(
        "<slug:company>/incidents/<reference:reference>/post-mortem/",
        postmortem_pages.post_mortem,
        name="post_mortem",
    ),
    path(
        "<slug:company>/incidents/<reference:reference>/post-mortem/join/",
        postmortem_pages.join,
        name="post_mortem_join",
    ),
    path(
        "<slug:company>/incidents/<reference:reference>/post-mortem/withdraw/",
        postmortem_pages.withdraw,
        name="post_mortem_withdraw",
    ),
    path(
        "<slug:company>/incidents/<reference:reference>/post-mortem/recipients/",
        postmortem_pages.recipients,
        name="post_mortem_recipients",
    ),
    path(
        "<slug:company>/incidents/<reference:reference>/post-mortem/questions/",
        postmortem_pages.question,
        name="post_mortem_question",
    ),
    path(
        "<slug:company>/incidents/<reference:reference>/post-mortem/answers/",
        postmortem_pages.reply,
        name="post_mortem_reply",
    ),
    path(
        "<slug:company>/incidents/<reference:reference>/reports/",
        client_report_pages.reports,
        name="client_reports",
    ),
]
