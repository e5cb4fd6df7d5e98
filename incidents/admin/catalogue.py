"""What the vendor runs, where, and which company runs on it, for staff."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from incidents.choices import CompanyState
from incidents.models import Component, DataCenter, Placement, Recovery, Service
from incidents.operations import components
from tenants import admin_pages as pages
from tenants.admin_pages import StaffAdmin
from tenants.models import Company


class _Part(StaffAdmin):
    """A part of the catalogue: it can be deleted only while no component uses it."""

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        may = admin.ModelAdmin.has_delete_permission(self, request, obj)
        return may and obj is not None and not self.is_used(obj)

    def is_used(self, part: Any) -> bool:
        return bool(part.components.exists())

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Clients read these names and their order: whatever shows them is shown anew."""
        if not change:
            super().save_model(request, obj, form, change)
        elif form.changed_data:
            components.save_part(
                pages.staff(request).actor, obj, fields=form.changed_data, now=timezone.now()
            )


@admin.register(DataCenter)
class DataCenterAdmin(_Part):
    list_display = ("code", "name", "position")
    search_fields = ("code", "name")
    ordering = ("position", "code")


@admin.register(Service)
class ServiceAdmin(_Part):
    list_display = ("name", "position")
    search_fields = ("name",)
    ordering = ("position", "name")


@admin.register(Component)
class ComponentAdmin(_Part):
    list_display = ("name", "service", "data_center")
    list_filter = ("data_center", "service")
    list_select_related = ("service", "data_center")
    search_fields = ("name",)
    ordering = ("name",)

    def is_used(self, part: Component) -> bool:
        return part.placements.exists() or part.incidents.exists()


@admin.register(Placement)
class PlacementAdmin(StaffAdmin):
    """Made and removed, never moved: what a company ran on in an open incident is part of its record."""

    list_display = ("company", "component")
    list_display_links = ("company", "component")
    list_filter = ("component__data_center", "component")
    list_select_related = ("company", "component")
    search_fields = ("company__name", "company__slug")
    autocomplete_fields = ("company", "component")
    ordering = ("-id",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Placement]:
        return super().get_queryset(request).select_related("company", "component")

    def describe(self, row: Placement) -> str:
        return f"{row.company.name} on {row.component.name}"

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return obj is None and super().has_change_permission(request)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        may = admin.ModelAdmin.has_delete_permission(self, request, obj)
        return may and obj is not None and not kept_by_open_incidents(obj.company, [obj.component]).exists()


def kept_by_open_incidents(company: Company, components: Any) -> QuerySet[Recovery]:
    """The company's recoveries that are not restored and touch one of these components."""
    return (
        Recovery.objects.filter(company=company, incident__affected_components__component__in=components)
        .exclude(state=CompanyState.RESTORED)
        .distinct()
    )
