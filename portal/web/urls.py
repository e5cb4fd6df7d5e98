"""Addresses of the client pages."""

from django.urls import path, register_converter
from django.urls.converters import StringConverter

from portal.web import (
    action_pages,
    activity_pages,
    client_report_pages,
    company_pages,
    incident_pages,
    overview_pages,
    postmortem_pages,
    report_pages,
    report_pdf_pages,
    statement_pages,
    verify_pages,
)


class ReferenceConverter(StringConverter):
    """An incident's reference: nothing else is looked for, so that no NUL reaches the database."""

    regex = "[A-Za-z0-9-]{1,16}"


class NumberConverter(StringConverter):
    """The number of a downtime statement, as typed by whoever holds it."""

    regex = "[A-Za-z0-9-]{1,40}"


register_converter(ReferenceConverter, "reference")
register_converter(NumberConverter, "number")

app_name = "web"
urlpatterns = [
    path("", company_pages.choose, name="choose"),
    path("zone/", company_pages.zone, name="zone"),
    path("verify/", verify_pages.verify, name="verify"),
    path("verify/check/", verify_pages.check, name="verify_check"),
    path("verify/keys/", verify_pages.keys, name="verify_keys"),
    path("verify/<number:number>/", verify_pages.number, name="verify_number"),
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
        "<slug:company>/incidents/<reference:reference>/post-mortem/report/",
        report_pages.report,
        name="report",
    ),
    path(
        "<slug:company>/incidents/<reference:reference>/post-mortem/differences/",
        report_pages.differences,
        name="report_differences",
    ),
    path(
        "<slug:company>/incidents/<reference:reference>/post-mortem/report/pdf/",
        report_pdf_pages.report_pdf,
        name="report_pdf",
    ),
    path(
        "<slug:company>/incidents/<reference:reference>/post-mortem/actions/",
        action_pages.actions,
        name="corrective_actions",
    ),
    path(
        "<slug:company>/incidents/<reference:reference>/reports/",
        client_report_pages.reports,
        name="client_reports",
    ),
    path(
        "<slug:company>/incidents/<reference:reference>/statement/",
        statement_pages.of_incident,
        name="incident_statement",
    ),
    path("<slug:company>/statements/", statement_pages.statement_list, name="statements"),
    path("<slug:company>/statements/<number:number>/", statement_pages.statement, name="statement"),
]
