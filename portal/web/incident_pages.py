"""The incident list and the incident page, with its polled fragment."""

import hashlib
from collections.abc import Hashable

from django.conf import settings
from django.contrib.messages import get_messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.template import loader
from django.urls import get_script_prefix
from django.utils.cache import get_conditional_response, patch_vary_headers

from incidents.queries import incident_lists, incident_pages, versions
from incidents.queries.versions import PageVersion
from portal.web import access, forms, rendered
from portal.web.access import ClientRequest
from tenants.permissions import Permission


@access.client_page(Permission.READ_INCIDENTS)
def incident_list(request: ClientRequest) -> HttpResponse:
    asked = forms.ListFilter(request.GET).asked
    page = incident_lists.incident_list(
        search=asked.search, kind=asked.kind, page_number=asked.page_number, now=request.now
    )
    return render(request, "web/incidents/list.html", access.page_context(request, page=page))


@access.client_page(Permission.READ_INCIDENTS)
def detail(request: ClientRequest, reference: str) -> HttpResponseBase:
    """The incident page; for htmx only its live part, which is 304 when nothing changed."""
    version = versions.page_version(reference)
    is_fragment = asks_for_live_part(request)
    etag = live_etag(request, version) if is_fragment else _page_etag(request, version)
    response = None if get_messages(request) else get_conditional_response(request, etag=etag)
    if response is None:
        part = rendered.part(_shaped_by(request, version), lambda: _render_live(request, reference))
        response = HttpResponse(part.html) if is_fragment else _render_page(request, reference, version, part)
    return dressed(response, etag, is_fragment=is_fragment)


def asks_for_live_part(request: HttpRequest) -> bool:
    return request.headers.get("HX-Request") == "true"


def live_etag(request: ClientRequest, version: PageVersion) -> str:
    """The validator of the live part: of the company, and the same for colleagues with equal rights."""
    return _etag(*_shaped_by(request, version), "live part")


def dressed(response: HttpResponseBase, etag: str, *, is_fragment: bool) -> HttpResponseBase:
    """`response` with its validator and what browsers and proxies are told of keeping it.

    A browser keeps the whole page for its back button, past signing out, unless it may not store it.
    """
    response.headers["ETag"] = etag
    response.headers["Cache-Control"] = "private, no-cache" if is_fragment else "private, no-store"
    patch_vary_headers(response, ["HX-Request"])
    return response


def _page_etag(request: ClientRequest, version: PageVersion) -> str:
    """The validator of the whole page: also of the person, the switcher and the signed-in browser."""
    actor = request.actor
    return _etag(
        *_shaped_by(request, version),
        actor.name,
        actor.email,
        actor.role,
        actor.companies,
        request.COOKIES.get(settings.SESSION_COOKIE_NAME),
        request.COOKIES.get(settings.CSRF_COOKIE_NAME),
    )


def _shaped_by(request: ClientRequest, version: PageVersion) -> tuple[Hashable, ...]:
    """Everything that shapes the live part: company, versions, zone, consent and what moves with the clock.

    That is whether the report is late and, while the incident or the account is open, the minute.
    """
    return (
        get_script_prefix(),  # links of staff who read in place of a client stay among their pages
        request.company.id,
        version.incident_id,
        version.version,
        version.state_at(request.now),
        version.request_state,
        version.request_id,
        version.report_due_at,
        version.reports,
        version.report_is_late(request.now),
        request.zone,
        request.company.name,
        request.company.consents_to_be_named,
        request.actor.may(Permission.REQUEST_POST_MORTEM),
        request.actor.may(Permission.REPORT_OWN_STATE),
        int(request.now.timestamp()) // 60 if version.is_moving else None,
    )


def _etag(*parts: Hashable) -> str:
    text = repr((settings.BUILD, *parts))
    return f'"{hashlib.sha256(text.encode()).hexdigest()[:32]}"'


def _render_live(request: ClientRequest, reference: str) -> rendered.Part:
    page = incident_pages.incident_page(
        reference,
        company_name=request.company.name,
        consents=request.company.consents_to_be_named,
        may_request=request.actor.may(Permission.REQUEST_POST_MORTEM),
        may_report=request.actor.may(Permission.REPORT_OWN_STATE),
        now=request.now,
    )
    context = access.page_context(request, page=page)
    html = loader.render_to_string("web/incidents/live.html", context)
    return rendered.Part(company_id=request.company.id, title=page.incident.title, html=html)


def _render_page(
    request: ClientRequest, reference: str, version: PageVersion, part: rendered.Part
) -> HttpResponse:
    context = access.page_context(
        request,
        reference=reference,
        title=part.title,
        live_html=part.html,
        is_moving=version.is_moving and request.viewed is None,
        poll_seconds=settings.POLL_SECONDS,
    )
    return render(request, "web/incidents/detail.html", context)
