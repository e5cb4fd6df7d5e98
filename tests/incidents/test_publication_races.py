"""A report is published while others publish, write, review, answer, ask, record: real threads and commits.

Whoever comes first is decided here: the incident's row is held until both wait for it, one after the other.
"""

import os
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from functools import partial

import psycopg
import pytest

from incidents import errors, report_content, report_errors, standings
from incidents.choices import DraftState, PublicationKind, RequestPolicy, RequestState
from incidents.models import (
    Incident,
    PostMortem,
    PostMortemAnnex,
    PostMortemRequest,
    PostMortemVersion,
)
from incidents.operations import false_alarms, postmortems, report_drafts, reports
from incidents.operations.announcing import Words
from tenants import scope
from tenants.models import AuditEvent, User
from tests import factories, services
from tests.conftest import World, make_world
from tests.incidents import reporting
from tests.incidents.reporting import NOW
from tests.real_worker import until
from tests.threads import at_once

Work = Callable[[], object]
LATER = NOW + timedelta(hours=1)


@pytest.fixture
def live(committed: None) -> World:
    return make_world()


@pytest.fixture
def ren(live: World) -> User:
    return factories.person("ren@vendor.example", is_staff=True)


def in_turn(world: World, *works: Work) -> list[object]:
    """What came of each, where all wait for the incident's row and get it in this order."""
    with psycopg.connect(services.admin_url(os.environ["PORTAL_TEST_DATABASE"])) as holder:
        holder.execute("select from incidents_incident where id = %s for no key update", [world.incident.pk])
        may_begin = [threading.Event() for _ in works]
        ended: list[object] = []

        def run(place: int) -> object:
            may_begin[place].wait(timeout=60)
            return works[place]()

        together = threading.Thread(
            target=lambda: ended.extend(at_once(*(partial(run, place) for place in range(len(works)))))
        )
        together.start()
        for place, event in enumerate(may_begin, start=1):
            event.set()
            until(lambda place=place: waiting() == place)  # type: ignore[misc]
        holder.commit()
        together.join()
    return ended


def waiting() -> int:
    """How many connections wait for a row that another has locked."""
    with psycopg.connect(services.admin_url(os.environ["PORTAL_TEST_DATABASE"])) as looking:
        (count,) = looking.execute(
            "select count(*) from pg_stat_activity where wait_event_type = 'Lock' "
            "and datname = current_database()"
        ).fetchone() or (0,)
    return int(count)


def publish(world: World, draft: PostMortem, number: int = 1) -> PostMortemVersion:
    with scope.as_staff():
        return reports.publish(
            factories.actor(world.sam),
            post_mortem_id=draft.pk,
            kind=PublicationKind.PRELIMINARY,
            number=number,
            change_note="",
            now=LATER,
        )


def save(world: World, draft: PostMortem) -> PostMortem:
    with scope.as_staff():
        return report_drafts.save(
            factories.actor(world.sam),
            post_mortem_id=draft.pk,
            seen=1,
            texts=reporting.TEXTS | {"summary": "Nobody has reviewed this."},
            acknowledged={},
            now=LATER,
        )


def versions() -> list[PostMortemVersion]:
    with scope.as_staff():
        return list(PostMortemVersion.objects.order_by("number"))


def holds(version: PostMortemVersion, words: str) -> bool:
    digest = report_content.digest(
        kind=version.kind,
        number=version.number,
        record_version=version.record_version,
        content=version.content,
        facts=version.facts,
    )
    assert digest == version.sha256
    return words in str(version.content)


def state_of(draft: PostMortem) -> tuple[str, str]:
    with scope.as_staff():
        found = PostMortem.objects.get(pk=draft.pk)
    return found.state, found.summary


def request_state() -> str:
    with scope.as_staff():
        return str(PostMortemRequest.objects.values_list("state", flat=True).get())


def test_of_two_who_publish_the_same_draft_one_does(live: World, ren: User) -> None:
    reporting.asked(live, live.ada, live.acme)
    draft = reporting.begun(live)
    reporting.reviewed(live, draft, by=ren)
    first, second = in_turn(live, partial(publish, live, draft), partial(publish, live, draft))
    assert isinstance(first, PostMortemVersion)
    assert isinstance(second, report_errors.ReportMovedOn)
    assert len(versions()) == 1
    with scope.as_staff():
        assert PostMortemAnnex.objects.count() == 2
        assert AuditEvent.objects.filter(action="report.published").count() == 1
        assert AuditEvent.objects.filter(action="post_mortem.delivered").count() == 1


def test_what_is_written_before_a_publication_stops_it(live: World, ren: User) -> None:
    draft = reporting.begun(live)
    reporting.reviewed(live, draft, by=ren)
    saved, published = in_turn(live, partial(save, live, draft), partial(publish, live, draft))
    assert isinstance(saved, PostMortem)
    assert isinstance(published, report_errors.NotReviewed)
    assert (versions(), state_of(draft)) == ([], (DraftState.DRAFT, "Nobody has reviewed this."))


def test_what_is_written_after_a_publication_is_for_the_next_one(live: World, ren: User) -> None:
    draft = reporting.begun(live)
    reporting.reviewed(live, draft, by=ren)
    published, saved = in_turn(live, partial(publish, live, draft), partial(save, live, draft))
    assert isinstance(published, PostMortemVersion)
    assert isinstance(saved, PostMortem)
    (version,) = versions()
    assert holds(version, "storage broke")
    assert not holds(version, "Nobody has reviewed this.")
    assert state_of(draft) == (DraftState.DRAFT, "Nobody has reviewed this.")


def test_of_a_review_and_its_refusal_the_first_holds_and_nothing_unreviewed_is_published(
    live: World, ren: User
) -> None:
    draft = reporting.begun(live)
    with scope.as_staff():
        report_drafts.send_to_review(factories.actor(live.sam), post_mortem_id=draft.pk, seen=1, now=NOW)

    def give_back() -> None:
        with scope.as_staff():
            report_drafts.give_back(
                factories.actor(ren), post_mortem_id=draft.pk, seen=1, note="Say more.", now=LATER
            )

    def approve() -> None:
        with scope.as_staff():
            report_drafts.approve(factories.actor(ren), post_mortem_id=draft.pk, seen=1, now=LATER)

    came = in_turn(live, give_back, approve, partial(publish, live, draft))
    assert [type(each) for each in came] == [
        type(None),
        report_errors.ReportMovedOn,
        report_errors.NotReviewed,
    ]
    with scope.as_staff():
        report_drafts.send_to_review(factories.actor(live.sam), post_mortem_id=draft.pk, seen=1, now=NOW)
    came = in_turn(live, approve, partial(publish, live, draft), give_back)
    assert isinstance(came[1], PostMortemVersion)
    assert isinstance(came[2], report_errors.ReportMovedOn)
    assert len(versions()) == 1


@pytest.mark.parametrize("is_first", [True, False])
def test_a_request_that_is_accepted_beside_a_publication_gets_it(
    live: World, ren: User, is_first: bool
) -> None:
    reporting.asked(live, live.ada, live.acme, is_accepted=False)
    with scope.as_staff():
        (key,) = PostMortemRequest.objects.values_list("pk", flat=True)
    draft = reporting.begun(live)
    reporting.reviewed(live, draft, by=ren)

    def accept() -> None:
        with scope.as_staff():
            postmortems.accept(factories.actor(ren), request_ids=[key], now=LATER)

    works: list[Work] = [accept, partial(publish, live, draft)]
    came = in_turn(live, *(works if is_first else reversed(works)))
    assert not [each for each in came if isinstance(each, Exception)]
    assert request_state() == RequestState.PRELIMINARY_DELIVERED
    assert reporting.read(live.acme, live.incident).version.number == 1


@pytest.mark.parametrize("policy", [RequestPolicy.APPROVAL, RequestPolicy.AUTOMATIC])
def test_who_asks_in_the_moment_of_a_publication_is_never_lost(
    live: World, ren: User, policy: RequestPolicy
) -> None:
    """A client waits for nobody: what the publication could not see is delivered by the clock."""
    with scope.as_staff():
        Incident.objects.filter(pk=live.incident.pk).update(request_policy=policy)
    draft = reporting.begun(live)
    reporting.reviewed(live, draft, by=ren)

    def ask() -> None:
        for _ in range(5):  # the page's button, pressed again and again
            reporting.asked(live, live.ada, live.acme, is_accepted=False)
            time.sleep(0.01)

    came = at_once(partial(publish, live, draft), ask)
    assert not [each for each in came if isinstance(each, Exception)]
    with scope.as_staff():
        postmortems.deliver_published(now=LATER)
    if policy is RequestPolicy.AUTOMATIC:
        assert request_state() == RequestState.PRELIMINARY_DELIVERED
        return
    assert request_state() == RequestState.REQUESTED
    with scope.as_staff():
        (key,) = PostMortemRequest.objects.values_list("pk", flat=True)
        postmortems.accept(factories.actor(ren), request_ids=[key], now=LATER)
    assert request_state() == RequestState.PRELIMINARY_DELIVERED


def test_an_automatic_request_that_the_publication_could_not_see_waits_for_the_clock(
    live: World, ren: User
) -> None:
    with scope.as_staff():
        Incident.objects.filter(pk=live.incident.pk).update(request_policy=RequestPolicy.AUTOMATIC)
    draft = reporting.begun(live)
    reporting.reviewed(live, draft, by=ren)
    with scope.as_company(live.acme.pk, user_id=live.ada.pk):
        postmortems.request(
            factories.actor(live.ada, live.acme),
            reference=live.incident.reference,
            purpose="",
            now=LATER,
        )
        (published,) = at_once(partial(publish, live, draft))
        assert isinstance(published, PostMortemVersion)
    assert request_state() == RequestState.ACCEPTED
    with scope.as_staff():
        assert postmortems.deliver_published(now=LATER) == 1
    assert request_state() == RequestState.PRELIMINARY_DELIVERED


def test_a_request_that_is_withdrawn_beside_a_publication_is_one_of_both(live: World, ren: User) -> None:
    reporting.asked(live, live.ada, live.acme)
    draft = reporting.begun(live)
    reporting.reviewed(live, draft, by=ren)

    def withdraw() -> None:
        with scope.as_company(live.acme.pk, user_id=live.ada.pk):
            postmortems.withdraw(
                factories.actor(live.ada, live.acme), reference=live.incident.reference, now=LATER
            )

    published, withdrawn = at_once(partial(publish, live, draft), withdraw)
    assert isinstance(published, PostMortemVersion)
    is_late = isinstance(withdrawn, errors.WrongState)
    assert request_state() == (RequestState.PRELIMINARY_DELIVERED if is_late else RequestState.WITHDRAWN)
    with scope.as_staff():
        delivered = AuditEvent.objects.filter(action="post_mortem.delivered").count()
    assert delivered == (1 if is_late else 0)


@pytest.mark.parametrize("is_first", [True, False])
def test_of_a_publication_and_a_false_alarm_the_first_decides(live: World, ren: User, is_first: bool) -> None:
    draft = reporting.begun(live)
    reporting.reviewed(live, draft, by=ren)

    def mark() -> None:
        with scope.as_staff():
            false_alarms.mark(
                factories.actor(ren),
                incident_id=live.incident.pk,
                words=Words(text="A probe."),
                now=LATER,
            )

    works: list[Work] = [mark, partial(publish, live, draft)]
    came = in_turn(live, *(works if is_first else reversed(works)))
    refused = [each for each in came if isinstance(each, Exception)]
    assert [type(each) for each in refused] == ([errors.SetAside] if is_first else [])
    assert len(versions()) == (0 if is_first else 1)


def test_a_publication_has_the_places_that_still_wait_to_be_counted(
    live: World, ren: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a large cohort a recording is ranked up to two seconds later, and a version is for good."""
    crowd = [factories.company(f"crowd-{number:02}") for number in range(19)]
    for each in crowd:
        factories.place(each, live.api)
    incident = factories.incident(live.api)
    monkeypatch.setattr(standings, "LARGEST_AT_ONCE", 20)
    factories.restore([*crowd, live.globex], incident, minutes=60)
    factories.restore(live.acme, incident, minutes=90)
    draft = reporting.begun(live, incident)
    version = reporting.published(live, draft, by=ren)
    assert version.facts["restored_count"] == version.facts["affected_count"] == 21
    with scope.as_staff():
        annexes = dict(PostMortemAnnex.objects.values_list("company__slug", "rank"))
    assert (annexes["acme"], annexes["globex"], None in annexes.values()) == (21, 1, False)
