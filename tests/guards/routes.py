"""Every address of the portal, and what each of the actors is answered there: one table.

A new page needs one row for each method that it answers. What follows from a row is generated:
HEAD is answered as GET, a method without a row is refused, and what an id of others, an unknown or
a malformed one is answered says `expected`, by rule.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from django.urls import get_resolver

ACTORS = (
    "anonymous",  # signed in nowhere
    "owner",
    "manager",
    "reader",  # these three belong to the company that is asked for
    "stranger",  # belongs to another one
    "of_two",  # reads for the company that is asked for, and owns another
    "suspended",  # belongs to a suspended company, and asks for that one
    "removed",  # was a member
    "disabled",  # is a member whose account was switched off after signing in
    "alone",  # belongs to no company
    "staff",  # the vendor's: a superuser of the admin
    "staff_bare",  # staff without a single right
    "staff_view",  # staff with every right to view, and no other
    "staff_disabled",  # a superuser whose account was switched off after signing in
)
"""In the order of the columns below."""

SIGNED_OUT = frozenset({"anonymous", "disabled", "staff_disabled"})
"""Who is nobody to the portal, and is sent to sign in."""

STAFF = frozenset({"staff", "staff_bare", "staff_view"})

LIBRARY_PREFIXES = ("admin/", "accounts/")
"""Django's admin and django-allauth bring many addresses; tests walk them without naming each."""

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
READING = frozenset({"GET", "HEAD", "OPTIONS"})
"""Methods that never change anything, but for the trace that is left where a row names it."""
TRACES = frozenset({"tenants_auditevent"})

ANY = "ANY"
"""In a row: every method is answered the same."""

OVERVIEW = "<slug:company>/"
ACTIVITY = "<slug:company>/activity/"
INCIDENTS = "<slug:company>/incidents/"
INCIDENT = "<slug:company>/incidents/<reference:reference>/"
POST_MORTEM = "<slug:company>/incidents/<reference:reference>/post-mortem/"
JOIN = "<slug:company>/incidents/<reference:reference>/post-mortem/join/"
WITHDRAW = "<slug:company>/incidents/<reference:reference>/post-mortem/withdraw/"
RECIPIENTS = "<slug:company>/incidents/<reference:reference>/post-mortem/recipients/"
QUESTIONS = "<slug:company>/incidents/<reference:reference>/post-mortem/questions/"
ANSWERS = "<slug:company>/incidents/<reference:reference>/post-mortem/answers/"
STATEMENTS = "<slug:company>/statements/"
STATEMENT = "<slug:company>/statements/<number:number>/"
OF_INCIDENT = "<slug:company>/incidents/<reference:reference>/statement/"
VERIFY, CHECK, KEYS = "verify/", "verify/check/", "verify/keys/"
OF_NUMBER = "verify/<number:number>/"
WITHOUT_TOKEN = frozenset({CHECK})
"""Addresses for programs, which send no token of a form: nothing is written there."""
REPORT = "<slug:company>/incidents/<reference:reference>/post-mortem/report/"
REPORT_PDF = "<slug:company>/incidents/<reference:reference>/post-mortem/report/pdf/"
DIFFERENCES = "<slug:company>/incidents/<reference:reference>/post-mortem/differences/"
ACTIONS = "<slug:company>/incidents/<reference:reference>/post-mortem/actions/"
REPORTS = "<slug:company>/incidents/<reference:reference>/reports/"


@dataclass(frozen=True, kw_only=True)
class Row:
    """One method at one address: the status for each of ACTORS, what a form sends there, and the
    tables that it may write to when it is accepted."""

    method: str
    route: str
    statuses: tuple[int, ...]
    form: str = ""
    writes: frozenset[str] = frozenset()

    def __str__(self) -> str:
        return f"{self.method} /{self.route}" + (f" with {self.form}" if self.form else "")

    def status(self, actor: str) -> int:
        return self.statuses[ACTORS.index(actor)]

    @property
    def is_of_company(self) -> bool:
        return "<slug:company>" in self.route

    def is_asked_in(self, variant: "Variant") -> bool:
        """Whether a way to ask can matter: pages of companies are read in all of them."""
        is_sent = variant.is_also_sent and self in ROUTES
        return self.is_of_company and (self.method in {"GET", "HEAD"} or is_sent)

    @property
    def is_of_incident(self) -> bool:
        return "<reference:reference>" in self.route


def row(method: str, route: str, statuses: str, form: str = "", writes: str = "") -> Row:
    answered = tuple(int(status) for status in statuses.split())
    if len(answered) != len(ACTORS):
        raise ValueError(f"{method} /{route} needs one status for each of the {len(ACTORS)} actors.")
    return Row(method=method, route=route, statuses=answered, form=form, writes=frozenset(writes.split()))


ASKED = "incidents_postmortemrequest incidents_requestrecipient tenants_auditevent tenants_rowchange"
MORE_ASKED = "incidents_requestquestion tenants_auditevent tenants_rowchange"
SAID = "incidents_clientreport tenants_auditevent tenants_rowchange"
ISSUED = "incidents_statement incidents_document tenants_auditevent"
TAKEN = "tenants_auditevent"
WANTED = "incidents_document"
OPENED = "tenants_auditevent"
READ = "incidents_reportreading tenants_auditevent"
FOLLOWED = "incidents_actionfollow"
HAVE_READ, FOLLOW, NEITHER_WAY = "version=1", "number=1&is_wanted=yes", "is_wanted="
BROKEN, NEITHER = "kind=still_broken&text=Nothing+works.", "kind="
MONTH, NO_MONTH = f"month={datetime.now(tz=UTC) - timedelta(days=40):%Y-%m}-01", "month=1999-01-01"
NUMBER, JSON = "number=DS-22222-22222-22222-22222", "form=json"
SENT, EMPTY, ZONE = "purpose=Our+auditors+ask.", "purpose=", "zone=utc"
JOINED, WITHDRAWN, NOBODY = "join=yes", "withdraw=yes", "recipients="
QUESTION, NO_QUESTION, ANSWER, NO_ANSWER = "text=Why?", "text=", "number=1&text=All.", "number=1&text="

# fmt: off
ROUTES = (
    #                         ano own man rea str two sus rem dis alo sta bar vie off
    row(ANY, "health/live",  "200 200 200 200 200 200 200 200 200 200 200 200 200 200"),
    row(ANY, "health/ready", "200 200 200 200 200 200 200 200 200 200 200 200 200 200"),
    row("GET", "",           "302 302 302 302 302 200 200 200 302 200 302 302 302 302"),
    row("POST", "zone/",     "302 302 302 302 302 302 302 302 302 302 302 302 302 302", ZONE),
    row("GET", OVERVIEW,     "302 200 200 200 404 200 404 404 302 404 404 404 404 302"),
    row("GET", ACTIVITY,     "302 200 200 403 404 403 404 404 302 404 404 404 404 302"),
    row("GET", INCIDENTS,    "302 200 200 200 404 200 404 404 302 404 404 404 404 302"),
    row("GET", INCIDENT,     "302 200 200 200 404 200 404 404 302 404 404 404 404 302"),
    row("GET", POST_MORTEM,  "302 200 200 200 404 200 404 404 302 404 404 404 404 302"),
    row("POST", POST_MORTEM, "302 302 302 403 404 403 404 404 302 404 404 404 404 302", SENT, ASKED),
    row("POST", POST_MORTEM, "302 422 422 403 404 403 404 404 302 404 404 404 404 302", EMPTY),
    row("POST", JOIN,        "302 302 302 403 404 403 404 404 302 404 404 404 404 302", JOINED, ASKED),
    row("GET", WITHDRAW,     "302 200 200 403 404 403 404 404 302 404 404 404 404 302"),
    row("POST", WITHDRAW,    "302 302 302 403 404 403 404 404 302 404 404 404 404 302", WITHDRAWN, ASKED),
    row("GET", RECIPIENTS,   "302 200 200 403 404 403 404 404 302 404 404 404 404 302"),
    row("POST", RECIPIENTS,  "302 422 422 403 404 403 404 404 302 404 404 404 404 302", NOBODY),
    row("POST", QUESTIONS,   "302 302 302 403 404 403 404 404 302 404 404 404 404 302", QUESTION, MORE_ASKED),
    row("POST", QUESTIONS,   "302 422 422 403 404 403 404 404 302 404 404 404 404 302", NO_QUESTION),
    row("POST", ANSWERS,     "302 302 302 403 404 403 404 404 302 404 404 404 404 302", ANSWER),
    row("POST", ANSWERS,     "302 422 422 403 404 403 404 404 302 404 404 404 404 302", NO_ANSWER),
    row("GET", STATEMENTS,   "302 200 200 200 404 200 404 404 302 404 404 404 404 302"),
    row("POST", STATEMENTS,  "302 302 302 302 404 302 404 404 302 404 404 404 404 302", MONTH, ISSUED),
    row("POST", STATEMENTS,  "302 422 422 422 404 422 404 404 302 404 404 404 404 302", NO_MONTH),
    row("GET", STATEMENT,    "302 200 200 200 404 200 404 404 302 404 404 404 404 302"),
    row("POST", STATEMENT,   "302 200 200 200 404 200 404 404 302 404 404 404 404 302", JSON, TAKEN),
    row("GET", OF_INCIDENT,  "302 200 200 200 404 200 404 404 302 404 404 404 404 302"),
    row("POST", OF_INCIDENT, "302 302 302 302 404 302 404 404 302 404 404 404 404 302", JSON, ISSUED),
    row("GET", VERIFY,       "200 200 200 200 200 200 200 200 200 200 200 200 200 200"),
    row("POST", VERIFY,      "200 200 200 200 200 200 200 200 200 200 200 200 200 200", NUMBER),
    row("POST", CHECK,       "422 422 422 422 422 422 422 422 422 422 422 422 422 422", NUMBER),
    row("GET", KEYS,         "200 200 200 200 200 200 200 200 200 200 200 200 200 200"),
    row("GET", OF_NUMBER,    "404 404 404 404 404 404 404 404 404 404 404 404 404 404"),
    row("GET", REPORT,       "302 200 200 200 404 200 404 404 302 404 404 404 404 302", writes=OPENED),
    row("POST", REPORT,      "302 302 302 302 404 302 404 404 302 404 404 404 404 302", HAVE_READ, READ),
    row("GET", REPORT_PDF,   "302 200 200 200 404 200 404 404 302 404 404 404 404 302"),
    row("POST", REPORT_PDF,  "302 302 302 302 404 302 404 404 302 404 404 404 404 302", HAVE_READ, WANTED),
    row("GET", DIFFERENCES,  "302 200 200 200 404 200 404 404 302 404 404 404 404 302"),
    row("GET", ACTIONS,      "302 200 200 200 404 200 404 404 302 404 404 404 404 302"),
    row("POST", ACTIONS,     "302 302 302 302 404 302 404 404 302 404 404 404 404 302", FOLLOW, FOLLOWED),
    row("POST", ACTIONS,     "302 422 422 422 404 422 404 404 302 404 404 404 404 302", NEITHER_WAY),
    row("GET", REPORTS,      "302 200 200 200 404 200 404 404 302 404 404 404 404 302"),
    row("POST", REPORTS,     "302 302 302 403 404 403 404 404 302 404 404 404 404 302", BROKEN, SAID),
    row("POST", REPORTS,     "302 422 422 403 404 403 404 404 302 404 404 404 404 302", NEITHER),
)
# fmt: on


# --- What follows from the rows ---

OWN, FOREIGN, SUSPENDED, UNKNOWN, MALFORMED = "own", "foreign", "suspended", "unknown", "malformed"
THEIRS, DRAFT = "theirs", "draft"

COMPANIES = (OWN, FOREIGN, SUSPENDED, UNKNOWN, MALFORMED)
"""Whose company an address names: the one that the actor asks for, one of others, a suspended one
of others, one that is not there, and a word that cannot be one."""

REFERENCES = (OWN, FOREIGN, THEIRS, DRAFT, UNKNOWN, MALFORMED)
"""Which incident an address names: one of the own company, one of a company that the person of two
also owns, one of the foreign company above, a draft, none, and a word that cannot be one."""

NOT_READABLE = frozenset({FOREIGN, THEIRS, DRAFT, UNKNOWN})
"""References that are answered in the same way, byte for byte."""


def expected(each: Row, actor: str, *, company: str, reference: str) -> int:
    """The status for an address with these kinds of ids, from what the row says of the own ones."""
    declared = each.status(actor)
    if company == MALFORMED:
        return 404
    if company != OWN:
        return 302 if actor in SIGNED_OUT else 404
    if reference == OWN or not is_member(actor):
        return declared
    if reference == MALFORMED:
        return 404
    return 404 if declared in {200, 302, 422} else declared


def is_member(actor: str) -> bool:
    """Whether the actor may read the company that is asked for: as the table says of its overview."""
    return next(each for each in ROUTES if each.route == OVERVIEW).status(actor) == 200


def all_rows() -> Iterator[Row]:
    """The table's rows, HEAD beside each GET, and a refusal for each method that no row names."""
    for route in dict.fromkeys(each.route for each in ROUTES):
        declared = [each for each in ROUTES if each.route == route]
        if declared[0].method == ANY:
            yield from (replace(declared[0], method=method) for method in METHODS)
            continue
        yield from declared
        yield from (replace(each, method="HEAD") for each in declared if each.method == "GET")
        named = {each.method for each in declared}
        if "GET" in named:
            named.add("HEAD")
        yield from (_refusal(method, route) for method in METHODS if method not in named)


def _refusal(method: str, route: str) -> Row:
    """405 for who is let in; who is not is answered as ever."""
    statuses = [405] * len(ACTORS)
    if route.startswith("<slug:company>"):
        statuses = [405 if is_member(actor) else 302 if actor in SIGNED_OUT else 404 for actor in ACTORS]
    return Row(method=method, route=route, statuses=tuple(statuses))


@dataclass(frozen=True, kw_only=True)
class Variant:
    """Another way to ask for the same page; `{…}` is filled in with what the world holds."""

    name: str
    query: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    is_also_sent: bool = False
    """Whether unsafe methods are asked in this way too."""
    may_be_not_modified: bool = False


def variant(name: str, query: str = "", **options: Any) -> Variant:
    headers = {name.replace("_", "-"): value for name, value in options.pop("headers", {}).items()}
    return Variant(name=name, query=query, headers=tuple(headers.items()), **options)


PLAINLY = variant("plainly")
VARIANTS = (
    PLAINLY,
    variant("searching for a foreign title", "q={foreign_title}&kind=incident"),
    variant("searching for a draft", "q={draft_reference}"),
    variant("on the second page", "page=2&kind=maintenance"),
    variant("on a page that makes no sense", "page=-1&kind=%00&q=%25"),
    variant("as htmx", headers={"HX_Request": "true", "HX_Boosted": "true"}),
    variant("holding everything", headers={"If_None_Match": "*"}, may_be_not_modified=True),
    variant("holding another company's page", headers={"If_None_Match": "{validators}"}),
    variant(
        "as htmx, holding another company's page",
        headers={"HX_Request": "true", "If_None_Match": "{validators}"},
    ),
    variant(
        "naming another company beside the address",
        "company={foreign_slug}&company_id={foreign_id}&incident={foreign_incident_id}&next=/{foreign_slug}/",
        headers={
            "X_Company": "{foreign_slug}",
            "X_Company_Id": "{foreign_id}",
            "X_Original_Url": "/{foreign_slug}/",
            "X_Http_Method_Override": "POST",
        },
        is_also_sent=True,
    ),
)
"""The query strings and headers that the pages know, and those that they must not know."""


def live_routes() -> Iterator[str]:
    """Every address that the resolver answers, as it is written in the urls modules."""
    yield from _walk(get_resolver().url_patterns, "")


def _walk(patterns: Any, before: str) -> Iterator[str]:
    for pattern in patterns:
        route = before + str(pattern.pattern)
        nested = getattr(pattern, "url_patterns", None)
        if nested is None:
            yield route
        else:
            yield from _walk(nested, route)
