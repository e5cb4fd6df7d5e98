"""Scopes: what a transaction may read, and that nothing outlives it."""

import pytest
from django.db import DatabaseError, connection, transaction
from django.test.utils import CaptureQueriesContext

from incidents.models import Incident, Recovery, RecoveryEntry
from tenants import scope, walls
from tenants.errors import ScopeError
from tests.conftest import World


def test_the_suite_runs_as_the_weak_login_role(db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "select current_user, rolsuper, rolbypassrls from pg_roles where rolname = current_user"
        )
        assert cursor.fetchone() == ("portal_login", False, False)


def test_the_walls_stand_in_the_test_database(db: None) -> None:
    assert walls.weaknesses() == ()


def test_a_company_reads_its_own_recovery_and_no_other(world: World) -> None:
    with scope.as_company(world.acme.pk):
        assert [each.company_id for each in Recovery.objects.all()] == [world.acme.pk]
        assert {each.company_id for each in RecoveryEntry.objects.all()} == {world.acme.pk}


def test_without_a_scope_the_manager_raises(world: World) -> None:
    with pytest.raises(ScopeError):
        Recovery.objects.count()


def test_without_a_scope_the_database_denies(world: World) -> None:
    with (
        pytest.raises(DatabaseError, match="permission denied"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute("select count(*) from incidents_recovery")


def test_leaving_a_nested_scope_gives_the_transaction_back_to_the_visitor(world: World) -> None:
    with scope.as_company(world.acme.pk):
        pass
    with connection.cursor() as cursor:
        cursor.execute("select current_user, current_setting('portal.company_id', true)")
        assert cursor.fetchone() == ("portal_login", "")


def test_a_scope_cannot_be_entered_inside_another(world: World) -> None:
    with scope.as_company(world.acme.pk), pytest.raises(ScopeError), scope.as_staff():
        pass


def test_entering_a_scope_costs_one_statement(committed: None) -> None:
    with CaptureQueriesContext(connection) as statements, scope.as_staff():
        Incident.objects.count()
    assert len(statements) == 4, "begin, enter, count, commit"


def test_a_read_only_scope_writes_nothing(world: World) -> None:
    with (
        pytest.raises(DatabaseError, match="read-only"),
        scope.as_company(world.acme.pk, read_only=True),
        connection.cursor() as cursor,
    ):
        cursor.execute("insert into incidents_postmortemrequest default values")


def test_a_company_scope_may_name_the_person_whose_transaction_it_is(world: World) -> None:
    with scope.as_company(world.acme.pk, user_id=world.ada.pk), connection.cursor() as cursor:
        cursor.execute("select current_setting('portal.user_id')")
        assert cursor.fetchone() == (str(world.ada.pk),)
        with scope.as_company(world.acme.pk) as inner:
            assert inner.user_id == world.ada.pk
        with pytest.raises(ScopeError), scope.as_company(world.acme.pk, user_id=world.bea.pk):
            pass
    with connection.cursor() as cursor:
        cursor.execute("select current_setting('portal.user_id', true)")
        assert cursor.fetchone() == ("",)
