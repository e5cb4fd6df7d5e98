"""What an incident is about, put right after its publication: components added, taken back, renamed."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from django.db import IntegrityError, connection, transaction
from django.db.models import Exists, OuterRef, QuerySet

from incidents import errors, standings
from incidents.choices import CompanyState, EntrySource
from incidents.models import (
    AffectedComponent,
    AffectedPlacement,
    ClientReport,
    Component,
    DataCenter,
    ImportPortion,
    Incident,
    Recovery,
    RecoveryEntry,
    Service,
)
from incidents.operations import set_aside
from incidents.operations.recoveries import CLOCK_TOLERANCE, EARLIEST_BEFORE_START
from tenants import audit
from tenants.actor import Actor
from tenants.errors import Refusal

Part = Component | Service | DataCenter
"""What has a name that clients read in an incident."""

_KEEP_PLACEMENTS = """
insert into incidents_affectedplacement (company_id, incident_id, component_id)
select placement.company_id, %(incident)s::uuid, placement.component_id
from incidents_placement placement where placement.component_id = %(component)s::uuid
"""

_OPEN_RECOVERIES = """
insert into incidents_recovery
    (company_id, incident_id, state, measured_at, outage_seconds, degraded_seconds, is_final)
select placement.company_id, placement.incident_id, 'unknown', %(now)s::timestamptz, 0, 0, false
from incidents_affectedplacement placement
where placement.incident_id = %(incident)s::uuid and placement.component_id = %(component)s::uuid
on conflict (company_id, incident_id) do nothing
"""

_FIRST_ENTRIES = """
insert into incidents_recoveryentry
    (company_id, incident_id, component_id, state, at, source, recorded_by_id, recorded_at, idempotency_key)
select placement.company_id, placement.incident_id, placement.component_id, %(state)s::text,
    %(at)s::timestamptz, %(source)s, %(actor)s::uuid, %(now)s::timestamptz,
    'added:' || %(state)s::text || ':' || placement.incident_id || ':' || placement.component_id
from incidents_affectedplacement placement
where placement.incident_id = %(incident)s::uuid and placement.component_id = %(component)s::uuid
"""


def add(
    actor: Actor,
    *,
    incident_id: UUID,
    component_id: UUID,
    state: CompanyState,
    at: datetime,
    now: datetime,
    restored_at: datetime | None = None,
) -> int:
    """Add a component that was forgotten; returns how many companies hear of the incident only now.

    Every company that is placed on it now is affected through it: in `state` from `at` on and, where
    that is over already, until `restored_at`. `unknown` records no entry for the first. A company that
    was affected before has the component beside its others, so it may not be restored any more.
    Recoveries, standings and roster follow in the same transaction. Raises IncidentNotFound,
    NotPublished, ComponentNotFound, AlreadyPart, InstantInFuture, InstantTooEarly and
    RestoredBeforeImpact.
    """
    facts = [(state, at)] if state is not CompanyState.UNKNOWN else []
    facts += [(CompanyState.RESTORED, restored_at)] if restored_at else []
    if any(instant > now + CLOCK_TOLERANCE for _state, instant in facts):
        raise errors.InstantInFuture
    if restored_at and restored_at <= at:
        raise errors.RestoredBeforeImpact
    with transaction.atomic():
        incident = set_aside.published(incident_id)
        if any(instant < incident.started_at - EARLIEST_BEFORE_START for _state, instant in facts):
            raise errors.InstantTooEarly
        _hold(component_id)
        if AffectedComponent.objects.filter(incident=incident, component=component_id).exists():
            raise errors.AlreadyPart
        AffectedComponent.objects.create(incident=incident, component_id=component_id)
        new_count = _affect(actor, incident, component_id, facts, now=now)
        company_ids = _company_ids(_placed(incident, component_id))
        standings.refresh(incident, company_ids=company_ids, now=now)
        audit.record(
            actor,
            "incident.component_added",
            incident,
            now=now,
            component=str(component_id),
            state=str(state),
            companies=len(company_ids),
            new_companies=new_count,
        )
    return new_count


def _hold(component_id: UUID) -> None:
    """Keep the names of a component as they are until the transaction ends: see `save_part`."""
    named = Component.objects.select_related("service", "data_center")
    held = named.select_for_update(no_key=True, of=("self", "service", "data_center"))
    if held.filter(pk=component_id).first() is None:
        raise errors.ComponentNotFound


def _affect(
    actor: Actor,
    incident: Incident,
    component_id: UUID,
    facts: Iterable[tuple[CompanyState, datetime]],
    *,
    now: datetime,
) -> int:
    """Place the component's companies in the incident, set-based; how many had no recovery before."""
    values: dict[str, str | datetime | None] = {
        "incident": str(incident.pk),
        "component": str(component_id),
        "source": str(EntrySource.STAFF),
        "actor": str(actor.user_id) if actor.user_id else None,
        "now": now,
    }
    with connection.cursor() as cursor:
        cursor.execute(_KEEP_PLACEMENTS, values)
        cursor.execute(_OPEN_RECOVERIES, values)
        new_count = int(cursor.rowcount)
        for state, at in facts:
            cursor.execute(_FIRST_ENTRIES, {**values, "state": str(state), "at": min(at, now)})
    return new_count


def remove(actor: Actor, *, incident_id: UUID, component_id: UUID, now: datetime) -> int:
    """Take back a component that was named by mistake; returns how many companies are not affected any more.

    Only while nothing is known of it: no entry, no report of a client, no file about to be applied.
    Who ran on nothing else here has no recovery any more, and never reads of the incident again.
    Raises IncidentNotFound, NotPublished, ComponentNotFound, HasEntries, NamedByClient, NamedInImport,
    LastComponent and HoldsMore; then nothing is changed.
    """
    with transaction.atomic():
        incident = set_aside.published(incident_id)
        named = AffectedComponent.objects.filter(incident=incident, component=component_id)
        if not named.exists():
            raise errors.ComponentNotFound
        refusal = why_kept(incident, component_id)
        if refusal is not None:
            raise refusal
        placed = _placed(incident, component_id)
        company_ids = _company_ids(placed)
        gone = affected_through(incident, component_id)
        gone_ids = set(_company_ids(gone))
        gone.delete()
        placed.delete()
        named.delete()
        remaining = [each for each in company_ids if each not in gone_ids]
        standings.refresh(incident, company_ids=remaining, now=now)
        try:
            with transaction.atomic():
                connection.check_constraints()
        except IntegrityError as error:
            raise errors.HoldsMore from error
        audit.record(
            actor,
            "incident.component_removed",
            incident,
            now=now,
            component=str(component_id),
            companies=len(company_ids),
            companies_not_affected=len(gone_ids),
        )
    return len(gone_ids)


def why_kept(incident: Incident, component_id: UUID) -> Refusal | None:
    """With what an attempt to take back this component would be refused now; None if it would not."""
    if RecoveryEntry.objects.filter(incident=incident, component=component_id).exists():
        return errors.HasEntries()
    if ClientReport.objects.filter(incident=incident, component_ids__contains=[component_id]).exists():
        return errors.NamedByClient()
    # Facts are kept as long as they may still be applied, those of an import that failed too.
    named = ImportPortion.objects.filter(component_ids__contains=[component_id])
    if named.filter(recovery_import__incident=incident).exists():
        return errors.NamedInImport()
    if not AffectedPlacement.objects.filter(incident=incident).exclude(component=component_id).exists():
        return errors.LastComponent()
    return None


def affected_through(incident: Incident, component_id: UUID) -> QuerySet[Recovery]:
    """The recoveries of companies that this component alone brings into the incident."""
    others = AffectedPlacement.objects.filter(incident=incident, company=OuterRef("company")).exclude(
        component=component_id
    )
    placed = _placed(incident, component_id).values("company")
    return Recovery.objects.filter(~Exists(others), incident=incident, company__in=placed)


def save_part(actor: Actor, part: Part, *, fields: Iterable[str], now: datetime) -> int:
    """Save a changed component, service or data center; returns in how many incidents clients read it.

    Their versions grow, so that every page shows the new words at its next request. Incidents are
    locked before the part, as everywhere, drafts too: none is published meanwhile. One that takes the
    part in holds it until then (`_hold`), so after the part is written it is found.
    """
    changed = list(fields)
    with transaction.atomic():
        list(_naming(part))
        part.save(update_fields=changed)
        incidents = [incident for incident in _naming(part) if not incident.is_draft]
        for incident in incidents:
            standings.bump(incident)
        audit.record(
            actor,
            f"{part._meta.model_name}.changed",  # noqa: SLF001 - Django's documented way
            part,
            now=now,
            fields=changed,
            incidents=len(incidents),
        )
    return len(incidents)


def _naming(part: Part) -> QuerySet[Incident]:
    """The incidents that are about this part, drafts too, locked."""
    match part:
        case Component():
            named = AffectedComponent.objects.filter(component=part)
        case Service():
            named = AffectedComponent.objects.filter(component__service=part)
        case DataCenter():
            named = AffectedComponent.objects.filter(component__data_center=part)
    incidents = Incident.objects.filter(pk__in=named.values("incident"))
    return incidents.select_for_update(no_key=True).order_by("pk")


def _placed(incident: Incident, component_id: UUID) -> QuerySet[AffectedPlacement]:
    return AffectedPlacement.objects.filter(incident=incident, component=component_id)


def _company_ids(rows: QuerySet[Recovery] | QuerySet[AffectedPlacement]) -> list[UUID]:
    return list(rows.values_list("company_id", flat=True))
