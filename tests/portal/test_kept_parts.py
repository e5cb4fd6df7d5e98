"""What is kept between requests: never another company's, never another reader's, never too old."""

from collections.abc import Callable
from datetime import timedelta
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone

from incidents.choices import RequestState, UpdateKind
from incidents.models import PostMortemRequest
from incidents.operations import disclosure, incidents, postmortems
from portal.web import rendered
from tenants import scope
from tenants.errors import ScopeError
from tenants.models import Company, Membership, User
from tenants.permissions import Role
from tests import factories
from tests.conftest import World

SignIn = Callable[[User], Client]

NOW = factories.STARTED_AT + timedelta(hours=12)
FRAGMENT = {"HX-Request": "true"}


@pytest.fixture
def still(world: World) -> World:
    """Everybody restored and announced so: nothing moves by the clock any more."""
    factories.restore([world.acme, world.globex], world.incident, minutes=30)
    factories.resolve(world.incident, by=world.sam, now=NOW)
    return world


def path(world: World, company: str = "acme") -> str:
    return f"/{company}/incidents/{world.incident.reference}/"


def etag(client: Client, world: World, company: str = "acme", *, fragment: bool = True) -> str:
    return str(client.get(path(world, company), headers=FRAGMENT if fragment else {})["ETag"])


def test_a_part_is_kept_for_its_company_only() -> None:
    one, other = uuid4(), uuid4()
    made: list[str] = []

    def render(company_id: object) -> Callable[[], rendered.Part]:
        def make() -> rendered.Part:
            made.append(str(company_id))
            return rendered.Part(company_id=company_id, title="", html=f"of {company_id}")  # type: ignore[arg-type]

        return make

    for _ in range(2):
        for company_id in (one, other):
            with scope.entered(scope.Scope(company_id=company_id)):
                assert rendered.part(("same", 1), render(company_id)).html == f"of {company_id}"
    assert made == [str(one), str(other)], "the second time nothing was rendered"


def test_a_part_that_names_another_company_is_not_given_out() -> None:
    asked, named = uuid4(), uuid4()
    with scope.entered(scope.Scope(company_id=asked)):
        for _ in range(2):
            with pytest.raises(ScopeError, match="another company"):
                rendered.part(("k",), lambda: rendered.Part(company_id=named, title="", html="theirs"))


def test_without_a_company_nothing_is_kept() -> None:
    with pytest.raises(ScopeError):
        rendered.part(("k",), lambda: rendered.Part(company_id=uuid4(), title="", html=""))
    with scope.entered(scope.Scope(company_id=None)), pytest.raises(ScopeError, match="companies only"):
        rendered.part(("k",), lambda: rendered.Part(company_id=uuid4(), title="", html=""))


def test_no_more_than_a_thousand_are_kept() -> None:
    company_id = uuid4()
    with scope.entered(scope.Scope(company_id=company_id)):
        for number in range(rendered.MOST_PARTS + 50):
            rendered.part((number,), lambda: rendered.Part(company_id=company_id, title="", html=""))
    assert len(rendered._parts) == rendered.MOST_PARTS


def test_two_companies_at_one_version_read_different_bytes(still: World, signed_in: SignIn) -> None:
    ada, gus = signed_in(still.ada), signed_in(still.gus)
    for _ in range(2):
        of_acme, of_globex = ada.get(path(still)), gus.get(path(still, "globex"))
        assert b"Acme Stores" in of_acme.content
        assert b"Globex" not in of_acme.content
        assert b"Globex Hotels" in of_globex.content
        assert b"Acme" not in of_globex.content


def test_a_validator_of_another_company_is_worth_nothing(still: World, signed_in: SignIn) -> None:
    foreign = etag(signed_in(still.gus), still, "globex")
    response = signed_in(still.ada).get(path(still), headers=FRAGMENT | {"If-None-Match": foreign})
    assert (response.status_code, response["ETag"] != foreign) == (200, True)


def test_companies_of_one_name_in_one_state_have_validators_of_their_own(
    still: World, signed_in: SignIn
) -> None:
    with scope.as_staff():
        Company.objects.update(name="Twin", time_zone="UTC", consents_to_be_named=False)
    ada, gus = signed_in(still.ada), signed_in(still.gus)
    for fragment in (True, False):
        found = {
            etag(client, still, company, fragment=fragment)
            for client, company in ((ada, "acme"), (gus, "globex"))
        }
        assert len(found) == 2


def test_a_stranger_is_not_told_304_even_with_the_right_validator(still: World, signed_in: SignIn) -> None:
    own = etag(signed_in(still.ada), still)
    for value in (own, "*"):
        response = signed_in(still.gus).get(path(still), headers=FRAGMENT | {"If-None-Match": value})
        assert response.status_code == 404


def test_colleagues_share_the_live_part_but_not_the_page_around_it(still: World, signed_in: SignIn) -> None:
    manager = factories.person("max@acme.example")
    factories.member(manager, still.acme, Role.MANAGER)
    ada, max_ = signed_in(still.ada), signed_in(manager)
    assert etag(ada, still) == etag(max_, still)
    assert etag(ada, still, fragment=False) != etag(max_, still, fragment=False)
    assert b"max@acme.example" not in ada.get(path(still)).content


def test_the_validator_is_the_same_while_nothing_changes(still: World, signed_in: SignIn) -> None:
    client = signed_in(still.ada)
    assert etag(client, still) == etag(client, still)
    assert etag(client, still) != etag(client, still, fragment=False)


def choose_utc(world: World, client: Client) -> None:
    client.post("/zone/", {"zone": "utc"})


def withdraw_consent(world: World, client: Client) -> None:
    with scope.as_staff():
        disclosure.set_consent(factories.actor(world.sam), company_id=world.acme.pk, consents=False, now=NOW)


def lower_role(world: World, client: Client) -> None:
    with scope.as_staff():
        Membership.objects.filter(user=world.ada).update(role=Role.READER)


def move_zone(world: World, client: Client) -> None:
    with scope.as_staff():
        Company.objects.filter(pk=world.acme.pk).update(time_zone="Asia/Tokyo")


def rename_company(world: World, client: Client) -> None:
    with scope.as_staff():
        Company.objects.filter(pk=world.acme.pk).update(name="Acme Renamed")


def post_update(world: World, client: Client) -> None:
    with scope.as_staff():
        incidents.post_update(
            factories.actor(world.sam),
            incident_id=world.incident.pk,
            kind=UpdateKind.UPDATE,
            body_markdown="News.",
            now=NOW,
        )


def ask_for_report(world: World, client: Client) -> None:
    with scope.as_company(world.acme.pk, user_id=world.ada.pk):
        postmortems.request(
            factories.actor(world.ada, world.acme),
            reference=world.incident.reference,
            purpose="Please.",
            now=NOW,
        )


@pytest.mark.parametrize(
    "change",
    [choose_utc, withdraw_consent, lower_role, move_zone, rename_company, post_update, ask_for_report],
)
def test_whatever_changes_the_page_changes_its_validator(
    still: World, signed_in: SignIn, change: Callable[[World, Client], None]
) -> None:
    client = signed_in(still.ada)
    before = etag(client, still)
    first = client.get(path(still), headers=FRAGMENT).content
    change(still, client)
    response = client.get(path(still), headers=FRAGMENT | {"If-None-Match": before})
    assert response.status_code == 200
    assert response["ETag"] != before
    assert response.content != first


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (RequestState.REQUESTED, b"The answer is late"),
        (RequestState.ACCEPTED, b"The preliminary report is late"),
        (RequestState.PRELIMINARY_DELIVERED, b"The final report is late"),
    ],
)
def test_a_report_that_has_become_late_is_said_in_the_kept_part(
    still: World, signed_in: SignIn, state: RequestState, words: bytes
) -> None:
    """Nothing is written when the instant passes, so the version alone does not tell."""
    client = signed_in(still.ada)
    ask_for_report(still, client)
    now = timezone.now()

    def owed(days: int) -> None:
        due = now + timedelta(days=days)
        with scope.as_staff():
            PostMortemRequest.objects.update(
                state=state, answer_due_at=due, preliminary_due_at=due, final_due_at=due
            )

    owed(1)
    before = client.get(path(still), headers=FRAGMENT)
    assert words not in before.content
    owed(-1)
    after = client.get(path(still), headers=FRAGMENT | {"If-None-Match": before["ETag"]})
    assert after.status_code == 200
    assert words in after.content
    assert b"Late, was due" in client.get(f"{path(still)}post-mortem/").content


def test_a_kept_page_holds_nothing_that_a_later_reader_could_use(still: World, signed_in: SignIn) -> None:
    """No token, no person, no address in the bytes that colleagues share."""
    live = signed_in(still.ada).get(path(still), headers=FRAGMENT).content
    for private in (b"csrf", b"ada@acme.example", b"Ada"):
        assert private not in live
