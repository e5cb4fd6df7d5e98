"""Pages that do what a page must not, or must be able to do, behind the real door: an urlconf for tests."""

import contextvars
import threading
import uuid
from collections.abc import Callable, Iterator

from django.core.exceptions import SuspiciousOperation
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
from tenants.errors import NotFound, NotPermitted
from tenants.models import Company, Session, User
from tenants.permissions import Permission

SEEN: list[scope.Scope | None] = []
"""The scopes that callbacks found in force after the commit; emptied by the test that looks."""

KEPT: list[Iterator[Recovery]] = []
"""Generators that a page left behind."""
RAISED: list[str] = []
"""Errors that callbacks met after the commit."""

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
def writes_twice(request: access.ClientRequest, nonce: str, status: int) -> HttpResponse:
    _write_twice(request, nonce)
    return HttpResponse(request.company.name, status=status)


@access.client_page(Permission.READ_INCIDENTS, methods=METHODS)
def writes_twice_and_fails(request: access.ClientRequest, nonce: str) -> HttpResponse:
    _write_twice(request, nonce)
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
def names_late(request: access.ClientRequest) -> HttpResponse:
    """Asks the database itself while the response renders: whose row is read, in which company."""
    template = engines["django"].from_string(
        "{% for each in found %}{{ each.name }} {{ each.pk }} {% endfor %}"
    )
    return TemplateResponse(request, template, {"found": Company.objects.all()})


@access.client_page(Permission.READ_INCIDENTS, methods=METHODS)
def streams(request: access.ClientRequest) -> HttpResponse:
    return StreamingHttpResponse(str(each.company_id) for each in Recovery.objects.all())  # type: ignore[return-value]


@access.client_page(Permission.READ_INCIDENTS, methods=METHODS)
def looks_after_the_commit(request: access.ClientRequest, status: int = 200) -> HttpResponse:
    transaction.on_commit(lambda: SEEN.append(scope.current()))
    return HttpResponse("done", status=status)


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


@access.client_page(Permission.READ_INCIDENTS, methods=METHODS)
def enters_staff(request: access.ClientRequest) -> HttpResponse:
    write(request)
    with scope.as_staff():
        return HttpResponse(str(list(Company.objects.values_list("name", flat=True))))


@access.client_page(Permission.READ_INCIDENTS, methods=METHODS)
def enters_globex(request: access.ClientRequest) -> HttpResponse:
    write(request)
    with scope.as_company(uuid.uuid4()):
        return HttpResponse(str(list(Company.objects.values_list("name", flat=True))))


@access.client_page(Permission.READ_INCIDENTS, methods=METHODS)
def starts_a_thread(request: access.ClientRequest, way: str) -> HttpResponse:
    """What a thread of the page reads: a number of rows, or the name of the error."""
    found: list[str] = []
    context = contextvars.copy_context() if way == "with-context" else contextvars.Context()
    thread = threading.Thread(target=lambda: found.append(context.run(_rows_or_error)))
    thread.start()
    thread.join()
    return HttpResponse(found[0])


@access.client_page(Permission.READ_INCIDENTS, methods=METHODS)
def keeps_a_generator(request: access.ClientRequest) -> HttpResponse:
    KEPT.append(_rows())
    return HttpResponse("kept")


@access.client_page(Permission.READ_INCIDENTS, methods=METHODS)
def reads_after_the_commit(request: access.ClientRequest) -> HttpResponse:
    write(request)
    rows = Recovery.objects.all()
    transaction.on_commit(lambda: RAISED.append(_error_of(Recovery.objects.count)))
    transaction.on_commit(lambda: RAISED.append(_error_of(rows.count)))
    return HttpResponse("done")


@access.client_page(Permission.READ_INCIDENTS, methods=METHODS)
def writes_and_streams(request: access.ClientRequest) -> HttpResponse:
    write(request)
    return StreamingHttpResponse(["streamed"])  # type: ignore[return-value]


@access.client_page(Permission.READ_INCIDENTS, methods=METHODS)
def writes_and_raises(request: access.ClientRequest, status: int) -> HttpResponse:
    write(request)
    raise {400: SuspiciousOperation, 403: NotPermitted, 404: NotFound}[status]


@access.client_page(Permission.READ_INCIDENTS, methods=METHODS)
def writes_and_hides(request: access.ClientRequest) -> HttpResponse:
    """An error of the database swallowed without a savepoint around it: nothing can be kept any more."""
    write(request)
    _error_of(lambda: _execute("select body_markdown from incidents_update"))
    return HttpResponse("written")


def staff_writes_and_answers(request: HttpRequest, status: int) -> HttpResponse:
    assert isinstance(request.user, User)
    audit.record(request.actor, "test.written", request.user, now=timezone.now())  # type: ignore[attr-defined]
    return HttpResponse("written", status=status)


def visitor_reads_business(request: HttpRequest) -> HttpResponse:
    with connection.cursor() as cursor:
        cursor.execute("select count(*) from incidents_recovery")
    return HttpResponse("read")


def visitor_writes_and_answers(request: HttpRequest, status: int) -> HttpResponse:
    Session.objects.create(session_key="written", session_data="", expire_date=timezone.now())
    return HttpResponse("written", status=status)


def write(request: access.ClientRequest, action: str = "test.written") -> None:
    company = Company.objects.get(pk=request.company.id)
    audit.record(request.actor, action, company, now=request.now, company_id=company.pk)


def _write_twice(request: access.ClientRequest, nonce: str) -> None:
    """Two rows, with time between them for something to go wrong."""
    write(request, f"test.{nonce}")
    with connection.cursor() as cursor:
        cursor.execute("select pg_sleep(0.01)")
    write(request, f"test.{nonce}")


def _rows() -> Iterator[Recovery]:
    yield from Recovery.objects.all()


def _rows_or_error() -> str:
    try:
        return _error_of(Recovery.objects.count)
    finally:
        connection.close()


def _error_of(read: Callable[[], object]) -> str:
    """The name of the error that `read` ends with, or what it returns."""
    try:
        return str(read())
    except Exception as error:  # noqa: BLE001 - whichever it is, is the answer
        return type(error).__name__


def _execute(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def _fault() -> str:
    raise RuntimeError("a template has a fault")


urlpatterns = [
    path("admin/answers/<int:status>/", staff_writes_and_answers),
    path("<slug:company>/answers/<str:status>/", writes_and_answers),
    path("<slug:company>/writes/<slug:nonce>/<int:status>/", writes_twice),
    path("<slug:company>/writes-and-fails/<slug:nonce>/", writes_twice_and_fails),
    path("<slug:company>/late-name/", names_late),
    path("<slug:company>/fails/", writes_and_fails),
    path("<slug:company>/fails-late/", fails_while_rendering),
    path("<slug:company>/late/", renders_late),
    path("<slug:company>/streams/", streams),
    path("<slug:company>/commits/", looks_after_the_commit),
    path("<slug:company>/commits/<int:status>/", looks_after_the_commit),
    path("<slug:company>/enters-staff/", enters_staff),
    path("<slug:company>/enters-globex/", enters_globex),
    path("<slug:company>/thread/<slug:way>/", starts_a_thread),
    path("<slug:company>/generator/", keeps_a_generator),
    path("<slug:company>/reads-after-the-commit/", reads_after_the_commit),
    path("<slug:company>/writes-and-streams/", writes_and_streams),
    path("<slug:company>/raises-<int:status>/", writes_and_raises),
    path("<slug:company>/writes-and-hides/", writes_and_hides),
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
