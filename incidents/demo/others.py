"""The smaller incidents around the day of loading: one open, two resolved, two maintenances."""

from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from uuid import UUID

from incidents.choices import CompanyState, Severity, UpdateKind
from incidents.demo import playback, world
from incidents.demo.playback import Announcement
from incidents.models import Incident, Placement
from incidents.operations import incidents, maintenances
from incidents.operations.recoveries import Fact
from tenants.actor import SYSTEM

OPEN = "INC-9D3VHX7M"
RESOLVED = "INC-6TRW8B2N"
MINOR = "INC-4YJ5CPE3"
SCHEDULED = "INC-KX7G2M9A"
COMPLETED = "INC-W5N8DQ6H"

Turn = tuple[int, CompanyState]
"""From so many minutes after the start on, a company was in this state."""


def write(*, now: datetime) -> None:
    """Write them in the order in which they happened, seen from `now` (to the minute). Staff scope."""
    now = now.replace(second=0, microsecond=0)
    _write_resolved(now - timedelta(days=30, hours=3))
    _write_minor(now - timedelta(days=21, hours=5))
    _write_completed((now - timedelta(days=12)).replace(hour=3, minute=0))
    _write_scheduled(
        (now + timedelta(days=3)).replace(hour=3, minute=0), announced_at=now - timedelta(days=2)
    )
    _write_open(now)


def _write_resolved(started_at: datetime) -> None:
    """A morning of North America only: Globex was hit, Acme never heard of it."""
    components = ("Payment Processing (NA)", "PosWeb (NA)")
    incident = playback.draft(
        RESOLVED,
        title="Card payments failing in North America",
        severity=Severity.MAJOR,
        started_at=started_at,
        detected_at=_after(started_at, 4),
        components=components,
    )

    def turns(number: int) -> list[Turn]:
        back = 34 + number * 37 % 52
        return [(18 + number % 7, CompanyState.DEGRADED), (back, CompanyState.RESTORED)]

    playback.play(
        incident.pk,
        published_at=_after(started_at, 9),
        state=CompanyState.OUTAGE,
        facts=_facts(incident, components, turns),
        announcements=[
            Announcement(
                at=_after(started_at, 9),
                kind=UpdateKind.INVESTIGATING,
                body="Card payments and PosWeb fail for clients in North America. We are looking into it.",
                next_update_at=_after(started_at, 40),
            ),
            Announcement(
                at=_after(started_at, 31),
                kind=UpdateKind.IDENTIFIED,
                body="An expired certificate between PosWeb and the payment gateway is the cause. "
                "It is being replaced.",
                next_update_at=_after(started_at, 75),
            ),
            Announcement(
                at=_after(started_at, 70),
                kind=UpdateKind.MONITORING,
                body="The new certificate is in place. Payments go through again; the last accounts follow.",
            ),
            Announcement(
                at=_after(started_at, 110),
                kind=UpdateKind.RESOLVED,
                body="Every account takes card payments again. Certificates are now renewed thirty "
                "days ahead.",
            ),
        ],
    )


def _write_minor(started_at: datetime) -> None:
    """An hour of late reports in Europe."""
    components = ("Reports (EU)",)
    incident = playback.draft(
        MINOR,
        title="Reports arriving late",
        severity=Severity.MINOR,
        started_at=started_at,
        detected_at=_after(started_at, 11),
        components=components,
    )
    playback.play(
        incident.pk,
        published_at=_after(started_at, 15),
        state=CompanyState.DEGRADED,
        facts=_facts(incident, components, lambda number: [(41 + number * 11 % 24, CompanyState.RESTORED)]),
        announcements=[
            Announcement(
                at=_after(started_at, 15),
                kind=UpdateKind.IDENTIFIED,
                body="Scheduled reports in Europe arrive up to an hour late, because an index is being "
                "rebuilt. No figures are lost.",
            ),
            Announcement(
                at=_after(started_at, 72),
                kind=UpdateKind.RESOLVED,
                body="The index is complete, and reports are on time again.",
            ),
        ],
    )


def _write_completed(started_at: datetime) -> None:
    """A maintenance that went as planned."""
    components = ("PosWeb (EU)", "PosWeb (NA)")
    incident = playback.draft(
        COMPLETED,
        title="PosWeb: new session storage",
        severity=Severity.MINOR,
        started_at=started_at,
        planned_end_at=_after(started_at, 90),
        components=components,
    )
    announced_at = started_at - timedelta(days=6)
    playback.play(
        incident.pk,
        published_at=announced_at,
        announcements=[
            Announcement(
                at=announced_at,
                kind=UpdateKind.UPDATE,
                body="PosWeb gets a new session storage. Expect slow pages for at most an hour within "
                "the window; nobody needs to do anything.",
            )
        ],
    )
    maintenances.advance(SYSTEM, now=started_at)
    ended_at = _after(started_at, 90)
    playback.record(
        incident.pk,
        facts=_facts(
            incident,
            components,
            lambda number: [(5, CompanyState.DEGRADED), (24 + number * 7 % 26, CompanyState.RESTORED)],
        ),
        now=ended_at,
    )
    maintenances.advance(SYSTEM, now=ended_at)
    incidents.post_update(
        SYSTEM,
        incident_id=incident.pk,
        kind=UpdateKind.RESOLVED,
        body_markdown="Done within the window. Pages were slow for less than an hour.",
        now=ended_at,
    )


def _write_scheduled(started_at: datetime, *, announced_at: datetime) -> None:
    """A maintenance that is still to come, for both data centers."""
    incident = playback.draft(
        SCHEDULED,
        title="Client Portal and Reports: database upgrade",
        severity=Severity.MINOR,
        started_at=started_at,
        planned_end_at=started_at + timedelta(hours=2),
        components=world.component_names(("Client Portal", "Reports"), world.DATA_CENTERS),
    )
    playback.play(
        incident.pk,
        published_at=announced_at,
        announcements=[
            Announcement(
                at=announced_at,
                kind=UpdateKind.UPDATE,
                body="The databases behind Client Portal and Reports are upgraded. Each account is "
                "read-only for about ten minutes within the window.",
            )
        ],
    )


def _write_open(now: datetime) -> None:
    """Forty minutes old: some are back, some slow, some down, and of some nothing is known yet."""
    started_at = _after(now, -40)
    components = ("Payment Processing (EU)",)
    incident = playback.draft(
        OPEN,
        title="Card payments slow or failing in Europe",
        severity=Severity.MAJOR,
        started_at=started_at,
        detected_at=_after(started_at, 3),
        components=components,
    )

    def turns(number: int) -> list[Turn]:
        down: Turn = (number % 4, CompanyState.OUTAGE)
        slow: Turn = (14 + number % 5, CompanyState.DEGRADED)
        back: Turn = (21 + number % 17, CompanyState.RESTORED)
        return [[down, slow, back], [down, slow], [down, slow, back], [], [down, slow], [down]][number % 6]

    acme = world.key("company", world.ACME)
    playback.play(
        incident.pk,
        published_at=_after(started_at, 6),
        facts=[
            *_facts(incident, components, turns, but=acme),
            *_facts(
                incident,
                components,
                lambda _: [(0, CompanyState.OUTAGE), (17, CompanyState.DEGRADED)],
                only=acme,
            ),
        ],
        announcements=[
            Announcement(
                at=_after(started_at, 6),
                kind=UpdateKind.INVESTIGATING,
                body="Card payments in Europe are slow, and some fail. We are looking for the cause.",
                next_update_at=_after(started_at, 30),
            ),
            Announcement(
                at=_after(started_at, 25),
                kind=UpdateKind.IDENTIFIED,
                body="One of two lines to the card network loses packets. Traffic is being moved to the "
                "other line, account by account. A payment that failed was **not** charged.",
                next_update_at=_after(now, 20),
            ),
        ],
        recorded_ats=[_after(now, -1)],
    )


def _after(start: datetime, minutes: int) -> datetime:
    return start + timedelta(minutes=minutes)


def _facts(
    incident: Incident,
    components: Collection[str],
    turns: Callable[[int], list[Turn]],
    *,
    only: UUID | None = None,
    but: UUID | None = None,
) -> list[Fact]:
    """Facts of the companies on these components; `turns` by a number that the company keeps."""
    placements = Placement.objects.filter(component_id__in=[world.component_id(name) for name in components])
    if only:
        placements = placements.filter(company_id=only)
    return [
        Fact(
            company_id=company_id,
            component_id=component_id,
            state=state,
            at=_after(incident.started_at, minute),
        )
        for company_id, component_id in placements.values_list("company_id", "component_id").order_by(
            "company_id", "component_id"
        )
        if company_id != but
        for minute, state in turns(company_id.int % 9_973)
    ]
