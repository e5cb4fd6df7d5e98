"""Texts that staff answer requests with again and again."""

from django.contrib import admin
from django.http import HttpRequest

from incidents.models import AnswerTemplate
from tenants.admin_pages import StaffAdmin


@admin.register(AnswerTemplate)
class AnswerTemplateAdmin(StaffAdmin):
    list_display = ("name", "text")
    search_fields = ("name", "text")
    ordering = ("name",)
    fields = ("name", "text")

    def has_delete_permission(self, request: HttpRequest, obj: AnswerTemplate | None = None) -> bool:
        """One by one. Nothing points at a template: what was answered with it keeps its words."""
        return obj is not None and admin.ModelAdmin.has_delete_permission(self, request, obj)
