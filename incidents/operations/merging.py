"""Two incidents that turn out to be one: one goes on with all that is recorded, the other points to it.

What goes over are facts: which components and accounts are touched, the recovery entries, the requests
that are still owed. What was said in the other, by staff and by clients, stays there to be read.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import connection, transaction
from django.db.models import F, Q

from incidents import errors, standings
from incidents.choices import WORST_FIRST, CompanyState, IncidentState, RequestState, Severity
from incidents.models import AffectedComponent, Incident, PostMortemRequest, Recovery, RecoveryEntry
from incidents.operations import announcing, set_aside
from tenants import audit
from tenants.actor import Actor
from tenants.models import Company

_NAMED = 5
_OWED = (RequestState.REQUESTED, RequestState.ACCEPTED)

_TAKE_PLACEMENTS = """
insert into incidents_affectedplacement (company_id, incident_id, component_id)
select company_id, %(stays)s::uuid, component_id
from incidents_affectedplacement where incident_id = %(goes)s
on conflict (company_id, incident_id, component_id) do nothing
"""

_TAKE_COMPANIES = """
insert into incidents_recovery
    (company_id, incident_id, state, measured_at, outage_seconds, degraded_seconds, is_final)
select company_id, %(stays)s::uuid, 'unknown', %(now)s::timestamptz, 0, 0, false
from incidents_recovery where incident_id = %(goes)s
on conflict (company_id, incident_id) do nothing
"""

_TAKE_ENTRIES = """
with copy as materialized (
    select uuidv7() as new_id, entry.* from (
        select * from incidents_recoveryentry where incident_id = %(goes)s order by id
    ) entry
)
insert into incidents_recoveryentry
    (id, company_id, incident_id, component_id, state, at, source, recorded_by_id, recorded_at,
    idempotency_key, supersedes_id)
select copy.new_id, copy.company_id, %(stays)s::uuid, copy.component_id, copy.state, copy.at, copy.source,
    copy.recorded_by_id, copy.recorded_at, 'merged:' || copy.id, superseded.new_id
from copy left join copy superseded on superseded.id = copy.supersedes_id
order by copy.id
"""
"""New rows, as facts are only ever added, with who recorded them and when. Their ids come in the order of
the old ones, which decides between two entries of one instant."""

_STEPS = """
select entry.company_id, entry.component_id, entry.at, entry.state, entry.incident_id
from incidents_recoveryentry entry
where entry.incident_id in (%(goes)s, %(stays)s)
and not exists (select from incidents_recoveryentry later where later.supersedes_id = entry.id)
and entry.company_id in (
    select company_id from incidents_recovery where incident_id = %(goes)s
    intersect select company_id from incidents_recovery where incident_id = %(stays)s
)
order by entry.company_id, entry.component_id, entry.at, entry.recorded_at, entry.id
"""


@dataclass(frozen=True, kw_only=True)
class Reach:
    """What a merge would do: accounts in both, those that are new to the one that stays, those that are
    restored in it and not in the other, the entries and owed requests that go over, and the accounts for
    which the two records contradict."""

    shared_count: int
    new_count: int
    reopened_count: int
    entry_count: int
    request_count: int
    contradicted_count: int
    contradicted_names: tuple[str, ...]


def reach(incident: Incident, into: Incident) -> Reach:
    """What merging `incident` into `into` would do now. Staff scope."""
    ours, theirs = (Recovery.objects.filter(incident=each) for each in (incident, into))
    shared_count = ours.filter(company__in=theirs.values("company")).count()
    restored = theirs.filter(state=CompanyState.RESTORED).values("company")
    contradicted = _contradicted(incident, into)
    return Reach(
        shared_count=shared_count,
        new_count=ours.count() - shared_count,
        reopened_count=ours.exclude(state=CompanyState.RESTORED).filter(company__in=restored).count(),
        entry_count=RecoveryEntry.objects.filter(incident=incident).count(),
        request_count=PostMortemRequest.objects.filter(incident=incident, state__in=_OWED).count(),
        contradicted_count=len(contradicted),
        contradicted_names=_names(contradicted),
    )


def merge(actor: Actor, *, incident_id: UUID, into_id: UUID, now: datetime) -> int:
    """Let an incident go on as another one; returns how many companies are new to that one.

    The one that stays takes the other's components, companies, entries (as new entries, with their
    source and times) and owed requests, the earlier start and detection and the worse severity. The
    other becomes a pointer to which nothing can be added; so do those that pointed to it. It cannot
    be taken back. Raises MergedWithItself, IncidentNotFound, NotPublished, SetAside, NotIncident,
    MergeLoses where the records contradict each other, and MergeReopens.
    """
    if incident_id == into_id:
        raise errors.MergedWithItself
    with transaction.atomic():
        incident, into = _locked(incident_id, into_id)
        contradicted = _contradicted(incident, into)
        if contradicted:
            raise errors.MergeLoses(len(contradicted), _names(contradicted))
        into.started_at = min(into.started_at, incident.started_at)
        into.detected_at = min(filter(None, (into.detected_at, incident.detected_at)), default=None)
        into.severity = max(into.severity, incident.severity, key=list(Severity).index)
        into.save(update_fields=["started_at", "detected_at", "severity"])
        new_count, entry_count = _take_record(incident, into, now=now)
        if into.is_over:
            _refuse_to_reopen(into)
        moved = _take_requests(actor, incident, into, now=now)
        text = f"This is part of {into.reference}. It goes on there, with the record of your account."
        announcing.announce(actor, incident, text, is_last=True, now=now)
        set_aside.put(incident, IncidentState.MERGED, merged_into=into, now=now)
        Incident.objects.filter(merged_into=incident).update(merged_into=into, version=F("version") + 1)
        audit.record(
            actor,
            "incident.merged",
            incident,
            now=now,
            into=str(into.pk),
            companies=new_count,
            entries=entry_count,
            requests=moved,
        )
    return new_count


def _locked(incident_id: UUID, into_id: UUID) -> tuple[Incident, Incident]:
    """Both, and what points to the first, locked in one order: two merges never wait for each other."""
    touched = Q(pk__in=(incident_id, into_id)) | Q(merged_into=incident_id)
    rows = Incident.objects.select_for_update(no_key=True).filter(touched).order_by("pk")
    found = {incident.pk: incident for incident in rows}
    if incident_id not in found or into_id not in found:
        raise errors.IncidentNotFound
    incident, into = found[incident_id], found[into_id]
    for each in (incident, into):
        if each.is_draft:
            raise errors.NotPublished
        if each.is_set_aside:
            raise errors.SetAside
        if each.is_maintenance:
            raise errors.NotIncident
    return incident, into


def _take_record(incident: Incident, into: Incident, *, now: datetime) -> tuple[int, int]:
    """Write the other's components, companies and entries, and count anew; (new companies, entries)."""
    AffectedComponent.objects.bulk_create(
        [
            AffectedComponent(incident=into, component_id=component_id)
            for component_id in AffectedComponent.objects.filter(incident=incident).values_list(
                "component_id", flat=True
            )
        ],
        ignore_conflicts=True,
    )
    values: dict[str, UUID | datetime] = {"goes": incident.pk, "stays": into.pk, "now": now}
    with connection.cursor() as cursor:
        cursor.execute(_TAKE_PLACEMENTS, values)
        cursor.execute(_TAKE_COMPANIES, values)
        new_count = int(cursor.rowcount)
        cursor.execute(_TAKE_ENTRIES, values)
        entry_count = int(cursor.rowcount)
    standings.refresh(into, company_ids=None, now=now)
    return new_count, entry_count


def _refuse_to_reopen(into: Incident) -> None:
    """What is announced as resolved stays so: truth rule 1 holds for accounts that are added, too."""
    open_count = Recovery.objects.filter(incident=into).exclude(state=CompanyState.RESTORED).count()
    if open_count:
        raise errors.MergeReopens(open_count)


def _take_requests(actor: Actor, incident: Incident, into: Incident, *, now: datetime) -> int:
    """Let requests that are owed go on with their dates; how many did. Who asked for both is owed one."""
    requests = PostMortemRequest.objects.select_for_update()
    asked = requests.filter(incident=into).exclude(state=RequestState.WITHDRAWN)
    asked_there = set(asked.values_list("company_id", flat=True))
    moved = 0
    for each in requests.filter(incident=incident, state__in=_OWED).order_by("requested_at"):
        is_second = each.company_id in asked_there
        if is_second:
            each.state, each.answered_at = RequestState.DECLINED, now
            each.decline_reason = f"This is part of {into.reference}, and your request there stands for both."
        else:
            each.incident = into
            moved += 1
        each.save(update_fields=["incident", "state", "answered_at", "decline_reason"])
        audit.record(
            actor,
            "post_mortem.declined" if is_second else "post_mortem.moved",
            each,
            now=now,
            company_id=each.company_id,
            incident=str(incident.pk),
            into=str(into.pk),
        )
    return moved


def _contradicted(incident: Incident, into: Incident) -> list[UUID]:
    """The companies of both for which the entries of both, in one row, say less than the two records.

    Merged, the last word on a component holds. That loses nothing where it always is the worst of what
    the two records say at that instant: else one counts time that the other ends.
    """
    with connection.cursor() as cursor:
        cursor.execute(_STEPS, {"goes": incident.pk, "stays": into.pk})
        steps = cursor.fetchall()
    return list(
        dict.fromkeys(
            company_id
            for (company_id, _component_id), of_one in itertools.groupby(steps, key=lambda step: step[:2])
            if not _loses_nothing([step[2:] for step in of_one])
        )
    )


def _loses_nothing(steps: Sequence[tuple[datetime, str, UUID]]) -> bool:
    """Of one component: (at, state, incident) of both incidents, in the order in which they hold.

    >>> from datetime import UTC
    >>> def step(hour, state, incident):
    ...     return datetime(2026, 2, 4, hour, tzinfo=UTC), state, UUID(int=incident)
    >>> _loses_nothing([step(13, "outage", 1), step(14, "outage", 2), step(15, "restored", 1)])
    False
    >>> _loses_nothing([step(13, "outage", 1), step(14, "restored", 1), step(15, "degraded", 2)])
    True
    """
    says: dict[UUID, str] = {}
    for _at, together in itertools.groupby(steps, key=lambda step: step[0]):
        last = ""
        for _same, last, incident_id in together:
            says[incident_id] = last
        if last != next(state for state in WORST_FIRST if state in says.values()):
            return False
    return True


def _names(company_ids: Sequence[UUID]) -> tuple[str, ...]:
    found = Company.objects.filter(pk__in=company_ids[:_NAMED]).values_list("name", flat=True)
    return tuple(sorted(found, key=str.casefold))
