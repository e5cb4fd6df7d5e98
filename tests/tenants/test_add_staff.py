"""The command that makes the first person of staff."""

import pytest
from django.core import mail
from django.core.management import CommandError, call_command
from django.test import Client

from tenants import mail as outbox
from tenants import scope
from tenants.models import OutgoingMail, User
from tests.conftest import World


def test_a_new_person_of_staff_sets_a_password_by_mail(db: None) -> None:
    call_command("add_staff", "New@Vendor.example", "New Person")
    user = User.objects.get(email="new@vendor.example")
    assert (user.is_staff, user.is_superuser, user.has_usable_password()) == (True, True, False)
    Client().post("/accounts/password/reset/", {"email": "new@vendor.example"})
    with scope.as_staff():
        waiting = OutgoingMail.objects.get()
    assert waiting.to_address == "new@vendor.example"
    assert "/accounts/password/reset/key/" in waiting.body_text
    assert outbox.deliver_due(now=waiting.due_at) == 1
    assert [each.to for each in mail.outbox] == [["new@vendor.example"]]


def test_a_member_of_a_company_is_not_made_staff(world: World) -> None:
    with pytest.raises(CommandError, match="has an account already"):
        call_command("add_staff", "ada@acme.example", "Ada")
    world.ada.refresh_from_db()
    assert not world.ada.is_staff
