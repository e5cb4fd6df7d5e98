"""Updates in the admin: posted once, held against the record, read-only afterwards."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from incidents.choices import Audience, IncidentState, UpdateKind
from incidents.models import Incident, Update
from tenants import scope
from tenants.models import AuditEvent, User
from tests import factories
from tests.conftest import World

SignIn = Callable[[User], Client]


def page(incident: Incident) -> str:
    return reverse("admin:incidents_incident_post-update", args=[incident.pk])


def typed(client: Client, incident: Incident, **changes: Any) -> dict[str, Any]:
    """What a browser sends from the page as it is now."""
    form = client.get(page(incident)).context["form"]
    return {
        "kind": "update",
        "text": "We are **on it**.",
        "audience": "everyone",
        "next_update_at_0": "",
        "next_update_at_1": "",
        "corrects": "",
        "honest_text": "",
        "override_reason": "",
        "newest_update": form["newest_update"].value(),
        "form_key": str(form["form_key"].value()),
        "_post": "Post update",
    } | changes


def updates(incident: Incident) -> list[Update]:
    with scope.as_staff():
        return list(Update.objects.filter(incident=incident).order_by("published_at", "pk"))


def state_of(incident: Incident) -> tuple[str, int]:
    with scope.as_staff():
        found = Incident.objects.get(pk=incident.pk)
        return found.state, found.version


def test_an_update_is_posted_and_read_by_the_affected(world: World, signed_in: SignIn) -> None:
    client = signed_in(world.sam)
    soon = timezone.now() + timedelta(hours=2)
    sent = typed(
        client,
        world.incident,
        kind="identified",
        text="A disk is **full**.",
        next_update_at_0=f"{soon:%d/%m/%Y}",
        next_update_at_1=f"{soon:%H:%M}:00",
    )
    answer = client.post(page(world.incident), sent)
    assert answer.status_code == 302
    (update,) = updates(world.incident)
    assert update.kind == UpdateKind.IDENTIFIED
    assert update.body_html == "<p>A disk is <strong>full</strong>.</p>\n"
    assert update.author_id == world.sam.pk
    assert update.next_update_at == soon.replace(second=0, microsecond=0)
    assert state_of(world.incident)[0] == IncidentState.IDENTIFIED
    read = signed_in(world.ada).get(f"/acme/incidents/{world.incident.reference}/").content.decode()
    assert "A disk is <strong>full</strong>." in read


def test_a_double_click_posts_once(world: World, signed_in: SignIn) -> None:
    client = signed_in(world.sam)
    sent = typed(client, world.incident)
    assert client.post(page(world.incident), sent).status_code == 302
    assert client.post(page(world.incident), sent).status_code == 302
    assert len(updates(world.incident)) == 1


def test_nobody_posts_past_an_update_that_they_have_not_seen(world: World, signed_in: SignIn) -> None:
    client = signed_in(world.sam)
    old = typed(client, world.incident, text="Written before.")
    client.post(page(world.incident), typed(client, world.incident, text="Written by a colleague."))
    answer = client.post(page(world.incident), old)
    assert answer.status_code == 200
    words = answer.content.decode()
    assert "Yours was not" in words
    assert "Written by a colleague." in words
    assert len(updates(world.incident)) == 1
    read = old | {"newest_update": str(updates(world.incident)[0].pk)}
    assert client.post(page(world.incident), read).status_code == 302
    assert [update.body_markdown for update in updates(world.incident)] == [
        "Written by a colleague.",
        "Written before.",
    ]


def test_a_preview_posts_nothing_and_is_sanitised(world: World, signed_in: SignIn) -> None:
    client = signed_in(world.sam)
    sent = typed(client, world.incident, text="# Hello\n<script>alert(1)</script>", _preview="Preview")
    sent.pop("_post")
    words = client.post(page(world.incident), sent).content.decode()
    assert "As it will be read" in words
    assert "<h3>Hello</h3>" in words
    assert "<script>alert" not in words
    assert updates(world.incident) == []


def test_resolved_is_refused_while_somebody_is_not_restored(world: World, signed_in: SignIn) -> None:
    factories.restore(world.acme, world.incident, minutes=60)
    client = signed_in(world.sam)
    before = state_of(world.incident)
    answer = client.post(
        page(world.incident), typed(client, world.incident, kind="resolved", text="All is well.")
    )
    assert answer.status_code == 200
    words = answer.content.decode()
    assert "<strong>1 of 2</strong> restored" in words
    assert "1 EU" in words
    assert "Monitoring: 50.0% restored" in words
    offered = answer.context["form"]["honest_text"].value()
    assert offered.startswith(
        "**{{ share_restored }} of accounts are restored: {{ restored_count }} of {{ affected_count }}.**"
        "\n\nAll is well.\n\n::: not restored\n"
    )
    assert updates(world.incident) == []
    assert state_of(world.incident) == before


def test_what_would_be_untrue_is_not_offered_as_honest(world: World, signed_in: SignIn) -> None:
    factories.restore(world.acme, world.incident, minutes=60)
    client = signed_in(world.sam)
    text = "All {{ affected_count }} accounts are restored. Yours is, too.\n\nWe are sorry."
    sent = typed(client, world.incident, kind="resolved", text=text)
    sent.pop("_post")
    offered = client.post(page(world.incident), sent).context["form"]["honest_text"].value()
    assert "We are sorry." in offered
    assert "All {{" not in offered
    assert "Yours is, too" not in offered
    assert (
        client.post(page(world.incident), sent | {"honest_text": offered, "_monitoring": "yes"}).status_code
        == 302
    )
    (update,) = updates(world.incident)
    assert update.kind == UpdateKind.MONITORING


def test_a_while_is_promised_from_now_and_only_one_of_both(world: World, signed_in: SignIn) -> None:
    client, soon = signed_in(world.sam), timezone.now() + timedelta(hours=3)
    both = {
        "next_update_in": "60",
        "next_update_at_0": f"{soon:%d/%m/%Y}",
        "next_update_at_1": f"{soon:%H:%M}",
    }
    refused = client.post(page(world.incident), typed(client, world.incident, **both))
    assert "Promise one of both" in refused.content.decode()
    assert updates(world.incident) == []
    before = timezone.now()
    client.post(page(world.incident), typed(client, world.incident, next_update_in="60"))
    (update,) = updates(world.incident)
    assert update.next_update_at is not None
    assert timedelta(minutes=60) <= update.next_update_at - before < timedelta(minutes=61)


def test_a_while_is_said_to_run_from_now_also_where_somebody_still_has_to_approve(
    world: World, signed_in: SignIn
) -> None:
    words = signed_in(world.sam).get(page(world.incident)).content.decode()
    assert ">30 minutes from now</option>" in words
    assert "Counted from now, however long an approval takes." in words


def test_enter_in_a_field_shows_a_preview_and_posts_nothing(world: World, signed_in: SignIn) -> None:
    words = signed_in(world.sam).get(page(world.incident)).content.decode()
    form = words[words.index('<form method="post" novalidate>') :]
    buttons = re.findall(r'<(?:button|input type="submit")[^>]*name="(_\w+)"', form)
    assert buttons[0] == "_preview"
    assert "_post" in buttons


def test_the_honest_way_out_posts_as_monitoring(world: World, signed_in: SignIn) -> None:
    factories.restore(world.acme, world.incident, minutes=60)
    client = signed_in(world.sam)
    sent = typed(client, world.incident, kind="resolved", honest_text="50% are back.", _monitoring="yes")
    sent.pop("_post")
    assert client.post(page(world.incident), sent).status_code == 302
    assert client.post(page(world.incident), sent).status_code == 302
    (update,) = updates(world.incident)
    assert (update.kind, update.body_markdown) == (UpdateKind.MONITORING, "50% are back.")
    assert update.override_reason == ""
    assert state_of(world.incident)[0] == IncidentState.MONITORING


def test_the_numbers_are_those_of_the_moment_at_which_they_are_posted(
    world: World, signed_in: SignIn
) -> None:
    factories.place(hooli := factories.company("hooli"), world.api)
    wide = factories.incident(world.api, title="Wide")
    client = signed_in(world.sam)
    sent = typed(client, wide, kind="resolved", text="All is well.")
    sent.pop("_post")
    offered = client.post(page(wide), sent).context["form"]["honest_text"].value()
    factories.restore(world.acme, wide, minutes=60)
    stale = sent | {"honest_text": offered.replace("All is well.", "More at noon."), "_monitoring": "yes"}
    assert client.post(page(wide), stale).status_code == 302
    for user, company, says_not_yet in ((world.ada, "acme", False), (world.gus, "globex", True)):
        words = signed_in(user).get(f"/{company}/incidents/{wide.reference}/").content.decode()
        assert "33.3% of accounts are restored: 1 of 3." in words
        assert ("for you the incident goes on" in words) is says_not_yet
    factories.restore([world.globex, hooli], wide, minutes=70)
    late = typed(client, wide, kind="resolved", honest_text=offered, _monitoring="yes")
    late.pop("_post")
    assert "Everybody is restored by now" in client.post(page(wide), late).content.decode()
    assert len(updates(wide)) == 1


def test_an_override_needs_a_reason_and_leaves_a_trace(world: World, signed_in: SignIn) -> None:
    client = signed_in(world.sam)
    sent = typed(client, world.incident, kind="resolved", _override="yes")
    sent.pop("_post")
    refused = client.post(page(world.incident), sent | {"override_reason": "   "})
    assert "Say why" in refused.content.decode()
    assert updates(world.incident) == []
    reason = "The last two have left us."
    assert client.post(page(world.incident), sent | {"override_reason": reason}).status_code == 302
    (update,) = updates(world.incident)
    assert (update.kind, update.override_reason) == (UpdateKind.RESOLVED, reason)
    with scope.as_staff():
        assert AuditEvent.objects.filter(action="update.posted_against_the_record").count() == 1
    assert (
        reason
        not in signed_in(world.ada).get(f"/acme/incidents/{world.incident.reference}/").content.decode()
    )


def test_a_typed_reason_overrides_nothing_on_the_plain_button(world: World, signed_in: SignIn) -> None:
    client = signed_in(world.sam)
    client.post(
        page(world.incident), typed(client, world.incident, kind="resolved", override_reason="Because.")
    )
    assert updates(world.incident) == []


def test_a_note_for_staff_reaches_no_client(world: World, signed_in: SignIn) -> None:
    client = signed_in(world.sam)
    before = state_of(world.incident)
    client.post(
        page(world.incident),
        typed(client, world.incident, kind="resolved", text="note-for-us-only", audience="staff"),
    )
    (update,) = updates(world.incident)
    assert update.audience == Audience.STAFF
    assert state_of(world.incident) == before
    read = signed_in(world.ada).get(f"/acme/incidents/{world.incident.reference}/").content.decode()
    assert "note-for-us-only" not in read


def test_a_correction_names_what_it_corrects(world: World, signed_in: SignIn) -> None:
    client = signed_in(world.sam)
    client.post(page(world.incident), typed(client, world.incident, text="Since 14:00."))
    (wrong,) = updates(world.incident)
    sent = typed(client, world.incident, kind="correction", text="Since 13:45.")
    assert "Say which update" in client.post(page(world.incident), sent).content.decode()
    plain = typed(client, world.incident, text="Since 13:45.", corrects=str(wrong.pk))
    assert "Only a correction" in client.post(page(world.incident), plain).content.decode()
    assert len(updates(world.incident)) == 1
    assert client.post(page(world.incident), sent | {"corrects": str(wrong.pk)}).status_code == 302
    assert updates(world.incident)[1].corrects_id == wrong.pk


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"text": "   "}, "required"),
        ({"text": ""}, "required"),
        ({"text": "a" * 20_001}, "at most 20000"),
        ({"text": "nul \x00 byte"}, "Null characters"),
        ({"kind": "post_mortem"}, "not one of the available choices"),
        ({"audience": "acme"}, "not one of the available choices"),
        ({"next_update_at_0": "04/02/2026", "next_update_at_1": "13:45:00"}, "has passed"),
        ({"next_update_at_0": "04/02/2026"}, "valid time"),
        ({"corrects": "not-an-update"}, "not a valid UUID"),
    ],
)
def test_what_cannot_be_posted_is_refused(
    world: World, signed_in: SignIn, changes: dict[str, Any], words: str
) -> None:
    client = signed_in(world.sam)
    before = state_of(world.incident)
    answer = client.post(page(world.incident), typed(client, world.incident, **changes))
    assert answer.status_code == 200
    assert words in answer.content.decode()
    assert updates(world.incident) == []
    assert state_of(world.incident) == before


def test_an_update_of_another_incident_is_not_corrected(world: World, signed_in: SignIn) -> None:
    other = factories.incident(world.reports, title="Another")
    client = signed_in(world.sam)
    client.post(page(other), typed(client, other, text="Elsewhere."))
    (elsewhere,) = updates(other)
    sent = typed(client, world.incident, kind="correction", corrects=str(elsewhere.pk))
    assert client.post(page(world.incident), sent).status_code == 200
    assert updates(world.incident) == []


def test_a_draft_has_no_updates(world: World, signed_in: SignIn) -> None:
    draft = factories.draft(world.api)
    client = signed_in(world.sam)
    assert client.get(page(draft)).status_code == 302
    sent = typed(client, world.incident)
    answer = client.post(page(draft), sent, follow=True)
    assert "is a draft" in " ".join(str(message) for message in answer.context["messages"])
    assert updates(draft) == []
