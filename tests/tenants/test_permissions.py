"""What each role may do: the whole table, and that the actor is held by it."""

import pytest

from tenants import permissions
from tenants.actor import SYSTEM
from tenants.errors import NotPermitted
from tenants.permissions import Permission, Role
from tests import factories
from tests.conftest import World

TABLE = {
    #                                 owner  manager reader
    Permission.READ_INCIDENTS: (True, True, True),
    Permission.REQUEST_POST_MORTEM: (True, True, False),
    Permission.READ_ACTIVITY: (True, True, False),
    Permission.REPORT_OWN_STATE: (True, True, False),
    Permission.MANAGE_ACCOUNT: (True, False, False),
}


@pytest.mark.parametrize("permission", Permission)
@pytest.mark.parametrize("role", Role)
def test_a_role_may_do_what_the_table_says(role: Role, permission: Permission) -> None:
    expected = dict(zip((Role.OWNER, Role.MANAGER, Role.READER), TABLE[permission], strict=True))
    assert permissions.allowed(role, permission) is expected[role]


def test_every_role_has_a_line_and_a_higher_role_lacks_nothing() -> None:
    assert set(permissions.PERMISSIONS) == set(Role)
    of = permissions.PERMISSIONS
    assert of[Role.READER] < of[Role.MANAGER] < of[Role.OWNER] == set(Permission)


def test_an_actor_is_held_by_the_role(world: World) -> None:
    reader = factories.actor(world.bea, world.acme, Role.READER)
    reader.require(Permission.READ_INCIDENTS)
    with pytest.raises(NotPermitted, match="Ask an owner of your account"):
        reader.require(Permission.REQUEST_POST_MORTEM)


@pytest.mark.parametrize("permission", Permission)
def test_staff_and_the_portal_itself_have_no_role_in_a_company(world: World, permission: Permission) -> None:
    for actor in (SYSTEM, factories.actor(world.sam)):
        assert actor.is_staff
        assert not actor.may(permission)


def test_times_are_shown_in_the_persons_zone_else_the_companys_else_utc(world: World) -> None:
    member = factories.actor(world.gus, world.globex)
    assert member.zone == "America/New_York"
    assert factories.actor(world.sam).zone == "UTC"
