"""The pages of a report: read by those who hold it, opening and reading written down in a person's name."""

from collections.abc import Callable

import pytest
from django.test import Client

from incidents.choices import PublicationKind
from incidents.models import ActionFollow, ReportReading
from tenants import scope
from tenants.models import AuditEvent, User
from tests import factories
from tests.conftest import World
from tests.incidents import reporting

SignIn = Callable[[User], Client]


@pytest.fixture
def held(world: World) -> World:
    """Acme holds a report with one promise in two versions; Globex has asked and waits."""
    factories.restore(world.acme, world.incident, minutes=390)
    reporting.asked(world, world.ada, world.acme)
    reporting.asked(world, world.gus, world.globex, is_accepted=False)
    reporting.promised(world, title="Audit of <hardware>")
    draft = reporting.begun(world)
    second = factories.person("ren@vendor.example", is_staff=True)
    reporting.published(world, draft, by=second)
    reporting.written(world, draft, summary="In total it took {{ your_duration }}. <b>Bold</b>")
    reporting.published(world, draft, PublicationKind.REVISION, by=second)
    return world


def page(world: World, place: str = "report", company: str = "acme") -> str:
    return f"/{company}/incidents/{world.incident.reference}/post-mortem/{place}/"


def events(action: str) -> list[tuple[str, int]]:
    with scope.as_staff():
        rows = AuditEvent.objects.filter(action=action).order_by("at", "id")
        return [(row.actor_name, row.detail["number"]) for row in rows]


def test_a_reader_opens_the_newest_version_and_that_is_written_down(held: World, signed_in: SignIn) -> None:
    bea = signed_in(held.bea)
    text = bea.get(page(held)).content.decode()
    assert "In total it took 6 h 30 min. &lt;b&gt;Bold&lt;/b&gt;" in text
    assert "Audit of &lt;hardware&gt;" in text
    assert "Annex: your account in this incident" in text
    bea.get(page(held), {"version": "1"})
    bea.head(page(held))
    assert events("report.opened") == [("bea@acme.example", 2), ("bea@acme.example", 1)]


def test_an_older_version_says_that_it_is_old(held: World, signed_in: SignIn) -> None:
    text = signed_in(held.ada).get(page(held), {"version": "1"}).content.decode()
    assert "This is not the newest version." in text
    assert signed_in(held.ada).get(page(held), {"version": "9"}).status_code == 404
    assert signed_in(held.ada).get(page(held), {"version": "-1"}).status_code == 200


@pytest.mark.parametrize("place", ["report", "differences", "actions"])
def test_a_company_that_waits_finds_nothing_and_leaves_no_trace(
    held: World, signed_in: SignIn, place: str
) -> None:
    gus = signed_in(held.gus)
    assert gus.get(page(held, place, "globex")).status_code == 404
    assert gus.get(page(held, place)).status_code == 404
    assert events("report.opened") == []


def test_i_have_read_it_is_kept_once_for_each_person(held: World, signed_in: SignIn) -> None:
    for person in (held.ada, held.ada, held.bea):
        assert signed_in(person).post(page(held), {"version": "2"}).status_code == 302
    assert events("report.read") == [("ada@acme.example", 2), ("bea@acme.example", 2)]
    with scope.as_staff():
        assert ReportReading.objects.count() == 2
    assert "You have read this version" in signed_in(held.ada).get(page(held)).content.decode()


def test_a_stranger_says_nothing_in_anothers_name(held: World, signed_in: SignIn) -> None:
    gus = signed_in(held.gus)
    assert gus.post(page(held), {"version": "2"}).status_code == 404
    assert gus.post(page(held, company="globex"), {"version": "2"}).status_code == 404
    with scope.as_staff():
        assert not ReportReading.objects.exists()


def test_differences_are_marked_for_eyes_and_screen_readers(held: World, signed_in: SignIn) -> None:
    text = signed_in(held.ada).get(page(held, "differences")).content.decode()
    assert '<ins><span class="visually-hidden">[added: </span>In total it took 6 h 30 min.' in text
    assert "&lt;b&gt;Bold&lt;/b&gt;" in text
    assert "Unchanged" in text


def test_actions_are_followed_without_javascript(held: World, signed_in: SignIn) -> None:
    ada = signed_in(held.ada)
    assert ada.post(page(held, "actions"), {"number": "1", "is_wanted": "yes"}).status_code == 302
    assert "Follow no longer" in ada.get(page(held, "actions")).content.decode()
    assert ada.post(page(held, "actions"), {"number": "7", "is_wanted": "yes"}).status_code == 404
    assert ada.post(page(held, "actions"), {"is_wanted": "perhaps"}).status_code == 422
    with scope.as_staff():
        assert ActionFollow.objects.count() == 1
