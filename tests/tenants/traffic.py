"""What many companies ask at once, and what each answer may hold: every text of a company has its mark."""

import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from urllib.parse import urlencode
from uuid import UUID

from django.conf import settings
from django.test import Client

from tenants.models import User
from tenants.permissions import Role
from tests import factories

CSRF_SECRET = "c" * 32
MARK = re.compile(r"mark[0-9a-f]{12}")
ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}")
UNAVAILABLE = 503
NOBODY = ""
STAFF = "staff"


@dataclass(frozen=True, kw_only=True)
class Tenant:
    """One of the companies: its mark, the sign-ins of its owner and its reader, its own incident."""

    slug: str
    mark: str
    company_id: UUID
    owner_key: str
    reader_key: str
    reference: str


@dataclass(frozen=True, kw_only=True)
class Crowd:
    """Companies that all know one incident, and each one that nobody else knows."""

    tenants: tuple[Tenant, ...]
    shared_reference: str
    staff_key: str

    def mark_of(self, company_id: UUID) -> str:
        return next(each.mark for each in self.tenants if each.company_id == company_id)


@dataclass(frozen=True, kw_only=True)
class Question:
    """One request, who asks it, and the statuses that are right."""

    asked_by: str
    """A company's slug, STAFF or NOBODY."""
    path: str
    right: tuple[int, ...]
    method: str = "GET"
    key: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    form: dict[str, str] = field(default_factory=dict)
    must_hold: str = ""
    """What the body of a 200 holds."""
    nonce: str = ""
    """Under which it writes two rows, if it writes."""

    @property
    def body(self) -> bytes:
        return urlencode(self.form | {"csrfmiddlewaretoken": CSRF_SECRET}).encode() if self.form else b""

    @property
    def all_headers(self) -> dict[str, str]:
        cookies = {settings.CSRF_COOKIE_NAME: CSRF_SECRET}
        if self.key:
            cookies[settings.SESSION_COOKIE_NAME] = self.key
        found = {"Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items())}
        if self.method not in ("GET", "HEAD"):
            found |= {"X-CSRFToken": CSRF_SECRET, "Content-Length": str(len(self.body))}
            found["Content-Type"] = "application/x-www-form-urlencoded"
        return found | self.headers


@dataclass(frozen=True, kw_only=True)
class Answer:
    status: int
    headers: dict[str, str]
    """By name in small letters."""
    body: str


def gather(number: int) -> Crowd:
    """So many companies with an owner, a reader, and an incident of their own; to be committed."""
    chance = random.Random(number)
    everywhere = factories.component("API", "EU")
    made = []
    for place in range(number):
        mark = f"mark{chance.getrandbits(48):012x}"
        company = factories.company(f"c{place:02}-{mark}", name=f"{mark} Stores")
        owner, reader = (
            factories.person(f"{role}@{mark}.example", name=f"{role} {mark}") for role in ("ada", "bea")
        )
        factories.member(owner, company, Role.OWNER)
        factories.member(reader, company, Role.READER)
        own = factories.component(f"Till {mark}", "EU")
        factories.place(company, everywhere, own)
        made.append((mark, company, owner, reader, factories.incident(own, title=f"Down at {mark}")))
    shared = factories.incident(everywhere, title="System outage")
    return Crowd(
        shared_reference=shared.reference,
        staff_key=_signed_in(factories.person("sam@vendor.example", is_staff=True)),
        tenants=tuple(
            Tenant(
                slug=company.slug,
                mark=mark,
                company_id=company.pk,
                owner_key=_signed_in(owner),
                reader_key=_signed_in(reader),
                reference=incident.reference,
            )
            for mark, company, owner, reader, incident in made
        ),
    )


def _signed_in(user: User) -> str:
    client = Client()
    client.force_login(user)
    return client.cookies[settings.SESSION_COOKIE_NAME].value


class Traffic:
    """The questions of a crowd in an order by chance, always the same; judges what is answered.

    Remembers the validators that were given out, so that companies poll with their own and with
    those of others, and what became of every writing request.
    """

    def __init__(self, crowd: Crowd, *, seed: int) -> None:
        self.crowd = crowd
        self.chance = random.Random(seed)
        self.etags: dict[str, str] = {}
        self.outcomes: dict[str, int] = {}
        """The status that each writing request was answered with, by its nonce."""
        self.askers: dict[str, UUID] = {}
        self._nonces = (f"n{number}" for number in range(1_000_000))

    def questions(self, number: int) -> Iterator[Question]:
        """So many; every kind comes before one comes again."""
        kinds: list[Kind] = []
        for _ in range(number):
            if not kinds:
                kinds = [*_READING, *_WRITING, *_REFUSED, *_OTHERS]
                self.chance.shuffle(kinds)
            tenant, stranger = self.chance.sample(self.crowd.tenants, 2)
            yield kinds.pop()(self, tenant, stranger)

    def writing(self, tenant: Tenant, path: str, right: int) -> Question:
        nonce = next(self._nonces)
        self.askers[nonce] = tenant.company_id
        return Question(
            asked_by=tenant.slug,
            key=tenant.owner_key,
            method="POST",
            path=f"/{tenant.slug}/{path.format(nonce=nonce)}",
            form={"purpose": tenant.mark},
            right=(right,),
            must_hold=tenant.mark,
            nonce=nonce,
        )

    def wrong(self, question: Question, answer: Answer, *, may_fail: bool) -> str:
        """What is wrong with the answer, as a sentence; empty when it is right.

        With `may_fail` (backends are being ended) 503 is an honest answer to anything.
        """
        if question.nonce:
            self.outcomes[question.nonce] = answer.status
        found = self._of_others(question, answer) or self._other_status(question, answer, may_fail=may_fail)
        if not found and answer.status == 200 and question.must_hold not in answer.body:
            found = f"does not hold {question.must_hold}"
        if not found and answer.status in (304, 405) and answer.body:
            found = "has a body"
        if not found and "X-Live" in question.headers and answer.status == 200:
            self.etags[question.asked_by] = answer.headers["etag"]
        return found and (
            f"{question.method} {question.path} asked by {question.asked_by or 'nobody'}: "
            f"{answer.status} {found}\n{answer.body[:300]}"
        )

    def _of_others(self, question: Question, answer: Answer) -> str:
        if question.asked_by == STAFF and answer.status == 200:
            return ""
        own = next((each for each in self.crowd.tenants if each.slug == question.asked_by), None)
        everything = answer.body + repr(answer.headers)
        allowed = {own.mark} if own else set()
        if question.asked_by == NOBODY:  # sent to sign in, with the address that was typed
            allowed |= set(MARK.findall(question.path))
        marks = set(MARK.findall(everything)) - allowed
        others = {str(each.company_id) for each in self.crowd.tenants if each is not own}
        ids = others & set(ID.findall(everything))
        return f"holds {sorted(marks)} {sorted(ids)}, which are of others" if marks or ids else ""

    def _other_status(self, question: Question, answer: Answer, *, may_fail: bool) -> str:
        if answer.status in question.right:
            return "tells of the fault" if "secret words" in answer.body else ""
        if may_fail and answer.status == UNAVAILABLE:
            is_honest = "retry-after" in answer.headers and "Traceback" not in answer.body
            return "" if is_honest else "is not the page that says so"
        return f"is not {question.right}"


Kind = Callable[[Traffic, Tenant, Tenant], Question]


def _page(path: str, *, must_hold: bool = True) -> Kind:
    def ask(traffic: Traffic, tenant: Tenant, stranger: Tenant) -> Question:
        return Question(
            asked_by=tenant.slug,
            key=traffic.chance.choice((tenant.owner_key, tenant.reader_key)),
            path=_filled(path, traffic, tenant, stranger),
            right=(200,),
            must_hold=tenant.mark if must_hold else "",
        )

    return ask


def _filled(path: str, traffic: Traffic, tenant: Tenant, stranger: Tenant) -> str:
    return path.format(
        own=tenant.slug,
        other=stranger.slug,
        reference=tenant.reference,
        foreign=stranger.reference,
        shared=traffic.crowd.shared_reference,
    )


def _poll(*, with_validator_of_another: bool) -> Kind:
    def ask(traffic: Traffic, tenant: Tenant, stranger: Tenant) -> Question:
        known = [each for each in traffic.crowd.tenants if each.slug in traffic.etags]
        if len(known) > 2:  # mostly by those who have something to compare
            tenant, stranger = traffic.chance.sample(known, 2)
        brought = traffic.etags.get(stranger.slug if with_validator_of_another else tenant.slug)
        headers = {"HX-Request": "true", "X-Live": "1"} | ({"If-None-Match": brought} if brought else {})
        return Question(
            asked_by=tenant.slug,
            key=tenant.owner_key,
            path=f"/{tenant.slug}/incidents/{traffic.crowd.shared_reference}/",
            headers=headers,
            right=(200,) if with_validator_of_another or not brought else (200, 304),
            must_hold=tenant.slug,
        )

    return ask


def _refused(path: str, status: int, *, method: str = "GET", as_reader: bool = False, **form: str) -> Kind:
    def ask(traffic: Traffic, tenant: Tenant, stranger: Tenant) -> Question:
        return Question(
            asked_by=tenant.slug,
            key=tenant.reader_key if as_reader else tenant.owner_key,
            method=method,
            path=_filled(path, traffic, tenant, stranger),
            form=form,
            right=(status,),
        )

    return ask


def _writing(path: str, status: int) -> Kind:
    return lambda traffic, tenant, _stranger: traffic.writing(tenant, path, status)


def _by_staff(path: str, status: int = 200) -> Kind:
    return lambda traffic, tenant, stranger: Question(
        asked_by=STAFF,
        key=traffic.crowd.staff_key,
        path=_filled(path, traffic, tenant, stranger),
        right=(status,),
    )


def _by_nobody(path: str, status: int) -> Kind:
    return lambda traffic, tenant, stranger: Question(
        asked_by=NOBODY, path=_filled(path, traffic, tenant, stranger), right=(status,)
    )


_READING = (
    _page("/{own}/"),
    _page("/{own}/incidents/"),
    _page("/{own}/incidents/{reference}/"),
    _page("/{own}/incidents/{shared}/"),
    _page("/{own}/incidents/{shared}/post-mortem/"),
    _page("/{own}/late-name/"),
    _poll(with_validator_of_another=False),
    _poll(with_validator_of_another=False),
    _poll(with_validator_of_another=True),
)
_WRITING = (
    _writing("writes/{nonce}/200/", 200),
    _writing("writes/{nonce}/200/", 200),
    _writing("writes/{nonce}/422/", 422),
    _writing("writes/{nonce}/500/", 500),
    _writing("writes-and-fails/{nonce}/", 500),
)
_REFUSED = (
    _refused("/{other}/", 404),
    _refused("/{own}/incidents/{foreign}/", 404),
    _refused("/{own}/incidents/{foreign}/post-mortem/", 404, method="POST", purpose="Mine"),
    _refused("/{own}/incidents/{reference}/post-mortem/", 403, method="POST", as_reader=True, purpose="Mine"),
    _refused("/{own}/incidents/{reference}/post-mortem/", 422, method="POST", purpose=""),
    _refused("/{own}/", 405, method="PUT"),
    _refused("/{own}/streams/", 500),
    _refused("/{own}/fails-late/", 500, method="POST", purpose="Mine"),
)
_OTHERS = (
    _by_staff("/admin/tenants/company/"),
    _by_staff("/{own}/", 404),
    _by_nobody("/accounts/login/", 200),
    _by_nobody("/{own}/", 302),
)
