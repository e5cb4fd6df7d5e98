"""Two companies that share nothing: every business table has rows of each of them, and some of neither.

Each half is made by itself, so a row that was not there before belongs to it, whatever table it is in.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import connection

from incidents.audiences import Readers
from incidents.blocks import ReaderState
from incidents.choices import (
    Audience,
    ClaimKind,
    DraftState,
    PublicationKind,
    ReportKind,
    RequestPolicy,
    RequestState,
    UpdateKind,
)
from incidents.models import (
    Claim,
    Component,
    CorrectiveAction,
    Incident,
    PostMortem,
    PostMortemRequest,
    RosterEntry,
    Update,
    UpdateWording,
)
from incidents.operations import (
    client_reports,
    corrective_actions,
    incidents,
    postmortems,
    report_drafts,
    reports,
    statements,
)
from incidents.operations.corrective_actions import Words
from tenants import rls, scope, walls
from tenants.models import Company, User
from tenants.permissions import Role
from tests import factories


@dataclass(frozen=True, kw_only=True)
class Half:
    """One company with its owner, its own component in its own data center, and its own incident."""

    company: Company
    owner: User
    component: Component
    incident: Incident


@dataclass(frozen=True, kw_only=True)
class Populated:
    """Acme, Globex, and for each company-owned and published table whose rows are whose."""

    acme: Half
    globex: Half
    empty_company: Company
    draft: Incident
    ids_of: dict[str, dict[UUID, str]] = field(default_factory=dict)
    """Table → id of a row → "acme", "globex" or "nobody"."""

    def ids(self, table: str, owner: str) -> frozenset[UUID]:
        return frozenset(key for key, whose in self.ids_of[table].items() if whose == owner)

    def everything(self, table: str) -> frozenset[UUID]:
        return frozenset(self.ids_of[table])


def tables() -> dict[str, rls.Access]:
    """Every company-owned and published table with its declared access."""
    return {
        name: access
        for name, access in sorted(walls.declared().items())
        if access.kind in {"company-owned", "published"}
    }


def populate() -> Populated:
    """Make both halves and what belongs to neither. The connection is a superuser's, without a role."""
    whose: dict[str, dict[UUID, str]] = {table: {} for table in tables()}
    acme = _made("acme", whose, lambda: _half("acme", "EU"))
    globex = _made("globex", whose, lambda: _half("globex", "NA"))
    draft = _made("nobody", whose, lambda: _of_nobody(acme))
    made = Populated(
        acme=acme,
        globex=globex,
        empty_company=factories.company("empty"),
        draft=draft,
        ids_of=whose,
    )
    with connection.cursor() as cursor:
        # Checked now, so that no table waits for its keys to be checked.
        cursor.execute("set constraints all immediate")
        cursor.execute("set constraints all deferred")
    for table in tables():
        for owner in ("acme", "globex"):
            assert made.ids(table, owner), f"Give the matrix a row of {table} for {owner}, in populated.py."
    return made


def _made(owner: str, whose: dict[str, dict[UUID, str]], make: Callable[[], Any]) -> Any:
    """Run `make`; the rows that it added are the owner's, but a company-owned row is whom it names."""
    made = make()
    for table, known in whose.items():
        for key, is_of_somebody in _rows_of(table):
            known.setdefault(key, owner if is_of_somebody else "nobody")
    return made


def _rows_of(table: str) -> list[tuple[UUID, bool]]:
    """(id, whether it is somebody's) of all rows; a company-owned row without a company is nobody's."""
    is_owned = tables()[table].kind == "company-owned"
    with connection.cursor() as cursor:
        cursor.execute(f'select id, {"company_id is not null" if is_owned else "true"} from "{table}"')
        return list(cursor.fetchall())


def _half(slug: str, center: str) -> Half:
    company = factories.company(slug, consents=True)
    owner = factories.person(f"owner@{slug}.example")
    factories.member(owner, company, Role.OWNER)
    component = factories.component(f"Service of {slug}", center)
    factories.place(company, component)
    incident = factories.incident(component)
    half = Half(company=company, owner=owner, component=component, incident=incident)
    _say(half, Audience.EVERYONE)
    _say(half, Audience.COMPANIES)
    _word(half, ReaderState.AFFECTED)
    with scope.as_staff():
        Claim.objects.create(
            incident=incident, kind=ClaimKind.STARTED_AT, source="Header", claimed_at=factories.STARTED_AT
        )
        RosterEntry.objects.create(incident=incident, company=company, name=company.name)
        Incident.objects.filter(pk=incident.pk).update(request_policy=RequestPolicy.AUTOMATIC)
    with scope.as_company(company.pk, user_id=owner.pk):
        postmortems.request(
            factories.actor(owner, company),
            reference=incident.reference,
            purpose="Our auditors ask.",
            now=factories.STARTED_AT + timedelta(hours=2),
        )
        client_reports.report(
            factories.actor(owner, company),
            reference=incident.reference,
            kind=ReportKind.STILL_BROKEN,
            now=factories.STARTED_AT + timedelta(hours=2),
        )
        statements.issue_for_incident(
            factories.actor(owner, company),
            reference=incident.reference,
            verify_at="http://testserver/verify/",
            now=factories.STARTED_AT + timedelta(hours=2),
        )
    _report(half)
    return half


def _report(half: Half) -> None:
    """A published report with one promise, which the company holds, has read and follows."""
    staff = factories.actor(half.owner)
    now = factories.STARTED_AT + timedelta(hours=3)
    with scope.as_staff():
        draft = report_drafts.begin(staff, incident_id=half.incident.pk, zone="UTC", now=now)
        texts = {"summary": "It broke.", "root_cause": "A connector."}
        report_drafts.save(staff, post_mortem_id=draft.pk, seen=0, texts=texts, acknowledged={}, now=now)
        words = Words(title="Audit", text="All of it.", owner="Infrastructure", due_on=None)
        corrective_actions.promise(staff, incident_id=half.incident.pk, words=words, now=now)
        PostMortem.objects.filter(pk=draft.pk).update(state=DraftState.REVIEWED, reviewed_by=half.owner)
        reports.publish(
            staff,
            post_mortem_id=draft.pk,
            kind=PublicationKind.PRELIMINARY,
            number=1,
            change_note="",
            now=now,
        )
        # As a client may put it in: delivered it is by staff alone.
        PostMortemRequest.objects.filter(incident=half.incident).update(state=RequestState.ACCEPTED)
    reader = factories.actor(half.owner, half.company)
    with scope.as_company(half.company.pk, user_id=half.owner.pk):
        reports.say_read(reader, reference=half.incident.reference, number=1, now=now)
        corrective_actions.follow(
            reader, reference=half.incident.reference, number=1, is_wanted=True, now=now
        )


def _say(half: Half, audience: Audience) -> None:
    with scope.as_staff():
        incidents.post_update(
            factories.actor(half.owner),
            incident_id=half.incident.pk,
            kind=UpdateKind.UPDATE,
            body_markdown="We are looking into it.",
            readers=Readers(audience=audience, company_ids=[half.company.pk]),
            now=factories.STARTED_AT + timedelta(hours=1),
        )


def _word(half: Half, reader: ReaderState) -> None:
    """What accounts in one state read of the first update."""
    with scope.as_staff():
        update = Update.objects.filter(incident=half.incident, audience=Audience.EVERYONE).get()
        UpdateWording.objects.create(
            incident=half.incident, update=update, reader_state=reader, body_html="<p>For some.</p>"
        )


def _of_nobody(acme: Half) -> Incident:
    """A draft on a component of nobody with a promise, a note of staff, a block for others."""
    _say(acme, Audience.STAFF)
    _word(acme, ReaderState.RESTORED)
    draft = factories.draft(factories.component("Service of nobody", "AP"))
    with scope.as_staff():
        CorrectiveAction.objects.create(
            incident=draft, number=99, title="Later", owner="Nobody yet", changed_at=factories.STARTED_AT
        )
    return draft
