"""Companies in the admin: people, placements, consent and access, each with its consequence."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from incidents.models import Claim, Placement, RosterEntry
from tenants import scope
from tenants.models import AuditEvent, Company, Membership, User
from tenants.permissions import Role
from tests import factories
from tests.conftest import World

SignIn = Callable[[User], Client]
LIST = reverse("admin:tenants_company_changelist")
ADD = reverse("admin:tenants_company_add")


def page(name: str, company: Company) -> str:
    return reverse(f"admin:tenants_company_{name}", args=[company.pk])


def again(company: Company) -> Company:
    with scope.as_staff():
        return Company.objects.get(pk=company.pk)


def messages_of(response: Any) -> str:
    return " ".join(str(message) for message in response.context["messages"])


def typed(world: World, company: Company, **changes: Any) -> dict[str, Any]:
    """What a browser sends from a company's page: its members as they are, one empty row to add."""
    with scope.as_staff():
        members = list(
            Membership.objects.filter(company=company).select_related("user").order_by("user__email")
        )
        runs_on = [
            str(pk) for pk in Placement.objects.filter(company=company).values_list("component", flat=True)
        ]
    sent: dict[str, Any] = {"name": company.name, "time_zone": company.time_zone, "runs_on": runs_on}
    sent |= {"memberships-TOTAL_FORMS": len(members), "memberships-INITIAL_FORMS": len(members)}
    for number, member in enumerate(members):
        sent |= {
            f"memberships-{number}-id": str(member.pk),
            f"memberships-{number}-company": str(company.pk),
            f"memberships-{number}-role": member.role,
        }
    sent |= {"memberships-2-TOTAL_FORMS": 1, "memberships-2-INITIAL_FORMS": 0}
    sent |= {"memberships-2-0-user": "", "memberships-2-0-role": "reader"}
    return sent | changes


def test_a_company_is_added_with_what_it_runs_on(world: World, signed_in: SignIn) -> None:
    sent = typed(
        world, world.acme, name="Initech", slug="initech", time_zone="UTC", runs_on=[str(world.api.pk)]
    ) | {"memberships-TOTAL_FORMS": 0, "memberships-INITIAL_FORMS": 0}
    answer = signed_in(world.sam).post(ADD, sent)
    assert answer.status_code == 302, answer.content.decode()
    with scope.as_staff():
        made = Company.objects.get(slug="initech")
        assert not made.consents_to_be_named
        assert [placement.component for placement in Placement.objects.filter(company=made)] == [world.api]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"slug": "admin"}, "addresses of its own"),
        ({"slug": "acme"}, "already exists"),
        ({"slug": "Capital Letters"}, "Small letters, digits and hyphens"),
        ({"time_zone": "Mars/Olympus"}, "is not a time zone"),
        ({"time_zone": "../../etc/passwd"}, "is not a time zone"),
        ({"name": ""}, "required"),
    ],
)
def test_a_company_that_cannot_be_is_refused(
    world: World, signed_in: SignIn, changes: dict[str, Any], words: str
) -> None:
    sent = typed(world, world.acme, name="Initech", slug="initech") | changes
    sent |= {"memberships-TOTAL_FORMS": 0, "memberships-INITIAL_FORMS": 0}
    answer = signed_in(world.sam).post(ADD, sent)
    assert answer.status_code == 200
    assert words in answer.content.decode()
    with scope.as_staff():
        assert Company.objects.count() == 2


def test_people_are_added_changed_and_removed_and_it_is_written_down(world: World, signed_in: SignIn) -> None:
    hal = factories.person("hal@acme.example")
    sent = typed(
        world, world.acme, **{"memberships-2-0-user": str(hal.pk), "memberships-2-0-role": "manager"}
    )
    sent |= {"memberships-1-role": "manager"}
    answer = signed_in(world.sam).post(page("change", world.acme), sent)
    assert answer.status_code == 302, answer.content.decode()
    with scope.as_staff():
        roles = dict(Membership.objects.filter(company=world.acme).values_list("user__email", "role"))
        actions = list(
            AuditEvent.objects.filter(company=world.acme, action__startswith="membership.")
            .order_by("action")
            .values_list("action", flat=True)
        )
    assert roles == {
        "ada@acme.example": Role.OWNER,
        "bea@acme.example": Role.MANAGER,
        "hal@acme.example": Role.MANAGER,
    }
    assert actions == ["membership.added", "membership.changed"]
    removed = typed(world, world.acme, **{"memberships-1-DELETE": "on"})
    signed_in(world.sam).post(page("change", world.acme), removed)
    assert signed_in(world.bea).get("/acme/").status_code == 404
    with scope.as_staff():
        assert AuditEvent.objects.filter(action="membership.removed").count() == 1


def test_staff_are_never_made_members(world: World, signed_in: SignIn) -> None:
    sent = typed(world, world.acme, **{"memberships-2-0-user": str(world.sam.pk)})
    answer = signed_in(world.sam).post(page("change", world.acme), sent)
    assert "Staff are never members" in answer.content.decode()
    with scope.as_staff():
        assert not Membership.objects.filter(user=world.sam).exists()


def test_what_a_company_runs_on_is_exchanged_but_not_while_it_is_down(
    world: World, signed_in: SignIn
) -> None:
    mobile = factories.component("Mobile App", "EU")
    client = signed_in(world.sam)
    without_api = typed(world, world.acme, runs_on=[str(mobile.pk)])
    refused = client.post(page("change", world.acme), without_api)
    assert "not restored yet" in refused.content.decode()
    exchanged = typed(world, world.acme, runs_on=[str(world.api.pk), str(mobile.pk)])
    assert client.post(page("change", world.acme), exchanged).status_code == 302
    with scope.as_staff():
        names = set(Placement.objects.filter(company=world.acme).values_list("component__name", flat=True))
    assert names == {"API (EU)", "Mobile App (EU)"}
    factories.restore(world.acme, world.incident, minutes=60)
    assert client.post(page("change", world.acme), without_api).status_code == 302


def test_a_plain_save_moves_neither_consent_nor_access_nor_the_address(
    world: World, signed_in: SignIn
) -> None:
    sent = typed(world, world.acme, name="Acme Shops", slug="globex-2", suspended_at_0="01/01/2026")
    sent |= {"consents_to_be_named": "", "suspended_at_1": "00:00:00", "id": "x"}
    assert signed_in(world.sam).post(page("change", world.acme), sent).status_code == 302
    after = again(world.acme)
    assert (after.name, after.slug) == ("Acme Shops", "acme")
    assert after.consents_to_be_named
    assert not after.is_suspended


def test_a_company_is_never_deleted(world: World, signed_in: SignIn) -> None:
    assert signed_in(world.sam).post(page("delete", world.acme), {"post": "yes"}).status_code == 403
    assert again(world.acme)


@pytest.fixture
def tail(world: World) -> list[Company]:
    """Twenty companies in one incident; the last to recover, which consents, is its tail."""
    companies = [factories.company(f"one-{number}", consents=True) for number in range(20)]
    mobile = factories.component("Mobile App", "EU")
    for company in companies:
        factories.place(company, mobile)
    incident = factories.incident(mobile, title="Mobile")
    factories.restore(companies[:19], incident, minutes=60)
    factories.restore(companies[19], incident, minutes=120)
    return companies


def roster() -> list[str]:
    with scope.as_staff():
        return sorted(RosterEntry.objects.values_list("name", flat=True))


def test_withdrawn_consent_takes_the_name_off_every_roster_at_once(
    world: World, signed_in: SignIn, tail: list[Company]
) -> None:
    client = signed_in(world.sam)
    assert roster() == [tail[19].name]
    shown = client.get(page("consent", tail[19])).content.decode()
    assert f"Keep “{tail[19].name}” from other clients?" in shown
    assert roster() == [tail[19].name], "a page that asks changes nothing"
    for _ in range(2):
        assert client.post(page("consent", tail[19]), {"consents": "no"}).status_code == 302
    assert roster() == []
    with scope.as_staff():
        assert AuditEvent.objects.filter(action="company.consent_changed").count() == 1
    client.post(page("consent", tail[19]), {"consents": "yes"})
    assert roster() == [tail[19].name]


def test_a_renamed_company_is_not_published_under_its_old_name(
    world: World, signed_in: SignIn, tail: list[Company]
) -> None:
    sent = typed(world, tail[19], name="Apex Stores", time_zone="Asia/Tokyo")
    assert signed_in(world.sam).post(page("change", tail[19]), sent).status_code == 302
    assert roster() == ["Apex Stores"]
    company = again(tail[19])
    assert (company.name, company.time_zone, company.consents_to_be_named) == (
        "Apex Stores",
        "Asia/Tokyo",
        True,
    )
    with scope.as_staff():
        assert AuditEvent.objects.filter(action="company.renamed", company=company).count() == 1


def test_consent_is_set_for_selected_companies(world: World, signed_in: SignIn, tail: list[Company]) -> None:
    chosen = {
        "action": "keep_unnamed",
        "_selected_action": [str(company.pk) for company in (*tail, world.globex)],
        "select_across": "0",
    }
    answer = signed_in(world.sam).post(LIST, chosen, follow=True)
    assert "20 companies are not named" in messages_of(answer), "Globex never was"
    assert roster() == []
    assert again(world.acme).consents_to_be_named


def test_a_suspended_company_is_shut_out_at_the_next_request(world: World, signed_in: SignIn) -> None:
    client, ada = signed_in(world.sam), signed_in(world.ada)
    assert "Suspend “Acme Stores”?" in client.get(page("access", world.acme)).content.decode()
    assert ada.get("/acme/").status_code == 200
    client.post(page("access", world.acme), {"access": "suspended"})
    first = again(world.acme).suspended_at
    assert ada.get("/acme/").status_code == 404
    client.post(page("access", world.acme), {"access": "suspended"})
    assert again(world.acme).suspended_at == first
    client.post(page("access", world.acme), {"access": "open"})
    assert ada.get("/acme/").status_code == 200
    with scope.as_staff():
        actions = AuditEvent.objects.filter(company=world.acme, action__startswith="company.")
        assert sorted(actions.values_list("action", flat=True)) == ["company.reinstated", "company.suspended"]


def test_a_changed_claim_reaches_clients_at_once_and_stays(world: World, signed_in: SignIn) -> None:
    client = signed_in(world.sam)
    add = reverse("admin:incidents_claim_add")
    sent = {"incident": str(world.incident.pk), "kind": "total_duration", "source": "Header"}
    before = _version(world)
    assert "carries seconds" in client.post(add, sent).content.decode()
    assert "Write hours and minutes" in client.post(add, sent | {"claimed_seconds": "4h30"}).content.decode()
    assert _version(world) == before
    assert client.post(add, sent | {"claimed_seconds": "4:30"}).status_code == 302
    assert _version(world) == before + 1
    with scope.as_staff():
        claim = Claim.objects.get()
    assert claim.claimed_seconds == 16200
    change = reverse("admin:incidents_claim_change", args=[claim.pk])
    assert 'value="4:30"' in client.get(change).content.decode()
    assert client.post(change, sent | {"claimed_seconds": "6:30"}).status_code == 302
    assert _version(world) == before + 2
    assert client.post(change.replace("change", "delete"), {"post": "yes"}).status_code == 403
    with scope.as_staff():
        assert Claim.objects.get().claimed_seconds == timedelta(hours=6, minutes=30).total_seconds()


def _version(world: World) -> int:
    with scope.as_staff():
        return type(world.incident).objects.get(pk=world.incident.pk).version
