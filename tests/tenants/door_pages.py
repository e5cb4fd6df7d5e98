"""Pages that do what a page must not, or must be able to do, behind the real door: an urlconf for tests."""

from django.db import connection, transaction
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.template import engines
from django.template.response import TemplateResponse
from django.urls import path
from django.utils import timezone

from incidents.models import Recovery
from portal import urls
from portal.web import access
from tenants import audit, scope
from tenants.models import Company, Session
from tenants.permissions import Permission

SEEN: list[scope.Scope | None] = []
"""The scopes that callbacks found in force after the commit; emptied by the test that looks."""

METHODS = ("GET", "HEAD", "POST")


@access.client_page(Permission.READ_INCIDENTS, methods=METHODS)
def writes_and_answers(request: access.ClientRequest, status: str) -> HttpResponse:
    write(request)
    return HttpResponse("written", status=int(status))


@access.client_page(Permission.READ_INCIDENTS, methods=METHODS)
def writes_and_fails(request: access.ClientRequest) -> HttpResponse:
    write(request)
    raise RuntimeError("the page has a fault of its own: secret words")


@access.client_page(Permission.READ_INCIDENTS, methods=METHODS)
def fails_while_rendering(request: access.ClientRequest) -> HttpResponse:
    write(request)
    return TemplateResponse(request, engines["django"].from_string("{{ fault }}"), {"fault": _fault})


@access.client_page(Permission.READ_INCIDENTS, methods=METHODS)
def renders_late(request: access.ClientRequest) -> HttpResponse:
    """The rows are read while the response renders, after the view has returned."""
    template = engines["django"].from_string("{% for each in rows %}{{ each.company_id }} {% endfor %}")
    return TemplateResponse(request, template, {"rows": Recovery.objects.all()})


@access.client_page(Permission.READ_INCIDENTS, methods=METHODS)
def streams(request: access.ClientRequest) -> HttpResponse:
    return StreamingHttpResponse(str(each.company_id) for each in Recovery.objects.all())  # type: ignore[return-value]


@access.client_page(Permission.READ_INCIDENTS, methods=METHODS)
def looks_after_the_commit(request: access.ClientRequest) -> HttpResponse:
    transaction.on_commit(lambda: SEEN.append(scope.current()))
    return HttpResponse("done")


@access.client_page(Permission.READ_INCIDENTS, methods=METHODS)
def says_who(request: access.ClientRequest) -> HttpResponse:
    """The database's own view of the request: role, company, whether it may write, backend."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select current_user, current_setting('portal.company_id'), "
            "current_setting('transaction_read_only'), pg_backend_pid()"
        )
        return HttpResponse("|".join(str(each) for each in cursor.fetchone()))


@access.client_page(Permission.READ_INCIDENTS, methods=METHODS)
def hides_an_error(request: access.ClientRequest) -> HttpResponse:
    """An error of the database, caught and answered as if nothing had happened."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("select body_markdown from incidents_update")
    except Exception as error:  # noqa: BLE001 - what a careless page would do
        return HttpResponse(type(error).__name__)
    return HttpResponse("read")


def visitor_reads_business(request: HttpRequest) -> HttpResponse:
    with connection.cursor() as cursor:
        cursor.execute("select count(*) from incidents_recovery")
    return HttpResponse("read")


def visitor_writes_and_answers(request: HttpRequest, status: int) -> HttpResponse:
    Session.objects.create(session_key="written", session_data="", expire_date=timezone.now())
    return HttpResponse("written", status=status)


def write(request: access.ClientRequest) -> None:
    company = Company.objects.get(pk=request.company.id)
    audit.record(request.actor, "test.written", company, now=request.now, company_id=company.pk)


def _fault() -> str:
    raise RuntimeError("a template has a fault")


urlpatterns = [
    path("<slug:company>/answers/<str:status>/", writes_and_answers),
    path("<slug:company>/fails/", writes_and_fails),
    path("<slug:company>/fails-late/", fails_while_rendering),
    path("<slug:company>/late/", renders_late),
    path("<slug:company>/streams/", streams),
    path("<slug:company>/commits/", looks_after_the_commit),
    path("<slug:company>/who/", says_who),
    path("<slug:company>/hides/", hides_an_error),
    path("accounts/visitor-reads/", visitor_reads_business),
    path("accounts/visitor-answers/<int:status>/", visitor_writes_and_answers),
    *urls.urlpatterns,
]
handler400, handler403, handler404, handler500 = (
    urls.handler400,
    urls.handler403,
    urls.handler404,
    urls.handler500,
)
