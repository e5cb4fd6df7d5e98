"""Every table has a declared class, and each way to weaken the isolation is found and named.

A weakness is planted by the superuser in a transaction that then takes on the login's identity, as
the portal would, and is rolled back: roles and tables are as before for everybody else.
"""

import os
from collections.abc import Callable, Iterator

import pytest
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.db import connection, connections, transaction
from psycopg.conninfo import conninfo_to_dict

from incidents.models import Recovery
from tenants import rls, scope, walls
from tests import services
from tests.conftest import World

Plant = Callable[..., tuple[str, ...]]

WEAKNESSES = {
    "a table that belongs to the superuser": (
        "alter table incidents_recovery owner to postgres",
        "table incidents_recovery belongs to postgres",
    ),
    "a table that belongs to the login role": (
        "alter table incidents_recovery owner to portal_login",
        "table incidents_recovery belongs to portal_login",
    ),
    "row security switched off": (
        "alter table incidents_recovery disable row level security",
        "table incidents_recovery has row security switched off",
    ),
    "row security that spares the owner": (
        "alter table incidents_update no force row level security",
        "table incidents_update does not force row security on its owner",
    ),
    "an extra permissive policy": (
        "create policy everybody on incidents_recovery for select to portal_client using (true)",
        "policy everybody on incidents_recovery is not declared",
    ),
    "an extra policy for public": (
        "create policy everybody on tenants_company for select to public using (true)",
        "policy everybody on tenants_company is not declared",
    ),
    "a policy with other rows": (
        "alter policy client_select on incidents_recovery using (true)",
        "policy client_select on incidents_recovery differs from the declared one",
    ),
    "a policy that gives way": (
        (
            f"alter policy client_select on incidents_recovery using (company_id = {rls.CURRENT_COMPANY} "
            "or current_setting('portal.all', true) = 'on')"
        ),
        "policy client_select on incidents_recovery differs from the declared one",
    ),
    "a policy for another role": (
        "alter policy client_select on incidents_recovery to portal_client, portal_visitor",
        "policy client_select on incidents_recovery differs from the declared one",
    ),
    "a check that was loosened": (
        "alter policy client_insert on incidents_postmortemrequest with check (true)",
        "policy client_insert on incidents_postmortemrequest differs from the declared one",
    ),
    "a missing policy": (
        "drop policy client_select on incidents_update",
        "policy client_select on incidents_update is missing",
    ),
    "a policy turned restrictive": (
        (
            "drop policy staff_select on incidents_recovery; create policy staff_select on "
            "incidents_recovery as restrictive for select to portal_staff using (false)"
        ),
        "policy staff_select on incidents_recovery differs from the declared one",
    ),
    "a grant to write for the client": (
        "grant update on incidents_recovery to portal_client",
        "portal_client may update incidents_recovery, which is not declared",
    ),
    "a grant to rewrite the audit": (
        "grant delete on tenants_auditevent to portal_staff",
        "portal_staff may delete tenants_auditevent, which is not declared",
    ),
    "a grant on a hidden column": (
        "grant select (body_markdown) on incidents_update to portal_client",
        "portal_client may select incidents_update.body_markdown, which is not declared",
    ),
    "a grant on who is behind a name of the roster": (
        "grant select on incidents_rosterentry to portal_client",
        "portal_client may select incidents_rosterentry, which is not declared",
    ),
    "a grant to the visitor": (
        "grant select on incidents_incident to portal_visitor",
        "portal_visitor may select incidents_incident, which is not declared",
    ),
    "a grant to the login itself": (
        "grant select on incidents_incident to portal_login",
        "portal_login may select incidents_incident, which is not declared",
    ),
    "a grant to everybody": (
        "grant select on incidents_claim to public",
        "public may select incidents_claim, which is not declared",
    ),
    "a grant that was taken away": (
        "revoke insert on tenants_auditevent from portal_client",
        "portal_client may not insert tenants_auditevent, which is declared",
    ),
    "a table that nobody declared": (
        "create table forgotten (id int); alter table forgotten owner to portal_owner",
        "table forgotten has no declared class",
    ),
    "a declared table that is gone": (
        "alter table incidents_claim rename to incidents_claim_old",
        "table incidents_claim is declared and does not exist",
    ),
    "a view with its owner's rights": (
        "create view every_recovery as select * from incidents_recovery",
        "view every_recovery would read with its owner's rights",
    ),
    "a materialised view": (
        "create materialized view kept_recovery as select * from incidents_recovery",
        "materialised view kept_recovery would read with its owner's rights",
    ),
    "a function with its owner's rights": (
        (
            "create function every_name() returns setof text security definer language sql "
            "as 'select name from tenants_company'"
        ),
        "function every_name runs with its owner's rights and a client may call it",
    ),
    "a schema in which clients may make objects": (
        "grant create on schema public to portal_client",
        "role portal_client may make objects in schema public",
    ),
    "a schema in which everybody may make objects": (
        "grant create on schema public to public",
        "role portal_login may make objects in schema public",
    ),
    "a schema beside the portal's": (
        (
            "create schema copies; create table copies.recovery as select * from incidents_recovery; "
            "grant usage on schema copies to portal_client"
        ),
        "role portal_client may use schema copies, which is not declared",
    ),
    "a company set for the login": (
        "alter role portal_login set portal.company_id = '00000000-0000-0000-0000-000000000001'",
        "portal_login in every database starts with portal.company_id already set",
    ),
    "a role set for the login": (
        "alter role portal_login set role = 'portal_staff'",
        "portal_login in every database starts with role already set",
    ),
    "row security switched off for the client": (
        "alter role portal_client set row_security = off",
        "portal_client in every database starts with row_security already set",
    ),
    "a login that bypasses row security": (
        "alter role portal_login bypassrls",
        "role portal_login bypasses row security",
    ),
    "a login that is a superuser": (
        "alter role portal_login superuser",
        "role portal_login is a superuser",
    ),
    "a login that inherits": (
        "alter role portal_login inherit",
        "role portal_login inherits the rights of roles it may become",
    ),
    "a login that makes roles": (
        "alter role portal_login createrole",
        "role portal_login may make roles",
    ),
    "a client role that bypasses row security": (
        "alter role portal_client bypassrls",
        "role portal_client bypasses row security",
    ),
    "a login that may become the owner": (
        "grant portal_owner to portal_login",
        "the login role is a member of portal_owner (inherit False, set True), not declared",
    ),
    "a login that inherits from the staff": (
        "grant portal_staff to portal_login with inherit true",
        "the login role is a member of portal_staff (inherit True, set True), not declared",
    ),
    "a client that may become staff": (
        "grant portal_staff to portal_client",
        "role portal_client is a member of portal_staff",
    ),
}


@pytest.fixture
def superuser(db: None) -> Iterator[None]:
    """The portal's own connection is the superuser's, in a transaction that is rolled back."""
    login = connections["default"]
    found = conninfo_to_dict(services.admin_url(os.environ["PORTAL_TEST_DATABASE"]))
    planter = login.copy()
    planter.settings_dict |= {
        "NAME": found["dbname"],
        "USER": found["user"],
        "PASSWORD": found["password"],
        "HOST": found["host"],
    }
    connections["default"] = planter
    try:
        with transaction.atomic():
            yield
            transaction.set_rollback(True)
    finally:
        planter.close()
        connections["default"] = login


@pytest.fixture
def plant(superuser: None) -> Plant:
    """Run SQL as the superuser, then look at the walls as the login."""

    def run(sql: str) -> tuple[str, ...]:
        with connection.cursor() as cursor:
            for statement in sql.split("; "):
                cursor.execute(statement)
            cursor.execute("set local session authorization portal_login")
        return walls.weaknesses()

    return run


def test_with_nothing_planted_the_walls_stand(plant: Plant) -> None:
    assert plant("select 1") == ()


@pytest.mark.parametrize("weakness", WEAKNESSES)
def test_a_planted_weakness_is_found_by_name(plant: Plant, weakness: str) -> None:
    sql, sentence = WEAKNESSES[weakness]
    assert sentence in plant(sql)


def test_with_a_weakness_nothing_is_served(plant: Plant) -> None:
    plant("alter table incidents_recovery disable row level security")
    with pytest.raises(walls.WallDown, match="table incidents_recovery has row security switched off"):
        walls.refuse_unless_standing()
    with pytest.raises(SystemCheckError, match="row security switched off"):
        call_command("check", deploy=True, fail_level="ERROR")


def test_after_all_planting_the_walls_stand(db: None) -> None:
    assert walls.weaknesses() == ()


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
        "incidents_rosterentry",  # published: the column itself is not granted to clients
    }
    roster = walls.declared()["incidents_rosterentry"]
    client = next(rule for rule in roster.rules if rule.role == rls.CLIENT)
    assert client.columns == ("id", "incident_id", "name", "restored_at")


def test_the_audit_and_the_record_only_grow() -> None:
    for table in ("tenants_auditevent", "incidents_recoveryentry", "incidents_update"):
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


def test_with_both_walls_down_the_leak_is_seen(world: World) -> None:
    """Proof that the two tests above can fail: staff's role and no filter reads both companies."""
    with scope.as_staff(), connection.cursor() as cursor:
        cursor.execute("select company_id from incidents_recovery")
        assert set(cursor.fetchall()) == {(world.acme.pk,), (world.globex.pk,)}
