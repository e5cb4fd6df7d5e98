"""Tables of the tenants: people, companies, and what guards them."""

from tenants.models.audit import AuditEvent, AuditSeal
from tenants.models.company import Company
from tenants.models.mail import OutgoingMail
from tenants.models.membership import Membership
from tenants.models.row_change import RowChange
from tenants.models.session import Session
from tenants.models.user import User

__all__ = ["AuditEvent", "AuditSeal", "Company", "Membership", "OutgoingMail", "RowChange", "Session", "User"]
