"""Recording when companies went down and came back: any order, any number of times, never in part."""

import functools
import itertools
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from django.db import connection

from incidents import errors
from incidents.choices import CompanyState, EntrySource
from incidents.models import Incident, Recovery, RecoveryEntry
from incidents.operations import recoveries
from incidents.operations.recoveries import Fact
from tenants import scope
from tenants.actor import SYSTEM
from tenants.models import AuditEvent, Company
from tests import factories
from tests.conftest import World, make_world
from tests.threads import at_once

START = factories.STARTED_AT
NOW = START + timedelta(hours=12)


def at(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


def record(
    world: World,
    *companies: Company,
    state: CompanyState = CompanyState.RESTORED,
    minutes: float = 60,
    **more: object,
) -> int:
    with scope.as_staff():
        return recoveries.record_recovery(
            factories.actor(world.sam),
            incident_id=world.incident.pk,
            company_ids=[each.pk for each in companies],
            **{"state": state, "at": at(minutes), "now": NOW, **more},  # type: ignore[arg-type]
        )


def of(world: World, company: Company) -> Recovery:
    with scope.as_staff():
        return Recovery.objects.get(incident=world.incident, company=company)


def everything(world: World) -> object:
    """All that a recording could change, to compare before and after a refusal."""
    with scope.as_staff():
        return (
            list(RecoveryEntry.objects.order_by("pk").values()),
            list(Recovery.objects.order_by("pk").values()),
            list(AuditEvent.objects.order_by("pk").values()),
            Incident.objects.get(pk=world.incident.pk).version,
        )


def test_a_restoration_is_an_entry_a_row_and_a_version(world: World) -> None:
    version = world.incident.version
    assert record(world, world.acme) == 1
    row = of(world, world.acme)
    assert (row.state, row.impacted_at, row.restored_at) == ("restored", START, at(60))
    assert (row.outage_seconds, row.degraded_seconds, row.measured_at) == (3600, 0, NOW)
    assert (row.rank, row.percentile) == (None, None), "with two companies a place would point at one"
    assert of(world, world.globex).state == "outage"
    with scope.as_staff():
        world.incident.refresh_from_db()
        entry = RecoveryEntry.objects.get(state="restored")
        event = AuditEvent.objects.get(action="recovery.recorded")
    assert world.incident.version == version + 1
    assert (entry.company_id, entry.component_id) == (world.acme.pk, world.api.pk)
    assert (entry.recorded_by_id, entry.recorded_at, entry.source) == (world.sam.pk, NOW, "staff")
    assert event.detail == {"source": "staff", "companies": 1, "entries": 1}


def test_the_same_fact_twice_adds_nothing_and_moves_no_version(world: World) -> None:
    record(world, world.acme, world.globex)
    with scope.as_staff():
        version = Incident.objects.get(pk=world.incident.pk).version
        entries = RecoveryEntry.objects.count()
    assert record(world, world.acme, world.globex, now=NOW + timedelta(minutes=1)) == 0
    with scope.as_staff():
        assert Incident.objects.get(pk=world.incident.pk).version == version
        assert RecoveryEntry.objects.count() == entries


def test_the_same_fact_twice_in_one_batch_is_one_entry(world: World) -> None:
    fact = Fact(company_id=world.acme.pk, component_id=world.api.pk, state=CompanyState.RESTORED, at=at(10))
    with scope.as_staff():
        added = recoveries.record_facts(
            SYSTEM, incident_id=world.incident.pk, facts=[fact] * 5, now=NOW, source=EntrySource.OPS
        )
    assert added == 1


FACTS = (
    (CompanyState.DEGRADED, 15),
    (CompanyState.OUTAGE, 40),
    (CompanyState.DEGRADED, 45),
    (CompanyState.RESTORED, 100),
)


@pytest.mark.parametrize("order", list(itertools.permutations(range(4))))
def test_the_order_of_arrival_does_not_matter(world: World, order: tuple[int, ...]) -> None:
    for step, place in enumerate(order):
        state, minutes = FACTS[place]
        record(world, world.acme, state=state, minutes=minutes, now=NOW + timedelta(minutes=step))
    row = of(world, world.acme)
    assert (row.state, row.impacted_at, row.restored_at) == ("restored", START, at(100))
    assert (row.outage_seconds, row.degraded_seconds) == (20 * 60, 80 * 60)


def test_a_relapse_opens_the_company_again_and_a_new_restoration_closes_it(world: World) -> None:
    record(world, world.acme, minutes=60)
    record(world, world.acme, state=CompanyState.OUTAGE, minutes=90)
    row = of(world, world.acme)
    assert (row.state, row.restored_at, row.rank, row.percentile) == ("outage", None, None, None)
    record(world, world.acme, minutes=100)
    row = of(world, world.acme)
    assert (row.state, row.restored_at, row.outage_seconds) == ("restored", at(100), 70 * 60)


def test_one_component_of_two_leaves_the_company_open(world: World) -> None:
    world.incident.pk = factories.incident(world.api, world.reports).pk
    assert record(world, world.acme, component_ids=[world.api.pk]) == 1
    assert of(world, world.acme).state == "outage"
    assert record(world, world.acme, minutes=70, component_ids=[world.reports.pk]) == 1
    row = of(world, world.acme)
    assert (row.state, row.restored_at, row.outage_seconds) == ("restored", at(70), 70 * 60)


def test_an_offset_is_as_good_as_utc(world: World) -> None:
    paris = datetime.fromisoformat("2026-02-04T14:45:00+01:00")
    record(world, world.acme, at=paris)
    assert of(world, world.acme).restored_at == datetime(2026, 2, 4, 13, 45, tzinfo=UTC)
    assert record(world, world.acme, at=datetime(2026, 2, 4, 13, 45, tzinfo=UTC)) == 0, "the same instant"


def test_a_clock_may_be_ahead_by_two_minutes_and_not_by_more(world: World) -> None:
    assert record(world, world.acme, at=NOW + timedelta(minutes=2)) == 1
    before = everything(world)
    with pytest.raises(errors.InstantInFuture):
        record(world, world.globex, at=NOW + timedelta(minutes=2, seconds=1))
    assert everything(world) == before


def test_a_restoration_that_is_ahead_of_our_clock_counts_from_now(world: World) -> None:
    ahead = NOW + timedelta(seconds=30)
    assert record(world, world.acme, at=ahead) == 1
    row = of(world, world.acme)
    assert (row.state, row.restored_at) == ("restored", NOW)
    assert record(world, world.acme, at=ahead, now=NOW + timedelta(hours=1)) == 0, "the same fact"
    assert record(world, world.globex, state=CompanyState.DEGRADED, at=ahead, now=NOW) == 1
    with scope.as_staff():
        facts = [
            Fact(company_id=world.globex.pk, component_id=world.api.pk, state=state, at=at)
            for state, at in (
                (CompanyState.RESTORED, NOW + timedelta(seconds=90)),
                (CompanyState.OUTAGE, NOW + timedelta(seconds=60)),
            )
        ]
        recoveries.record_facts(
            SYSTEM, incident_id=world.incident.pk, facts=facts, now=NOW, source=EntrySource.OPS
        )
    assert of(world, world.globex).state == "restored", "the latest of those that are ahead holds"


def test_who_waited_for_another_recording_does_not_undo_it(world: World) -> None:
    """Whoever waits for the lock comes with an earlier now."""
    record(world, world.acme, minutes=719)
    record(world, world.acme, state=CompanyState.DEGRADED, minutes=30, now=at(718))
    assert of(world, world.acme).state == "restored"


def test_an_instant_long_before_the_start_is_refused(world: World) -> None:
    assert record(world, world.acme, state=CompanyState.OUTAGE, at=START - timedelta(days=7)) == 1
    before = everything(world)
    with pytest.raises(errors.InstantTooEarly):
        record(world, world.acme, at=START - timedelta(days=7, seconds=1))
    assert everything(world) == before


def test_a_correction_is_taken_back_as_often_as_need_be(world: World) -> None:
    said = [CompanyState.RESTORED, CompanyState.OUTAGE] * 3
    for turn, state in enumerate(said):
        now = NOW + timedelta(minutes=turn)
        assert record(world, world.acme, state=state, now=now) == 1
        assert record(world, world.acme, state=state, now=now + timedelta(seconds=1)) == 0, "a double click"
        assert of(world, world.acme).state == state


def test_what_an_automatic_source_sends_again_takes_no_correction_back(world: World) -> None:
    record(world, world.acme, source=EntrySource.OPS)
    record(world, world.acme, state=CompanyState.OUTAGE, now=NOW + timedelta(minutes=1))
    assert record(world, world.acme, source=EntrySource.OPS, now=NOW + timedelta(minutes=2)) == 0
    assert of(world, world.acme).state == "outage"


def test_nobody_selected_is_refused(world: World) -> None:
    before = everything(world)
    with pytest.raises(errors.NothingSelected):
        record(world)
    with pytest.raises(errors.NothingSelected), scope.as_staff():
        recoveries.record_facts(
            SYSTEM, incident_id=world.incident.pk, facts=[], now=NOW, source=EntrySource.STAFF
        )
    assert everything(world) == before


def test_a_draft_takes_no_recoveries(world: World) -> None:
    draft = factories.draft(world.api)
    before = everything(world)
    with pytest.raises(errors.NotPublished), scope.as_staff():
        recoveries.record_recovery(
            SYSTEM,
            incident_id=draft.pk,
            company_ids=[world.acme.pk],
            state=CompanyState.RESTORED,
            at=at(1),
            now=NOW,
        )
    assert everything(world) == before


def test_one_company_that_is_not_affected_spoils_the_whole_recording(world: World) -> None:
    stranger = factories.company("hooli")
    before = everything(world)
    for companies in ([world.acme, stranger], [stranger]):
        with pytest.raises(errors.NotAffected):
            record(world, *companies)
    with pytest.raises(errors.NotAffected), scope.as_staff():
        recoveries.record_facts(
            SYSTEM,
            incident_id=world.incident.pk,
            facts=[
                Fact(company_id=each.pk, component_id=world.api.pk, state=CompanyState.RESTORED, at=at(5))
                for each in (world.acme, stranger)
            ],
            now=NOW,
            source=EntrySource.IMPORT,
        )
    assert everything(world) == before


def test_who_moved_onto_the_component_after_publication_is_not_affected(world: World) -> None:
    late = factories.company("late")
    factories.place(late, world.api)
    before = everything(world)
    with pytest.raises(errors.NotAffected):
        record(world, late)
    assert everything(world) == before


def test_an_unknown_incident_and_an_unknown_company_are_refused(world: World) -> None:
    before = everything(world)
    fact = Fact(company_id=world.acme.pk, component_id=world.api.pk, state=CompanyState.RESTORED, at=at(5))
    with pytest.raises(errors.IncidentNotFound), scope.as_staff():
        recoveries.record_facts(SYSTEM, incident_id=uuid4(), facts=[fact], now=NOW, source=EntrySource.STAFF)
    with pytest.raises(errors.NotAffected), scope.as_staff():
        recoveries.record_recovery(
            SYSTEM,
            incident_id=world.incident.pk,
            company_ids=[UUID(int=1)],
            state=CompanyState.RESTORED,
            at=at(5),
            now=NOW,
        )
    assert everything(world) == before


def test_a_client_cannot_record_whatever_it_calls(world: World) -> None:
    before = everything(world)
    with pytest.raises(Exception, match="permission denied"), scope.as_company(world.acme.pk):
        recoveries.record_recovery(
            factories.actor(world.ada, world.acme),
            incident_id=world.incident.pk,
            company_ids=[world.acme.pk],
            state=CompanyState.RESTORED,
            at=at(5),
            now=NOW,
        )
    assert everything(world) == before


def test_no_entry_can_tie_a_company_to_an_incident_that_is_not_its_own(committed: None) -> None:
    """The composite key: even the staff's role cannot write such a row."""
    world = make_world()
    stranger = factories.company("hooli")
    with pytest.raises(Exception, match="recoveryentry_same_company"), scope.as_staff():
        RecoveryEntry.objects.create(
            company=stranger,
            incident=world.incident,
            component=world.api,
            state="restored",
            at=at(5),
            source="staff",
            recorded_at=NOW,
            idempotency_key="forged",
        )
    with scope.as_staff():
        assert not RecoveryEntry.objects.filter(idempotency_key="forged").exists()


def test_entries_are_never_changed_or_removed(world: World) -> None:
    for statement in (
        "update incidents_recoveryentry set state = 'restored'",
        "delete from incidents_recoveryentry",
    ):
        with (
            pytest.raises(Exception, match="permission denied"),
            scope.as_staff(),
            connection.cursor() as cursor,
        ):
            cursor.execute(statement)


@pytest.mark.parametrize("repeats", [2, 6])
def test_the_same_recording_from_many_at_once_counts_once(committed: None, repeats: int) -> None:
    world = make_world()
    added = at_once(*[lambda: record(world, world.acme, world.globex)] * repeats)
    assert sorted(added, key=str) == [0] * (repeats - 1) + [2]
    assert of(world, world.acme).restored_at == of(world, world.globex).restored_at == at(60)


def test_different_recordings_at_once_are_all_kept(committed: None) -> None:
    world = make_world()

    def work(number: int) -> None:
        company = (world.acme, world.globex)[number % 2]
        state = (CompanyState.DEGRADED, CompanyState.OUTAGE)[number // 2 % 2]
        record(world, company, state=state, minutes=10 + number)

    assert at_once(*(functools.partial(work, number) for number in range(8))) == [None] * 8
    with scope.as_staff():
        assert RecoveryEntry.objects.filter(recorded_at=NOW).count() == 8
        world.incident.refresh_from_db()
    assert world.incident.version == 2 + 8
    for company in (world.acme, world.globex):
        row = of(world, company)
        assert row.state == "outage"
        assert row.degraded_seconds == 2 * 2 * 60, "by turns every two minutes, two of them degraded"
