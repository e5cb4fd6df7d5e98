"""Record when companies went down and came back."""

import dataclasses
import hashlib
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import connection, transaction

from incidents import cohort, errors, standings
from incidents.choices import CompanyState, EntrySource
from incidents.models import AffectedPlacement, Incident, Recovery, RecoveryEntry
from incidents.operations import set_aside
from incidents.operations.portions import portions
from tenants import audit
from tenants.actor import Actor

CLOCK_TOLERANCE = timedelta(minutes=2)
"""How far ahead of ours a source's clock may be; what it says counts from our now on."""
EARLIEST_BEFORE_START = timedelta(days=7)
"""How long before an incident's declared start a company may have been hit by it."""
_BATCH = 20_000
_FROM_PEOPLE = (EntrySource.STAFF, EntrySource.CLIENT)
"""Sources of which each entry was decided by a person, so that the same one again is no retry."""

_WRITE_ENTRIES = """
insert into incidents_recoveryentry
    (company_id, incident_id, component_id, state, at, source, recorded_by_id, recorded_at, idempotency_key)
select fact.company_id, %s::uuid, fact.component_id, fact.state, fact.at, %s, %s::uuid, %s::timestamptz,
    fact.key
from unnest(%s::uuid[], %s::uuid[], %s::text[], %s::timestamptz[], %s::text[])
    as fact (company_id, component_id, state, at, key)
on conflict (company_id, idempotency_key) do nothing
returning company_id, idempotency_key
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Fact:
    """One component of one company was in `state` from `at` on."""

    company_id: UUID
    component_id: UUID
    state: CompanyState
    at: datetime


def record_recovery(
    actor: Actor,
    *,
    incident_id: UUID,
    company_ids: Collection[UUID],
    state: CompanyState,
    at: datetime,
    now: datetime,
    component_ids: Collection[UUID] | None = None,
    source: EntrySource = EntrySource.STAFF,
) -> int:
    """Record that companies were in `state` from `at` on; returns how many entries are new.

    One entry per company and affected component that it ran on when the incident was published,
    or on those of `component_ids`.
    Raises NothingSelected and what `record_facts` raises.
    """
    if not company_ids:
        raise errors.NothingSelected
    with transaction.atomic():
        placed = _components_of(incident_id, company_ids, component_ids)
        if placed.keys() != set(company_ids):
            if Incident.objects.filter(pk=incident_id, published_at=None).exists():
                raise errors.NotPublished
            raise errors.NotAffected
        facts = [
            Fact(company_id=company_id, component_id=component_id, state=state, at=at)
            for company_id, component_ids_of_one in placed.items()
            for component_id in component_ids_of_one
        ]
        return record_facts(actor, incident_id=incident_id, facts=facts, now=now, source=source)


def record_facts(
    actor: Actor,
    *,
    incident_id: UUID,
    facts: Sequence[Fact],
    now: datetime,
    source: EntrySource,
) -> int:
    """Record facts, in any order; returns how many entries are new.

    The same fact recorded twice adds nothing, except that staff may record again what was corrected
    in between. An instant that is ahead within CLOCK_TOLERANCE is stored as `now`. Recoveries,
    standings and roster follow in the same transaction. Raises IncidentNotFound, NotPublished,
    SetAside, NothingSelected, InstantInFuture, InstantTooEarly and NotAffected (a company without a
    recovery in this incident); then nothing is recorded.
    """
    if not facts:
        raise errors.NothingSelected
    if max(fact.at for fact in facts) > now + CLOCK_TOLERANCE:
        raise errors.InstantInFuture
    with transaction.atomic():
        incident = set_aside.published(incident_id)
        if min(fact.at for fact in facts) < incident.started_at - EARLIEST_BEFORE_START:
            raise errors.InstantTooEarly
        company_ids = {fact.company_id for fact in facts}
        affected = Recovery.objects.filter(incident=incident)
        if sum(affected.filter(company_id__in=some).count() for some in portions(company_ids)) != len(
            company_ids
        ):
            raise errors.NotAffected
        added = _add_entries(actor, incident, facts, now=now, source=source)
        if added:
            standings.settle(incident, company_ids, now=now)
        audit.record(
            actor,
            "recovery.recorded",
            incident,
            now=now,
            source=str(source),
            companies=len(company_ids),
            entries=added,
        )
    return added


def _add_entries(
    actor: Actor, incident: Incident, facts: Sequence[Fact], *, now: datetime, source: EntrySource
) -> int:
    """Insert an entry for each fact that is not recorded yet; how many those were. Set-based.

    What an automatic source sends again is a retry and adds nothing. What a person records again
    adds an entry when another one holds at that instant by now: a correction is taken back.
    """
    # In their own order, so that of several that are ahead of our clock the latest holds.
    keyed = [
        (_key(incident, fact, source), fact) for fact in sorted(facts, key=lambda each: each.at.timestamp())
    ]
    written = _write_entries(actor, incident, keyed, now=now, source=source)
    known = [(key, fact) for key, fact in keyed if (fact.company_id, key) not in written]
    if known and source in _FROM_PEOPLE:
        again = _no_longer_in_force(incident, known)
        written |= _write_entries(actor, incident, again, now=now, source=source)
    return len(written)


def _write_entries(
    actor: Actor,
    incident: Incident,
    keyed: Sequence[tuple[str, Fact]],
    *,
    now: datetime,
    source: EntrySource,
) -> set[tuple[UUID, str]]:
    """Insert facts whose key is new to their company; (company, key) of those."""
    written: set[tuple[UUID, str]] = set()
    with connection.cursor() as cursor:
        for start in range(0, len(keyed), _BATCH):
            batch = keyed[start : start + _BATCH]
            cursor.execute(
                _WRITE_ENTRIES,
                [
                    incident.pk,
                    str(source),
                    actor.user_id,
                    now,
                    [fact.company_id for _key, fact in batch],
                    [fact.component_id for _key, fact in batch],
                    [str(fact.state) for _key, fact in batch],
                    [min(fact.at, now) for _key, fact in batch],
                    [key for key, _fact in batch],
                ],
            )
            written.update(cursor.fetchall())
    return written


def _no_longer_in_force(incident: Incident, known: Sequence[tuple[str, Fact]]) -> list[tuple[str, Fact]]:
    """Those facts, recorded before, whose instant another entry has taken since; each with a new key."""
    held: dict[tuple[UUID, UUID, datetime], list[str]] = defaultdict(list)
    at_of: dict[tuple[UUID, str], datetime] = {}
    for some in portions({fact.company_id for _key, fact in known}):
        rows = RecoveryEntry.objects.filter(incident=incident, company_id__in=some).order_by(
            "recorded_at", "pk"
        )
        for company_id, component_id, at, state, key in rows.values_list(
            "company_id", "component_id", "at", "state", "idempotency_key"
        ):
            held[company_id, component_id, at].append(state)
            at_of[company_id, key] = at
    again = []
    for key, fact in known:
        at = at_of[fact.company_id, key]
        states = held[fact.company_id, fact.component_id, at]
        if states[-1] != fact.state:
            again.append((_digest(f"{key}|{len(states)}"), dataclasses.replace(fact, at=at)))
    return again


def entries_of(incident: Incident, company_ids: Collection[UUID]) -> list[tuple[UUID, cohort.Entry]]:
    """(company, entry) of the given companies in one incident, in no order."""
    rows = RecoveryEntry.objects.filter(incident=incident, company_id__in=company_ids).values_list(
        "company_id", *RecoveryEntry.FACTS
    )
    return [(company_id, RecoveryEntry.fact(tuple(facts))) for company_id, *facts in rows]


def _components_of(
    incident_id: UUID, company_ids: Collection[UUID], only: Collection[UUID] | None
) -> dict[UUID, list[UUID]]:
    """Which affected components each company ran on when the incident was published."""
    placements = AffectedPlacement.objects.filter(incident_id=incident_id)
    if only is not None:
        placements = placements.filter(component_id__in=only)
    found = defaultdict(list)
    for some in portions(company_ids):
        for company_id, component_id in placements.filter(company_id__in=some).values_list(
            "company_id", "component_id"
        ):
            found[company_id].append(component_id)
    return dict(found)


def _key(incident: Incident, fact: Fact, source: EntrySource) -> str:
    """The same fact gives the same key, so that a retry or a double click adds nothing."""
    words = f"{incident.pk}|{fact.component_id}|{fact.state}|{fact.at.timestamp()}|{source}"
    return _digest(words)


def _digest(words: str) -> str:
    return hashlib.sha256(words.encode()).hexdigest()
