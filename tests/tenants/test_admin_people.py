"""People in the admin: an initial password, accounts switched off, and staff kept to superusers."""

from collections.abc import Callable
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse

from tenants import scope
from tenants.models import AuditEvent, Membership, User
from tests import factories
from tests.conftest import World

SignIn = Callable[[User], Client]
ADD = reverse("admin:tenants_user_add")
PASSWORD = "a-quite-long-first-password"


def page(name: str, person: User) -> str:
    return reverse(f"admin:tenants_user_{name}", args=[person.pk])


def again(person: User) -> User:
    with scope.as_staff():
        return User.objects.get(pk=person.pk)


def new(**changes: Any) -> dict[str, Any]:
    return {
        "email": "Hal@Acme.example",
        "name": "Hal",
        "time_zone": "",
        "usable_password": "true",
        "password1": PASSWORD,
        "password2": PASSWORD,
    } | changes


def known(person: User, **changes: Any) -> dict[str, Any]:
    """What a browser sends from a person's page."""
    with scope.as_staff():
        members = list(Membership.objects.filter(user=person))
    sent: dict[str, Any] = {"email": person.email, "name": person.name, "time_zone": "", "is_active": "on"}
    if person.is_staff:
        sent |= {"is_staff": "on", "is_superuser": "on"}
    else:
        sent |= {"memberships-TOTAL_FORMS": len(members), "memberships-INITIAL_FORMS": len(members)}
    for number, member in enumerate(members):
        sent |= {
            f"memberships-{number}-id": str(member.pk),
            f"memberships-{number}-user": str(person.pk),
            f"memberships-{number}-role": member.role,
        }
    return sent | changes


@pytest.fixture
def tim(world: World) -> User:
    """Staff who may manage people, and is no superuser."""
    with scope.as_staff():
        tim = User.objects.create_user("tim@vendor.example", factories.PASSWORD, name="Tim", is_staff=True)
        tim.user_permissions.set(
            Permission.objects.filter(codename__in=["view_user", "add_user", "change_user"])
        )
    return tim


def test_a_new_person_signs_in_with_the_first_password(world: World, signed_in: SignIn) -> None:
    answer = signed_in(world.sam).post(ADD, new())
    assert answer.status_code == 302, answer.content.decode()
    with scope.as_staff():
        hal = User.objects.get(email="hal@acme.example")
    assert not hal.is_staff
    browser = Client()
    sent = {"login": "hal@acme.example", "password": PASSWORD}
    assert browser.post("/accounts/login/", sent).status_code == 302


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"password2": "another-long-password"}, "didn’t match"),
        ({"password1": "short", "password2": "short"}, "too short"),
        ({"password1": "1234567890123", "password2": "1234567890123"}, "too common"),
        ({"password1": "", "password2": ""}, "required"),
        ({"email": "ADA@acme.example"}, "already exists"),
        ({"email": "no address"}, "valid email"),
        ({"time_zone": "Mars/Olympus"}, "is not a time zone"),
    ],
)
def test_a_person_that_cannot_be_is_refused(
    world: World, signed_in: SignIn, changes: dict[str, Any], words: str
) -> None:
    answer = signed_in(world.sam).post(ADD, new(**changes))
    assert answer.status_code == 200
    assert words in answer.content.decode()
    with scope.as_staff():
        assert not User.objects.filter(name="Hal").exists()


def test_a_new_password_ends_the_sessions_of_the_old(world: World, signed_in: SignIn) -> None:
    ada = signed_in(world.ada)
    assert ada.get("/acme/").status_code == 200
    there = reverse("admin:auth_user_password_change", args=[world.ada.pk])
    sent = {"usable_password": "true", "password1": PASSWORD, "password2": PASSWORD, "set-password": "yes"}
    assert signed_in(world.sam).post(there, sent).status_code == 302
    assert again(world.ada).check_password(PASSWORD)
    assert ada.get("/acme/").status_code == 302


def test_a_person_who_is_switched_off_is_out_at_the_next_request(world: World, signed_in: SignIn) -> None:
    ada = signed_in(world.ada)
    sent = known(world.ada)
    sent.pop("is_active")
    assert signed_in(world.sam).post(page("change", world.ada), sent).status_code == 302
    assert not again(world.ada).is_active
    assert ada.get("/acme/").status_code == 302


def test_a_person_is_never_deleted(world: World, signed_in: SignIn) -> None:
    assert signed_in(world.sam).post(page("delete", world.ada), {"post": "yes"}).status_code == 403
    assert again(world.ada)


def test_an_old_address_opens_the_account_no_more(world: World, signed_in: SignIn) -> None:
    with scope.as_staff():
        EmailAddress.objects.create(user=world.ada, email=world.ada.email, primary=True, verified=True)
    moved = known(world.ada, email="Ada@New.example")
    assert signed_in(world.sam).post(page("change", world.ada), moved).status_code == 302
    assert again(world.ada).email == "ada@new.example"
    for email, status in (("ada@acme.example", 200), ("ada@new.example", 302)):
        sent = {"login": email, "password": factories.PASSWORD}
        assert Client().post("/accounts/login/", sent).status_code == status, email


def test_a_member_is_not_made_staff(world: World, signed_in: SignIn) -> None:
    answer = signed_in(world.sam).post(page("change", world.ada), known(world.ada, is_staff="on"))
    assert "Remove the memberships first" in answer.content.decode()
    assert not again(world.ada).is_staff


def test_staff_who_manage_people_make_nobody_staff(world: World, signed_in: SignIn, tim: User) -> None:
    client = signed_in(tim)
    lou = factories.person("lou@acme.example")
    sent = known(lou, is_staff="on", is_superuser="on", name="Lou Verbeek")
    assert client.post(page("change", lou), sent).status_code == 302
    after = again(lou)
    assert (after.name, after.is_staff, after.is_superuser) == ("Lou Verbeek", False, False)
    client.post(ADD, new(is_staff="on", is_superuser="on"))
    with scope.as_staff():
        assert not User.objects.filter(email="hal@acme.example", is_staff=True).exists()


@pytest.mark.parametrize("person", ["sam", "tim"])
def test_staff_who_manage_people_change_no_staff_not_even_themselves(
    world: World, signed_in: SignIn, tim: User, person: str
) -> None:
    subject = world.sam if person == "sam" else tim
    client = signed_in(tim)
    sent = known(subject, name="Somebody else", is_superuser="on")
    assert client.post(page("change", subject), sent).status_code == 403
    password = reverse("admin:auth_user_password_change", args=[subject.pk])
    sent = {"usable_password": "true", "password1": PASSWORD, "password2": PASSWORD}
    assert client.post(password, sent).status_code == 403
    after = again(subject)
    assert (after.name, after.is_superuser) == (subject.name, subject.is_superuser)
    assert after.check_password(factories.PASSWORD)


def test_passwords_are_not_guessed_through_filters(world: World, signed_in: SignIn) -> None:
    client = signed_in(world.sam)
    for there in (
        reverse("admin:tenants_user_changelist") + "?password__startswith=argon2",
        reverse("admin:tenants_membership_changelist") + "?user__password__startswith=argon2",
        reverse("admin:tenants_company_changelist") + "?memberships__user__password__startswith=argon2",
    ):
        assert client.get(there).status_code == 400, there


def test_the_librarys_own_address_screens_are_gone(world: World, signed_in: SignIn) -> None:
    client = signed_in(world.sam)
    for there in ("/admin/account/emailaddress/", "/admin/account/emailconfirmation/"):
        assert client.get(there).status_code == 404


def test_a_membership_is_added_and_removed_with_a_trace(world: World, signed_in: SignIn) -> None:
    client = signed_in(world.sam)
    hal = factories.person("hal@acme.example")
    sent = {"user": str(hal.pk), "company": str(world.acme.pk), "role": "reader"}
    assert client.post(reverse("admin:tenants_membership_add"), sent).status_code == 302
    assert signed_in(hal).get("/acme/").status_code == 200
    with scope.as_staff():
        membership = Membership.objects.get(user=hal)
    remove = reverse("admin:tenants_membership_delete", args=[membership.pk])
    assert f"{hal.name} in Acme Stores" in client.get(remove).content.decode()
    assert client.post(remove, {"post": "yes"}).status_code == 302
    assert signed_in(hal).get("/acme/").status_code == 404


def test_staff_are_never_members(world: World, signed_in: SignIn) -> None:
    sent = {"user": str(world.sam.pk), "company": str(world.acme.pk), "role": "owner"}
    answer = signed_in(world.sam).post(reverse("admin:tenants_membership_add"), sent)
    assert "Staff are never members" in answer.content.decode()
    with scope.as_staff():
        assert not Membership.objects.filter(user=world.sam).exists()


def test_what_is_changed_of_a_person_is_written_down(world: World, signed_in: SignIn) -> None:
    client = signed_in(world.sam)
    client.post(ADD, new())
    sent = known(world.ada, email="ada@new.example")
    sent.pop("is_active")
    client.post(page("change", world.ada), sent)
    client.post(page("change", again(world.ada)), sent)
    there = reverse("admin:auth_user_password_change", args=[world.bea.pk])
    client.post(there, {"usable_password": "true", "password1": PASSWORD, "password2": "another"})
    client.post(there, {"usable_password": "true", "password1": PASSWORD, "password2": PASSWORD})
    with scope.as_staff():
        events = list(AuditEvent.objects.filter(action__startswith="person.").order_by("at"))
    assert [(event.action, event.object_id, event.actor_id) for event in events] == [
        ("person.added", str(User.objects.get(email="hal@acme.example").pk), world.sam.pk),
        ("person.changed", str(world.ada.pk), world.sam.pk),
        ("person.password_changed", str(world.bea.pk), world.sam.pk),
    ]
    assert (set(events[1].detail["fields"]), events[1].detail["is_active"]) == ({"email", "is_active"}, False)
    assert PASSWORD not in str([event.detail for event in events])
