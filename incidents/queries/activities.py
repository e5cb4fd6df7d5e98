"""What was done to a company's record, by its own people and by the vendor's, in plain words."""

import itertools
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db.models import Q

from incidents.models import Incident
from tenants import view_as
from tenants.models import AuditEvent
from tenants.models.audit import READ, ActorKind
from tenants.permissions import Role

PAGE_SIZE = 100
"""Deeds on a page, before the same ones in a row are told as one."""
MOST_PAGES = 400

WORDS = {
    "client_report.answered": "answered what your company had reported",
    "client_report.accepted": "accepted what your company had reported into the record",
    "client_report.disputed": "disputed, giving a reason, what your company had reported",
    "client_report.sent": "reported how your account is doing",
    "client_report.withdrawn": "took back a report on how your account is doing",
    "company.consent_changed": "changed whether other clients may read your company's name",
    "company.reinstated": "opened access to this account again",
    "company.renamed": "changed the name of this account",
    "company.suspended": "suspended access to this account",
    "membership.added": "gave a person access to this account",
    "membership.changed": "changed the role of a person in this account",
    "membership.removed": "took a person's access to this account away",
    "post_mortem.accepted": "accepted your request for a post-mortem",
    "post_mortem.asked_back": "asked your company something about its request for a post-mortem",
    "post_mortem.declined": "declined your request for a post-mortem",
    "post_mortem.delivered": "delivered a post-mortem",
    "post_mortem.joined": "joined your company's request for a post-mortem",
    "post_mortem.question_answered": "answered a question of your request for a post-mortem",
    "post_mortem.question_asked": "added a question to your company's request for a post-mortem",
    "post_mortem.recipients_changed": "changed for whom of your company a post-mortem is",
    "post_mortem.replied": "answered what the vendor had asked about a post-mortem",
    "post_mortem.moved": "moved your request for a post-mortem to the incident that goes on",
    "post_mortem.requested": "asked for a post-mortem",
    "post_mortem.withdrawn": "withdrew your company's request for a post-mortem",
    "document.asked_again": "had a document of your account made again",
    "statement.downloaded": "downloaded a downtime statement",
    "statement.issued": "had a downtime statement issued",
    "report.downloaded": "downloaded the post-mortem",
    "report.opened": "opened the post-mortem",
    "report.read": "confirmed having read the post-mortem",
    READ: "looked at the record of this account",
    view_as.STARTED: "prepared to look at this account as its own people see it",
    **{
        action: f"looked at this account as {'an' if role is Role.OWNER else 'a'} {role} sees it"
        for role, action in view_as.VIEWED.items()
    },
}
"""Action → what its doer did. Goes after a name or "A person of the vendor"."""
OTHERWISE = "worked on the record of this account"
"""What is said of an action without words of its own."""


@dataclass(frozen=True, kw_only=True)
class AboutIncident:
    """The incident that a deed is about, one that the company may read."""

    reference: str
    title: str


@dataclass(frozen=True, kw_only=True)
class Deed:
    """One thing that one kind of person did, once or several times in a row on one day."""

    by: ActorKind
    name: str
    """Of the company's own person; empty for everybody else."""
    what: str
    incident: "AboutIncident | None"
    first_at: datetime
    last_at: datetime
    times: int

    @property
    def takes_a_while(self) -> bool:
        """Whether its first and last time are told apart, by the minute."""
        return self.last_at.replace(second=0, microsecond=0) > self.first_at

    @property
    def is_by_vendor(self) -> bool:
        return self.by is ActorKind.STAFF

    @property
    def is_by_portal(self) -> bool:
        return self.by is ActorKind.PORTAL

    @property
    def is_a_look(self) -> bool:
        return self.what in _LOOKS


@dataclass(frozen=True, kw_only=True)
class ActivityDay:
    """The deeds of one day in the reader's zone, newest first."""

    on: date
    deeds: tuple[Deed, ...]


@dataclass(frozen=True, kw_only=True)
class Activity:
    """One page of a company's own audit."""

    days: tuple[ActivityDay, ...]
    page_number: int
    has_next: bool
    as_of: datetime


_LOOKS = frozenset(WORDS[action] for action in (READ, *view_as.VIEWED.values()))
_Row = tuple[str, str, str, str, datetime]
_Incidents = dict[str, AboutIncident]
"""By id and by reference: a row of the audit names one or the other."""


def activity(*, page_number: int, zone: str, now: datetime) -> Activity:
    """What was done in the company's account, newest first, by days of `zone`. Two statements.

    The same deed of the same doer, several times in a row, is told once. A page number past the last
    page that is kept in reach counts as that one.
    """
    page_number = min(max(1, page_number), MOST_PAGES)
    start = (page_number - 1) * PAGE_SIZE
    rows: list[_Row] = list(
        AuditEvent.objects.order_by("-at", "-id").values_list(
            "actor_kind", "shown_name", "action", "about", "at"
        )[start : start + PAGE_SIZE + 1]
    )
    shown = rows[:PAGE_SIZE]
    return Activity(
        days=tuple(_days(shown, _readable_incidents(row[3] for row in shown), ZoneInfo(zone))),
        page_number=page_number,
        has_next=len(rows) > PAGE_SIZE and page_number < MOST_PAGES,
        as_of=now,
    )


def _readable_incidents(names: Iterable[str]) -> _Incidents:
    """Those of the named incidents that the company may read: nothing of any other is told."""
    ids, references = _told_apart(names)
    if not ids and not references:
        return {}
    found: _Incidents = {}
    rows = Incident.objects.filter(Q(pk__in=ids) | Q(reference__in=references))
    for key, reference, title in rows.values_list("pk", "reference", "title"):
        found[str(key)] = found[reference] = AboutIncident(reference=reference, title=title)
    return found


def _told_apart(names: Iterable[str]) -> tuple[set[UUID], set[str]]:
    ids, references = set(), set()
    for name in names:
        try:
            ids.add(UUID(name))
        except ValueError:
            references.add(name)
    return ids, references - {""}


def _days(rows: Iterable[_Row], incidents: _Incidents, zone: ZoneInfo) -> Iterable[ActivityDay]:
    for on, of_day in itertools.groupby(rows, key=lambda row: row[4].astimezone(zone).date()):
        yield ActivityDay(on=on, deeds=tuple(_deeds(of_day, incidents)))


def _deeds(rows: Iterable[_Row], incidents: _Incidents) -> Iterable[Deed]:
    for (kind, name, what, incident), same in itertools.groupby(
        rows, key=lambda row: (row[0], row[1], WORDS.get(row[2], OTHERWISE), incidents.get(row[3]))
    ):
        instants = [at for *_who, at in same]
        yield Deed(
            by=ActorKind(kind),
            name=name,
            what=what,
            incident=incident,
            first_at=instants[-1],
            last_at=instants[0],
            times=len(instants),
        )
