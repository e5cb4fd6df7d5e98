"""What the incident tables share: columns of chosen words, and rows published to the affected."""

from typing import Any

from django.db import models

from incidents import choices
from tenants import scope
from tenants.models.base import Business, M, ScopedManager


class ChoiceField(models.CharField):  # type: ignore[type-arg]
    """A text column that holds one word of an enumeration (held by a check beside it)."""

    def __init__(self, enumeration: type[choices.Choice] | None = None, **options: Any) -> None:
        options.setdefault("max_length", 32)
        if enumeration is not None:
            options["choices"] = choices.choices(enumeration)
        super().__init__(**options)

    def deconstruct(self) -> Any:
        """For migrations a plain text column: words come and go in checks, not in this field."""
        name, _path, positional, options = super().deconstruct()
        options.pop("choices", None)
        if "default" in options:
            options["default"] = str(options["default"])
        return name, "django.db.models.CharField", positional, options


def one_of(column: str, enumeration: type[choices.Choice], name: str) -> models.CheckConstraint:
    """The check that only the enumeration's words are ever stored."""
    return models.CheckConstraint(
        condition=models.Q(**{f"{column}__in": [word for word, _ in choices.choices(enumeration)]}), name=name
    )


class PublishedManager(ScopedManager[M]):
    """Narrows to what belongs to an incident in which the asking company has a recovery."""

    incident_column = "incident_id"

    def narrow(self, queryset: models.QuerySet[M], in_force: scope.Scope) -> models.QuerySet[M]:
        recoveries = self.model._meta.apps.get_model("incidents", "Recovery")  # noqa: SLF001
        own = recoveries.objects.filter(company_id=in_force.company_id).values("incident_id")
        return queryset.filter(**{f"{self.incident_column}__in": own})


class Published(Business):
    """A row written by staff for every company that its incident affects."""

    objects = PublishedManager()

    class Meta(Business.Meta):
        abstract = True
