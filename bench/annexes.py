"""A report published with everybody's annex, against INSERT … SELECT of the same rows, references and all.

Run in the database that the environment names; prints its figures as JSON.
"""

import json
import os
import statistics
import sys
import time
from uuid import UUID

import psycopg

from bench import imports, standings
from incidents.choices import PublicationKind
from incidents.models import Incident, PostMortemVersion
from incidents.operations import report_drafts, reports
from tenants import scope
from tenants.actor import SYSTEM, Actor
from tenants.models import User

ROUNDS = 3
ZONE = "UTC"


def main(companies: int) -> None:
    incident = imports.incident_of(companies)
    standings.restore(incident)
    with scope.as_staff():
        draft = report_drafts.begin(SYSTEM, incident_id=incident.pk, zone=ZONE, now=imports.NOW)
    ours, floors = [], []
    for number in range(1, ROUNDS + 1):
        seconds, version = _publish(incident, draft.pk, number)
        ours.append(seconds)
        floors.append(_floor(version, companies))
    figures = {
        "companies": companies,
        "floor_seconds": statistics.median(floors),
        "publish_seconds": statistics.median(ours),
    }
    json.dump({name: round(value, 3) for name, value in figures.items()}, sys.stdout)


def _publish(incident: Incident, draft_id: UUID, number: int) -> tuple[float, PostMortemVersion]:
    """Seconds of the publication, until it is committed, of a report that a second person has reviewed."""
    with scope.as_staff():
        second = _second()
        draft = report_drafts.save(
            SYSTEM,
            post_mortem_id=draft_id,
            seen=number - 1,
            texts={"summary": f"The link broke, {number} times.", "root_cause": "It was worn."},
            acknowledged={},
            now=imports.NOW,
        )
        report_drafts.send_to_review(SYSTEM, post_mortem_id=draft_id, seen=draft.saved_count, now=imports.NOW)
        report_drafts.approve(second, post_mortem_id=draft_id, seen=draft.saved_count, now=imports.NOW)
    began = time.perf_counter()
    with scope.as_staff():
        version = reports.publish(
            SYSTEM,
            post_mortem_id=draft_id,
            kind=PublicationKind.PRELIMINARY if number == 1 else PublicationKind.REVISION,
            number=number,
            change_note="Another time.",
            now=imports.NOW,
        )
    return time.perf_counter() - began, version


def _second() -> Actor:
    email = "bench-second@vendor.example"
    user = User.objects.filter(email=email).first() or User.objects.create_user(email, name="Second")
    return Actor(user_id=user.pk, name=user.name, email=email, time_zone="", company=None, role=None)


def _floor(version: PostMortemVersion, companies: int) -> float:
    """Seconds, until they are committed, in which the same annexes are put back where they were."""
    with psycopg.connect(os.environ["DATABASE_ADMIN_URL"]) as floor:
        floor.execute(
            "create temporary table kept as select * from incidents_postmortemannex where version_id = %s",
            [version.pk],
        )
        floor.execute("delete from incidents_postmortemannex where version_id = %s", [version.pk])
        floor.commit()
        began = time.perf_counter()
        written = floor.execute("insert into incidents_postmortemannex select * from kept")
        floor.commit()
        seconds = time.perf_counter() - began
    if written.rowcount != companies:
        raise SystemExit(f"{written.rowcount} annexes were written instead of {companies}.")
    return seconds


if __name__ == "__main__":
    main(int(sys.argv[1]))
