"""A report is published once for all who hold it, frozen, with each company's own annex."""

from datetime import timedelta

import pytest
from pytest_django import Settings

from incidents import errors, report_content, report_errors
from incidents.choices import CompanyState, DraftState, PublicationKind, RequestState
from incidents.models import (
    CorrectiveAction,
    PostMortem,
    PostMortemAnnex,
    PostMortemRequest,
    PostMortemVersion,
)
from incidents.operations import report_drafts, reports
from incidents.queries import report_differences
from incidents.queries import reports as queries
from tenants import scope
from tests import factories
from tests.conftest import World
from tests.incidents import reporting
from tests.incidents.reporting import NOW


@pytest.fixture
def held(world: World) -> World:
    """Acme and Globex are restored, and Acme's request for the report is accepted."""
    factories.restore(world.acme, world.incident, minutes=390)
    factories.restore(world.globex, world.incident, minutes=265)
    reporting.asked(world, world.ada, world.acme)
    return world


def test_a_company_that_holds_the_report_reads_it_with_its_own_annex(held: World) -> None:
    draft = reporting.begun(held)
    reporting.promised(held)
    reporting.published(held, draft)
    page = reporting.read(held.acme, held.incident)
    assert page.version.label == "Preliminary"
    assert page.summary is not None
    assert "storage broke" in page.summary.text.html
    assert [section.name for section in page.causes] == ["root_cause", "contributing_causes"]
    assert [moment.heading for moment in page.timeline] == ["Interruption"]
    assert [action.title for action in page.actions] == ["Audit"]
    assert page.annex is not None
    assert page.annex.recovery.restored_at == factories.STARTED_AT + timedelta(minutes=390)
    assert page.annex.recovery.outage_seconds == 390 * 60
    assert [turn.state for turn in page.annex.turns] == [CompanyState.OUTAGE, CompanyState.RESTORED]
    assert page.facts.affected_count == 2


def test_a_company_that_has_not_asked_or_waits_reads_nothing(held: World) -> None:
    draft = reporting.begun(held)
    reporting.promised(held)
    reporting.published(held, draft)
    for is_asked in (False, True):
        if is_asked:
            reporting.asked(held, held.gus, held.globex, is_accepted=False)
        with pytest.raises(report_errors.ReportNotFound):
            reporting.read(held.globex, held.incident)
        with scope.as_company(held.globex.pk):
            assert not PostMortemVersion.objects.exists()
            assert not CorrectiveAction.objects.exists()
            assert set(PostMortemAnnex.objects.values_list("company_id", flat=True)) == {held.globex.pk}


def test_a_published_version_stays_as_it_is_whatever_is_recorded_later(held: World) -> None:
    draft = reporting.begun(held)
    version = reporting.published(held, draft)
    before = reporting.read(held.acme, held.incident)
    factories.restore(held.acme, held.incident, minutes=500, state=CompanyState.OUTAGE)
    reporting.written(held, draft, summary="Something else.")
    after = reporting.read(held.acme, held.incident)
    assert (after.annex, after.facts, after.summary) == (before.annex, before.facts, before.summary)
    assert after.sha256 == version.sha256
    with scope.as_staff():
        stored = PostMortemVersion.objects.get(pk=version.pk)
    assert stored.sha256 == report_content.digest(
        kind=stored.kind,
        number=stored.number,
        record_version=stored.record_version,
        content=stored.content,
        facts=stored.facts,
    )


def test_every_affected_company_has_its_own_annex_in_one_statement(held: World) -> None:
    draft = reporting.begun(held)
    version = reporting.published(held, draft)
    with scope.as_staff():
        assert PostMortemAnnex.objects.filter(version=version).count() == 2
    with scope.as_company(held.globex.pk):
        (annex,) = PostMortemAnnex.objects.all()
        assert annex.outage_seconds == 265 * 60


def test_the_annex_adds_up_an_account_that_is_still_down_to_the_publication(world: World) -> None:
    reporting.asked(world, world.ada, world.acme)
    reporting.published(world, reporting.begun(world))
    annex = reporting.read(world.acme, world.incident).annex
    assert annex is not None
    assert annex.recovery.outage_seconds == 24 * 3600
    assert annex.recovery.restored_at is None


def test_one_publication_moves_all_who_hold_it_on(held: World) -> None:
    reporting.asked(held, held.gus, held.globex, is_accepted=False)
    reporting.published(held, reporting.begun(held))
    with scope.as_staff():
        states = dict(PostMortemRequest.objects.values_list("company__slug", "state"))
    assert states == {"acme": RequestState.PRELIMINARY_DELIVERED, "globex": RequestState.REQUESTED}


def test_nothing_is_published_without_a_second_person(held: World) -> None:
    draft = reporting.begun(held)
    sam = factories.actor(held.sam)
    with scope.as_staff():
        report_drafts.send_to_review(sam, post_mortem_id=draft.pk, seen=1, now=NOW)
        with pytest.raises(errors.OwnText):
            report_drafts.approve(sam, post_mortem_id=draft.pk, seen=1, now=NOW)
        with pytest.raises(report_errors.NotReviewed):
            publish(held, draft)
        assert not PostMortemVersion.objects.exists()
        assert not PostMortemAnnex.objects.exists()


def test_a_setting_lets_one_person_do_both(held: World, settings: Settings) -> None:
    settings.POST_MORTEM_SECOND_PERSON = False
    draft = reporting.begun(held)
    with scope.as_staff():
        publish(held, draft)
        assert PostMortemVersion.objects.count() == 1


def test_a_change_after_the_review_needs_another_one(held: World) -> None:
    draft = reporting.begun(held)
    reporting.reviewed(held, draft, by=factories.person("ren@vendor.example", is_staff=True))
    reporting.written(held, draft, summary="Changed.")
    with scope.as_staff():
        assert PostMortem.objects.get(pk=draft.pk).state == DraftState.DRAFT
        with pytest.raises(report_errors.NotReviewed):
            publish(held, draft)


def test_a_contradiction_is_changed_or_acknowledged_before_it_is_published(held: World) -> None:
    draft = reporting.begun(held)
    reporting.written(held, draft, summary="In total it took 9 h.")
    second = factories.person("ren@vendor.example", is_staff=True)
    with pytest.raises(errors.ContradictsRecord):
        reporting.reviewed(held, draft, by=second)
    reporting.written(held, draft, acknowledged={"total_duration: 9 h": "Counted by hand."})
    reporting.published(held, draft, by=second)
    (note,) = reporting.read(held.acme, held.incident).footnotes
    assert note.reason == "Counted by hand."


def test_the_second_of_two_editors_is_told_and_nothing_is_lost(held: World) -> None:
    draft = reporting.begun(held)
    ren = factories.actor(factories.person("ren@vendor.example", is_staff=True))
    texts = reporting.TEXTS | {"summary": "By Ren."}
    with scope.as_staff():
        report_drafts.save(ren, post_mortem_id=draft.pk, seen=1, texts=texts, acknowledged={}, now=NOW)
        with pytest.raises(report_errors.SavedMeanwhile, match="Ren"):
            report_drafts.save(
                factories.actor(held.sam),
                post_mortem_id=draft.pk,
                seen=1,
                texts=reporting.TEXTS | {"summary": "By Sam."},
                acknowledged={},
                now=NOW,
            )
        assert PostMortem.objects.get(pk=draft.pk).summary == "By Ren."


def test_the_same_text_sent_twice_is_saved_once(held: World) -> None:
    draft = reporting.begun(held)
    with scope.as_staff():
        again = report_drafts.save(
            factories.actor(held.sam),
            post_mortem_id=draft.pk,
            seen=0,
            texts=reporting.TEXTS,
            acknowledged={},
            now=NOW,
        )
    assert again.saved_count == 1


@pytest.mark.parametrize(
    ("kinds", "refusal"),
    [
        ((PublicationKind.REVISION,), report_errors.WrongPublication),
        ((PublicationKind.PRELIMINARY, PublicationKind.PRELIMINARY), report_errors.WrongPublication),
        ((PublicationKind.FINAL,), report_errors.NotOver),
    ],
)
def test_versions_come_in_their_order(
    held: World, kinds: tuple[PublicationKind, ...], refusal: type[Exception]
) -> None:
    draft = reporting.begun(held)
    second = factories.person("ren@vendor.example", is_staff=True)
    for kind in kinds[:-1]:
        reporting.published(held, draft, kind, by=second)
    with pytest.raises(refusal):
        reporting.published(held, draft, kinds[-1], by=second)


def test_a_second_click_publishes_nothing_more(held: World, settings: Settings) -> None:
    settings.POST_MORTEM_SECOND_PERSON = False
    draft = reporting.begun(held)
    with scope.as_staff():
        publish(held, draft)
        with pytest.raises(report_errors.ReportMovedOn):
            publish(held, draft)
        assert PostMortemVersion.objects.count() == 1


def test_a_final_version_and_its_revisions_say_what_is_new(held: World) -> None:
    draft = reporting.begun(held)
    second = factories.person("ren@vendor.example", is_staff=True)
    reporting.published(held, draft, by=second)
    factories.resolve(held.incident, by=held.sam, now=factories.STARTED_AT + timedelta(hours=8))
    reporting.written(held, draft, summary="The link between servers and storage tore.")
    reporting.published(held, draft, PublicationKind.FINAL, by=second)
    reporting.published(held, draft, PublicationKind.REVISION, by=second, note="One word.")
    with scope.as_company(held.acme.pk, read_only=True):
        labels = [version.label for version in queries.versions_of(held.incident.reference)]
        page = report_differences.differences_page(held.incident.reference, old=1, new=2, zone="UTC")
    assert labels == ["Revision 1", "Final", "Preliminary"]
    changed = {part.title for part in page.parts if not part.is_same}
    assert changed == {"Facts", "Summary"}  # "resolved" was the first word to everyone
    assert any(piece.is_removed and piece.words == "broke" for piece in page.parts[0].paragraphs[0].pieces)


def publish(world: World, draft: PostMortem) -> PostMortemVersion:
    return reports.publish(
        factories.actor(world.sam),
        post_mortem_id=draft.pk,
        kind=PublicationKind.PRELIMINARY,
        number=1,
        change_note="",
        now=NOW,
    )
