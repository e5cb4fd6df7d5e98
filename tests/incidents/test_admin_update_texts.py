"""The page of an update: fields, blocks, readers and contradictions, before anything is posted."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from incidents.choices import Audience
from incidents.models import Incident, UpdateReader
from tenants import scope
from tenants.models import User
from tests import factories
from tests.conftest import World
from tests.incidents.test_admin_updates import page, typed, updates

SignIn = Callable[[User], Client]
UNTRUE = "All accounts are restored."


def sent_again(answer: Any, sent: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """The form as it came back, with what it remembers of what its author was shown."""
    form = answer.context["form"]
    return sent | {name: form[name].value() or "" for name in ("contradicted", "reached_count")} | changes


def test_a_contradiction_is_shown_with_the_truth_and_nothing_is_posted(
    world: World, signed_in: SignIn
) -> None:
    client = signed_in(world.sam)
    sent = typed(client, world.incident, text=UNTRUE)
    answer = client.post(page(world.incident), sent)
    assert "“All accounts are restored”: 2 of 2 are not restored" in answer.content.decode()
    assert updates(world.incident) == []
    assert client.post(page(world.incident), sent_again(answer, sent)).status_code == 200
    assert updates(world.incident) == []


def test_it_is_posted_once_acknowledged_and_not_with_other_words(world: World, signed_in: SignIn) -> None:
    client = signed_in(world.sam)
    sent = typed(client, world.incident, text=UNTRUE)
    answer = client.post(page(world.incident), sent)
    other = sent_again(answer, sent, acknowledge="on", text="Everyone is back, after an outage of 1 h.")
    assert client.post(page(world.incident), other).status_code == 200
    assert client.post(page(world.incident), sent | {"acknowledge": "on"}).status_code == 200
    assert updates(world.incident) == []
    assert client.post(page(world.incident), sent_again(answer, sent, acknowledge="on")).status_code == 302
    (update,) = updates(world.incident)
    assert update.acknowledged == "“All accounts are restored”: 2 of 2 are not restored"


def test_fields_are_filled_for_the_reader_in_its_own_zone(world: World, signed_in: SignIn) -> None:
    client = signed_in(world.sam)
    text = "{{ open_count }} open since {{ started_at }}. You: {{ your_state }}."
    client.post(page(world.incident), typed(client, world.incident, text=text))
    assert updates(world.incident)[0].body_markdown == text
    for user, company, clock in ((world.ada, "acme", "13:45 CET"), (world.gus, "globex", "07:45 EST")):
        words = signed_in(user).get(f"/{company}/incidents/{world.incident.reference}/").content.decode()
        assert "2 open since <time" in words
        assert f"{clock}</time>. You: Outage." in words


def test_a_preview_as_a_company_shows_its_block_its_zone_and_how_many_read(
    world: World, signed_in: SignIn
) -> None:
    factories.restore(world.acme, world.incident, minutes=60)
    client = signed_in(world.sam)
    text = "Since {{ started_at }}.\n\n::: restored\nBack.\n:::\n\n::: not restored\nStill down.\n:::"
    preview = typed(client, world.incident, text=text, _preview="Preview")
    preview.pop("_post")
    of_all = client.post(page(world.incident), preview).context["preview"]
    assert (of_all.count.companies, of_all.count.people) == (2, 3)
    assert ["Still down" in str(each.html) for each in of_all.wordings] == [False, True, True]
    (own,) = client.post(page(world.incident), preview | {"read_as": "GLOBEX"}).context["preview"].wordings
    assert own.reader == "Globex Hotels (outage)"
    assert "07:45 EST" in own.html
    assert "Still down." in own.html
    assert "Back." not in own.html
    not_for = preview | {"read_as": "acme", "audience": "not_restored"}
    (none,) = client.post(page(world.incident), not_for).context["preview"].wordings
    assert (none.reader, none.html) == ("Acme Stores, who would not read it", None)
    assert updates(world.incident) == []


CHANGES: list[dict[str, Any]] = [
    {"text": "We are not on it."},
    {"kind": "identified"},
    {"audience": "not_restored"},
    {"next_update_in": "30"},
]


def previewed(client: Client, incident: Incident) -> tuple[dict[str, Any], Any]:
    """What a browser has typed but for the button to post it, and the page with its preview."""
    sent = typed(client, incident)
    sent.pop("_post")
    return sent, client.post(page(incident), sent | {"_preview": "Preview"})


@pytest.mark.parametrize("changes", CHANGES)
def test_what_was_changed_after_its_preview_is_shown_anew_and_not_posted_like_it(
    world: World, signed_in: SignIn, changes: dict[str, Any]
) -> None:
    client = signed_in(world.sam)
    sent, seen = previewed(client, world.incident)
    assert "Something was changed" not in seen.content.decode()
    like_this = {"_previewed": seen.context["previewed"]}
    assert f'name="_previewed" value="{like_this["_previewed"]}"' in seen.content.decode()
    changed = sent_again(seen, sent, **changes)
    anew = client.post(page(world.incident), changed | like_this)
    assert "Something was changed after the preview: nothing was posted." in anew.content.decode()
    assert updates(world.incident) == []
    like_this = {"_previewed": anew.context["previewed"]}
    assert client.post(page(world.incident), sent_again(anew, changed, **like_this)).status_code == 302
    assert len(updates(world.incident)) == 1


def test_what_was_previewed_is_posted_like_it_and_what_was_changed_by_the_other_button(
    world: World, signed_in: SignIn
) -> None:
    client = signed_in(world.sam)
    sent = typed(client, world.incident)
    seen = client.post(page(world.incident), sent | {"_preview": "Preview"})
    changed = sent_again(seen, sent, text="We are still on it.")
    assert client.post(page(world.incident), changed).status_code == 302
    sent, seen = previewed(client, world.incident)
    like_this = {"_previewed": seen.context["previewed"]}
    assert client.post(page(world.incident), sent_again(seen, sent, **like_this)).status_code == 302
    assert len(updates(world.incident)) == 2


def test_a_text_for_some_is_posted_once_its_author_knows_how_many_read_it(
    world: World, signed_in: SignIn
) -> None:
    client = signed_in(world.sam)
    sent = typed(client, world.incident, audience="companies", companies="acme\n\nAcme Stores\n")
    answer = client.post(page(world.incident), sent)
    assert "1 company, 2 people would read it. Nothing was posted yet." in answer.content.decode()
    assert updates(world.incident) == []
    again = sent_again(answer, sent)
    assert client.post(page(world.incident), again).status_code == 302
    assert client.post(page(world.incident), again).status_code == 302
    (update,) = updates(world.incident)
    assert update.audience == Audience.COMPANIES
    with scope.as_staff():
        assert list(UpdateReader.objects.values_list("company_id", flat=True)) == [world.acme.pk]
    address = f"incidents/{world.incident.reference}/"
    assert "We are <strong>on it</strong>" in signed_in(world.ada).get(f"/acme/{address}").content.decode()
    assert "on it" not in signed_in(world.gus).get(f"/globex/{address}").content.decode()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"text": "{{ secret }}"}, "There is no field {{ secret }}"),
        ({"text": "{{ last_restored_at }}"}, "has no value for {{ last_restored_at }}"),
        ({"text": "::: everyone\nx\n:::"}, "A block is for"),
        ({"audience": "components"}, "Say which."),
        ({"audience": "companies", "companies": "initech"}, "Not the name of one affected company: initech"),
        ({"audience": "tail"}, "nobody would read it"),
        ({"audience": "not_restored", "kind": "resolved", "reached_count": "2"}, "for all"),
        ({"read_as": "initech", "_preview": "Preview"}, "Not the name of one affected company"),
        ({"text": "{{ secret }}", "_preview": "Preview"}, "There is no field"),
    ],
)
def test_what_does_not_fit_is_said_and_nothing_is_posted(
    world: World, signed_in: SignIn, changes: dict[str, Any], words: str
) -> None:
    client = signed_in(world.sam)
    answer = client.post(page(world.incident), typed(client, world.incident, **changes))
    assert answer.status_code == 200
    assert words in answer.content.decode()
    assert updates(world.incident) == []
