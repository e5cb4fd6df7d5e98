"""Staff read a company's pages as one of its roles does: whom they may be, what stays of it, and where.

The address is `/admin/view-as/<role>/<zone>` and after it the client's own, `/acme/incidents/`: the
client's pages stand there a second time, so that every link inside stays inside. No session, cookie or
second sign-in belongs to it. The door lets a person of staff in, writes down that they look, commits that,
and only then answers in the client's scope: a request is never in two scopes at once.
"""

import functools
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import available_timezones

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.urls import Resolver404, ResolverMatch, get_script_prefix, resolve, reverse, set_script_prefix

from tenants import audit, scope
from tenants.actor import ActingCompany, Actor
from tenants.models import Company
from tenants.models.company import SLUG_PATTERN
from tenants.permissions import Role

RIGHT = "tenants.view_as_client"
"""The permission of the admin to open a client's pages."""
STARTED = "company.view_as_started"
"""The action of giving a reason before opening a client's pages."""
VIEWED = {role: f"company.viewed_as_{role}" for role in Role}
"""The action of opening a page as a role: the role is in it, because a client reads no detail."""
METHODS = ("GET", "HEAD")
PLACE = "/admin/view-as/"
OF_THE_ACCOUNT = "account"
"""Where a zone's name stands: the zone that the company's people read."""

_ADDRESS = re.compile(
    rf"{PLACE}(?P<role>{'|'.join(Role)})/(?P<zone>[A-Za-z0-9_+.-]{{1,64}})(?P<page>/(?P<slug>[^/]+)/.*)",
    re.DOTALL,
)


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What an address asks for, before anybody looked whether it is there."""

    role: Role
    zone: str
    """IANA name, empty for the account's own."""
    slug: str
    page: str
    """The client's own address of the page."""
    before: str
    """What stands before it."""


@dataclass(frozen=True, kw_only=True)
class Viewed:
    """A page as staff see it in place of a client."""

    actor: Actor
    """Nobody: a role of the company, without a person."""
    company: ActingCompany
    is_suspended: bool
    page: str
    before: str
    leave_to: str
    change_to: str
    """Where staff choose another role or zone."""

    @property
    def start(self) -> str:
        """Where the company's pages begin, seen in the same way."""
        return f"{self.before}/{self.company.slug}/"

    @property
    def whose_eyes(self) -> str:
        """ "an owner of Acme Stores"."""
        role = self.actor.role or Role.READER
        return f"{'an' if role is Role.OWNER else 'a'} {role} of {self.company.name}"


def asked(path: str) -> Asked | None:
    """What `path` asks for; None where it is no address of this kind."""
    found = _ADDRESS.fullmatch(path)
    if found is None:
        return None
    zone = "" if found["zone"] == OF_THE_ACCOUNT else found["zone"].replace(".", "/")
    if zone and zone not in zones():
        return None
    return Asked(
        role=Role(found["role"]),
        zone=zone,
        slug=found["slug"],
        page=found["page"],
        before=path.removesuffix(found["page"]),
    )


def address(*, role: Role, zone: str, page: str) -> str:
    """Where `page` (a client's own address) is read as `role`, in `zone` (empty: the account's own)."""
    return f"{PLACE}{role}/{zone.replace('/', '.') or OF_THE_ACCOUNT}{page}"


def let_in(request: HttpRequest, asking: Asked, *, now: datetime) -> HttpResponse | Viewed:
    """Check that the signed-in person of staff may, and write down what they open; in the staff scope.

    The refusal of a method is an answer; raises PermissionDenied and Http404.
    """
    if not request.user.has_perm(RIGHT):
        raise PermissionDenied
    if request.method not in METHODS:
        return HttpResponseNotAllowed(METHODS)
    is_name = re.fullmatch(SLUG_PATTERN, asking.slug)
    company = Company.objects.filter(slug=asking.slug).first() if is_name else None
    if company is None:
        raise Http404
    viewed, match = _viewed(asking, company), _page_at(asking.page)
    if match is None or match.kwargs.get("company") != company.slug:
        request.viewed = viewed  # type: ignore[attr-defined]  # so that the page that says so is theirs too
        raise Http404
    audit.record(
        request.actor,  # type: ignore[attr-defined]  # set by the door
        VIEWED[asking.role],
        company,
        now=now,
        company_id=company.pk,
        role=asking.role,
        page=match.route,
        incident=match.kwargs.get("reference", ""),
    )
    return viewed


def _page_at(address: str) -> ResolverMatch | None:
    try:
        return resolve(address)
    except Resolver404:
        return None


def _viewed(asking: Asked, company: Company) -> Viewed:
    actor = Actor(
        user_id=None, name="", email="", time_zone=asking.zone, company=company.acting, role=asking.role
    )
    return Viewed(
        actor=actor,
        company=company.acting,
        is_suspended=company.is_suspended,
        page=asking.page,
        before=asking.before,
        leave_to=reverse("admin:tenants_company_change", args=[company.pk]),
        change_to=f"{reverse('admin:tenants_company_view-as')}?company={company.slug}",
    )


@functools.cache
def zones() -> tuple[str, ...]:
    """Every zone by name."""
    return tuple(sorted(available_timezones()))


@contextmanager
def through_the_eyes_of(request: HttpRequest, viewed: Viewed) -> Iterator[None]:
    """Read-only in the company's scope, with the client's pages standing behind `viewed.before`.

    The caller holds the transaction; nothing in it can be written, whatever the page tries.
    """
    found_at, prefix = request.path_info, get_script_prefix()
    entered = scope.Scope(company_id=viewed.company.id)
    scope.enter(entered, read_only=True)
    request.actor, request.viewed = viewed.actor, viewed  # type: ignore[attr-defined]
    request.path_info = viewed.page
    set_script_prefix(f"{prefix.rstrip('/')}{viewed.before}/")
    try:
        with scope.entered(entered):
            yield
    finally:
        request.path_info = found_at
        set_script_prefix(prefix)
