"""A world with rows in every business table, in which each free text carries a mark of whose it is.

A new column of text is filled by itself. A new table needs its rows in `fill`; test_canaries says so.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from django.contrib.admin.models import ADDITION, LogEntry
from django.contrib.auth.models import Group
from django.db import models

from incidents import report_content, report_facts
from incidents.blocks import ReaderState
from incidents.choices import (
    ActionChangeKind,
    ActionState,
    Audience,
    ClaimKind,
    CompanyState,
    DocumentKind,
    EntrySource,
    PublicationKind,
    ReportKind,
    ReportState,
    RequestState,
    RowKind,
    StatementKind,
    UpdateKind,
    WaitingState,
)
from incidents.models import (
    ActionChange,
    ActionFollow,
    AnswerTemplate,
    Claim,
    ClientReport,
    Cohort,
    Component,
    CorrectiveAction,
    DataCenter,
    Document,
    ImportPortion,
    ImportRow,
    Incident,
    PostMortem,
    PostMortemAnnex,
    PostMortemRequest,
    PostMortemVersion,
    Recovery,
    RecoveryEntry,
    RecoveryImport,
    RecoveryNote,
    ReportReading,
    RequestDesk,
    RequestQuestion,
    RequestRecipient,
    RosterEntry,
    Service,
    Statement,
    Update,
    UpdateReader,
    UpdateTemplate,
    UpdateWording,
    WaitingUpdate,
)
from incidents.operations import statements
from tenants import rls, scope, walls
from tenants.models import AuditEvent, AuditSeal, Company, OutgoingMail, User
from tests import factories
from tests.canaries import marks, owners
from tests.canaries.marks import STAFF, Owner
from tests.conftest import World

NOW = factories.STARTED_AT + timedelta(hours=1)
NUMBERS = {"acme": 1, "globex": 2}
"""The places of the companies' rows in the chain of the audit."""


@dataclass(frozen=True, kw_only=True)
class FullWorld:
    """The world, one incident that each company has alone, and one that staff alone know of."""

    world: World
    of_acme: Incident
    of_globex: Incident
    draft: Incident

    @property
    def incidents(self) -> tuple[Incident, ...]:
        return (self.world.incident, self.of_acme, self.of_globex, self.draft)


def fill(world: World) -> FullWorld:
    """Add rows with marks for both companies, and for staff, to every business table."""
    alone = {company.pk: _component(company) for company in (world.acme, world.globex)}
    factories.place(world.acme, alone[world.acme.pk])
    factories.place(world.globex, alone[world.globex.pk])
    full = FullWorld(
        world=world,
        of_acme=factories.incident(alone[world.acme.pk], title="Acme alone"),
        of_globex=factories.incident(alone[world.globex.pk], title="Globex alone"),
        draft=factories.draft(world.api, title="Nobody knows yet"),
    )
    with scope.as_staff():
        for incident in full.incidents:
            _said_of(incident)
        for company, person, own in (
            (world.acme, world.ada, full.of_acme),
            (world.globex, world.gus, full.of_globex),
        ):
            _of_company(company, person, (world.incident, own), alone[company.pk])
            event = _row(
                AuditEvent,
                owners.of_company(company),
                company=company,
                actor=person,
                actor_kind="client",
                at=NOW,
            )
            _row(AuditSeal, STAFF, number=NUMBERS[company.slug], event_id=event.pk, sealed_at=NOW)
            _row(OutgoingMail, owners.of_person(person), to_address=person.email, created_at=NOW, due_at=NOW)
    for company, person, own in (
        (world.acme, world.ada, full.of_acme),
        (world.globex, world.gus, full.of_globex),
    ):
        with scope.as_company(company.pk, user_id=person.pk):
            _documents(company, person, own)
    with scope.as_staff():
        trouble = marks.in_force.word(STAFF, "incidents_document.trouble")
        Document.objects.update(trouble=f"Of staff {trouble}")
        sent = _row(
            RecoveryImport,
            STAFF,
            incident=world.incident,
            content=b"company,at\nacme,2026-02-04 18:10\n",
            line_count=2,
            uploaded_at=NOW,
        )
        _row(AnswerTemplate, STAFF)
        _row(ImportRow, STAFF, recovery_import=sent, line=2, problem=RowKind.BAD_TIME)
        _row(
            ImportPortion,
            STAFF,
            recovery_import=sent,
            lines=[3],
            company_ids=[world.acme.pk],
            component_ids=[world.api.pk],
            states=[CompanyState.RESTORED],
            ats=[NOW],
        )
        _row(UpdateTemplate, STAFF, kind=UpdateKind.UPDATE)
        _row(
            WaitingUpdate,
            STAFF,
            incident=world.incident,
            form_key=uuid4(),
            state=WaitingState.AWAITING,
            kind=UpdateKind.UPDATE,
            audience=Audience.EVERYONE,
            zone="UTC",
            author=world.sam,
            written_at=NOW,
        )
        _row(LogEntry, STAFF, user=world.sam, action_flag=ADDITION)
        _row(Group, STAFF)
        _report(full)
        # As if there were twenty companies, of which Acme is the last: it has agreed to be named.
        Recovery.objects.filter(company=world.acme).update(in_tail=True)
        Cohort.objects.update(tail_count=1, tail_percent=5)
    for company, person in ((world.acme, world.ada), (world.globex, world.gus)):
        with scope.as_company(company.pk, user_id=person.pk):
            _said_of_the_report(company, person, world.incident)
    return full


def _said_of_the_report(company: Company, person: User, incident: Incident) -> None:
    """What only a person of the company can write: that it was read, and what is followed."""
    of = owners.of_company(company)
    own = {"company": company, "user": person}
    for version_id in PostMortemVersion.objects.filter(incident=incident).values_list("pk", flat=True):
        _row(ReportReading, of, version_id=version_id, read_at=NOW, **own)
    _row(ActionFollow, of, incident=incident, followed_at=NOW, **own)


def _report(full: FullWorld) -> None:
    """What both companies hold of the shared incident, with each one's own annex; a draft of staff; and
    a report that its company has asked for and does not hold yet."""
    world, shared = full.world, full.world.incident
    moment = f"2026-02-04 13:45 | {marks.in_force.word(STAFF, 'the timeline')}"
    _row(PostMortem, STAFF, incident=shared, zone="UTC", timeline=moment, saved_at=NOW)
    owner = owners.of_incident(shared)
    promised, versions = _published(shared, owner)
    _row(CorrectiveAction, STAFF, incident=shared, number=2, changed_at=NOW, published_at=None)
    _published(full.of_globex, STAFF)
    for kind, again, of in (
        (ActionChangeKind.PROMISED, None, owner),
        (ActionChangeKind.AGAIN, full.of_acme, owners.of_incident(full.of_acme)),
        (ActionChangeKind.AGAIN, full.of_globex, owners.of_incident(full.of_globex)),
    ):
        _row(
            ActionChange,
            of,
            incident=shared,
            action=promised,
            kind=kind,
            state=ActionState.OPEN,
            again=again,
            at=NOW,
        )
    for company in (world.acme, world.globex):
        of = owners.of_company(company)
        for version in versions:
            component = marks.in_force.word(of, "the annex")
            _row(
                PostMortemAnnex,
                of,
                company=company,
                incident=shared,
                version=version,
                state=CompanyState.DEGRADED,
                outage_seconds=60,
                degraded_seconds=60,
                is_final=False,
                timeline=[[_minutes_of(company).isoformat(), "degraded", [component]]],
            )


def _published(incident: Incident, owner: Owner) -> tuple[CorrectiveAction, list[PostMortemVersion]]:
    """A report in two versions with one promise, which `owner` may read."""

    def text(what: str) -> report_content.Text:
        word = marks.in_force.word(owner, f"the report's {what}")
        return report_content.Text(markdown=word, html=f"<p>{word}</p>")

    promised = _row(CorrectiveAction, owner, incident=incident, number=1, changed_at=NOW, published_at=NOW)
    content = report_content.Content(
        zone="UTC",
        sections={name: text(name) for name in report_content.SECTIONS},
        timeline=(
            report_content.TimelineMoment(
                from_at=NOW, until_at=None, heading=text("moment").markdown, text=text("timeline")
            ),
        ),
        actions=(
            report_content.Promise(
                number=1, title=promised.title, owner=promised.owner, due_on=None, text=text("promise")
            ),
        ),
        footnotes=(
            report_content.Footnote(number=1, words="4 h", record_says="6 h", reason=text("reason").markdown),
        ),
    )
    versions = [
        _row(
            PostMortemVersion,
            owner,
            incident=incident,
            number=number,
            kind=kind,
            content=content.frozen(),
            facts=report_facts.of_incident(incident, now=NOW).frozen(),
            record_version=number,
            published_at=NOW,
        )
        for number, kind in ((1, PublicationKind.PRELIMINARY), (2, PublicationKind.REVISION))
    ]
    return promised, versions


def _component(company: Company) -> Component:
    """A data center, a service and a component that are known to one company alone."""
    owner = owners.of_company(company)
    with scope.as_staff():
        made: Component = _row(
            Component, owner, service=_row(Service, owner), data_center=_row(DataCenter, owner)
        )
    return made


def _said_of(incident: Incident) -> None:
    owner = owners.of_incident(incident)
    for audience in Audience:
        of = owner if audience is Audience.EVERYONE else STAFF
        _row(Update, of, incident=incident, kind=UpdateKind.UPDATE, audience=audience, published_at=NOW)
    _row(Claim, owner, incident=incident, kind=ClaimKind.TOTAL_DURATION, claimed_seconds=60, posted_at=NOW)


def _of_company(
    company: Company, person: User, incidents: tuple[Incident, ...], component: Component
) -> None:
    owner = owners.of_company(company)
    for incident in incidents:
        _said_to(company, incident)
    for incident, state in zip(incidents, (RequestState.ACCEPTED, RequestState.REQUESTED), strict=True):
        asked = _row(
            PostMortemRequest,
            owner,
            company=company,
            incident=incident,
            requested_by=person,
            state=state,
            requested_at=NOW,
            answer_due_at=NOW,
        )
        _belongs_to(asked, person, owner)
        is_answered = state is RequestState.ACCEPTED
        _row(
            ClientReport,
            owner,
            company=company,
            incident=incident,
            number=1,
            kind=ReportKind.STILL_BROKEN,
            component_ids=[component.pk],
            said_at=NOW,
            said_by=person,
            state=ReportState.DISPUTED if is_answered else ReportState.OPEN,
            answered_at=NOW if is_answered else None,
        )
        affected = incident.affected_components.first()
        _row(
            RecoveryEntry,
            owner,
            company=company,
            incident=incident,
            component=affected.component if affected else component,
            state=CompanyState.DEGRADED,
            at=_minutes_of(company),
            source=EntrySource.STAFF,
            recorded_at=NOW,
        )
        _row(RecoveryNote, STAFF, company=company, incident=incident, reason="other", written_at=NOW)
        if company.consents_to_be_named:
            RosterEntry.objects.create(incident=incident, company=company, name=company.name)


def _belongs_to(asked: PostMortemRequest, person: User, owner: Owner) -> None:
    """A question of each side, for whom the report is, and what staff keep to themselves."""
    part = {"company": asked.company, "request": asked}
    for from_vendor in (False, True):
        _row(
            RequestQuestion,
            owner,
            from_vendor=from_vendor,
            number=1,
            asked_at=NOW,
            asked_by=person,
            answered_at=NOW,
            answered_by=person,
            **part,
        )
    _row(RequestRecipient, owner, person=person, added_by=person, added_at=NOW, **part)
    _row(RequestDesk, STAFF, **part)


def _documents(company: Company, person: User, incident: Incident) -> None:
    """A statement and its PDF that waits; the content is one that was issued, with marks in its texts."""
    owner = owners.of_company(company)
    issued, _is_new = statements.issue_for_incident(
        factories.actor(person, company),
        reference=incident.reference,
        verify_at="http://testserver/verify/",
        now=NOW,
    )
    number, version = (
        marks.in_force.word(owner, f"incidents_statement.{column}") for column in ("number", "record_version")
    )
    made = _row(
        Statement,
        owner,
        company=company,
        number=f"DS-{number}",
        kind=StatementKind.INCIDENT,
        incident=incident,
        content=issued.content,
        record_version=version,
        issued_at=NOW,
        issued_by=person,
    )
    _row(
        Document,
        owner,
        company=company,
        kind=DocumentKind.STATEMENT,
        statement=made,
        asked_by=person,
        asked_at=NOW,
        due_at=NOW,
        trouble="",
    )


def _said_to(company: Company, incident: Incident) -> None:
    """An update for this company alone; it is down, so of its blocks one is its own to read."""
    owner = owners.of_company(company)
    fields = {"incident": incident, "kind": UpdateKind.UPDATE, "published_at": NOW}
    update = _row(Update, owner, audience=Audience.COMPANIES, **fields)
    _row(UpdateReader, owner, company=company, incident=incident, update=update)
    for reader in ReaderState:
        of = owner if reader is ReaderState.AFFECTED else STAFF
        _row(UpdateWording, of, incident=incident, update=update, reader_state=reader)


def _minutes_of(company: Company) -> datetime:
    """An instant that is each company's own, so that another's entry would show in a timeline."""
    return factories.STARTED_AT + timedelta(minutes=17 if company.slug == "acme" else 23)


def _row(model: type[models.Model], owner: Owner, **fields: Any) -> Any:
    """One row with `fields`, and a mark in every free text besides; staff's where no client may read it."""
    for field in free_texts(model):
        if field.name not in fields:
            of = owner if is_readable_by_clients(model, field.column) else STAFF
            word = marks.in_force.word(of, f"{model._meta.db_table}.{field.column}")
            is_json = isinstance(field, models.JSONField)
            fields[field.name] = {"mark": word} if is_json else f"Of {owner.kind} {word}"[-_length(field) :]
    made = model(**fields)
    made.save(force_insert=True)
    return made


def _length(field: Any) -> int:
    return field.max_length or 1_000


def free_texts(model: type[models.Model]) -> Iterator[Any]:
    """The columns of a model that hold text of any kind but one of a few chosen words."""
    for field in model._meta.concrete_fields:
        is_text = isinstance(field, models.CharField | models.TextField | models.JSONField)
        if is_text and not field.choices and not field.primary_key:
            yield field


def is_readable_by_clients(model: type[models.Model], column: str) -> bool:
    access = walls.declared()[model._meta.db_table]
    return access.kind == "identity" or any(
        rule.role == rls.CLIENT and rule.command == "select" and (not rule.columns or column in rule.columns)
        for rule in access.rules
    )
