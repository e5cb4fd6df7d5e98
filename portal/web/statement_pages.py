"""Downtime statements: what one would say, issue it, read it, take it along."""

import csv
import io
import json

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse

from incidents import import_files
from incidents.errors import SetAside
from incidents.operations import statements as operations
from incidents.queries import statement_documents, statements
from incidents.queries.statement_documents import StatementDocument
from portal.templatetags.portal_time import exact
from portal.web import access, forms
from portal.web.access import ClientRequest
from tenants.errors import NotFound, NotPermitted, Refusal
from tenants.permissions import Permission

BOTH = ("GET", "HEAD", "POST")


@access.client_page(Permission.READ_INCIDENTS, methods=BOTH)
def statement_list(request: ClientRequest) -> HttpResponse:
    """The statements of the account; a month that is sent is issued."""
    page = statements.statement_list(zone=request.company.time_zone, now=request.now)
    form = forms.MonthForm(request.POST or None, months=page.months)
    if request.method == "POST" and form.is_valid():
        return _issued(
            request,
            lambda: operations.issue_for_month(
                request.actor,
                month_on=form.cleaned_data["month"],
                verify_at=_verify_at(request),
                now=request.now,
            ),
            otherwise=reverse("web:statements", args=[request.company.slug]),
        )
    status = 422 if request.method == "POST" else 200
    context = access.page_context(request, page=page, form=form)
    return render(request, "web/statements/list.html", context, status=status)


@access.client_page(Permission.READ_INCIDENTS, methods=BOTH)
def of_incident(request: ClientRequest, reference: str) -> HttpResponse:
    """What a statement on this incident would say now; sent, it is issued."""
    try:
        facts = statements.incident_facts(reference, zone=request.company.time_zone, now=request.now)
    except SetAside:
        messages.info(request, "This incident counts nowhere any more, so there is no statement on it.")
        return redirect("web:incident", company=request.company.slug, reference=reference)
    if request.method == "POST":
        return _issued(
            request,
            lambda: operations.issue_for_incident(
                request.actor, reference=reference, verify_at=_verify_at(request), now=request.now
            ),
            otherwise=reverse("web:incident_statement", args=[request.company.slug, reference]),
        )
    said = statement_documents.preview(facts, company_name=request.company.name)
    return render(request, "web/statements/preview.html", access.page_context(request, said=said))


@access.client_page(Permission.READ_INCIDENTS, methods=BOTH)
def statement(request: ClientRequest, number: str) -> HttpResponse:
    """One issued statement; sent with a form it is that file, and who took it is written down."""
    issued = statements.issued(number, now=request.now)
    if request.method == "POST":
        return _file(request, issued)
    said = statement_documents.read(json.loads(issued.content))
    context = access.page_context(request, said=said, issued=issued)
    return render(request, "web/statements/statement.html", context)


def _issued(request: ClientRequest, issue: operations.Issue, *, otherwise: str) -> HttpResponse:
    try:
        made, is_new = issue()
    except (NotFound, NotPermitted):
        raise
    except Refusal as refusal:
        messages.error(request, refusal.message)
        return redirect(otherwise)
    if is_new:
        messages.success(request, "Issued. It stays as it is now, whatever the record says later.")
    else:
        messages.info(request, "The same was issued before, and the record has not changed since.")
    return redirect("web:statement", company=request.company.slug, number=made.number)


def _file(request: ClientRequest, issued: statements.IssuedStatement) -> HttpResponse:
    form = request.POST.get("form", "")
    if form == "json":
        content, kind = issued.content.encode(), "application/json"
    elif form == "csv":
        content, kind = _csv(statement_documents.read(json.loads(issued.content))), "text/csv; charset=utf-8"
    elif form == "pdf" and issued.is_made:
        content, kind = statements.pdf_of(issued.id), "application/pdf"
    else:
        messages.info(request, "The PDF is being made. Try again in a moment.")
        return redirect("web:statement", company=request.company.slug, number=issued.number)
    operations.downloaded(request.actor, number=issued.number, form=form, now=request.now)
    return HttpResponse(
        content,
        content_type=kind,
        headers={"Content-Disposition": f'attachment; filename="{issued.number}.{form}"'},
    )


def _csv(said: StatementDocument) -> bytes:
    """A row for each stretch, after rows of what holds for all of it; no cell is a formula."""
    rows: list[tuple[object, ...]] = [
        ("number", said.number),
        ("company", said.company),
        ("incident" if said.reference else "month", said.reference or f"{said.month_on:%Y-%m}"),
        ("title", said.title),
        ("zone", said.zone),
        ("period from (UTC)", exact(said.from_at)),
        ("period until (UTC)", exact(said.until_at)),
        ("period seconds", said.period_seconds),
        ("outage seconds", said.outage_seconds),
        ("degraded seconds", said.degraded_seconds),
        ("degraded weight percent", said.degraded_weight_percent),
        ("planned seconds, not counted", said.planned_seconds),
        ("unknown seconds, not counted", said.unknown_seconds),
        ("downtime seconds", said.downtime_seconds),
        ("availability percent", said.availability_percent),
        ("provisional", "yes" if said.is_provisional else "no"),
        ("definition", said.definition),
        ("formula", said.formula),
        ("record version", said.record_version),
        ("issued at (UTC)", exact(said.issued_at)),
        ("key", said.key_id),
        ("signature of the JSON", said.signature),
        ("verify at", said.verify_at),
        (),
        ("from (UTC)", "until (UTC)", "seconds", "state", "planned", "incident", "title"),
        *(
            (
                exact(each.from_at),
                exact(each.until_at) if each.until_at else "",
                each.seconds,
                each.state,
                "yes" if each.is_planned else "no",
                each.reference,
                each.title,
            )
            for each in said.stretches
        ),
    ]
    text = io.StringIO()
    csv.writer(text).writerows([import_files.formula_safe(str(cell)) for cell in row] for row in rows)
    return b"\xef\xbb\xbf" + text.getvalue().encode()


def _verify_at(request: ClientRequest) -> str:
    return request.build_absolute_uri(reverse("web:verify"))
