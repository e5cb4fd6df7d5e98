"""Downtime statements and PDFs, for staff: what was issued, what could not be made and why."""

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from incidents.models import Document, Statement
from incidents.operations import documents
from tenants import admin_pages as pages
from tenants.admin_pages import RecordAdmin


@admin.register(Statement)
class StatementAdmin(RecordAdmin):
    list_display = ("number", "company", "kind", "incident", "month_on", "issued", "issued_by_name")
    list_filter = ("kind",)
    list_select_related = ("company", "incident")
    search_fields = ("number", "company__name", "company__slug", "incident__reference")
    ordering = ("-issued_at",)
    fields = (*list_display, "record_version", "content")
    issued = pages.instant_column("issued_at", "issued")

    def describe(self, row: Statement) -> str:
        return f"Downtime statement {row.number}"


@admin.register(Document)
class DocumentAdmin(RecordAdmin):
    """What failed has a reason, and can be tried again once that is healed."""

    list_display = ("kind", "company", "state", "trouble", "attempts", "asked", "made")
    list_filter = ("state", "kind")
    list_select_related = ("company",)
    search_fields = ("company__name", "company__slug", "trouble")
    ordering = ("-asked_at",)
    actions = ("make_again",)
    fields = (*list_display, "due", "zone", "reader_name", "digest")
    asked = pages.instant_column("asked_at", "asked for")
    made = pages.instant_column("made_at", "made")
    due = pages.instant_column("due_at", "tried next")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Document]:
        return super().get_queryset(request).select_related("company")

    def describe(self, row: Document) -> str:
        return f"{row.get_kind_display()} of {row.company.name}"

    @admin.action(description="Try again what could not be made", permissions=["change"])
    def make_again(self, request: HttpRequest, queryset: QuerySet[Document]) -> None:
        ids = list(queryset.values_list("pk", flat=True))
        with pages.refusals_shown(request):
            count = documents.make_again(pages.staff(request).actor, document_ids=ids, now=timezone.now())
            messages.success(request, f"{count} will be tried again within seconds.")
