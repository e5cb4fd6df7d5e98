"""A company says how its own account is doing; staff accept it into the record, or dispute it."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from django.db import transaction

from incidents import cohort, errors
from incidents.choices import CompanyState, EntrySource, ReportKind, ReportState
from incidents.models import AffectedPlacement, ClientReport, Incident
from incidents.models.client_report import MOST_REPORTS, followed
from incidents.operations import recoveries, set_aside
from incidents.operations.own_incident import own_incident
from incidents.operations.recoveries import CLOCK_TOLERANCE, EARLIEST_BEFORE_START, Fact
from tenants import audit
from tenants.actor import Actor
from tenants.permissions import Permission

MAY_BECOME = {
    ReportKind.STILL_BROKEN: (CompanyState.OUTAGE, CompanyState.DEGRADED),
    ReportKind.CONFIRMED_BACK: (CompanyState.RESTORED,),
}
"""As which states a report can be accepted into the record; the first is the usual one."""


def report(
    actor: Actor,
    *,
    reference: str,
    kind: ReportKind,
    now: datetime,
    component_ids: Collection[UUID] = (),
    since_at: datetime | None = None,
    text: str = "",
) -> tuple[ClientReport, bool]:
    """Say for the actor's company how its account is doing; returns (report, is new).

    Of `component_ids`, or of all that it ran on in this incident. While the same is said and not
    answered it is one report: clicking twice, or two colleagues at once, give the first. The
    opposite takes back what is open. Runs in the client scope. Raises NotPermitted,
    IncidentNotFound, SetAside, NothingBegun, NotYourComponent, InstantInFuture, InstantTooEarly and
    TooManyReports.
    """
    with transaction.atomic():
        company, incident = own_incident(actor, Permission.REPORT_OWN_STATE, reference)
        if incident.is_set_aside:
            raise errors.SetAside
        _refuse_instants(incident, since_at, now=now)
        said = ClientReport(
            company_id=company.id,
            incident=incident,
            kind=kind,
            component_ids=_spoken_of(incident, component_ids),
            since_at=since_at,
            text=text.strip(),
            said_at=now,
            said_by_id=actor.user_id,
            said_by_name=actor.name,
        )
        return _said_once(actor, said, now=now)


def accept(actor: Actor, *, report_id: UUID, state: CompanyState, since_at: datetime, now: datetime) -> int:
    """Write a report into the company's record; returns how many entries are new.

    The components that it speaks of were in `state` from `since_at` on. What was recorded for them
    between then and the report, and says otherwise, is corrected by an entry at the same instant;
    what the record says already is not written again. The source of the entries is the client. What
    was said of an incident that was merged goes into the record of the one that goes on. Staff scope.
    Raises SetAside, NothingSelected, WrongState when it was answered or taken back already, NotWhatWasSaid,
    and what `recoveries.record_facts` raises.
    """
    with transaction.atomic():
        said = _unanswered(report_id)
        if state not in MAY_BECOME[ReportKind(said.kind)]:
            raise errors.NotWhatWasSaid
        incident = set_aside.locked(said.incident.merged_into_id or said.incident_id)
        _refuse_instants(incident, since_at, now=now)
        facts = _facts(said, incident, state, since_at, now=now)
        added = 0
        if facts:
            added = recoveries.record_facts(
                actor, incident_id=incident.pk, facts=facts, now=now, source=EntrySource.CLIENT
            )
        _answer(actor, said, ReportState.ACCEPTED, now=now, recorded=str(state), entries=added)
    return added


def dispute(actor: Actor, *, report_id: UUID, reason: str, now: datetime) -> None:
    """Say why the record stays as it is, in words that the client reads. Staff scope.

    Raises ReasonMissing, NothingSelected, and WrongState when it was answered or taken back already.
    """
    if not reason.strip():
        raise errors.ReasonMissing
    with transaction.atomic():
        said = _unanswered(report_id)
        said.answer = reason.strip()
        _answer(actor, said, ReportState.DISPUTED, now=now)


def _refuse_instants(incident: Incident, since_at: datetime | None, *, now: datetime) -> None:
    if incident.started_at > now + CLOCK_TOLERANCE:
        raise errors.NothingBegun
    if since_at is None:
        return
    if since_at > now + CLOCK_TOLERANCE:
        raise errors.InstantInFuture
    if since_at < incident.started_at - EARLIEST_BEFORE_START:
        raise errors.InstantTooEarly


def _spoken_of(incident: Incident, component_ids: Collection[UUID]) -> list[UUID]:
    """The chosen components, or all that the company of the scope ran on in this incident."""
    own = frozenset(
        AffectedPlacement.objects.filter(incident=incident).values_list("component_id", flat=True)
    )
    chosen = frozenset(component_ids) or own
    if not chosen or not chosen <= own:
        raise errors.NotYourComponent
    return sorted(chosen)


def _said_once(actor: Actor, said: ClientReport, *, now: datetime) -> tuple[ClientReport, bool]:
    """Store `said` under the next number unless the same waits for an answer; (report, is new)."""
    while True:
        newest = ClientReport.objects.filter(incident=said.incident).order_by("-number").first()
        waiting = newest if newest and newest.state == ReportState.OPEN else None
        if waiting and waiting.kind == said.kind:
            return waiting, False
        said.number = newest.number + 1 if newest else 1
        if said.number > MOST_REPORTS:
            raise errors.TooManyReports
        # A colleague who is just saying something is waited for; then this number is taken.
        ClientReport.objects.bulk_create([said], ignore_conflicts=True)
        if ClientReport.objects.filter(pk=said.pk).exists():
            break
    if waiting:
        _audit(actor, waiting, "client_report.withdrawn", now=now)
    _audit(actor, said, "client_report.sent", now=now, kind=str(said.kind))
    return said, True


def _unanswered(report_id: UUID) -> ClientReport:
    said = (
        ClientReport.objects.select_for_update(of=("self",), no_key=True)
        .select_related("incident")
        .annotate(is_followed=followed())
        .filter(pk=report_id)
        .first()
    )
    if said is None:
        raise errors.NothingSelected
    if said.state != ReportState.OPEN or said.is_followed:
        raise errors.WrongState
    return said


def _facts(
    said: ClientReport, incident: Incident, state: CompanyState, since_at: datetime, *, now: datetime
) -> list[Fact]:
    """What the record lacks: a fact at `since_at`, and at each instant until the report that differs."""
    found = recoveries.entries_of(incident, [said.company_id])
    in_effect = sorted(
        cohort.entries_in_effect([entry for _company, entry in found], now=now), key=lambda entry: entry.at
    )
    facts = []
    for component_id in sorted(said.component_ids):
        own = [entry for entry in in_effect if entry.component_id == component_id]
        before = [entry for entry in own if entry.at <= since_at]
        instants = [entry.at for entry in own if since_at < entry.at <= said.said_at and entry.state != state]
        if not before or before[-1].state != state:
            instants.insert(0, since_at)
        facts += [
            Fact(company_id=said.company_id, component_id=component_id, state=state, at=at) for at in instants
        ]
    return facts


def _answer(
    actor: Actor, said: ClientReport, state: ReportState, *, now: datetime, **detail: str | int
) -> None:
    said.state = state
    said.answered_at = now
    said.answered_by_id = actor.user_id
    said.save(update_fields=["state", "answer", "answered_at", "answered_by"])
    _audit(actor, said, f"client_report.{state}", now=now, **detail)


def _audit(actor: Actor, said: ClientReport, action: str, *, now: datetime, **detail: str | int) -> None:
    audit.record(
        actor,
        action,
        said,
        now=now,
        company_id=said.company_id,
        incident=str(said.incident_id),
        number=said.number,
        **detail,
    )
