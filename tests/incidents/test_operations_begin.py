"""Nothing is said of what has not begun: incidents of tomorrow, maintenance completed before its start."""

from datetime import timedelta

import pytest

from incidents import errors
from incidents.choices import Audience, CompanyState, IncidentKind, IncidentState, UpdateKind
from incidents.models import Incident, Recovery, Update
from incidents.operations import incidents
from tenants import scope
from tenants.actor import SYSTEM
from tests import factories
from tests.conftest import World

NOW = factories.STARTED_AT


def maintenance(world: World) -> Incident:
    """Published, of tomorrow."""
    draft = factories.draft(
        world.api,
        kind=IncidentKind.MAINTENANCE,
        state=IncidentState.SCHEDULED,
        started_at=NOW + timedelta(days=1),
        planned_end_at=NOW + timedelta(days=2),
    )
    with scope.as_staff():
        assert incidents.publish(SYSTEM, incident_id=draft.pk, now=NOW) == 2
    return draft


def complete(incident: Incident, *, days: float, audience: Audience = Audience.EVERYONE) -> str:
    """Post `resolved` so many days from now; returns the state that follows."""
    with scope.as_staff():
        incidents.post_update(
            SYSTEM,
            incident_id=incident.pk,
            kind=UpdateKind.RESOLVED,
            body_markdown="Done.",
            audience=audience,
            now=NOW + timedelta(days=days),
        )
        incident.refresh_from_db()
    return str(incident.state)


def test_an_incident_that_begins_later_stays_a_draft(world: World) -> None:
    soon = factories.draft(world.api, started_at=NOW + timedelta(minutes=2))
    later = factories.draft(world.api, started_at=NOW + timedelta(minutes=2, seconds=1))
    with scope.as_staff():
        incidents.publish(SYSTEM, incident_id=soon.pk, now=NOW, state=CompanyState.OUTAGE)
    with pytest.raises(errors.StartInFuture), scope.as_staff():
        incidents.publish(SYSTEM, incident_id=later.pk, now=NOW, state=CompanyState.OUTAGE)
    with scope.as_staff():
        later.refresh_from_db()
        assert later.is_draft
        assert not Recovery.objects.filter(incident=later).exists()


def test_a_maintenance_is_announced_ahead_and_completed_once_it_has_begun(world: World) -> None:
    planned = maintenance(world)
    with pytest.raises(errors.NotBegun):
        complete(planned, days=0.5)
    with scope.as_staff():
        planned.refresh_from_db()
        assert not Update.objects.filter(incident=planned).exists()
    assert planned.state == IncidentState.SCHEDULED
    assert complete(planned, days=0.5, audience=Audience.STAFF) == IncidentState.SCHEDULED
    assert complete(planned, days=1) == IncidentState.COMPLETED
