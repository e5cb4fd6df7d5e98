"""What the console says of imports and of the audit, and who may have the audit verified."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from incidents.choices import ImportState
from incidents.models import RecoveryImport
from incidents.operations import recovery_imports
from incidents.queries import staff_imports
from tenants import audit, audit_seals, scope
from tenants.actor import SYSTEM
from tenants.models import AuditEvent, AuditSeal, User
from tenants.models.audit import BROKEN, VERIFIED
from tests.conftest import World
from tests.incidents.sent_files import NOW, ask, restored, sent, started, tried_out
from tests.incidents.test_staff_roles import ADMINISTRATOR, MANAGER, PUBLISHER, SUPPORT, staff_of

SignIn = Callable[[User], Client]
VERIFY = "/admin/tenants/auditevent/verify/"


def console(client: Client) -> str:
    return " ".join(client.get("/admin/").content.decode().split())


def found(action: str, **detail: Any) -> None:
    """What a verification wrote down."""
    with scope.as_staff():
        audit.record(SYSTEM, action, AuditSeal(), now=timezone.now(), **detail)


def asked() -> int:
    with scope.as_staff():
        return AuditEvent.objects.filter(action="audit.verification_asked").count()


def test_imports_stand_on_the_console_with_what_they_wait_for(world: World, signed_in: SignIn) -> None:
    client = signed_in(world.sam)
    assert "Imports of recoveries" not in console(client)
    ready = tried_out(world, [restored("acme", 90), restored("globex", 91)])
    reading = started(world, b"company,at,state,component\nacme,x,y,z\n")
    given_up = started(world, b"company,at,state,component\nacme,x,y,z\n")
    with scope.as_staff():
        RecoveryImport.objects.filter(pk=given_up.pk).update(
            state=ImportState.FAILED, failed_at_step=ImportState.READING, trouble="No room on the disk."
        )
    shown = console(client)
    for made in (ready, reading, given_up):
        assert f'href="/admin/incidents/recoveryimport/{made.pk}/change/"' in shown
    assert "somebody to apply 2 entries, or to cancel" in shown
    assert "No room on the disk." in shown
    assert shown.index(str(given_up.pk)) < shown.index(str(ready.pk)) < shown.index(str(reading.pk))


def test_what_is_over_and_an_old_failure_leave_the_console(world: World) -> None:
    unreadable = tried_out(world, b"company,at,state,component\n" + "Café,x,y,z\n".encode("latin-1"))
    cancelled = sent(world, b"company,at\nacme,x\n")
    ask(world, cancelled, recovery_imports.cancel)

    def shown(days: int) -> list[Any]:
        with scope.as_staff():
            return [each.id for each in staff_imports.open_imports(now=NOW + timedelta(days=days), most=9)]

    assert shown(6) == [unreadable.pk]
    assert shown(8) == []


def test_a_sound_audit_is_said_in_one_line(world: World, signed_in: SignIn) -> None:
    client = signed_in(world.sam)
    assert "Not verified yet." in console(client)
    found(VERIFIED, number=4711, digest="")
    assert "4711 rows verified" in console(client)
    assert "each is as it was sealed" in console(client)


def test_a_broken_audit_is_loud(world: World, signed_in: SignIn) -> None:
    found(VERIFIED, number=9, digest="")
    found(BROKEN, number=3, digest="", fault="Number 4 was changed: its row x is not the one.")
    shown = console(signed_in(staff_of(SUPPORT)))
    assert 'role="alert"' in shown
    assert "The audit is not as it was sealed" in shown
    assert "Number 4 was changed: its row x is not the one. The 3 rows before it are as sealed." in shown
    assert "each is as it was sealed" not in shown
    assert shown.index("not as it was sealed") < shown.index("Open incidents")


def test_an_administrator_has_it_verified(world: World, signed_in: SignIn) -> None:
    client = signed_in(staff_of(ADMINISTRATOR))
    assert f'href="{VERIFY}"' in console(client)
    assert "Verify now" in client.get(VERIFY).content.decode()
    assert asked() == 0
    assert client.post(VERIFY)["Location"] == "/admin/"
    assert asked() == 1
    assert "Asked for" in console(client)
    with scope.as_staff():
        while audit_seals.seal_waiting(now=timezone.now()):
            pass
        audit_seals.verify_and_record(now=timezone.now())
    assert "Asked for" not in console(client)


@pytest.mark.parametrize("role", [SUPPORT, MANAGER, PUBLISHER])
def test_nobody_else_has_it_verified(world: World, signed_in: SignIn, role: str) -> None:
    client = signed_in(staff_of(role))
    assert VERIFY not in console(client)
    assert client.get(VERIFY).status_code == 403
    assert client.post(VERIFY).status_code == 403
    assert asked() == 0
