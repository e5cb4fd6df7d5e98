"""Who asks: a member of one company, or staff."""

from dataclasses import dataclass
from uuid import UUID

from tenants import permissions
from tenants.errors import NotPermitted
from tenants.permissions import Permission, Role


@dataclass(frozen=True, kw_only=True)
class CompanyName:
    """A company as its own people see it in the switcher and in addresses."""

    slug: str
    name: str


@dataclass(frozen=True, kw_only=True)
class ActingCompany:
    """The company of this request."""

    id: UUID
    slug: str
    name: str
    time_zone: str
    consents_to_be_named: bool


@dataclass(frozen=True, kw_only=True)
class Actor:
    """One person in one role. `company` and `role` are None for staff."""

    user_id: UUID | None
    name: str
    email: str
    time_zone: str
    company: ActingCompany | None = None
    role: Role | None = None
    companies: tuple[CompanyName, ...] = ()
    """Every company this person can open, by name."""

    @property
    def is_staff(self) -> bool:
        return self.company is None

    @property
    def role_label(self) -> str:
        return self.role.label if self.role else "Staff"

    @property
    def zone(self) -> str:
        """The reader's zone: own profile, else the company's, else UTC."""
        return self.time_zone or (self.company.time_zone if self.company else "") or "UTC"

    def may(self, permission: Permission) -> bool:
        """Whether the role allows it; staff are held by the admin's own permissions instead."""
        return self.role is not None and permissions.allowed(self.role, permission)

    def require(self, permission: Permission) -> None:
        """Raise NotPermitted unless the role allows it."""
        if not self.may(permission):
            raise NotPermitted


SYSTEM = Actor(user_id=None, name="portal", email="", time_zone="UTC")
"""What the portal does by itself: tasks by the clock, the loading of the demo."""
