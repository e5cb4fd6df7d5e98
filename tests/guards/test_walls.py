"""Each way to weaken the isolation is found and named by the check at the start.

A weakness is planted by the superuser in a transaction that then takes on the login's identity, as
the portal would, and is rolled back: roles and tables are as before for everybody else.
"""

import time

import pytest
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.db import connection, connections

from tenants import library_tables, rls, scope, walls
from tenants.catalogue import probes
from tests.conftest import World
from tests.guards.conftest import Plant
from tests.guards.weaknesses import WEAKNESSES


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


A_TABLE = "create table paper (id uuid, a bool, b bool, c bool); alter table paper owner to portal_owner"


@pytest.mark.parametrize(("live", "differs"), [("(a and b) or c", False), ("a and (b or c)", True)])
def test_a_policy_that_differs_in_its_parentheses_alone_is_found(
    plant: Plant, monkeypatch: pytest.MonkeyPatch, live: str, differs: bool
) -> None:
    monkeypatch.setitem(library_tables.LIBRARY_TABLES, "paper", rls.published("a and b or c"))
    statements = rls.protect_statements("paper", rls.published(live))
    found = plant("; ".join([A_TABLE, *statements]))
    assert found == (("policy client_select on paper differs from the declared one",) if differs else ())


@pytest.mark.parametrize(
    ("option", "sentence"),
    [
        ("portal.company_id=00000000-0000-0000-0000-000000000001", "portal.company_id already set"),
        ("portal.user_id=00000000-0000-0000-0000-000000000001", "portal.user_id already set"),
        ("row_security=off", "row_security set to off"),
    ],
)
def test_a_setting_in_the_address_of_the_database_is_found(db: None, option: str, sentence: str) -> None:
    login = connections["default"]
    opened = login.copy()
    options = opened.settings_dict["OPTIONS"]
    opened.settings_dict |= {"OPTIONS": options | {"options": f"{options.get('options', '')} -c {option}"}}
    connections["default"] = opened
    try:
        assert walls.weaknesses() == (f"a connection starts with {sentence}",)
    finally:
        opened.close()
        connections["default"] = login


def test_every_business_table_is_tried_without_a_scope_and_in_an_empty_one(world: World) -> None:
    """On tables that hold rows: what is refused, and what is empty, is not so for want of any."""
    found = {(trial["role"], trial["company"], trial["name"]): trial["answer"] for trial in probes.answers()}
    zero = "00000000-0000-0000-0000-000000000000"
    for name, access in walls.declared().items():
        is_business = access.kind in {"company-owned", "published", "staff-only"}
        if is_business:
            assert found["none", "", name] == "refused", name
        if is_business and any(rule.role == rls.CLIENT for rule in access.rules):
            assert found[rls.CLIENT, "", name] == "nothing", name
            assert found[rls.CLIENT, zero, name] == "nothing", name
    assert found["none", "", "tenants_company"] == "rows"


def test_the_check_leaves_the_connection_as_it_was(world: World) -> None:
    asked = (
        "select current_user, current_setting('portal.company_id', true), current_setting('lock_timeout'), "
        "current_setting('transaction_read_only'), coalesce(current_setting('portal.trials', true), '')"
    )
    with scope.as_company(world.acme.pk), connection.cursor() as cursor:
        cursor.execute(asked)
        before = cursor.fetchone()
        assert before[:2] == (rls.CLIENT, str(world.acme.pk))
        assert walls.weaknesses() == ()
        cursor.execute(asked)
        assert cursor.fetchone() == before


def test_outside_of_a_transaction_the_check_opens_none(committed: None) -> None:
    assert not connection.in_atomic_block
    assert walls.weaknesses() == ()
    with connection.cursor() as cursor:
        cursor.execute("select current_user, coalesce(current_setting('portal.company_id', true), '')")
        assert cursor.fetchone() == ("portal_login", "")
    assert connection.connection.info.transaction_status.name == "IDLE"


def test_how_long_the_check_takes_is_said(db: None, capsys: pytest.CaptureFixture[str]) -> None:
    """For information: a machine under load may be slow, so nothing is asserted of the time."""
    lengths = []
    for _ in range(5):
        begun = time.perf_counter()
        assert walls.weaknesses() == ()
        lengths.append(time.perf_counter() - begun)
    with capsys.disabled():
        print(f" the check of the walls takes {min(lengths) * 1000:.0f} ms ", end="")
