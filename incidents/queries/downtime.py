"""What an account went through, as overview, pages, statements and annexes all count it.

A maintenance does not count within the window that was announced for it, and does after it. What was set
aside counts nowhere. Of an incident without any word of the account nothing is known, and nothing counts.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import QuerySet

from incidents import availability, cohort
from incidents.availability import Impact, Measured
from incidents.choices import CompanyState
from incidents.models import Incident, Recovery, RecoveryEntry


@dataclass(frozen=True, kw_only=True)
class Course:
    """What is recorded of one account in one incident, and the stretches of it that are told."""

    incident: Incident
    own: cohort.OwnRecovery
    impacts: tuple[Impact, ...]
    entries: tuple[cohort.Entry, ...]
    is_open: bool


def courses(recoveries: Iterable[Recovery], *, now: datetime) -> list[Course]:
    """The courses of one company's recoveries, in their order. One statement."""
    found = list(recoveries)
    rows = RecoveryEntry.objects.filter(incident_id__in=[each.incident_id for each in found])
    entries = _entries_by("incident_id", rows)
    return [course(each, entries[each.incident_id], now=now) for each in found]


def course(recovery: Recovery, entries: Sequence[cohort.Entry], *, now: datetime) -> Course:
    """The course of one recovery from its entries."""
    incident = recovery.incident
    own = cohort.own_recovery(entries, components=None, now=now)
    is_silent_end = recovery.impacted_at is None and incident.is_over
    return Course(
        incident=incident,
        own=own,
        impacts=_impacts(recovery, own),
        entries=tuple(entries),
        is_open=recovery.restored_at is None and not is_silent_end,
    )


def measured(courses: Iterable[Course], *, from_at: datetime, until_at: datetime) -> Measured:
    """What of the courses counts between two instants, each second once."""
    return measured_impacts(
        (impact for each in courses for impact in each.impacts), from_at=from_at, until_at=until_at
    )


def measured_impacts(impacts: Iterable[Impact], *, from_at: datetime, until_at: datetime) -> Measured:
    """The same of stretches, by the weight that the setting gives to degraded time."""
    return availability.measure(
        impacts,
        from_at=from_at,
        until_at=until_at,
        degraded_weight_percent=settings.DEGRADED_WEIGHT_PERCENT,
    )


def of_one(recovery: Recovery, entries: Sequence[cohort.Entry], *, now: datetime) -> Measured:
    """What one incident counts for an account, from its first impact to its restoration or now."""
    from_at = recovery.impacted_at or min(recovery.incident.started_at, now)
    until_at = recovery.restored_at or max(now, from_at)
    return measured([course(recovery, entries, now=now)], from_at=from_at, until_at=until_at)


def differs_from_stored(recovery: Any) -> bool:
    """Whether the stored seconds of a recovery hold some that do not count: of planned work."""
    return recovery.incident.is_maintenance and recovery.impacted_at is not None


def counted(recoveries: Iterable[Recovery], *, now: datetime) -> dict[UUID, Measured]:
    """What counts of each recovery, by its incident, where the stored seconds may hold more.

    No statement where there is none such, else one.
    """
    planned = {each.incident_id: each for each in recoveries if differs_from_stored(each)}
    if not planned:
        return {}
    return {
        each.incident.pk: of_one(planned[each.incident.pk], each.entries, now=now)
        for each in courses(planned.values(), now=now)
    }


def counted_by_company(
    incident: Incident, *, now: datetime, company_id: UUID | None = None
) -> dict[UUID, Measured]:
    """The same of every company of a maintenance, or of one; empty for an incident.

    Two statements, staff scope.
    """
    if not incident.is_maintenance:
        return {}
    whose = {"incident": incident, **({"company": company_id} if company_id else {})}
    entries = _entries_by("company_id", RecoveryEntry.objects.filter(**whose))
    counted = {}
    for recovery in Recovery.objects.filter(**whose, impacted_at__isnull=False):
        recovery.incident = incident
        counted[recovery.company_id] = of_one(recovery, entries[recovery.company_id], now=now)
    return counted


def is_silent(recovery: Recovery) -> bool:
    """Whether an incident leaves it open whether the account was touched: unknown, never clear."""
    is_unknown = recovery.state == CompanyState.UNKNOWN and recovery.impacted_at is None
    return is_unknown and not recovery.incident.is_maintenance


def _entries_by(key: str, rows: QuerySet[RecoveryEntry]) -> dict[UUID, list[cohort.Entry]]:
    """The entries by that column of theirs; none where there is none."""
    entries: dict[UUID, list[cohort.Entry]] = defaultdict(list)
    for value, *facts in rows.values_list(key, *RecoveryEntry.FACTS):
        entries[value].append(RecoveryEntry.fact(tuple(facts)))
    return entries


def _impacts(recovery: Recovery, own: cohort.OwnRecovery) -> tuple[Impact, ...]:
    incident, phases = recovery.incident, own.impact
    if is_silent(recovery):
        until_at = incident.resolved_at if incident.is_over else None
        silence = cohort.Phase(state=CompanyState.UNKNOWN, from_at=incident.started_at, until_at=until_at)
        phases = (silence, *phases)
    window = None
    if incident.is_maintenance and incident.planned_end_at:
        window = incident.started_at, incident.planned_end_at
    return availability.impacts(phases, planned=window)
