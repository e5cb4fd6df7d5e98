"""Client companies: the tenants."""

from typing import ClassVar

from django.conf import settings
from django.core.validators import RegexValidator
from django.db import models
from django.utils import timezone

from tenants import rls
from tenants.actor import ActingCompany
from tenants.models.base import Keyed
from tenants.models.user import validate_time_zone
from tenants.row_history import RowHistory

RESERVED_SLUGS = frozenset(
    {
        "accounts",
        "admin",
        "api",
        "company",
        "companies",
        "feeds",
        "health",
        "metrics",
        "static",
        "verify",
        "zone",
    }
)
SLUG_PATTERN = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"


def consent_by_default() -> bool:
    return bool(settings.COMPANIES_NAMED_BY_DEFAULT)


class Ending(models.Func):
    """The last five hexadecimal digits of an id, as the index on them is written."""

    template = "right((%(expressions)s)::text, 5)"
    arity = 1
    output_field = models.TextField()


class Company(Keyed):
    """A client company. Its slug is the first part of every address its people use."""

    access: ClassVar[rls.Access] = rls.identity(client="select", client_rows=f"id = {rls.CURRENT_COMPANY}")
    row_history: ClassVar[RowHistory] = RowHistory()

    slug = models.CharField(
        max_length=63,
        unique=True,
        validators=[RegexValidator(rf"^{SLUG_PATTERN}$", "Small letters, digits and hyphens.")],
    )
    name = models.CharField(max_length=120)
    time_zone = models.CharField(max_length=64, default="UTC", validators=[validate_time_zone])
    consents_to_be_named = models.BooleanField(
        "may be named to other clients",
        default=consent_by_default,
        help_text="Whether other affected companies may read this name in the list of the last to recover.",
    )
    suspended_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        verbose_name = "client company"
        verbose_name_plural = "client companies"
        permissions = [("view_as_client", "Can open a client's pages as its people see them")]
        constraints = [
            models.CheckConstraint(
                condition=~models.Q(slug__in=sorted(RESERVED_SLUGS)), name="company_slug_not_reserved"
            ),
            models.CheckConstraint(
                condition=models.Q(slug__regex=rf"^{SLUG_PATTERN}$"), name="company_slug_shape"
            ),
        ]
        # Among which companies one may be of which only the end of the id is known.
        indexes = [models.Index(Ending("id"), name="company_ending")]

    def __str__(self) -> str:
        return self.name

    @property
    def acting(self) -> ActingCompany:
        """This company as that of a request."""
        return ActingCompany(
            id=self.pk,
            slug=self.slug,
            name=self.name,
            time_zone=self.time_zone,
            consents_to_be_named=self.consents_to_be_named,
        )

    @property
    def is_suspended(self) -> bool:
        return self.suspended_at is not None
