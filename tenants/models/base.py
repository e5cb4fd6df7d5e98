"""The first wall: what every business model is built on."""

from typing import ClassVar, TypeVar

import uuid6
from django.db import models

from tenants import rls, scope


class UuidV7(models.Func):
    """PostgreSQL's time-ordered UUID; keys are made by the server, never by a client."""

    function = "uuidv7"
    template = "%(function)s()"
    output_field = models.UUIDField()


class Keyed(models.Model):
    """A time-ordered UUID key: indexes stay dense, numbers tell nobody how many there are."""

    id = models.UUIDField(primary_key=True, default=uuid6.uuid7, db_default=UuidV7(), editable=False)

    class Meta:
        abstract = True


M = TypeVar("M", bound=models.Model, covariant=True)  # noqa: PLC0105 - one letter, one meaning


class ScopedManager(models.Manager[M]):
    """A manager that raises without a scope and narrows to the company in the client scope."""

    def get_queryset(self) -> models.QuerySet[M]:
        in_force = scope.required()
        queryset = super().get_queryset()
        return queryset if in_force.is_staff else self.narrow(queryset, in_force)

    def narrow(self, queryset: models.QuerySet[M], in_force: scope.Scope) -> models.QuerySet[M]:
        """The rows a client may see; overridden by published tables."""
        return queryset.filter(company_id=in_force.company_id)


class StaffManager(ScopedManager[M]):
    """Rows that no client ever reads."""

    def narrow(self, queryset: models.QuerySet[M], in_force: scope.Scope) -> models.QuerySet[M]:
        return queryset.none()


class Business(Keyed):
    """A table that nobody reads without a scope. `access` is its declared class."""

    access: ClassVar[rls.Access]

    class Meta:
        abstract = True
        base_manager_name = "objects"


class CompanyOwned(Business):
    """Rows of one company each; `company` leads every index that serves a client."""

    access = rls.company_owned()

    company = models.ForeignKey("tenants.Company", on_delete=models.CASCADE, db_index=False, related_name="+")

    objects = ScopedManager()

    class Meta(Business.Meta):
        abstract = True
