"""What each role of a company may do: one table."""

from enum import StrEnum


class Role(StrEnum):
    OWNER = "owner"
    MANAGER = "manager"
    READER = "reader"

    @property
    def label(self) -> str:
        return self.value.capitalize()


class Permission(StrEnum):
    READ_INCIDENTS = "read_incidents"
    REQUEST_POST_MORTEM = "request_post_mortem"
    REPORT_OWN_STATE = "report_own_state"
    READ_ACTIVITY = "read_activity"
    MANAGE_ACCOUNT = "manage_account"


PERMISSIONS: dict[Role, frozenset[Permission]] = {
    Role.OWNER: frozenset(
        {
            Permission.READ_INCIDENTS,
            Permission.REQUEST_POST_MORTEM,
            Permission.REPORT_OWN_STATE,
            Permission.READ_ACTIVITY,
            Permission.MANAGE_ACCOUNT,
        }
    ),
    Role.MANAGER: frozenset(
        {
            Permission.READ_INCIDENTS,
            Permission.REQUEST_POST_MORTEM,
            Permission.REPORT_OWN_STATE,
            Permission.READ_ACTIVITY,
        }
    ),
    Role.READER: frozenset({Permission.READ_INCIDENTS}),
}


def allowed(role: Role, permission: Permission) -> bool:
    return permission in PERMISSIONS[role]
