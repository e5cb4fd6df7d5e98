"""Places, cohort and roster counted anew, against one query for the share and one UPDATE of the same rows.

Run in the database that the environment names; prints its figures as JSON.
"""

import json
import os
import statistics
import sys
import time
from collections.abc import Callable
from datetime import timedelta

import psycopg

from bench import imports
from incidents import standings
from incidents.choices import CompanyState, EntrySource
from incidents.models import AffectedPlacement, Incident
from incidents.operations import recoveries
from tenants import scope
from tenants.actor import SYSTEM

ROUNDS = 5

_SHARE = """
select percentile_disc(0.95) within group (order by restored_at)
from incidents_recovery where incident_id = %s
"""

_UPDATE = """
update incidents_recovery set rank = 1, percentile = 50, in_tail = restored_at > %s where incident_id = %s
"""


def main(companies: int) -> None:
    incident = imports.incident_of(companies)
    restore(incident)
    floors, ours, singles = [], [], []
    for _ in range(ROUNDS):
        _forget(incident)
        floors.append(_floor(incident))
        _forget(incident)
        ours.append(_seconds(lambda: standings.refresh(_locked(incident), now=imports.NOW)))
        singles.append(_one_recording(incident))
    figures = {
        "companies": companies,
        "floor_seconds": statistics.median(floors),
        "refresh_seconds": statistics.median(ours),
        "one_recording_seconds": statistics.median(singles),
    }
    json.dump({name: round(value, 3) for name, value in figures.items()}, sys.stdout)


def restore(incident: Incident) -> None:
    """Every company restored, each at its own second."""
    with scope.as_staff():
        placed = AffectedPlacement.objects.filter(incident=incident).values_list("company_id", "component_id")
        facts = [
            recoveries.Fact(
                company_id=company_id,
                component_id=component_id,
                state=CompanyState.RESTORED,
                at=imports.STARTED_AT + timedelta(seconds=1 + number),
            )
            for number, (company_id, component_id) in enumerate(placed)
        ]
        recoveries.record_facts(
            SYSTEM, incident_id=incident.pk, facts=facts, now=imports.NOW, source=EntrySource.OPS
        )


def _locked(incident: Incident) -> Incident:
    return Incident.objects.select_for_update(no_key=True).get(pk=incident.pk)


def _seconds(work: Callable[[], object]) -> float:
    """Until it is committed."""
    began = time.perf_counter()
    with scope.as_staff():
        work()
    return time.perf_counter() - began


def _one_recording(incident: Incident) -> float:
    """One company of all goes down and comes back."""
    with scope.as_staff():
        company_id = AffectedPlacement.objects.filter(incident=incident).values_list("company_id", flat=True)[
            0
        ]
    return _seconds(
        lambda: recoveries.record_recovery(
            SYSTEM,
            incident_id=incident.pk,
            company_ids=[company_id],
            state=CompanyState.RESTORED,
            at=imports.NOW - timedelta(seconds=time.perf_counter() % 1000),
            now=imports.NOW,
        )
    )


def _floor(incident: Incident) -> float:
    with psycopg.connect(os.environ["DATABASE_ADMIN_URL"]) as floor:
        began = time.perf_counter()
        (share,) = floor.execute(_SHARE, [incident.pk]).fetchone() or (None,)
        floor.execute(_UPDATE, [share, incident.pk])
        floor.commit()
        return time.perf_counter() - began


def _forget(incident: Incident) -> None:
    """No company has a place, and no dead row is in the way of the next."""
    with psycopg.connect(os.environ["DATABASE_ADMIN_URL"], autocommit=True) as floor:
        floor.execute(
            "update incidents_recovery set rank = null, percentile = null, in_tail = null "
            "where incident_id = %s",
            [incident.pk],
        )
        floor.execute("vacuum incidents_recovery")


if __name__ == "__main__":
    main(int(sys.argv[1]))
