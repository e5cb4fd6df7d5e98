"""What a posted text says of the facts becomes claims that each account reads against its own record."""

from datetime import timedelta
from typing import Any

import pytest

from incidents.audiences import Readers
from incidents.choices import Audience, ClaimKind, CompanyState, IncidentKind, UpdateKind, Verdict
from incidents.models import Claim, Update
from incidents.operations import incidents
from incidents.queries import shapes
from tenants import scope
from tests import factories
from tests.conftest import World
from tests.incidents.reading import instant, read

OVERRIDE = "Kept as it was said."
ZONE = "Europe/Paris"


def say(world: World, text: str, *, minutes: float = 60, **more: Any) -> Update:
    with scope.as_staff():
        given: dict[str, Any] = {
            "kind": UpdateKind.UPDATE,
            "override_reason": OVERRIDE,
            "zone": "Europe/Paris",
        }
        return incidents.post_update(
            factories.actor(world.sam),
            incident_id=world.incident.pk,
            body_markdown=text,
            now=instant(minutes),
            **given | more,
        )


def kept(world: World) -> list[tuple[str, object]]:
    with scope.as_staff():
        return [
            (each.kind, each.claimed_seconds or each.claimed_percent or each.claimed_at)
            for each in Claim.objects.filter(incident=world.incident).order_by("pk")
        ]


def claim_of(page: shapes.IncidentPage, kind: ClaimKind) -> shapes.ClaimRow:
    (found,) = (row for row in page.claims if row.kind is kind)
    return found


@pytest.mark.parametrize(
    ("text", "claimed"),
    [
        ("It began at 13:50 CET.", [("started_at", instant(5))]),
        ("Everyone is back.", [("restored_at", instant(60))]),
        ("All accounts were restored at 14:30.", [("restored_at", instant(45))]),
        ("The total duration was 4 h 30 min.", [("total_duration", 16200)]),
        ("95% of accounts are restored.", [("restored_share", 95)]),
        ("Nothing of it is known yet. Next update at 15:00.", []),
        ("The EU accounts were restored at 14:30.", []),
        ("Moving the queue took 20 minutes.", []),
        ("In all it took {{ share_restored }} of our patience.", []),
        ("Everyone is back. Everyone is back.", [("restored_at", instant(60))]),
    ],
)
def test_what_a_text_plainly_says_is_kept_once(world: World, text: str, claimed: list[object]) -> None:
    say(world, text)
    assert kept(world) == claimed


def test_a_resolved_says_that_everybody_is_back_whatever_its_words(world: World) -> None:
    say(world, "Thank you for your patience.", kind=UpdateKind.RESOLVED, minutes=360)
    say(world, "Everything works again for everyone.", minutes=371)
    factories.restore([world.acme, world.globex], world.incident, minutes=390)
    assert kept(world) == [("restored_at", instant(360))]
    row = claim_of(read(world), ClaimKind.RESTORED_AT)
    assert (row.difference_seconds, row.verdict) == (-1800, Verdict.ANNOUNCED_TOO_EARLY)
    assert row.source == "“Resolved” update"


def test_a_number_that_was_inserted_is_a_claim_too(world: World) -> None:
    others = [factories.company(f"other-{number}") for number in range(18)]
    for each in others:
        factories.place(each, world.api)
    wide = factories.incident(world.api, title="Wide")
    factories.restore([*others, world.acme, world.globex], wide, minutes=90)
    with scope.as_staff():
        incidents.post_update(
            factories.actor(world.sam),
            incident_id=wide.pk,
            kind=UpdateKind.UPDATE,
            body_markdown="It lasted {{ time_to_last }} in all.",
            now=instant(100),
        )
    (row,) = read(world, incident=wide).claims
    assert (row.announced_seconds, row.verdict) == (5400, Verdict.AGREES)


def test_a_correction_keeps_the_old_claim_and_shows_the_new_one(world: World) -> None:
    wrong = say(world, "It began at 13:50 CET.")
    right = say(world, "It began at 13:45 CET.", minutes=70, kind=UpdateKind.CORRECTION, corrects_id=wrong.pk)
    rows = [row for row in read(world).claims if row.kind is ClaimKind.STARTED_AT]
    assert [(row.update_id, row.is_corrected, row.verdict) for row in rows] == [
        (right.pk, False, Verdict.AGREES),
        (wrong.pk, True, Verdict.ANNOUNCED_TOO_LATE),
    ]


def test_the_same_is_not_claimed_twice(world: World) -> None:
    say(world, "It began at 13:50 CET.")
    say(world, "As we said, it began at 13:50 CET.", minutes=70)
    assert kept(world) == [("started_at", instant(5))]
    say(world, "It began at 13:55 CET.", readers=to(world), minutes=80)
    say(world, "It began at 13:55 CET.", minutes=90)
    for company, count in ((world.acme, 2), (world.globex, 2)):
        assert len([row for row in read(world, company).claims if row.kind is ClaimKind.STARTED_AT]) == count


def to(world: World) -> Readers:
    return Readers(audience=Audience.COMPANIES, company_ids=[world.acme.pk])


def test_a_claim_is_read_by_the_readers_of_its_text_alone(world: World) -> None:
    say(world, "The total duration was 4 h 30 min.", readers=to(world))
    assert len(read(world).claims) == 1
    assert read(world, world.globex).claims == ()
    with scope.as_company(world.globex.pk):
        assert not Claim.objects.exists()


def test_what_stands_in_a_block_or_in_a_note_of_staff_is_no_claim(world: World) -> None:
    say(world, "News.\n::: restored\nThe total duration was 4 h 30 min.\n:::\n")
    say(world, "The total duration was 4 h 30 min.", readers=Readers(audience=Audience.STAFF))
    assert kept(world) == []
    say(world, "It began at 13:50 CET.\n::: restored\nYou are back.\n:::\n")
    assert kept(world) == [("started_at", instant(5))]


def test_an_incident_that_relapsed_can_be_announced_as_over_again(world: World) -> None:
    factories.restore([world.acme, world.globex], world.incident, minutes=30)
    say(world, "Done.", kind=UpdateKind.RESOLVED, minutes=40)
    factories.restore(world.acme, world.incident, minutes=50, state=CompanyState.OUTAGE)
    say(world, "Not over.", kind=UpdateKind.REOPENED, minutes=55)
    factories.restore(world.acme, world.incident, minutes=70)
    say(world, "Done now.", kind=UpdateKind.RESOLVED, minutes=80)
    ends = [row for row in read(world, now=instant(90)).claims if row.kind is ClaimKind.RESTORED_AT]
    assert [row.posted_at for row in ends] == [instant(40), instant(80)]
    assert instant(80) - instant(40) == timedelta(minutes=40)


def test_a_maintenance_claims_nothing(world: World) -> None:
    planned = factories.incident(world.api, kind=IncidentKind.MAINTENANCE, state=CompanyState.UNKNOWN)
    with scope.as_staff():
        incidents.post_update(
            factories.actor(world.sam),
            incident_id=planned.pk,
            kind=UpdateKind.RESOLVED,
            body_markdown="Everything is back.",
            now=instant(60),
            override_reason=OVERRIDE,
        )
        assert not Claim.objects.filter(incident=planned).exists()
