"""What every page of the staff's admin has in common: its zone, its refusals, its read-only records."""

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, cast
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.utils import unquote
from django.contrib.admin.widgets import AdminSplitDateTime, BaseAdminDateWidget, BaseAdminTimeWidget
from django.core.exceptions import BadRequest, FieldDoesNotExist, PermissionDenied, ValidationError
from django.db import models
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from tenants import audit, row_changes
from tenants.actor import Actor
from tenants.errors import Refusal
from tenants.models import Company, User

NOTHING = "–"
SEE_HISTORY = "tenants.view_rowchange"
"""The right to read how rows have changed."""
EARLIEST_YEAR = 2000
LATEST_AHEAD = timedelta(days=5 * 366)
NO_TIME = timedelta(0)


class StaffRequest(HttpRequest):
    """A request that the door let in for staff."""

    actor: Actor
    user: User


def zone_words(at: datetime | None = None) -> str:
    """The zone in which times are shown and read, as a reader knows it: "CET (Europe/Paris)"."""
    abbreviation = timezone.localtime(at or timezone.now()).tzname() or ""
    name = timezone.get_current_timezone_name()
    return name if name == abbreviation else f"{abbreviation} ({name})"


def instant(value: datetime | None) -> SafeString | str:
    """`<time>` in the reader's zone with its abbreviation; the exact UTC is its title."""
    if value is None:
        return NOTHING
    local, exact = timezone.localtime(value), value.astimezone(UTC)
    return format_html(
        '<time datetime="{}" title="{}">{}</time>',
        f"{exact:%Y-%m-%dT%H:%M:%SZ}",
        f"{exact.day} {exact:%b %Y, %H:%M:%S} UTC",
        f"{local.day} {local:%b %Y, %H:%M} {local.tzname()}",
    )


def due(value: datetime | None, *, now: datetime) -> SafeString | str:
    """An instant by which something was promised; after it, the word "Late" stands before it."""
    if value is None or value >= now:
        return instant(value)
    return format_html('<span class="late"><strong>Late</strong> {}</span>', instant(value))


def length(seconds: int | None) -> str:
    """A length of time in at most two units, cut and not rounded: 23400 is "6 h 30 min"."""
    if seconds is None:
        return NOTHING
    minutes, rest = divmod(seconds, 60)
    if minutes < 1:
        return f"{rest} s" if rest else "0 min"
    hours, minutes = divmod(minutes, 60)
    if hours >= 48:
        days, hours = divmod(hours, 24)
        return f"{days} d {hours} h" if hours else f"{days} d"
    return " ".join(
        part for part in (f"{hours} h" if hours else "", f"{minutes} min" if minutes else "") if part
    )


def instant_column(field: str, name: str) -> Callable[..., Any]:
    """A sortable column, or read-only field, of an instant."""

    @admin.display(description=name, ordering=field)
    def column(_admin: Any, row: models.Model) -> SafeString | str:
        return instant(getattr(row, field))

    return column


def length_column(field: str, name: str) -> Callable[..., Any]:
    """A sortable column, or read-only field, of a length in seconds."""

    @admin.display(description=name, ordering=field)
    def column(_admin: Any, row: models.Model) -> str:
        return length(getattr(row, field))

    return column


def row_link(row: models.Model, words: str) -> SafeString:
    """A link to the page of a row of any table in the admin."""
    name = f"admin:{row._meta.app_label}_{row._meta.model_name}_change"  # noqa: SLF001 - Django's documented way
    return format_html('<a href="{}">{}</a>', reverse(name, args=[row.pk]), words)


def lines(pairs: Mapping[str, Any]) -> SafeString:
    """Names and values, one under the other."""
    rows = "".join(format_html("<dt>{}</dt><dd>{}</dd>", name, value) for name, value in pairs.items())
    return mark_safe(f'<dl class="pairs">{rows}</dl>') if rows else mark_safe(NOTHING)  # noqa: S308 - escaped above


class InstantWidget(AdminSplitDateTime):
    """Day and time, each box with a name of its own for who does not see the words beside it."""

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        boxes = (BaseAdminDateWidget({"aria-label": "Date"}), BaseAdminTimeWidget({"aria-label": "Time"}))
        forms.MultiWidget.__init__(self, boxes, attrs)


class InstantField(forms.SplitDateTimeField):
    """Day and time, read in the zone that is named beside them.

    From the year 2000 to five years ahead: what lies outside was mistyped. A time that the clocks
    show twice, in the night on which they go back, is read as the first.
    """

    widget = InstantWidget

    def __init__(self, **options: Any) -> None:
        said = options.pop("help_text", "")
        super().__init__(**options)
        self.said = said

    @property
    def help_text(self) -> str:
        twice = " A time that the clocks show twice is the first." if _clocks_change() else ""
        return f"{self.said} Day/month/year, in {zone_words()}.{twice}".strip()

    @help_text.setter
    def help_text(self, said: str) -> None:
        self.said = said

    def clean(self, value: Any) -> datetime | None:
        at: datetime | None = super().clean(value)
        if at is not None and (at.year < EARLIEST_YEAR or at > timezone.now() + LATEST_AHEAD):
            raise ValidationError(f"Choose a day from {EARLIEST_YEAR} on, at most five years ahead.")
        return at

    def compress(self, data_list: Any) -> datetime | None:
        if data_list and not any(part in self.empty_values for part in data_list):
            typed = datetime.combine(*data_list)
            zone = timezone.get_current_timezone()
            first, second = (typed.replace(tzinfo=zone, fold=fold) for fold in (0, 1))
            if (first.utcoffset() or NO_TIME) > (second.utcoffset() or NO_TIME):
                return first
        compressed: datetime | None = super().compress(data_list)
        return compressed


def _clocks_change() -> bool:
    """Whether the clocks of the zone in force change within the year."""
    days = (datetime(timezone.now().year, month, 1, tzinfo=UTC) for month in (1, 7))
    return len({timezone.localtime(day).utcoffset() for day in days}) > 1


class NamedRows(forms.BaseInlineFormSet):  # type: ignore[type-arg]  # not generic at run time
    """Rows of a table whose boxes carry the name of their column, which only sight connects them with."""

    def add_fields(self, form: Any, index: int | None) -> None:
        super().add_fields(form, index)
        for name, field in form.fields.items():
            words = field.label or name.replace("_", " ")
            field.widget.attrs.setdefault("aria-label", str(words).capitalize())


@contextmanager
def refusals_shown(request: HttpRequest) -> Iterator[None]:
    """Show a refusal as a message. What raised it has undone its own savepoint: nothing is changed."""
    try:
        yield
    except Refusal as refusal:
        messages.error(request, refusal.message)


class StaffAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # not generic at run time
    """A table that staff look through. Nothing is deleted unless a subclass says when."""

    list_per_page = 50
    show_full_result_count = False
    object_pages: ClassVar[Mapping[str, str]] = {}
    """Pages about one row, for those who may change it: last part of the address → method."""

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def formfield_for_dbfield(self, db_field: "models.Field[Any, Any]", request: Any, **options: Any) -> Any:
        if isinstance(db_field, models.DateTimeField):
            return db_field.formfield(**{**options, "form_class": InstantField, "widget": InstantWidget})
        return super().formfield_for_dbfield(db_field, request, **options)

    def describe(self, row: Any) -> str:
        """A row in the words of its heading and of the path that leads there."""
        return str(row)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        if any("\0" in value for values in request.GET.lists() for value in values[1]):
            raise BadRequest("No text holds a NUL.")
        if self._is_of_companies():
            page, now = _page_of(request), timezone.now()
            audit.record_list_read(staff(request).actor, self.model, now=now, page=page)
        name = str(self.opts.verbose_name_plural)
        title = name[:1].upper() + name[1:]
        return super().changelist_view(request, {"title": title, **(extra_context or {})})

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> Any:
        """What changed in a row, from what to what and by whom, as the database itself wrote it down."""
        if not (self.has_view_or_change_permission(request) and request.user.has_perm(SEE_HISTORY)):
            raise PermissionDenied
        row = self.get_object(request, unquote(object_id))
        if row is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)  # type: ignore[attr-defined]  # missing from the stubs
        page, changes = row_changes.history(row, reader=staff(request).user, page_number=request.GET.get("p"))
        return self.page(
            request,
            "admin/object_history.html",
            f"History of {self.describe(row)}",
            original=row,
            words=self.describe(row),
            back=self.address("change", row),
            page=page,
            changes=changes,
            keeps_history=row_changes.keeps_history(self.model),
            is_append_only=self._is_append_only(),
        )

    def _is_append_only(self) -> bool:
        """Whether nobody may change a row of this table."""
        access = getattr(self.model, "access", None)
        return access is not None and all(rule.command != "update" for rule in access.rules)

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> Any:
        if "\0" in search_term:
            raise BadRequest("No text holds a NUL.")
        return super().get_search_results(request, queryset, search_term)

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """What the address proposes for a new row, as far as it can be read; instants never."""
        proposed: dict[str, Any] = super().get_changeform_initial_data(request)
        return {name: value for name, value in proposed.items() if self._can_hold(name, value)}

    def _can_hold(self, name: str, value: Any) -> bool:
        try:
            field = self.opts.get_field(name)
        except FieldDoesNotExist:
            return False
        if not isinstance(field, models.Field) or isinstance(field, models.DateTimeField):
            return False
        return _is_readable(field, value)

    def response_action(
        self, request: HttpRequest, queryset: QuerySet[Any], *positional: Any, **named: Any
    ) -> Any:
        keys = request.POST.getlist(ACTION_CHECKBOX_NAME)
        if not all(_is_readable(self.opts.pk, key) for key in keys):
            raise BadRequest("A selected key is none.")
        return super().response_action(request, queryset, *positional, **named)

    def render_change_form(
        self, request: HttpRequest, context: Any, *positional: Any, **named: Any
    ) -> HttpResponse:
        row = context.get("original")
        if row is not None:
            context |= {"title": self.describe(row), "subtitle": None}
        return super().render_change_form(request, context, *positional, **named)

    def render_delete_form(self, request: HttpRequest, context: Any) -> HttpResponse:
        words = self.describe(context["object"])
        context |= {"subtitle": None, "words": words, "deleted_objects": [words]}
        return super().render_delete_form(request, context)

    def get_urls(self) -> list[URLPattern]:
        pages = [
            path(
                f"<uuid:object_id>/{place}/",
                self.admin_site.admin_view(getattr(self, method)),
                name=self._page_name(place),
            )
            for place, method in self.object_pages.items()
        ]
        return pages + super().get_urls()

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        """The row that any page about one row shows. That staff looked at what is a company's is written
        down, in the page's own transaction: without the trace there is no page."""
        row = super().get_object(request, object_id, from_field)
        if row is not None:
            audit.record_read(
                staff(request).actor,
                row,
                company_ids=self.companies_of(row),
                now=timezone.now(),
                page=_page_of(request),
            )
        return row

    def companies_of(self, row: Any) -> Collection[UUID]:
        """The companies that a row is about; empty for what is the vendor's own."""
        company_id = row.pk if isinstance(row, Company) else getattr(row, "company_id", None)
        return {company_id} if company_id else ()

    def _is_of_companies(self) -> bool:
        """Whether the rows of this table are about single companies, or their people."""
        return self.model in {Company, User} or any(field.name == "company" for field in self.opts.fields)

    def subject(self, request: HttpRequest, object_id: Any) -> Any:
        """The row that an object page is about; 403 for who may not change it, 404 for unknown."""
        if not self.has_change_permission(request):
            raise PermissionDenied
        row = self.get_object(request, str(object_id))
        if row is None:
            raise Http404
        return row

    def page(self, request: HttpRequest, template: str, title: str, **context: Any) -> HttpResponse:
        """An object page or the page between an action and its consequence."""
        request.current_app = self.admin_site.name
        return TemplateResponse(
            request,
            template,
            {
                **self.admin_site.each_context(request),
                "opts": self.opts,
                "title": title,
                "media": self.media,
                **context,
            },
        )

    def address(self, place: str, row: models.Model | None = None) -> str:
        """The address of this table's `changelist`, or of a row's `change` or object page."""
        return reverse(f"admin:{self._page_name(place)}", args=[row.pk] if row else [])

    def to_row(self, row: models.Model) -> HttpResponseRedirect:
        return HttpResponseRedirect(self.address("change", row))

    def _page_name(self, place: str) -> str:
        return f"{self.opts.app_label}_{self.opts.model_name}_{place}"


def _page_of(request: HttpRequest) -> str:
    """The name of the page's address, as the trace of a read holds it."""
    return (request.resolver_match.url_name or "") if request.resolver_match else ""


def _is_readable(field: Any, value: Any) -> bool:
    try:
        field.to_python(value)
    except ValidationError:
        return False
    return True


class RecordAdmin(StaffAdmin):
    """Rows that only operations write: pages are read-only, actions need the right to change."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return obj is None and super().has_change_permission(request)


def staff(request: HttpRequest) -> StaffRequest:
    """The request of an admin page, with the actor that the door found."""
    return cast("StaffRequest", request)
