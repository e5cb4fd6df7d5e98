"""Staff who look at what is a company's leave a trace, which the company can read; others leave none."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from incidents.models import Recovery
from tenants import audit, scope
from tenants.models import AuditEvent, Company, Membership, User
from tenants.models.audit import READ
from tests import factories
from tests.conftest import World
from tests.threads import at_once

SignIn = Callable[[User], Client]
NOW = datetime(2026, 2, 4, 21, 10, tzinfo=UTC)


@pytest.fixture(autouse=True)
def clock() -> Any:
    with time_machine.travel(NOW, tick=False) as frozen:
        yield frozen


@pytest.fixture
def sam(world: World, signed_in: SignIn) -> Client:
    return signed_in(world.sam)


def page(row: Any, place: str = "change") -> str:
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_{place}", args=[row.pk])


def reads() -> list[tuple[Any, ...]]:
    with scope.as_staff():
        found = AuditEvent.objects.filter(action=READ).order_by("pk")
        return list(found.values_list("company__slug", "object_type", "object_id", "actor__email"))


def recovery_of(company: Company) -> Recovery:
    with scope.as_staff():
        return Recovery.objects.get(company=company)


def test_opening_what_is_a_companys_is_written_down(world: World, sam: Client) -> None:
    recovery = recovery_of(world.globex)
    with scope.as_staff():
        membership = Membership.objects.get(user=world.gus)
    for row in (world.acme, recovery, membership, world.gus):
        assert sam.get(page(row)).status_code == 200
    assert reads() == [
        ("acme", "tenants.company", str(world.acme.pk), "sam@vendor.example"),
        ("globex", "incidents.recovery", str(recovery.pk), "sam@vendor.example"),
        ("globex", "tenants.membership", str(membership.pk), "sam@vendor.example"),
        ("globex", "tenants.user", str(world.gus.pk), "sam@vendor.example"),
    ]


def test_a_person_of_two_companies_is_written_down_for_both(world: World, sam: Client) -> None:
    factories.member(world.gus, world.acme)
    sam.get(page(world.gus))
    assert [read[0] for read in reads()] == ["acme", "globex"]


def test_what_is_the_vendors_own_is_not(world: World, sam: Client) -> None:
    for row in (world.sam, world.incident, world.api):
        assert sam.get(page(row)).status_code == 200
    assert reads() == []


def test_a_list_of_many_companies_is_written_down_without_one(world: World, sam: Client) -> None:
    for name in ("tenants_company", "incidents_recovery", "incidents_recovery", "incidents_incident"):
        assert sam.get(reverse(f"admin:{name}_changelist")).status_code == 200
    assert reads() == [
        (None, "tenants.company", "", "sam@vendor.example"),
        (None, "incidents.recovery", "", "sam@vendor.example"),
    ]


def test_the_same_object_is_written_down_once_an_hour(world: World, sam: Client, clock: Any) -> None:
    for minutes, count in ((0, 1), (49, 1), (50, 2), (109, 2), (110, 3)):
        clock.move_to(NOW + timedelta(minutes=minutes))
        sam.get(page(world.acme))
        sam.get(page(world.acme, "history"))
        assert len(reads()) == count, minutes


def test_each_person_is_written_down(world: World, sam: Client, signed_in: SignIn) -> None:
    eve = factories.person("eve@vendor.example", is_staff=True)
    for browser in (sam, signed_in(eve), sam):
        browser.get(page(world.acme))
    assert [read[3] for read in reads()] == ["sam@vendor.example", "eve@vendor.example"]


def test_who_is_shown_nothing_leaves_nothing(world: World, sam: Client, signed_in: SignIn) -> None:
    with scope.as_staff():
        User.objects.filter(pk=world.sam.pk).update(is_superuser=False)
    assert sam.get(page(world.acme)).status_code == 403
    assert sam.get(reverse("admin:tenants_company_changelist")).status_code == 403
    assert signed_in(world.gus).get(page(world.acme)).status_code == 404
    assert reads() == []


def test_a_read_that_cannot_be_written_down_is_refused(
    world: World, sam: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = world.acme.name.encode()
    assert name in sam.get(page(world.acme)).content
    clock_stands = {"at": None}
    made = audit._event

    def without_time(*positional: Any, **named: Any) -> AuditEvent:
        event = made(*positional, **named)
        event.at = clock_stands["at"]  # type: ignore[assignment]  # what the database refuses
        return event

    monkeypatch.setattr(audit, "_event", without_time)
    sam.raise_request_exception = False
    refused = sam.get(page(world.acme, "history"))
    assert (refused.status_code, name in refused.content) == (500, False)
    assert len(reads()) == 1


def test_a_company_reads_that_staff_looked_but_not_who(world: World, sam: Client) -> None:
    sam.get(page(world.acme))
    sam.get(page(world.globex))
    readable = ("company_id", "actor_kind", "shown_name", "action", "object_type", "at")
    with scope.as_company(world.acme.pk):
        seen = list(AuditEvent.objects.filter(action=READ).values_list(*readable))
    assert seen == [(world.acme.pk, "staff", "", READ, "tenants.company", NOW)]


@pytest.mark.parametrize("column", ["actor_name", "actor_id", "object_id", "detail"])
def test_a_company_reads_no_column_that_could_name_staff(world: World, column: str) -> None:
    with (
        pytest.raises(Exception, match="permission denied"),
        scope.as_company(world.acme.pk),
    ):
        list(AuditEvent.objects.values_list(column))


def test_what_own_people_did_bears_their_name(world: World) -> None:
    ada = factories.actor(world.ada, world.acme)
    with scope.as_company(world.acme.pk, user_id=world.ada.pk):
        audit.record(ada, "company.tried", world.acme, now=NOW, company_id=world.acme.pk)
        seen = AuditEvent.objects.values_list("actor_kind", "shown_name").get(action="company.tried")
    assert seen == ("client", world.ada.name)


@pytest.mark.parametrize("kind", ["staff", "portal"])
def test_a_client_cannot_write_as_if_it_were_staff(world: World, kind: str) -> None:
    forged = AuditEvent(
        company=world.acme,
        actor_id=world.ada.pk,
        actor_kind=kind,
        actor_name="x",
        action="company.forged",
        object_type="x",
        object_id="x",
        at=NOW,
    )
    with (
        pytest.raises(Exception, match="row-level security"),
        scope.as_company(world.acme.pk, user_id=world.ada.pk),
    ):
        AuditEvent.objects.bulk_create([forged])
    with scope.as_staff():
        assert not AuditEvent.objects.filter(action="company.forged").exists()


def test_many_looks_at_once_are_one_row(committed: None) -> None:
    company = factories.company("acme")
    sam = factories.actor(factories.person("sam@vendor.example", is_staff=True))

    def look() -> None:
        with scope.as_staff():
            audit.record_read(sam, company, company_ids={company.pk}, now=NOW, page="x")

    assert at_once(*[look] * 4) == [None] * 4
    assert len(reads()) == 1
