"""Publish an incident and post its updates."""

from collections.abc import Collection
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Count

from incidents import audiences, clocks, errors, standings
from incidents.audiences import Readers
from incidents.choices import (
    Audience,
    CompanyState,
    EntrySource,
    IncidentKind,
    IncidentState,
    Severity,
    UpdateKind,
)
from incidents.models import AffectedPlacement, Incident, Recovery, Update
from incidents.operations import set_aside, texts
from incidents.operations.recoveries import CLOCK_TOLERANCE
from tenants import audit
from tenants.actor import Actor

STATE_AFTER = {
    UpdateKind.INVESTIGATING: IncidentState.INVESTIGATING,
    UpdateKind.IDENTIFIED: IncidentState.IDENTIFIED,
    UpdateKind.MONITORING: IncidentState.MONITORING,
    UpdateKind.RESOLVED: IncidentState.RESOLVED,
    UpdateKind.REOPENED: IncidentState.INVESTIGATING,
}
"""Where an incident stands after an update of that kind; other kinds change nothing."""

_KEEP_PLACEMENTS = """
insert into incidents_affectedplacement (company_id, incident_id, component_id)
select placement.company_id, %(incident)s::uuid, placement.component_id
from incidents_placement placement
join incidents_affectedcomponent affected on affected.component_id = placement.component_id
where affected.incident_id = %(incident)s
on conflict (company_id, incident_id, component_id) do nothing
"""

_OPEN_RECOVERIES = """
insert into incidents_recovery
    (company_id, incident_id, state, impacted_at, measured_at, outage_seconds, degraded_seconds, is_final)
select distinct placement.company_id, %(incident)s::uuid, %(state)s, %(impacted_at)s::timestamptz,
    %(now)s::timestamptz, %(outage_seconds)s::int, %(degraded_seconds)s::int, false
from incidents_affectedplacement placement
where placement.incident_id = %(incident)s
on conflict (company_id, incident_id) do nothing
"""

_FIRST_ENTRIES = """
insert into incidents_recoveryentry
    (company_id, incident_id, component_id, state, at, source, recorded_by_id, recorded_at, idempotency_key)
select placement.company_id, %(incident)s::uuid, placement.component_id, %(state)s, %(at)s::timestamptz,
    %(source)s, %(actor)s::uuid, %(now)s::timestamptz,
    'declared:' || %(incident)s || ':' || placement.component_id
from incidents_affectedplacement placement
where placement.incident_id = %(incident)s
on conflict (company_id, idempotency_key) do nothing
"""


def publish(
    actor: Actor,
    *,
    incident_id: UUID,
    now: datetime,
    state: CompanyState = CompanyState.UNKNOWN,
    source: EntrySource = EntrySource.STAFF,
    severity: Severity | None = None,
    detected_at: datetime | None = None,
) -> int:
    """Show a draft to every company placed on its components; returns how many that are.

    Each gets a recovery, set-based, in `state` from the incident's start; `unknown` records no
    entry, because nothing is known yet. A company that is not placed there never hears of it.
    What each runs on is kept as it is now: later moves do not change this incident. `severity` and
    `detected_at`, where given, take the place of the draft's. Raises AlreadyPublished, StartInFuture
    (only a maintenance is announced ahead), InstantInFuture (detected) and NothingAffected.
    """
    with transaction.atomic():
        incident = set_aside.locked(incident_id)
        if not incident.is_draft:
            raise errors.AlreadyPublished
        if incident.kind == IncidentKind.INCIDENT and incident.started_at > now + CLOCK_TOLERANCE:
            raise errors.StartInFuture
        if detected_at is not None and detected_at > now + CLOCK_TOLERANCE:
            raise errors.InstantInFuture
        incident.severity = severity or incident.severity
        incident.detected_at = detected_at or incident.detected_at
        so_far_seconds = max(0, clocks.seconds_between(incident.started_at, now))
        values: dict[str, str | int | datetime | None] = {
            "incident": str(incident.pk),
            "state": str(state),
            "outage_seconds": so_far_seconds if state is CompanyState.OUTAGE else 0,
            "degraded_seconds": so_far_seconds if state is CompanyState.DEGRADED else 0,
            "impacted_at": None if state is CompanyState.UNKNOWN else incident.started_at,
            "at": incident.started_at,
            "source": str(source),
            "actor": str(actor.user_id) if actor.user_id else None,
            "now": now,
        }
        with connection.cursor() as cursor:
            cursor.execute(_KEEP_PLACEMENTS, values)
            cursor.execute(_OPEN_RECOVERIES, values)
            count = int(cursor.rowcount)
            if count == 0:
                raise errors.NothingAffected
            if state is not CompanyState.UNKNOWN:
                cursor.execute(_FIRST_ENTRIES, values)
        incident.published_at = now
        incident.save(update_fields=["published_at", "severity", "detected_at"])
        standings.refresh(incident, now=now)
        audit.record(actor, "incident.published", incident, now=now, companies=count)
    return count


def post_update(
    actor: Actor,
    *,
    incident_id: UUID,
    kind: UpdateKind,
    body_markdown: str,
    now: datetime,
    audience: Audience = Audience.EVERYONE,
    readers: Readers | None = None,
    next_update_at: datetime | None = None,
    corrects_id: UUID | None = None,
    override_reason: str = "",
    acknowledged: Collection[str] = (),
    zone: str = "UTC",
) -> Update:
    """Post a text, and move the incident to the state that its kind says.

    `readers` names whom a narrow audience means, and takes the place of `audience`; a correction
    is for the readers of what it corrects. Fields are filled, and what the text says is held against
    the record; a clock without a zone is meant in `zone`. ContradictsRecord unless each contradiction
    is `acknowledged` in the words in which it is raised, or an `override_reason` says why.

    A public `resolved` while an account is not restored raises NotAllRestored with the numbers,
    unless `override_reason` says why; overrides and acknowledgements are kept and audited. Raises
    NotPublished, EmptyText, NotBegun where it would complete a maintenance before its start, what
    `texts.prepare` raises, SetAside, NobodyReads and, for a kind that moves the incident, MovesForSome.
    """
    with transaction.atomic():
        incident = set_aside.locked(incident_id)
        if incident.is_draft:
            raise errors.NotPublished
        if not body_markdown.strip():
            raise errors.EmptyText
        meant = _readers(incident, readers or Readers(audience=audience), corrects_id)
        is_public = meant.audience is Audience.EVERYONE
        company_ids = _narrow(incident, meant, kind)
        is_overridden = is_public and _is_overridden(incident, kind, override_reason, now=now)
        if meant.audience is Audience.STAFF:
            prepared = texts.note(incident, body_markdown, now=now)
        else:
            prepared = texts.prepare(incident, body_markdown, now=now, zone=zone)
            if not override_reason.strip():
                texts.refuse_unacknowledged(prepared, acknowledged)
        update = Update.objects.create(
            incident=incident,
            kind=kind,
            audience=meant.audience,
            body_markdown=body_markdown,
            body_html=prepared.body_html,
            published_at=now,
            next_update_at=None if meant.audience is Audience.STAFF else next_update_at,
            corrects_id=corrects_id,
            author_id=actor.user_id,
            override_reason=override_reason.strip() if is_overridden else "",
            acknowledged="\n".join(map(str, prepared.contradictions)),
        )
        texts.write_wordings(update, prepared)
        if company_ids:
            audiences.fix(update, company_ids)
            standings.bump(incident)
        if is_public:
            _move(incident, kind, next_update_at=next_update_at, now=now)
        audit.record(
            actor,
            "update.posted_against_the_record" if is_overridden else "update.posted",
            update,
            now=now,
            incident=str(incident.pk),
            kind=str(kind),
            audience=str(meant.audience),
            **_counted(readers=len(company_ids), acknowledged=len(prepared.contradictions)),
        )
    return update


def _counted(**counts: int) -> dict[str, Any]:
    """The counts that are not nought."""
    return {name: count for name, count in counts.items() if count}


def _readers(incident: Incident, readers: Readers, corrects_id: UUID | None) -> Readers:
    """Whom a text means: a correction of a narrow update means exactly the readers of that one."""
    corrected = Update.objects.filter(incident=incident, pk=corrects_id).first() if corrects_id else None
    if corrected is None or readers.audience is Audience.STAFF or not Audience(corrected.audience).is_narrow:
        return readers
    return Readers(audience=Audience.COMPANIES, company_ids=audiences.readers_of(corrected))


def _narrow(incident: Incident, readers: Readers, kind: UpdateKind) -> Collection[UUID]:
    """The companies that a narrow audience means; none for other audiences."""
    if not readers.audience.is_narrow:
        return ()
    if kind in STATE_AFTER:
        raise errors.MovesForSome
    found = audiences.recoveries(incident, readers)
    company_ids = list(found.values_list("company_id", flat=True))
    if not company_ids:
        raise errors.NobodyReads
    return company_ids


def _is_overridden(incident: Incident, kind: UpdateKind, override_reason: str, *, now: datetime) -> bool:
    """Whether a public text is posted against the record; raises where it may not be posted at all."""
    if kind is not UpdateKind.RESOLVED:
        return False
    if incident.is_maintenance:
        if incident.started_at > now:
            raise errors.NotBegun
        return False
    return _refuse_unless_all_restored(incident, override_reason)


def not_all_restored(incident: Incident) -> errors.NotAllRestored | None:
    """With what numbers a public `resolved` would be refused now; None once everybody is restored.

    They hold as long as the caller holds the incident's row lock. Staff scope.
    """
    recoveries = Recovery.objects.filter(incident=incident)
    affected_count = recoveries.count()
    restored_count = recoveries.filter(state=CompanyState.RESTORED).count()
    if restored_count == affected_count:
        return None
    return errors.NotAllRestored(
        affected_count=affected_count,
        restored_count=restored_count,
        open_by_data_center=_count_by_data_center(incident),
    )


def _refuse_unless_all_restored(incident: Incident, override_reason: str) -> bool:
    """True when the record contradicts and a reason overrides; NotAllRestored without a reason."""
    refusal = not_all_restored(incident)
    if refusal is None:
        return False
    if override_reason.strip():
        return True
    raise refusal


def _count_by_data_center(incident: Incident) -> dict[str, int]:
    """How many open companies the incident touches in each data center."""
    open_now = Recovery.objects.filter(incident=incident).exclude(state=CompanyState.RESTORED)
    return dict(
        AffectedPlacement.objects.filter(incident=incident, company_id__in=open_now.values("company_id"))
        .values_list("component__data_center__code")
        .annotate(count=Count("company_id", distinct=True))
    )


def _move(incident: Incident, kind: UpdateKind, *, next_update_at: datetime | None, now: datetime) -> None:
    was_over = incident.is_over
    if incident.kind == IncidentKind.INCIDENT:
        incident.state = STATE_AFTER.get(kind, IncidentState(incident.state))
    elif kind is UpdateKind.RESOLVED:
        incident.state = IncidentState.COMPLETED
    if incident.is_over and incident.resolved_at is None:
        incident.resolved_at = now
    elif not incident.is_over:
        incident.resolved_at = None
    incident.next_update_at = None if incident.is_over else next_update_at
    incident.save(update_fields=["state", "resolved_at", "next_update_at"])
    if was_over != incident.is_over:
        standings.refresh(incident, now=now)
    else:
        standings.bump(incident)
