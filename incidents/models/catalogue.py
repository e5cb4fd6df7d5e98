"""What the vendor runs, where, and which company runs on it."""

from django.db import models

from incidents.models.base import Published
from tenants import rls, scope
from tenants.models.base import Business, CompanyOwned, M, ScopedManager
from tenants.row_history import RowHistory

_PLACED = "(select placed.component_id from incidents_placement placed)"
_AFFECTED = "(select touched.component_id from incidents_affectedcomponent touched)"
_VISIBLE_COMPONENT = f"id = any (array{_PLACED}) or id = any (array{_AFFECTED})"


IN_CATALOGUE_ORDER = (
    "component__data_center__position",
    "component__service__position",
    "component__name",
)
"""How people read components: by data center, then by service. For rows that name a component."""


class ComponentManager(ScopedManager[M]):
    """Narrows to the components a company is placed on or has seen affected."""

    def narrow(self, queryset: models.QuerySet[M], in_force: scope.Scope) -> models.QuerySet[M]:
        placed = Placement.objects.values("component_id")
        affected = AffectedComponent.objects.values("component_id")
        return queryset.filter(models.Q(id__in=placed) | models.Q(id__in=affected))


class PartManager(ScopedManager[M]):
    """Narrows data centers and services to those of visible components."""

    def narrow(self, queryset: models.QuerySet[M], in_force: scope.Scope) -> models.QuerySet[M]:
        return queryset.filter(components__in=Component.objects.all()).distinct()


class DataCenter(Business):
    access = rls.published("id = any (array(select visible.data_center_id from incidents_component visible))")
    row_history = RowHistory()

    code = models.CharField(max_length=16, unique=True, help_text="As in component names: EU, NA.")
    name = models.CharField(max_length=120)
    position = models.PositiveSmallIntegerField(default=0)

    objects = PartManager()

    class Meta(Business.Meta):
        verbose_name = "data center"

    def __str__(self) -> str:
        return self.code


class Service(Business):
    access = rls.published("id = any (array(select visible.service_id from incidents_component visible))")
    row_history = RowHistory()

    name = models.CharField(max_length=120, unique=True)
    position = models.PositiveSmallIntegerField(default=0)

    objects = PartManager()

    def __str__(self) -> str:
        return self.name


class Component(Business):
    """A service in a data center; its public name is unique, like “API (EU)”."""

    access = rls.published(_VISIBLE_COMPONENT)
    row_history = RowHistory()

    service = models.ForeignKey(Service, on_delete=models.PROTECT, related_name="components")
    data_center = models.ForeignKey(DataCenter, on_delete=models.PROTECT, related_name="components")
    name = models.CharField("public name", max_length=160, unique=True)

    objects = ComponentManager()

    class Meta(Business.Meta):
        constraints = [models.UniqueConstraint(fields=["service", "data_center"], name="component_once")]

    def __str__(self) -> str:
        return self.name


class Placement(CompanyOwned):
    """What one company runs where."""

    access = rls.company_owned(staff="select insert update delete")
    row_history = RowHistory(belongs_to=("company_id",))

    component = models.ForeignKey(Component, on_delete=models.PROTECT, related_name="placements")

    class Meta(CompanyOwned.Meta):
        constraints = [models.UniqueConstraint(fields=["company", "component"], name="placement_once")]

    def __str__(self) -> str:
        return f"{self.company_id} on {self.component_id}"


class AffectedComponent(Published):
    """A component that an incident touches."""

    access = rls.published(rls.of_own_incidents())
    row_history = RowHistory(belongs_to=("incident_id",))

    incident = models.ForeignKey(
        "incidents.Incident", on_delete=models.CASCADE, related_name="affected_components"
    )
    component = models.ForeignKey(Component, on_delete=models.PROTECT, related_name="+")

    class Meta(Published.Meta):
        constraints = [
            models.UniqueConstraint(fields=["incident", "component"], name="affected_component_once")
        ]

    def __str__(self) -> str:
        return f"{self.component_id} in {self.incident_id}"
