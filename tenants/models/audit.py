"""What was done, by whom, to whose record: a table that only grows, and the chain that seals it."""

from datetime import UTC
from enum import StrEnum
from typing import ClassVar

from django.db import models
from django.db.models.functions import TruncHour

from tenants import rls
from tenants.models.base import Business, ScopedManager, StaffManager
from tenants.models.company import Company
from tenants.models.user import User

READ = "record.read"
"""The action of looking at an object; all others tell of a change."""
VERIFIED = "audit.verified"
BROKEN = "audit.broken"
VERIFICATION_ASKED = "audit.verification_asked"


class ActorKind(StrEnum):
    """Who acted, as far as everybody may know."""

    CLIENT = "client"
    STAFF = "staff"
    PORTAL = "portal"


class AuditEvent(Business):
    """One thing that somebody did. Rows without a company are the vendor's own.

    A company's own people may read what was done to its record: `action`, `object_type`, `about`, `at`,
    `actor_kind` ("client", "staff" or "portal") and `shown_name`, the name at the time of a person who
    acted for that company; empty for staff and for the portal, who are not named to clients.
    `actor_name`, `actor`, `object_id` and `detail` are for staff alone.

    That staff looked at an object of a company is a row as well, with the action READ: at most one for
    each person, object and hour (UTC). One without a company and an `object_id` tells of a list.
    """

    access = rls.company_owned(
        client="select insert",
        client_columns=(
            (
                "select",
                ("id", "company_id", "actor_kind", "shown_name", "action", "object_type", "about", "at"),
            ),
        ),
        client_inserts=f"actor_id = {rls.CURRENT_USER} and actor_kind = 'client'",
        staff="select insert",
    )

    company = models.ForeignKey(
        Company, on_delete=models.PROTECT, null=True, db_index=False, related_name="+"
    )
    actor = models.ForeignKey(User, on_delete=models.PROTECT, null=True, db_index=False, related_name="+")
    actor_kind = models.CharField(max_length=16, choices=[(each.value, each.value) for each in ActorKind])
    actor_name = models.CharField(max_length=254)
    """The e-mail at the time; "portal" for what the portal did by itself."""
    shown_name = models.CharField(max_length=120, blank=True, default="")
    action = models.CharField(max_length=64)
    object_type = models.CharField(max_length=64)
    object_id = models.CharField(max_length=64)
    about = models.CharField(max_length=36, blank=True, default="", db_default="")
    """The id or the public reference of the incident that it is about; empty for none."""
    detail = models.JSONField(default=dict)
    at = models.DateTimeField()

    objects = ScopedManager()

    class Meta(Business.Meta):
        permissions = [("verify_audit", "Can have the audit verified")]
        indexes = [
            models.Index(fields=["company", "-at"], name="audit_of_company"),
            models.Index(fields=["-at"], name="audit_newest"),
            # The console: what came of the last verification.
            models.Index(
                fields=["-at"],
                name="audit_verifications",
                condition=models.Q(action__in=[VERIFIED, BROKEN, VERIFICATION_ASKED]),
            ),
        ]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(actor_kind__in=[each.value for each in ActorKind]), name="audit_actor_kind"
            ),
            models.CheckConstraint(
                condition=models.Q(actor_kind="portal", actor__isnull=True)
                | models.Q(actor__isnull=False) & ~models.Q(actor_kind="portal"),
                name="audit_portal_is_nobody",
            ),
            models.CheckConstraint(
                condition=models.Q(shown_name="") | models.Q(actor_kind="client", company__isnull=False),
                name="audit_shows_own_people_alone",
            ),
            models.UniqueConstraint(
                "company",
                "actor",
                "object_type",
                "object_id",
                TruncHour("at", tzinfo=UTC),
                condition=models.Q(action=READ),
                nulls_distinct=False,
                name="audit_read_once_an_hour",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.object_type} {self.object_id}"


class AuditSeal(Business):
    """The place of one audit row in the chain. Written once by the worker, in order; never changed.

    `event_id` is no foreign key: the seal of a row that is gone stays, and says that it is gone.
    What `digest` is made of says `tenants.chain`.
    """

    access = rls.staff_only(staff="select insert")

    number = models.BigIntegerField(unique=True)
    """1 for the first, one more for each next, without gaps."""
    event_id = models.UUIDField(unique=True)
    previous_digest = models.CharField(max_length=64)
    digest = models.CharField(max_length=64)
    sealed_at = models.DateTimeField()

    objects: ClassVar[StaffManager["AuditSeal"]] = StaffManager()

    class Meta(Business.Meta):
        default_permissions = ()
        constraints = [
            models.CheckConstraint(condition=models.Q(number__gte=1), name="audit_seal_number"),
        ]

    def __str__(self) -> str:
        return f"seal {self.number}"
