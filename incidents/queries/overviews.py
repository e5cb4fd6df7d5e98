"""A company's status now: what is open, its components, the last 90 days, this month."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db.models import Exists, OuterRef

from incidents import clocks, cohort
from incidents.choices import WORST_FIRST, CompanyState, IncidentKind, IncidentState, RequestState
from incidents.models import (
    AffectedComponent,
    Placement,
    PostMortemRequest,
    Recovery,
    RecoveryEntry,
    RequestQuestion,
)
from incidents.models.catalogue import IN_CATALOGUE_ORDER
from incidents.queries import headers, shapes

DAYS = 90
RECENT = 5


def overview(*, zone: str, now: datetime) -> shapes.Overview:
    """The overview of the company of the scope; days and months are those of `zone`.

    Five statements, four while nothing is open.
    """
    local = ZoneInfo(zone)
    today = now.astimezone(local).date()
    since = _midnight(min(today - timedelta(days=DAYS - 1), today.replace(day=1)), local)
    recoveries = list(
        Recovery.objects.filter(incident__published_at__isnull=False)
        .select_related("incident")
        .order_by("-incident__started_at", "-incident_id")
    )
    open_now = [each for each in recoveries if headers.is_open_for(each, now=now)]
    upcoming = [each for each in recoveries if each.incident.state_at(now) is IncidentState.SCHEDULED]
    merged = [each for each in recoveries if each.incident.state == IncidentState.MERGED]
    over = [each for each in recoveries if each not in open_now + upcoming + merged]
    measured = [each for each in open_now if each.incident.kind == IncidentKind.INCIDENT]
    recent_ids = [
        each.incident_id
        for each in recoveries
        if each in measured
        or (not each.incident.is_set_aside and each.impacted_at and (each.restored_at or now) >= since)
    ]
    own = _own_recoveries(recent_ids, now=now)
    days = _days(
        [phase for recovery in own.values() for phase in recovery.impact] + _silences(measured),
        today=today,
        local=local,
        now=now,
    )
    requests_waiting, requests_asking_back = _requests()
    month_started_on = today.replace(day=1)
    month = [day for day in days if day.on >= month_started_on]
    return shapes.Overview(
        state=next((state for state in WORST_FIRST if any(r.state == state for r in measured)), None),
        open_incidents=tuple(headers.incident_row(each, now=now) for each in open_now),
        upcoming_maintenance=tuple(headers.incident_row(each, now=now) for each in reversed(upcoming)),
        recent_incidents=tuple(headers.incident_row(each, now=now) for each in over[:RECENT]),
        data_centers=_data_centers({each.incident_id for each in measured}, own),
        days=days[-DAYS:],
        month_started_on=month_started_on,
        month_outage_seconds=sum(day.outage_seconds for day in month),
        month_degraded_seconds=sum(day.degraded_seconds for day in month),
        month_seconds=clocks.seconds_between(_midnight(month_started_on, local), now),
        requests_waiting=requests_waiting,
        requests_asking_back=requests_asking_back,
        as_of=now,
    )


def _own_recoveries(incident_ids: Sequence[UUID], *, now: datetime) -> dict[UUID, cohort.OwnRecovery]:
    """What the own entries in these incidents add up to. One statement."""
    entries = defaultdict(list)
    rows = RecoveryEntry.objects.filter(incident_id__in=incident_ids).values_list(
        "incident_id", *RecoveryEntry.FACTS
    )
    for incident_id, *facts in rows:
        entries[incident_id].append(RecoveryEntry.fact(tuple(facts)))
    return {
        incident_id: cohort.own_recovery(of_one, components=None, now=now)
        for incident_id, of_one in entries.items()
    }


def _silences(open_recoveries: Sequence[Recovery]) -> list[cohort.Phase]:
    """The stretches of open incidents in which nothing is known of the account: never clear."""
    return [
        cohort.Phase(state=CompanyState.UNKNOWN, from_at=each.incident.started_at, until_at=None)
        for each in open_recoveries
        if each.state == CompanyState.UNKNOWN and each.impacted_at is None
    ]


def _days(
    phases: Sequence[cohort.Phase], *, today: date, local: ZoneInfo, now: datetime
) -> tuple[shapes.DayStatus, ...]:
    """One row a day, oldest first: impact of all incidents, clipped to the day, counted once."""
    first = min(today - timedelta(days=DAYS - 1), today.replace(day=1))
    days = []
    for offset in range((today - first).days + 1):
        on = first + timedelta(days=offset)
        start, end = _midnight(on, local), min(_midnight(on + timedelta(days=1), local), now)
        clipped = {
            state: [
                (max(phase.from_at, start), min(phase.until_at or now, end))
                for phase in phases
                if phase.state is state and phase.from_at < end and (phase.until_at or now) > start
            ]
            for state in (CompanyState.OUTAGE, CompanyState.DEGRADED, CompanyState.UNKNOWN)
        }
        outage_seconds = _union_seconds(clipped[CompanyState.OUTAGE])
        either = clipped[CompanyState.OUTAGE] + clipped[CompanyState.DEGRADED]
        days.append(
            shapes.DayStatus(
                on=on,
                state=next((state for state in WORST_FIRST if clipped.get(state)), None),
                outage_seconds=outage_seconds,
                degraded_seconds=_union_seconds(either) - outage_seconds,
            )
        )
    return tuple(days)


def _union_seconds(stretches: list[tuple[datetime, datetime]]) -> int:
    """Seconds covered by at least one of the stretches."""
    covered = 0
    reached: datetime | None = None
    for start, end in sorted(stretches):
        begin = start if reached is None else max(start, reached)
        if end > begin:
            covered += clocks.seconds_between(begin, end)
            reached = end
    return covered


def _data_centers(
    open_incident_ids: set[UUID], own: dict[UUID, cohort.OwnRecovery]
) -> tuple[shapes.DataCenterStatus, ...]:
    """Own components by data center, with the worst state that an open incident gives each.

    An affected component without any entry is unknown, not clear.
    """
    now_in: dict[UUID, set[CompanyState]] = defaultdict(set)
    spoken_of = set()
    for incident_id in open_incident_ids & own.keys():
        for interval in own[incident_id].intervals:
            spoken_of.add((incident_id, interval.component_id))
            if interval.until_at is None and interval.state is not CompanyState.RESTORED:
                now_in[interval.component_id].add(interval.state)
    affected = AffectedComponent.objects.filter(incident_id__in=open_incident_ids)
    for incident_id, component_id in affected.values_list("incident_id", "component_id"):
        if (incident_id, component_id) not in spoken_of:
            now_in[component_id].add(CompanyState.UNKNOWN)
    by_center: dict[str, list[shapes.ComponentStatus]] = defaultdict(list)
    rows = Placement.objects.order_by(*IN_CATALOGUE_ORDER).values_list(
        "component_id", "component__name", "component__service__name", "component__data_center__name"
    )
    for component_id, name, service, center in rows:
        state = next((each for each in WORST_FIRST if each in now_in[component_id]), None)
        by_center[center].append(shapes.ComponentStatus(name=name, service=service, state=state))
    return tuple(
        shapes.DataCenterStatus(name=center, components=tuple(components))
        for center, components in by_center.items()
    )


def _requests() -> tuple[tuple[tuple[str, str], ...], tuple[tuple[str, str], ...]]:
    """(reference, title) of the incidents whose request waits for the vendor's answer, and of those of
    which the vendor has asked the company something. One statement."""
    asked_back = RequestQuestion.objects.filter(request=OuterRef("pk"), from_vendor=True, answered_at=None)
    rows = list(
        PostMortemRequest.objects.filter(state__in=RequestState.open())
        .annotate(asks_back=Exists(asked_back))
        .order_by("requested_at")
        .values_list("incident__reference", "incident__title", "state", "asks_back")
    )
    return (
        tuple((reference, title) for reference, title, state, _ in rows if state == RequestState.REQUESTED),
        tuple((reference, title) for reference, title, _state, asks_back in rows if asks_back),
    )


def _midnight(on: date, local: ZoneInfo) -> datetime:
    return clocks.as_utc(datetime(on.year, on.month, on.day, tzinfo=local))
