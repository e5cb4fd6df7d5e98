"""The list of the tail after publication: seen before and after, then changed for everybody at once."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from incidents import errors
from incidents.choices import RosterPolicy
from incidents.models import Incident, Recovery, RosterEntry
from incidents.operations import disclosure, roster
from incidents.queries import staff_roster
from incidents.queries.staff_roster import RosterChange
from tenants import scope
from tenants.models import AuditEvent, Company, User
from tests import factories
from tests.conftest import World
from tests.incidents import crowds

SignIn = Callable[[User], Client]
NOW = factories.STARTED_AT + timedelta(hours=12)
HIDDEN, COUNTS, NAMES = RosterPolicy.HIDDEN, RosterPolicy.COUNTS, RosterPolicy.NAMES


def address(incident: Incident) -> str:
    return reverse("admin:incidents_incident_roster", args=[incident.pk])


@pytest.fixture
def outage(world: World) -> Incident:
    """Forty companies: thirty-six after an hour, then two, then Acme (it agreed) and Globex (it did not)."""
    crowd = crowds.companies(38, world.api, consenting=37)
    made = factories.incident(world.api)
    factories.restore(crowd[:36], made, minutes=60)
    factories.restore(crowd[36:], made, minutes=70)
    factories.restore(world.acme, made, minutes=80)
    factories.restore(world.globex, made, minutes=90)
    return made


def foreseen(incident: Incident, policy: RosterPolicy, tail_percent: int) -> RosterChange:
    with scope.as_staff():
        incident.refresh_from_db()
        return staff_roster.roster_change(incident, policy=policy, tail_percent=tail_percent)


def change(world: World, incident: Incident, policy: RosterPolicy, tail_percent: int = 5) -> bool:
    with scope.as_staff():
        done = roster.change(
            factories.actor(world.sam),
            incident_id=incident.pk,
            policy=policy,
            tail_percent=tail_percent,
            now=NOW,
        )
        incident.refresh_from_db()
    return done


def in_tail(incident: Incident) -> set[str]:
    with scope.as_staff():
        rows = Recovery.objects.filter(incident=incident, in_tail=True)
        return set(rows.values_list("company__name", flat=True))


def named(incident: Incident) -> set[str]:
    with scope.as_staff():
        return set(RosterEntry.objects.filter(incident=incident).values_list("name", flat=True))


def actions() -> list[str]:
    with scope.as_staff():
        found = AuditEvent.objects.filter(object_type="incidents.incident").order_by("pk")
        return [event.action for event in found if event.action.startswith(("roster", "tail"))]


def read_by(client: Client, company: Company, incident: Incident) -> str:
    return client.get(f"/{company.slug}/incidents/{incident.reference}/").content.decode()


def test_a_withdrawn_list_is_gone_from_the_clients_next_page_and_comes_back(
    world: World, outage: Incident, signed_in: SignIn
) -> None:
    gus = signed_in(world.gus)
    assert "Acme Stores" in read_by(gus, world.globex, outage)
    assert change(world, outage, HIDDEN)
    shown = read_by(gus, world.globex, outage)
    assert "Acme Stores" not in shown
    assert "The list is not published" in shown
    assert named(outage) == set()
    assert change(world, outage, COUNTS)
    assert "clients that are not named" in read_by(gus, world.globex, outage)
    assert change(world, outage, NAMES)
    assert "Acme Stores" in read_by(gus, world.globex, outage)
    assert actions() == ["roster.withdrawn", "roster.published", "roster.changed"]


def test_a_poll_sees_that_the_list_was_withdrawn(world: World, outage: Incident, signed_in: SignIn) -> None:
    gus = signed_in(world.gus)
    there = f"/globex/incidents/{outage.reference}/"
    etag = gus.get(there, headers={"HX-Request": "true"})["ETag"]
    asked = {"HX-Request": "true", "If-None-Match": etag}
    assert gus.get(there, headers=asked).status_code == 304
    change(world, outage, HIDDEN)
    assert gus.get(there, headers=asked).status_code == 200


def test_a_larger_share_takes_more_companies_into_the_tail_as_foreseen(
    world: World, outage: Incident
) -> None:
    assert in_tail(outage) == {"Acme Stores", "Globex Hotels"}
    ahead = foreseen(outage, NAMES, 10)
    assert (ahead.before.share_at, ahead.after.share_at) == (
        factories.STARTED_AT + timedelta(minutes=70),
        factories.STARTED_AT + timedelta(minutes=60),
    )
    assert ahead.before.who == "2 companies: 1 by name, 1 as a number"
    assert ahead.after.who == "4 companies: 2 by name, 2 as a number"
    assert (ahead.entering.count, ahead.entering.names) == (2, ("Crowd 0036", "Crowd 0037"))
    assert ahead.leaving.count == 0
    assert ahead.newly_named.names == ("Crowd 0036",)
    assert change(world, outage, NAMES, 10)
    assert in_tail(outage) == {"Acme Stores", "Globex Hotels", "Crowd 0036", "Crowd 0037"}
    assert named(outage) == {"Acme Stores", "Crowd 0036"}
    with scope.as_staff():
        assert outage.cohort.tail_count == 4
        assert outage.cohort.restored_share_at == ahead.after.share_at
    assert actions() == ["tail.share_changed"]


def test_a_smaller_share_lets_companies_leave_and_takes_their_names_off(
    world: World, outage: Incident
) -> None:
    ahead = foreseen(outage, NAMES, 3)
    assert (ahead.leaving.names, ahead.no_longer_named.names) == (("Acme Stores",), ("Acme Stores",))
    assert ahead.after.who == "1 company: 0 by name, 1 as a number"
    change(world, outage, NAMES, 3)
    assert in_tail(outage) == {"Globex Hotels"}
    assert named(outage) == set()


def test_who_is_not_restored_enters_with_a_share_that_is_complete(world: World) -> None:
    crowd = crowds.companies(38, world.api)
    made = factories.incident(world.api)
    factories.restore(crowd[:36], made, minutes=60)
    ahead = foreseen(made, NAMES, 10)
    assert (ahead.before.share_at, ahead.before.tail_count) == (None, 0)
    assert ahead.before.who == "Nothing yet: the first 95% are not restored"
    assert ahead.entering.names == ("Acme Stores", "Crowd 0036", "Crowd 0037", "Globex Hotels")


def test_in_a_small_cohort_clients_read_nothing_whatever_is_chosen(world: World) -> None:
    made = factories.incident(world.api)
    factories.restore(world.globex, made, minutes=60)
    factories.restore(world.acme, made, minutes=70)
    ahead = foreseen(made, NAMES, 50)
    assert ahead.after.is_too_small
    assert "fewer than 20 companies" in ahead.after.who
    assert (ahead.after.named_count, ahead.newly_named.count) == (0, 0)
    change(world, made, NAMES, 50)
    assert (in_tail(made), named(made)) == (set(), set())


def test_what_is_set_already_changes_nothing(world: World, outage: Incident) -> None:
    version = outage.version
    assert not change(world, outage, NAMES, 5)
    assert outage.version == version
    assert actions() == []


def test_a_draft_has_no_list_to_change(world: World) -> None:
    draft = factories.draft(world.api)
    with pytest.raises(errors.NotPublished):
        change(world, draft, HIDDEN)


@pytest.mark.parametrize("policy", [HIDDEN, COUNTS, NAMES])
@pytest.mark.parametrize("tail_percent", [1, 5, 10, 50])
def test_what_is_foreseen_is_what_comes(
    world: World, outage: Incident, policy: RosterPolicy, tail_percent: int
) -> None:
    was, was_named = in_tail(outage), named(outage)
    ahead = foreseen(outage, policy, tail_percent)
    change(world, outage, policy, tail_percent)
    assert in_tail(outage) - was == set(ahead.entering.names)
    assert was - in_tail(outage) == set(ahead.leaving.names)
    assert named(outage) - was_named == set(ahead.newly_named.names)
    assert was_named - named(outage) == set(ahead.no_longer_named.names)
    assert len(named(outage)) == ahead.after.named_count


# The page.


def seen(client: Client, incident: Incident, **asked: Any) -> dict[str, str]:
    """What the form of a shown change would send."""
    shown: RosterChange = client.get(address(incident), asked).context["change"]
    return {**asked, "seen": shown.digest}


def test_the_page_shows_first_and_changes_only_what_was_shown(
    world: World, outage: Incident, signed_in: SignIn
) -> None:
    client = signed_in(world.sam)
    asked = {"policy": "hidden", "tail_percent": "5"}
    page = client.get(address(outage), asked).content.decode()
    assert "Withdraw the list" in page
    assert "2 companies: 1 by name, 1 as a number" in page
    assert named(outage) == {"Acme Stores"}, "looking changes nothing"
    answer = client.post(address(outage), asked)
    assert "have moved since you saw them" in answer.content.decode()
    assert named(outage) == {"Acme Stores"}
    sent = seen(client, outage, **asked)
    assert client.post(address(outage), sent).status_code == 302
    assert named(outage) == set()
    client.post(address(outage), sent)
    assert actions() == ["roster.withdrawn"], "a double click withdraws once"


def test_names_that_were_not_shown_are_not_published(
    world: World, outage: Incident, signed_in: SignIn
) -> None:
    change(world, outage, HIDDEN)
    client = signed_in(world.sam)
    sent = seen(client, outage, policy="names", tail_percent="5")
    with scope.as_staff():
        disclosure.set_consent(factories.actor(world.sam), company_id=world.globex.pk, consents=True, now=NOW)
    answer = client.post(address(outage), sent)
    assert "have moved since you saw them" in answer.content.decode()
    assert named(outage) == set()


@pytest.mark.parametrize(
    "sent",
    [
        {},
        {"policy": "rumour", "tail_percent": "5"},
        {"policy": "names", "tail_percent": "0"},
        {"policy": "names", "tail_percent": "51"},
        {"policy": "names", "tail_percent": "9" * 400},
        {"policy": "names"},
        {"policy": "\0", "tail_percent": "\0"},
    ],
)
def test_what_cannot_be_is_refused(
    world: World, outage: Incident, signed_in: SignIn, sent: dict[str, str]
) -> None:
    client = signed_in(world.sam)
    for answer in (client.get(address(outage), sent), client.post(address(outage), sent)):
        assert answer.status_code == 200
        assert answer.context.get("change") is None
    assert actions() == []
    assert named(outage) == {"Acme Stores"}
