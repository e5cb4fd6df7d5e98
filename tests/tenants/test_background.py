"""Tasks of the background: each runs in the scope that its decorator names, or not at all."""

import threading
from datetime import timedelta
from uuid import UUID

import pytest
from django.conf import settings
from django.utils import timezone

from incidents.models import Recovery
from portal import celery
from tenants import background, scope, tasks
from tenants.errors import ScopeError
from tenants.models import Session
from tests.conftest import World

found: list[object] = []


@background.company_task
def read_as_company(*, now: object, company_id: UUID) -> None:
    found.append((scope.current(), company_id, [each.company_id for each in Recovery.objects.all()]))


@background.staff_task
def read_as_staff(*, now: object) -> None:
    found.append((scope.current(), Recovery.objects.count()))


@background.visitor_task
def read_as_visitor(*, now: object) -> None:
    found.append(scope.current())
    Recovery.objects.count()


@pytest.fixture(autouse=True)
def _nothing_found() -> None:
    found.clear()


def test_a_company_task_reads_the_company_that_its_message_names(world: World) -> None:
    read_as_company.apply(kwargs={"company_id": str(world.acme.pk)}, throw=True)
    assert found == [(scope.Scope(company_id=world.acme.pk), world.acme.pk, [world.acme.pk])]
    assert scope.current() is None


@pytest.mark.parametrize("message", [{}, {"company": "acme"}, {"company_id": ""}, {"company_id": "acme"}])
def test_a_message_without_a_company_fails_loudly_and_reads_nothing(
    world: World, message: dict[str, str]
) -> None:
    with pytest.raises((TypeError, ValueError)):
        read_as_company.apply(kwargs=message, throw=True)
    assert found == []


def test_a_staff_task_reads_all_companies(world: World) -> None:
    read_as_staff.apply(throw=True)
    assert found == [(scope.Scope(company_id=None), 2)]


def test_a_task_without_a_scope_reads_no_business_data(world: World) -> None:
    with pytest.raises(ScopeError):
        read_as_visitor.apply(throw=True)
    assert found == [None]


def test_a_task_takes_its_ids_by_keyword_only(world: World) -> None:
    with pytest.raises(TypeError):
        read_as_company(str(world.acme.pk))
    assert found == []


def test_every_task_of_the_portal_is_declared_with_a_scope_and_every_clock_names_a_task() -> None:
    celery.app.loader.import_default_modules()
    own = {name for name in celery.app.tasks if name.startswith(("tenants.", "incidents.", "portal."))}
    assert {"tenants.tasks.sweep_mail", "incidents.tasks.advance_maintenance"} <= own
    for name in own:
        assert celery.app.tasks[name].run.__wrapped__.__module__ == name.rpartition(".")[0], name
    scheduled = {entry["task"] for entry in celery.app.conf.beat_schedule.values()}
    assert scheduled <= own


def test_sign_ins_that_ended_are_cleared_and_others_stay(world: World) -> None:
    now = timezone.now()
    signed_in = set(Session.objects.values_list("session_key", flat=True))
    for key, expires in (("ended", now - timedelta(seconds=1)), ("lasting", now + timedelta(hours=1))):
        Session.objects.create(session_key=key, session_data="", expire_date=expires)
    tasks.clear_ended_sessions()
    assert set(Session.objects.values_list("session_key", flat=True)) == {*signed_in, "lasting"}


def test_a_thread_of_the_web_finds_the_portals_own_broker() -> None:
    brokers: list[str] = []
    thread = threading.Thread(target=lambda: brokers.append(tasks.sweep_mail.app.conf.broker_url))
    thread.start()
    thread.join()
    assert brokers == [settings.CELERY_BROKER_URL]
