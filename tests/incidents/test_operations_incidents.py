"""Publishing incidents and posting updates: what staff can say, and what they cannot."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection

from incidents import errors
from incidents.choices import (
    Audience,
    CompanyState,
    IncidentState,
    UpdateKind,
)
from incidents.models import Cohort, Incident, Recovery, RecoveryEntry, Update
from incidents.operations import incidents
from tenants import scope
from tenants.actor import SYSTEM
from tenants.models import AuditEvent
from tests import factories
from tests.conftest import World, make_world
from tests.threads import at_once

AT = factories.STARTED_AT + timedelta(hours=1)


def post(world: World, kind: UpdateKind, text: str = "Words.", **more: object) -> Update:
    with scope.as_staff():
        update = incidents.post_update(
            factories.actor(world.sam),
            incident_id=world.incident.pk,
            kind=kind,
            body_markdown=text,
            **{"now": AT, **more},  # type: ignore[arg-type]
        )
        world.incident.refresh_from_db()
    return update


def counts() -> dict[str, int]:
    with scope.as_staff():
        return {
            model.__name__: model.objects.count()
            for model in (Update, AuditEvent, Recovery, RecoveryEntry, Cohort)
        }


def audited(action: str) -> list[AuditEvent]:
    with scope.as_staff():
        return list(AuditEvent.objects.filter(action=action))


# Publishing


def test_publishing_gives_every_company_on_the_components_a_recovery_and_no_other(world: World) -> None:
    draft = factories.draft(world.reports, title="Reports are slow")
    with scope.as_staff():
        count = incidents.publish(factories.actor(world.sam), incident_id=draft.pk, now=AT)
        draft.refresh_from_db()
        rows = list(Recovery.objects.filter(incident=draft))
        assert RecoveryEntry.objects.filter(incident=draft).count() == 0
    assert count == 1
    assert [(row.company_id, row.state, row.impacted_at) for row in rows] == [
        (world.acme.pk, "unknown", None)
    ]
    assert draft.published_at == AT
    assert draft.version == 2
    (event,) = [each for each in audited("incident.published") if each.object_id == str(draft.pk)]
    assert event.detail == {"companies": 1}
    assert (event.actor_id, event.actor_name) == (world.sam.pk, "sam@vendor.example")


def test_a_chosen_state_is_recorded_as_a_fact_from_the_start(world: World) -> None:
    made = factories.incident(world.api, world.reports, state=CompanyState.DEGRADED)
    with scope.as_staff():
        entries = RecoveryEntry.objects.filter(incident=made)
        assert {(each.company_id, each.component_id, each.state, each.at) for each in entries} == {
            (world.acme.pk, world.api.pk, "degraded", factories.STARTED_AT),
            (world.acme.pk, world.reports.pk, "degraded", factories.STARTED_AT),
            (world.globex.pk, world.api.pk, "degraded", factories.STARTED_AT),
        }
        assert {each.impacted_at for each in Recovery.objects.filter(incident=made)} == {factories.STARTED_AT}


def test_what_is_published_cannot_be_published_again(world: World) -> None:
    before, version = counts(), world.incident.version
    with pytest.raises(errors.AlreadyPublished), scope.as_staff():
        incidents.publish(SYSTEM, incident_id=world.incident.pk, now=AT)
    world_after = counts()
    with scope.as_staff():
        world.incident.refresh_from_db()
    assert (world_after, world.incident.version) == (before, version)


@pytest.mark.parametrize("has_component", [True, False])
def test_an_incident_that_affects_nobody_stays_a_draft(world: World, has_component: bool) -> None:
    lonely = factories.component("Mobile App", "NA")
    draft = factories.draft(*([lonely] if has_component else []))
    before = counts()
    with pytest.raises(errors.NothingAffected), scope.as_staff():
        incidents.publish(SYSTEM, incident_id=draft.pk, now=AT)
    with scope.as_staff():
        draft.refresh_from_db()
    assert draft.is_draft
    assert counts() == before


def test_an_unknown_incident_is_not_found(world: World) -> None:
    before = counts()
    with pytest.raises(errors.IncidentNotFound), scope.as_staff():
        incidents.publish(SYSTEM, incident_id=uuid4(), now=AT)
    with pytest.raises(errors.IncidentNotFound), scope.as_staff():
        incidents.post_update(
            SYSTEM, incident_id=uuid4(), kind=UpdateKind.UPDATE, body_markdown="Words.", now=AT
        )
    assert counts() == before


def test_two_who_publish_at_once_publish_once(committed: None) -> None:
    world = make_world()
    draft = factories.draft(world.api)

    def publish() -> int:
        with scope.as_staff():
            return incidents.publish(SYSTEM, incident_id=draft.pk, now=AT)

    published = at_once(*[publish] * 4)
    assert published.count(2) == 1
    assert sum(isinstance(each, errors.AlreadyPublished) for each in published) == 3
    with scope.as_staff():
        assert Recovery.objects.filter(incident=draft).count() == 2


# Updates


@pytest.mark.parametrize(
    ("kind", "state"),
    [
        (UpdateKind.INVESTIGATING, IncidentState.INVESTIGATING),
        (UpdateKind.IDENTIFIED, IncidentState.IDENTIFIED),
        (UpdateKind.MONITORING, IncidentState.MONITORING),
        (UpdateKind.UPDATE, IncidentState.INVESTIGATING),
        (UpdateKind.CORRECTION, IncidentState.INVESTIGATING),
        (UpdateKind.POST_MORTEM, IncidentState.INVESTIGATING),
    ],
)
def test_an_update_moves_the_incident_to_what_its_kind_says(
    world: World, kind: UpdateKind, state: IncidentState
) -> None:
    version = world.incident.version
    update = post(world, kind)
    assert world.incident.state == state
    assert world.incident.version == version + 1
    assert (update.published_at, update.author_id) == (AT, world.sam.pk)
    (event,) = audited("update.posted")
    assert event.detail == {
        "incident": str(world.incident.pk),
        "kind": str(kind),
        "audience": "everyone",
    }


def test_resolved_is_refused_with_the_numbers_while_somebody_is_down(world: World) -> None:
    factories.restore(world.acme, world.incident, minutes=30)
    before, version = counts(), world.incident.version
    with pytest.raises(errors.NotAllRestored) as refused:
        post(world, UpdateKind.RESOLVED)
    refusal = refused.value
    assert (refusal.affected_count, refusal.restored_count, refusal.open_count) == (2, 1, 1)
    assert refusal.open_by_data_center == {"EU": 1}
    assert refusal.honest_alternative == "Monitoring: 50.0% restored"
    assert refusal.message.startswith("1 of 2 restored, 1 open: 1 EU.")
    with scope.as_staff():
        world.incident.refresh_from_db()
    assert (counts(), world.incident.version, world.incident.state) == (before, version, "investigating")


def test_the_numbers_are_by_data_center_and_count_a_company_once_in_each(world: World) -> None:
    api_of_na = factories.component("API", "NA")
    reports_of_na = factories.component("Reports", "NA")
    hooli = factories.company("hooli")
    factories.place(hooli, api_of_na, reports_of_na)
    factories.place(world.globex, api_of_na)
    world.incident.pk = factories.incident(world.api, api_of_na, reports_of_na).pk
    with scope.as_staff():
        world.incident.refresh_from_db()
    with pytest.raises(errors.NotAllRestored) as refused:
        post(world, UpdateKind.RESOLVED)
    assert refused.value.affected_count == 3
    assert refused.value.open_by_data_center == {"EU": 2, "NA": 2}
    assert "0 of 3 restored, 3 open: 2 EU, 2 NA." in refused.value.message


def test_an_override_is_kept_with_its_reason_and_audited_by_another_name(world: World) -> None:
    update = post(world, UpdateKind.RESOLVED, override_reason="  The last client left us.  ")
    assert update.override_reason == "The last client left us."
    assert (world.incident.state, world.incident.resolved_at) == (IncidentState.RESOLVED, AT)
    assert len(audited("update.posted_against_the_record")) == 1
    assert audited("update.posted") == []
    with scope.as_staff():
        assert {each.state for each in Recovery.objects.all()} == {"outage"}, "words do not restore anybody"


def test_a_reason_of_blanks_is_none(world: World) -> None:
    with pytest.raises(errors.NotAllRestored):
        post(world, UpdateKind.RESOLVED, override_reason=" \n\t ")
    assert counts()["Update"] == 0


def test_resolved_is_posted_when_everybody_is_restored_and_a_needless_reason_is_not_kept(
    world: World,
) -> None:
    factories.restore([world.acme, world.globex], world.incident, minutes=30)
    update = post(world, UpdateKind.RESOLVED, override_reason="Just in case.")
    assert (update.override_reason, world.incident.resolved_at) == ("", AT)
    assert len(audited("update.posted")) == 1
    with scope.as_staff():
        assert {each.is_final for each in Recovery.objects.all()} == {True}
        assert Cohort.objects.get().is_final is True


def test_a_company_that_is_unknown_is_not_restored(world: World) -> None:
    world.incident.pk = factories.incident(world.reports, state=CompanyState.UNKNOWN).pk
    with pytest.raises(errors.NotAllRestored, match="0 of 1 restored, 1 open: 1 EU"):
        post(world, UpdateKind.RESOLVED)


def test_reopening_takes_back_the_end_and_the_standings_are_provisional_again(world: World) -> None:
    factories.restore([world.acme, world.globex], world.incident, minutes=30)
    post(world, UpdateKind.RESOLVED)
    post(world, UpdateKind.REOPENED, now=AT + timedelta(minutes=5))
    assert (world.incident.state, world.incident.resolved_at) == (IncidentState.INVESTIGATING, None)
    with scope.as_staff():
        assert {each.is_final for each in Recovery.objects.all()} == {False}
    post(world, UpdateKind.RESOLVED, now=AT + timedelta(minutes=9))
    assert world.incident.resolved_at == AT + timedelta(minutes=9)


def test_a_second_resolved_does_not_move_the_end(world: World) -> None:
    factories.restore([world.acme, world.globex], world.incident, minutes=30)
    post(world, UpdateKind.RESOLVED)
    post(world, UpdateKind.RESOLVED, now=AT + timedelta(hours=1))
    assert world.incident.resolved_at == AT


def test_the_promise_of_the_next_update_is_kept_until_the_next_text(world: World) -> None:
    promised = AT + timedelta(minutes=30)
    post(world, UpdateKind.INVESTIGATING, next_update_at=promised)
    assert world.incident.next_update_at == promised
    post(world, UpdateKind.UPDATE)
    assert world.incident.next_update_at is None
    factories.restore([world.acme, world.globex], world.incident, minutes=30)
    post(world, UpdateKind.RESOLVED, next_update_at=promised)
    assert world.incident.next_update_at is None, "nothing more is announced to follow"


def test_an_internal_note_moves_nothing_and_no_client_can_read_it(world: World) -> None:
    version = world.incident.version
    note = post(
        world,
        UpdateKind.RESOLVED,
        "Root password in the vault.",
        audience=Audience.STAFF,
        next_update_at=AT + timedelta(hours=2),
    )
    assert (world.incident.version, world.incident.state) == (version, "investigating")
    assert (world.incident.next_update_at, note.next_update_at) == (None, None)
    with scope.as_company(world.acme.pk), connection.cursor() as cursor:
        cursor.execute("select count(*) from incidents_update")
        assert cursor.fetchone() == (0,)


@pytest.mark.parametrize("text", ["", "   ", "\n\t\n"])
def test_an_empty_text_is_refused(world: World, text: str) -> None:
    before = counts()
    with pytest.raises(errors.EmptyText):
        post(world, UpdateKind.UPDATE, text)
    assert counts() == before


def test_nothing_is_posted_on_a_draft(world: World) -> None:
    world.incident.pk = factories.draft(world.api).pk
    before = counts()
    with pytest.raises(errors.NotPublished):
        post(world, UpdateKind.UPDATE)
    assert counts() == before


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("<script>alert(1)</script>", "&lt;script&gt;"),
        ("<img src=x onerror=alert(1)>", "&lt;img"),
        ("[a](javascript:alert(1))", "[a](javascript:alert(1))"),
        ("![a](https://evil.example/pixel.png)", "<p></p>"),
        ("# Title", "<h3>Title</h3>"),
        ("{ now } {% load x %}", "{ now } {% load x %}"),
        ("[a](https://vendor.example)", 'rel="noopener noreferrer nofollow"'),
    ],
)
def test_typed_text_is_markdown_and_never_code(world: World, typed: str, shown: str) -> None:
    html = post(world, UpdateKind.UPDATE, typed).body_html
    assert shown in html
    for live in ("<script", "<img", 'href="javascript', "onerror=alert(1)>"):
        assert live not in html.replace("&lt;img src=x onerror=alert(1)&gt;", "")


# The database itself


@pytest.mark.parametrize(
    "change",
    [
        {"state": "fine"},
        {"kind": "party"},
        {"severity": "huge"},
        {"tail_percent": 0},
        {"tail_percent": 51},
        {"roster_policy": "everything"},
        {"request_policy": "maybe"},
        {"state": "merged", "set_aside_at": AT},
        {"state": "false_alarm", "set_aside_at": AT},
        {"state": "cancelled", "set_aside_reason": "No hands."},
        {"set_aside_at": AT},
    ],
)
def test_the_database_refuses_words_and_numbers_that_mean_nothing(
    world: World, change: dict[str, object]
) -> None:
    with pytest.raises(Exception, match="violates check constraint"), scope.as_staff():
        Incident.objects.filter(pk=world.incident.pk).update(**change)
