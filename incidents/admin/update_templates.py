"""Texts that an update can begin with, kept by staff."""

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin.widgets import AdminTextareaWidget
from django.core.exceptions import ValidationError
from django.http import HttpRequest

from incidents import blocks, errors, fields
from incidents.admin.update_form import KINDS
from incidents.models import UpdateTemplate
from tenants.admin_pages import StaffAdmin


class TemplateForm(forms.ModelForm):  # type: ignore[type-arg]  # not generic at run time
    """A template whose fields and blocks are such as an update may hold."""

    kind = forms.ChoiceField(label="Phase", choices=KINDS)
    body_markdown = forms.CharField(
        label="Text (Markdown)",
        max_length=20_000,
        widget=AdminTextareaWidget(attrs={"rows": 12}),
        help_text=(
            "Write {{ restored_count }} for a number of the record, and ::: restored, ::: not restored or "
            "::: affected before a block that only those accounts read. What stands between ‹ and › has "
            "to be replaced before a text is posted."
        ),
    )

    def clean_body_markdown(self) -> str:
        text: str = self.cleaned_data["body_markdown"]
        unknown = fields.unknown(text)
        if unknown:
            raise ValidationError(errors.UnknownField(unknown, tuple(fields.MEANINGS)).message)
        fault = blocks.fault(text)
        if fault:
            raise ValidationError(fault.value)
        return text


@admin.register(UpdateTemplate)
class UpdateTemplateAdmin(StaffAdmin):
    """Changing one changes nothing that was posted with it."""

    form = TemplateForm
    list_display = ("name", "incident_kind", "kind", "beginning")
    list_filter = ("incident_kind", "kind")
    search_fields = ("name", "body_markdown")
    ordering = ("incident_kind", "kind", "name")
    fields = ("name", "incident_kind", "kind", "body_markdown")

    @admin.display(description="text")
    def beginning(self, template: UpdateTemplate) -> str:
        words = " ".join(template.body_markdown.split())
        return words if len(words) <= 90 else f"{words[:89]}…"

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """One by one."""
        return obj is not None and admin.ModelAdmin.has_delete_permission(self, request, obj)
