"""Staff write, review and publish a report in the admin; who may not, changes nothing."""

from collections.abc import Callable

import pytest
from django.test import Client

from incidents.choices import ActionState, DraftState
from incidents.models import CorrectiveAction, PostMortem, PostMortemVersion
from tenants import scope
from tenants.models import AuditEvent, User
from tests import factories
from tests.conftest import World
from tests.incidents import reporting
from tests.incidents.test_staff_roles import MANAGER, PUBLISHER, SUPPORT, admin, staff_of

SignIn = Callable[[User], Client]
CHANGED = reporting.TEXTS | {"summary": "In total it took 9 h."}


@pytest.fixture
def draft(world: World) -> PostMortem:
    factories.restore([world.acme, world.globex], world.incident, minutes=265)
    return reporting.begun(world)


def editor(draft: PostMortem, page: str = "") -> str:
    return admin("incidents/postmortem", draft, page)


def state_of(draft: PostMortem) -> tuple[str, int]:
    with scope.as_staff():
        found = PostMortem.objects.get(pk=draft.pk)
    return found.state, found.saved_count


def test_a_report_goes_from_a_draft_to_its_readers(
    world: World, draft: PostMortem, signed_in: SignIn
) -> None:
    author, second = signed_in(staff_of(PUBLISHER)), signed_in(world.sam)
    sent = {**CHANGED, "seen": "1", "_review": "yes"}
    page = author.post(editor(draft), sent, follow=True).content.decode()
    assert "The record says otherwise" in page
    reasoned = {"key-1": "total_duration: 9 h", "reason-1": "Counted by hand."}
    with scope.as_staff():
        PostMortem.objects.filter(pk=draft.pk).update(written_by_ids=[])
    author.post(editor(draft), {**CHANGED, "seen": "2", "_review": "yes", **reasoned})
    assert state_of(draft) == (DraftState.IN_REVIEW, 3)
    assert (
        "does not review it"
        in author.post(editor(draft), {"seen": "3", "_approve": "1"}, follow=True).content.decode()
    )
    second.post(editor(draft), {"seen": "3", "_approve": "yes"})
    assert state_of(draft) == (DraftState.REVIEWED, 3)
    for _click in range(2):
        author.post(editor(draft, "publish"), {"kind": "preliminary", "number": "1", "change_note": ""})
    with scope.as_staff():
        (version,) = PostMortemVersion.objects.all()
        assert version.content["footnotes"][0]["reason"] == "Counted by hand."


def test_the_second_editor_sees_both_texts_and_the_first_one_stands(
    world: World, draft: PostMortem, signed_in: SignIn
) -> None:
    sam = signed_in(world.sam)
    sam.post(editor(draft), {**CHANGED, "seen": "1", "_save": "yes"})
    mine = reporting.TEXTS | {"summary": "Mine <i>alone</i>."}
    page = sam.post(editor(draft), {**mine, "seen": "1", "_save": "yes"}).content.decode()
    assert "nothing is lost" in page
    assert "Mine &lt;i&gt;alone&lt;/i&gt;." in page
    assert 'name="seen" value="2"' in page
    with scope.as_staff():
        assert PostMortem.objects.get(pk=draft.pk).summary == CHANGED["summary"]


def test_it_is_saved_while_it_is_written_and_never_over_another(
    world: World, draft: PostMortem, signed_in: SignIn
) -> None:
    sam = signed_in(world.sam)
    saved = sam.post(editor(draft), {**CHANGED, "seen": "1", "_autosave": "yes"})
    assert (saved.status_code, saved.json()["seen"]) == (200, 2)
    late = sam.post(editor(draft), {**reporting.TEXTS, "seen": "1", "_autosave": "yes"})
    assert late.status_code == 409
    assert state_of(draft) == (DraftState.DRAFT, 2)


def test_a_preview_is_one_companys_and_that_is_written_down(
    world: World, draft: PostMortem, signed_in: SignIn
) -> None:
    sam = signed_in(world.sam)
    page = sam.get(editor(draft, "preview"), {"company": "globex"}).content.decode()
    assert "As Globex Hotels would read it now" in page
    assert "08:45" not in page
    assert "Annex: your account" in page
    with scope.as_staff():
        assert AuditEvent.objects.filter(company=world.globex, action="record.read").exists()
    assert "is not the name" in sam.get(editor(draft, "preview"), {"company": "nobody"}).content.decode()


@pytest.mark.parametrize("role", [SUPPORT, MANAGER])
def test_who_is_no_publisher_reads_and_changes_nothing(
    draft: PostMortem, signed_in: SignIn, role: str
) -> None:
    reader = signed_in(staff_of(role))
    assert reader.get(editor(draft)).status_code == 200
    for sent in ({**CHANGED, "seen": "1", "_save": "y"}, {"seen": "1", "_approve": "y"}):
        assert reader.post(editor(draft), sent).status_code == 403
    assert reader.get(editor(draft, "publish")).status_code == 403
    assert reader.get(admin("incidents/postmortem", page="add/")).status_code == 403
    assert state_of(draft) == (DraftState.DRAFT, 1)


def test_a_promise_is_written_and_kept_up(world: World, draft: PostMortem, signed_in: SignIn) -> None:
    publisher = signed_in(staff_of(PUBLISHER))
    words = {"title": "Audit", "text": "All.", "owner": "Infrastructure", "due_on": "2026-03-01"}
    publisher.post(
        admin("incidents/correctiveaction", page="add/"), {**words, "incident": str(world.incident.pk)}
    )
    with scope.as_staff():
        action = CorrectiveAction.objects.get()
    page = admin("incidents/correctiveaction", action)
    publisher.post(page, {**words, "title": "Full audit", "_words": "yes"})
    reporting.published(world, draft)
    assert "Full audit" in publisher.get(page).content.decode()
    publisher.post(page, {"state": "done", "due_on": "2026-03-01", "note": "", "_progress": "yes"})
    publisher.post(page, {"state": "in_progress", "due_on": "2026-03-01", "note": "Begun.", "_progress": "y"})
    with scope.as_staff():
        action.refresh_from_db()
        assert (action.state, action.note, action.title) == (ActionState.IN_PROGRESS, "Begun.", "Full audit")
