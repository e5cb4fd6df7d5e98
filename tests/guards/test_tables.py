"""Every table has a declared class, and each of the two walls alone holds one company from another."""

from uuid import uuid4

import pytest
from django.apps import apps
from django.db import connection

from incidents.models import Recovery
from tenants import rls, scope, walls
from tenants.models.base import Business, ScopedManager
from tests.conftest import World


def test_every_live_table_has_a_declared_class(db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("select tablename from pg_tables where schemaname = 'public'")
        live = {name for (name,) in cursor.fetchall()}
    assert live == set(walls.declared())


def test_every_table_that_names_a_company_is_held_by_company(db: None) -> None:
    """A column `company_id` means company-owned rows, or a reason why clients never read the column."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select relname from pg_class join pg_attribute on attrelid = pg_class.oid "
            "where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and attname = 'company_id'"
        )
        with_company = {name for (name,) in cursor.fetchall()}
    kinds = {name: access.kind for name, access in walls.declared().items() if name in with_company}
    assert {name for name, kind in kinds.items() if kind != "company-owned"} == {
        "tenants_membership",  # identity: read before it is known who asks
        "incidents_recoverynote",  # staff-only: of a company, and never read by it
        "incidents_rosterentry",  # published: the column itself is not granted to clients
    }
    roster = walls.declared()["incidents_rosterentry"]
    client = next(rule for rule in roster.rules if rule.role == rls.CLIENT)
    assert client.columns == ("id", "incident_id", "name", "restored_at")


def test_the_audit_and_the_record_only_grow() -> None:
    for table in ("tenants_auditevent", "tenants_rowchange", "incidents_recoveryentry", "incidents_update"):
        commands = {rule.command for rule in walls.declared()[table].rules}
        assert commands <= {"select", "insert"}, table


def test_the_second_wall_alone_keeps_a_company_to_its_own_rows(world: World) -> None:
    """With the managers' filter taken away, by raw SQL, the policies still hold."""
    tables = [
        name
        for name, access in walls.declared().items()
        if access.kind == "company-owned" and any(rule.role == rls.CLIENT for rule in access.rules)
    ]
    assert len(tables) >= 5
    with scope.as_company(world.acme.pk), connection.cursor() as cursor:
        for table in tables:
            cursor.execute(f'select distinct company_id from "{table}"')
            assert set(cursor.fetchall()) <= {(world.acme.pk,)}, table


def test_the_first_wall_alone_keeps_a_company_to_its_own_rows(world: World) -> None:
    """With the policies passed by, in the staff's role, the managers still hold."""
    with scope.as_staff(), scope.entered(scope.Scope(company_id=world.acme.pk)):
        assert [each.company_id for each in Recovery.objects.all()] == [world.acme.pk]


def test_every_business_table_has_its_first_wall(db: None) -> None:
    """Managers that raise without a scope, and that give a client nothing of what is for staff alone."""
    for model in apps.get_models():
        if not issubclass(model, Business):
            continue
        managers = (model._default_manager, model._base_manager)
        assert all(isinstance(manager, ScopedManager) for manager in managers), model
        readers = {rule.role for rule in model.access.rules if rule.command == "select"}
        with scope.entered(scope.Scope(company_id=uuid4())):
            is_empty = all(manager.all().query.is_empty() for manager in managers)
        assert is_empty == (rls.CLIENT not in readers), model


def test_with_both_walls_down_the_leak_is_seen(world: World) -> None:
    """Proof that the two tests above can fail: staff's role and no filter reads both companies."""
    with scope.as_staff(), connection.cursor() as cursor:
        cursor.execute("select company_id from incidents_recovery")
        assert set(cursor.fetchall()) == {(world.acme.pk,), (world.globex.pk,)}


A_COMPANY = (
    "insert into tenants_company (id, slug, name, time_zone, consents_to_be_named, created_at) "
    "values (uuidv7(), 'past', 'Past', 'UTC', false, now())"
)


def test_a_change_past_the_portal_is_in_the_history_with_its_login(superuser: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(A_COMPANY)
        cursor.execute("select kind, role, actor_id from tenants_rowchange")
        assert cursor.fetchall() == [("added", "postgres", None)]


@pytest.mark.parametrize(
    "statement", ["update tenants_rowchange set role = 'x'", "delete from tenants_rowchange"]
)
def test_the_owner_of_the_history_itself_finds_no_row_to_change(superuser: None, statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(A_COMPANY)
        cursor.execute("set local role portal_owner")
        cursor.execute(statement)
        assert cursor.rowcount == 0
