"""How a posted text begins: plain words, the numbers of then, nothing of the signs it was written with."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse

from incidents import beginnings, report_facts, report_timeline
from incidents.choices import UpdateKind
from incidents.models import Update
from incidents.operations import incidents
from tenants import scope
from tenants.models import User
from tests import factories
from tests.conftest import World

SignIn = Callable[[User], Client]

TEXT = (
    "**{{ restored_count }} of {{ affected_count }}** accounts are back since {{ started_at }}. "
    "We | go on.\n\n"
    "Yours has been back since {{ your_restored_at }}. Thank you &amp; sorry.\n\n"
    "::: restored\nYou are back.\n:::"
)


def posted(world: World, text: str) -> Update:
    with scope.as_staff():
        return incidents.post_update(
            factories.actor(world.sam),
            incident_id=world.incident.pk,
            kind=UpdateKind.UPDATE,
            body_markdown=text,
            now=factories.STARTED_AT + timedelta(minutes=90),
        )


def test_staff_read_what_everybody_read_with_the_numbers_of_then(world: World) -> None:
    update = posted(world, TEXT)
    factories.restore(world.acme, world.incident, minutes=95)
    with scope.as_staff():
        words = beginnings.as_posted(update, zone="UTC", words=40)
        few = beginnings.as_posted(update, zone="UTC", words=3)
    at = factories.STARTED_AT
    assert words == (
        f"0 of 2 accounts are back since {at.day} {at:%b %Y, %H:%M} UTC. We | go on. Thank you & sorry."
    )
    assert few == "0 of 2…"


@pytest.mark.parametrize("typed", ["{{your_state}}", "{{  your_state }}", "{{\nyour_state }}"])
def test_a_sentence_of_each_account_is_left_out_however_its_field_was_typed(world: World, typed: str) -> None:
    update = posted(world, f"We go on. Your state is {typed} for now.\n\nSorry.")
    with scope.as_staff():
        assert beginnings.as_posted(update, zone="UTC", words=40) == "We go on. Sorry."


def test_a_sentence_with_a_field_over_two_lines_is_not_proposed_in_part() -> None:
    assert beginnings.typed_by_hand("We go on. So far {{\nrestored_count }} are back.") == "We go on."


@pytest.mark.parametrize(
    "text", ["::: restored\nYou are back.\n:::\n\n::: not restored\nStill down.\n:::", "{{your_state}}."]
)
def test_a_text_of_which_nothing_is_the_same_for_all_is_said_to_differ(world: World, text: str) -> None:
    update = posted(world, text)
    with scope.as_staff():
        assert beginnings.as_posted(update, zone="UTC", words=40) == "(differs by account)"


def test_a_text_without_blocks_begins_the_same(world: World) -> None:
    with scope.as_staff():
        assert (
            beginnings.as_posted(posted(world, "# Cause\nA *disk*."), zone="UTC", words=9) == "Cause A disk."
        )


def test_a_timeline_begins_without_half_sentences_and_signs(world: World) -> None:
    posted(world, TEXT)
    with scope.as_staff():
        proposed = report_facts.moments(world.incident, now=factories.STARTED_AT + timedelta(hours=3))
    (said,) = [each.text for each in proposed if each.heading.startswith("Announced")]
    assert said == "We / go on. Thank you & sorry."


def test_what_the_record_holds_is_not_proposed_twice_for_its_seconds(world: World) -> None:
    moment = report_timeline.Moment(
        from_at=factories.STARTED_AT + timedelta(seconds=25), until_at=None, heading="First impact", text=""
    )
    typed = report_timeline.written([moment], "UTC")
    assert report_timeline.merged(typed, [moment], "UTC") == typed


def test_the_incidents_page_and_the_list_show_no_signs(world: World, signed_in: SignIn) -> None:
    posted(world, TEXT)
    client: Client = signed_in(world.sam)
    for address in (
        reverse("admin:incidents_incident_change", args=[world.incident.pk]),
        reverse("admin:incidents_update_changelist"),
    ):
        words = client.get(address).content.decode()
        assert "0 of 2 accounts are back" in words
        assert "{{" not in words
        assert ":::" not in words
