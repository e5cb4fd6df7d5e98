"""The outage of 4 February 2026, minute by minute, for as many companies as are asked for."""

import math
from collections.abc import Sequence
from datetime import timedelta

from incidents import cohort, standings
from incidents.choices import CompanyState, Severity
from incidents.demo import founding_texts, playback, world
from incidents.demo.founding_texts import on_the_day
from incidents.demo.world import DemoCompany
from incidents.models import Claim, Cohort, Incident, Update
from incidents.operations.recoveries import Fact

REFERENCE = "INC-2F8KQ4ZT"
STARTED_AT = on_the_day(13, 45)
DETECTED_AT = on_the_day(13, 50)
"""The minute at which the status page's header lets the incident begin: when the vendor noticed."""
PUBLISHED_AT = founding_texts.ANNOUNCEMENTS[0].at
RECORDED_ATS = (on_the_day(18, 15), on_the_day(20, 20))
"""When the operators wrote down who was back, besides just before each announcement."""

# Minutes after 13:45.
_REACHABLE = {15: 70, 20: 12, 27: 10, 39: 8}
"""When an account could be reached again (14:00 to 14:24), by how many in a hundred."""
_FIRST_RECOVERY = 135
_LENGTH_OF_FIRST_RECOVERY = 130
_TAIL = (277, 290, 290, 305, 319, 335, 335, 347, 365, 380, 380, 390)
"""When the groups of the last 5% were back, the last one at 20:15."""
_LAGS = (0, 0, 4, 11)
_LAGS_OF_TAIL = (0, 0, 25, 60)
"""By how many minutes a component was back before the last one of its account."""


def write(companies: Sequence[DemoCompany]) -> Incident:
    """Write the incident with all that was recorded, said and claimed. Staff scope.

    `companies` are in the order in which they recovered, and placed on the components already.
    """
    incident = playback.draft(
        REFERENCE,
        title="System outage",
        severity=Severity.MAJOR,
        started_at=STARTED_AT,
        detected_at=DETECTED_AT,
        components=world.component_names(world.SERVICES, world.DATA_CENTERS),
    )
    playback.play(
        incident.pk,
        published_at=PUBLISHED_AT,
        state=CompanyState.OUTAGE,
        facts=[fact for place in range(len(companies)) for fact in facts(companies, place)],
        announcements=founding_texts.ANNOUNCEMENTS,
        recorded_ats=RECORDED_ATS,
    )
    return _close(incident)


def _close(incident: Incident) -> Incident:
    """Attach the claims, and let the incident end with its last client instead of with what was said."""
    updates = {update.published_at: update for update in Update.objects.filter(incident=incident)}
    claims = founding_texts.claims()
    for claim in claims:
        claim.incident = incident
        claim.update = updates.get(claim.posted_at) if claim.posted_at else None
    Claim.objects.bulk_create(claims)
    incident.refresh_from_db()
    incident.resolved_at = Cohort.objects.get(incident=incident).all_restored_at
    incident.save(update_fields=["resolved_at"])
    standings.refresh(incident, now=founding_texts.ANNOUNCEMENTS[-1].at)
    return incident


def restored_minute(place: int, count: int) -> int:
    """Minutes after 13:45 at which the company at `place` (from 0) of `count` was restored.

    The first 95% come back between 16:00 and 18:10, faster at first, the last few of them together
    at 18:10. The others come in groups up to 20:15.

    >>> [restored_minute(place, 240) for place in (0, 119, 227, 228, 239)]
    [135, 186, 265, 277, 390]
    """
    first_count = cohort.companies_in(95, affected_count=count)
    if place < first_count:
        share = (place + 1) / first_count
        return _FIRST_RECOVERY + min(_LENGTH_OF_FIRST_RECOVERY, round(133 * share * math.sqrt(share)))
    from_the_end = count - 1 - place
    return _TAIL[-1 - from_the_end * len(_TAIL) // (count - first_count)]


def facts(companies: Sequence[DemoCompany], place: int) -> list[Fact]:
    """What happened to one company after the outage with which the incident was declared."""
    company = companies[place]
    drawn = world.chance("founding", company.slug)
    restored = restored_minute(place, len(companies))
    is_late = place >= cohort.companies_in(95, affected_count=len(companies))
    reachable = drawn.choices(tuple(_REACHABLE), tuple(_REACHABLE.values()))[0]
    turns = {name: [(reachable, CompanyState.DEGRADED)] for name in company.components}
    slowest = drawn.choice(company.components)
    if drawn.random() < 0.06:
        # The waiting requests closed the routing applications once more.
        down_again = drawn.randrange(50, 70)
        turns[slowest] += [
            (down_again, CompanyState.OUTAGE),
            (down_again + drawn.randrange(6, 15), CompanyState.DEGRADED),
        ]
    if is_late and (len(companies) - 1 - place) % 3 == 0:
        # Back with most others, then timeouts after 18:10.
        turns[slowest] += [
            (drawn.randrange(240, 258), CompanyState.RESTORED),
            (drawn.randrange(267, 275), CompanyState.DEGRADED),
        ]
    for name in company.components:
        lag = 0 if name == slowest else drawn.choice(_LAGS_OF_TAIL if is_late else _LAGS)
        turns[name].append((max(_FIRST_RECOVERY, restored - lag), CompanyState.RESTORED))
    company_id = company.id
    return [
        Fact(
            company_id=company_id,
            component_id=world.component_id(name),
            state=state,
            at=STARTED_AT + timedelta(minutes=minute),
        )
        for name, turns_of_one in turns.items()
        for minute, state in turns_of_one
    ]
