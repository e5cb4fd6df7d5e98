"""The whole admin, walked by everybody: only staff get in, and only with rights can anything be written."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.admin import ModelAdmin
from django.http import Http404, HttpRequest
from django.test import Client

from tenants.admin_pages import StaffAdmin
from tenants.models import User
from tests import sampling
from tests.conftest import World
from tests.guards import admin_walk
from tests.guards.admin_walk import Walk

SignIn = Callable[[User], Client]
Record = Callable[[str, object], None]


@pytest.fixture
def walk(world: World, signed_in: SignIn) -> Walk:
    return Walk(world, signed_in)


def _report(walk: Walk, complaints: list[str], record: Record) -> None:
    for name, number in walk.counts.items():
        record(sampling.CASES + name, number)
    assert complaints == [], f"{len(complaints)} complaints:\n" + "\n".join(complaints[:60])


def test_who_is_not_staff_learns_nothing_of_the_admin(walk: Walk, record_property: Record) -> None:
    assert len(walk.pages) > 300
    _report(walk, list(admin_walk.outsiders(walk, most=400)), record_property)


def test_no_page_of_the_admin_fails_or_writes_by_being_read(walk: Walk, record_property: Record) -> None:
    _report(walk, list(admin_walk.staff(walk, most=250)), record_property)


def test_staff_without_rights_cannot_tell_what_is_there(walk: Walk, record_property: Record) -> None:
    _report(walk, list(admin_walk.bare_staff_learn_nothing(walk)), record_property)


def test_what_a_superuser_can_write_nobody_else_can(walk: Walk, record_property: Record) -> None:
    _report(walk, list(admin_walk.forms(walk, most=25)), record_property)


def test_the_walk_finds_a_page_that_asks_for_no_rights(walk: Walk, monkeypatch: pytest.MonkeyPatch) -> None:
    def without_rights(self: StaffAdmin, request: HttpRequest, object_id: Any) -> Any:
        return self.get_object(request, str(object_id))

    monkeypatch.setattr(StaffAdmin, "subject", without_rights)
    walk.pages = [page for page in walk.pages if page.route.endswith("/consent/")]
    complaints = "\n".join(admin_walk.forms(walk, most=10))
    assert "staff_view, POST /admin/tenants/company/" in complaints
    assert "changed ['tenants_auditevent', 'tenants_company', 'tenants_rowchange']" in complaints


def test_the_walk_finds_a_page_that_tells_what_is_there(walk: Walk, monkeypatch: pytest.MonkeyPatch) -> None:
    def telling(self: StaffAdmin, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        found = ModelAdmin.get_object(self, request, object_id, from_field)
        if found is None:
            raise Http404
        return found

    monkeypatch.setattr(StaffAdmin, "get_object", telling)
    walk.pages = [
        page for page in walk.pages if page.route == "admin/tenants/company/<path:object_id>/change/"
    ]
    complaints = "\n".join(admin_walk.bare_staff_learn_nothing(walk))
    assert "(own object): can be told from an unknown one by status 404 and 403" in complaints
