"""All changes of rows, for staff: also of rows that are gone, whose own pages are."""

from collections.abc import Collection
from typing import Any
from uuid import UUID

from django.contrib import admin
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest
from django.utils import timezone
from django.utils.safestring import SafeString

from tenants import admin_pages as pages
from tenants import row_changes
from tenants.admin_pages import RecordAdmin
from tenants.models import RowChange, User
from tenants.models.row_change import ChangeKind


class TableFilter(admin.SimpleListFilter):
    """By table, as declared: looking for the names among the changes themselves would read all of them."""

    title = "table"
    parameter_name = "table"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return sorted(
            (
                (table, row_changes.table_words(table))
                for table in row_changes.readable_tables(pages.staff(request).user)
            ),
            key=lambda named: named[1],
        )

    def queryset(self, request: HttpRequest, queryset: QuerySet[RowChange]) -> QuerySet[RowChange]:
        return queryset.filter(table_name=self.value()) if self.value() else queryset


class RowChangeAdmin(RecordAdmin):
    """What changed in which row; also of rows that are gone, whose own pages are. Of each table those who
    may see its rows."""

    list_display = ("when", "kind", "table", "row", "who", "role", "fields_changed")
    list_display_links = ("when", "kind")
    list_filter = ("kind", TableFilter)
    search_fields = ("=row_id",)
    search_help_text = "The exact id of a row."
    ordering = ("-id",)
    fields = ("when", "kind", "table", "row", "who", "role", "from_to")
    when = pages.instant_column("at", "at")

    def companies_of(self, row: RowChange) -> Collection[UUID]:
        return row_changes.companies_of(row)

    def _is_of_companies(self) -> bool:
        return True

    def get_queryset(self, request: HttpRequest) -> Any:
        person = User.objects.filter(pk=OuterRef("actor_id"))
        readable = row_changes.readable_tables(pages.staff(request).user)
        found = super().get_queryset(request).filter(table_name__in=readable)
        return found.annotate(actor_email=Subquery(person.values("email")))

    @admin.display(description="table", ordering="table_name")
    def table(self, change: RowChange) -> str:
        return row_changes.table_words(change.table_name)

    @admin.display(description="row")
    def row(self, change: RowChange) -> str:
        return change.row_id

    @admin.display(description="who")
    def who(self, change: Any) -> str:
        return change.actor_email or pages.NOTHING

    @admin.display(description="fields")
    def fields_changed(self, change: RowChange) -> str:
        if change.kind != ChangeKind.CHANGED:
            return pages.NOTHING
        return ", ".join(sorted(name.replace("_", " ") for name in change.changes))

    @admin.display(description="from → to")
    def from_to(self, change: RowChange) -> SafeString:
        (told,) = row_changes.in_words([change])
        return pages.lines(
            {
                field.name: "set; its value is never kept"
                if field.is_secret
                else f"{_plain(field.before)} → {_plain(field.after)}"
                for field in told.fields
            }
        )


def _plain(value: row_changes.Value) -> str:
    return value.words or f"{timezone.localtime(value.at):%d %b %Y, %H:%M %Z}"
