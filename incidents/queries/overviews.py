"""A company's status now: what is open, its components, the last 90 days, this month."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db.models import Exists, OuterRef

from incidents import availability, clocks
from incidents.availability import Impact
from incidents.choices import WORST_FIRST, CompanyState, IncidentKind, IncidentState, RequestState
from incidents.models import (
    AffectedComponent,
    Placement,
    PostMortemRequest,
    Recovery,
    RequestQuestion,
)
from incidents.models.catalogue import IN_CATALOGUE_ORDER
from incidents.queries import downtime, headers, overview_shapes
from incidents.queries.downtime import Course
from incidents.queries.shapes import IncidentRow

DAYS = 90
RECENT = 5


def overview(*, zone: str, now: datetime, month_zone: str = "") -> overview_shapes.Overview:
    """The overview of the company of the scope; days are those of `zone`, the reader's.

    The month is that of `month_zone`, in which statements count it; without one it is `zone`, too.
    Five statements, four while nothing is open.
    """
    local = ZoneInfo(zone)
    today = now.astimezone(local).date()
    month_started_on = now.astimezone(ZoneInfo(month_zone or zone)).date().replace(day=1)
    month_from_at, _ = availability.month(month_started_on, month_zone or zone)
    since = min(_midnight(today - timedelta(days=DAYS - 1), local), month_from_at)
    recoveries = list(
        headers.with_own_promise(Recovery.objects.filter(incident__published_at__isnull=False))
        .select_related("incident")
        .order_by("-incident__started_at", "-incident_id")
    )
    open_now = [each for each in recoveries if headers.is_open_for(each, now=now)]
    upcoming = [each for each in recoveries if each.incident.state_at(now) is IncidentState.SCHEDULED]
    merged = [each for each in recoveries if each.incident.state == IncidentState.MERGED]
    over = [each for each in recoveries if each not in open_now + upcoming + merged]
    measured = [each for each in open_now if each.incident.kind == IncidentKind.INCIDENT]
    told = [*open_now, *over[:RECENT]]
    courses = downtime.courses(
        [
            each
            for each in recoveries
            if each in measured
            or _reaches(each, since, now=now)
            or (each in told and downtime.differs_from_stored(each))
        ],
        now=now,
    )
    own = {each.incident.pk: each for each in courses}
    counting = [each for each in courses if not each.incident.is_set_aside]
    requests_waiting, requests_asking_back = _requests()

    def row(each: Recovery) -> IncidentRow:
        counted = None
        if downtime.differs_from_stored(each):
            counted = downtime.of_one(each, own[each.incident_id].entries, now=now)
        return headers.incident_row(each, now=now, counted=counted)

    return overview_shapes.Overview(
        state=next((state for state in WORST_FIRST if any(r.state == state for r in measured)), None),
        open_incidents=tuple(row(each) for each in open_now),
        upcoming_maintenance=tuple(headers.incident_row(each, now=now) for each in reversed(upcoming)),
        recent_incidents=tuple(row(each) for each in over[:RECENT]),
        data_centers=_data_centers({each.incident_id for each in measured}, own),
        days=_days(
            [impact for each in counting for impact in each.impacts], today=today, local=local, now=now
        ),
        month_started_on=month_started_on,
        month=downtime.measured(counting, from_at=month_from_at, until_at=now),
        requests_waiting=requests_waiting,
        requests_asking_back=requests_asking_back,
        as_of=now,
    )


def _reaches(recovery: Recovery, since: datetime, *, now: datetime) -> bool:
    """Whether it touched the account after that instant, or nothing is known of whether it did."""
    if recovery.incident.is_set_aside:
        return False
    if recovery.impacted_at is not None:
        return (recovery.restored_at or now) >= since
    return downtime.is_silent(recovery) and (recovery.incident.ended_at or now) >= since


def _days(
    impacts: Sequence[Impact], *, today: date, local: ZoneInfo, now: datetime
) -> tuple[overview_shapes.DayStatus, ...]:
    """One row a day, oldest first: impact of all incidents, clipped to the day, counted once.

    Planned work within its window makes no day a bad one.
    """
    days = []
    for offset in range(DAYS - 1, -1, -1):
        on = today - timedelta(days=offset)
        start, end = _midnight(on, local), min(_midnight(on + timedelta(days=1), local), now)
        on_it = [
            each
            for each in impacts
            if each.from_at < end and (each.until_at is None or each.until_at > start)
        ]
        states = {each.state for each in on_it if not each.is_planned}
        counted = downtime.measured_impacts(on_it, from_at=start, until_at=end) if on_it else None
        days.append(
            overview_shapes.DayStatus(
                on=on,
                state=next((state for state in WORST_FIRST if state in states), None),
                outage_seconds=counted.outage_seconds if counted else 0,
                degraded_seconds=counted.degraded_seconds if counted else 0,
            )
        )
    return tuple(days)


def _data_centers(
    open_incident_ids: set[UUID], own: dict[UUID, Course]
) -> tuple[overview_shapes.DataCenterStatus, ...]:
    """Own components by data center, with the worst state that an open incident gives each.

    An affected component without any entry is unknown, not clear.
    """
    now_in: dict[UUID, set[CompanyState]] = defaultdict(set)
    spoken_of = set()
    for incident_id in open_incident_ids & own.keys():
        for interval in own[incident_id].own.intervals:
            spoken_of.add((incident_id, interval.component_id))
            if interval.until_at is None and interval.state is not CompanyState.RESTORED:
                now_in[interval.component_id].add(interval.state)
    affected = AffectedComponent.objects.filter(incident_id__in=open_incident_ids)
    for incident_id, component_id in affected.values_list("incident_id", "component_id"):
        if (incident_id, component_id) not in spoken_of:
            now_in[component_id].add(CompanyState.UNKNOWN)
    by_center: dict[str, list[overview_shapes.ComponentStatus]] = defaultdict(list)
    rows = Placement.objects.order_by(*IN_CATALOGUE_ORDER).values_list(
        "component_id", "component__name", "component__service__name", "component__data_center__name"
    )
    for component_id, name, service, center in rows:
        state = next((each for each in WORST_FIRST if each in now_in[component_id]), None)
        by_center[center].append(overview_shapes.ComponentStatus(name=name, service=service, state=state))
    return tuple(
        overview_shapes.DataCenterStatus(name=center, components=tuple(components))
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
