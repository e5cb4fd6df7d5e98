"""Files of recoveries, for staff: sent, looked at, tried out, applied, taken back."""

import csv
import functools
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.safestring import SafeString

from incidents import import_files, tasks
from incidents.admin.filters import IncidentFilter
from incidents.admin.import_forms import MappingForm, UploadForm
from incidents.choices import ImportState, RowKind
from incidents.import_files import Encoding
from incidents.models import ImportRow, RecoveryImport
from incidents.operations import import_work, recovery_imports
from tenants import admin_pages as pages
from tenants.admin_pages import RecordAdmin
from tenants.errors import Refusal

MAY = "incidents.change_recovery"
SHOWN_PROBLEMS = 20
RENEWED_AFTER_SECONDS = 3


@admin.register(RecoveryImport)
class RecoveryImportAdmin(RecordAdmin):
    """Each import is a page that follows it; whoever may record recoveries may import them."""

    list_display = ("file_name", "incident_reference", "state", "uploaded", "uploaded_by", "entry_count")
    list_filter = (IncidentFilter, "state")
    list_select_related = ("incident", "uploaded_by")
    search_fields = ("file_name", "incident__reference")
    ordering = ("-id",)
    object_pages = {"problems": "problems_page", "roll-back": "roll_back_page"}
    uploaded = pages.instant_column("uploaded_at", "uploaded")

    @admin.display(description="incident", ordering="incident__reference")
    def incident_reference(self, row: RecoveryImport) -> SafeString:
        return pages.row_link(row.incident, row.incident.reference)

    def get_queryset(self, request: HttpRequest) -> QuerySet[RecoveryImport]:
        return super().get_queryset(request).select_related("incident", "uploaded_by", "asked_by")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(MAY)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return obj is None and request.user.has_perm(MAY)

    # Sending a file.

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = UploadForm(
            request.POST or None, request.FILES or None, initial={"incident": request.GET.get("incident")}
        )
        if request.method == "POST" and form.is_valid():
            sent = form.cleaned_data["file"]
            try:
                made = recovery_imports.upload(
                    pages.staff(request).actor,
                    incident_id=form.cleaned_data["incident"].pk,
                    file_name=sent.name,
                    content=sent.read(),
                    now=timezone.now(),
                )
            except Refusal as refusal:
                form.add_error("file", refusal.message)
            else:
                return self.to_row(made)
        return self.page(
            request,
            "admin/recovery_import_upload.html",
            "Import recoveries",
            form=form,
            media=self.media + form.media,
            back=self.address("changelist"),
        )

    # The page of one import, by where it stands.

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        if not self.has_view_or_change_permission(request):
            raise PermissionDenied
        found = self.get_object(request, object_id)
        if found is None:
            raise Http404
        if request.method == "POST":
            if not self.has_change_permission(request):
                raise PermissionDenied
            return self._act(request, found)
        return self._import_page(request, found)

    def _act(self, request: HttpRequest, found: RecoveryImport) -> HttpResponse:
        actor, now = pages.staff(request).actor, timezone.now()
        if "_start" in request.POST or "_preview" in request.POST:
            return self._map(request, found)
        acts = {
            "_cancel": recovery_imports.cancel,
            "_check": recovery_imports.check_again,
            "_apply": recovery_imports.apply,
            "_again": recovery_imports.try_again,
            "_keep": recovery_imports.keep_applied,
        }
        with pages.refusals_shown(request):
            for name, act in acts.items():
                if name in request.POST:
                    act(actor, import_id=found.pk, now=now)
                    _wake(found)
        return self.to_row(found)

    def _map(self, request: HttpRequest, found: RecoveryImport) -> HttpResponse:
        if found.state != ImportState.UPLOADED:
            messages.error(request, "The import has moved on since you saw it. Nothing was changed.")
            return self.to_row(found)
        asked = request.POST.get("encoding", "")
        encoding = Encoding(asked) if asked in list(Encoding) else None
        try:
            beginning = recovery_imports.columns(found.pk, encoding)
        except Refusal as refusal:
            messages.error(request, refusal.message)
            return self.to_row(found)
        form = MappingForm(request.POST, beginning=beginning)
        if "_start" not in request.POST or not form.is_valid():
            return self._import_page(request, found, form=form, beginning=beginning)
        with pages.refusals_shown(request):
            recovery_imports.start(
                pages.staff(request).actor, import_id=found.pk, now=timezone.now(), **form.said()
            )
            _wake(found)
        return self.to_row(found)

    def _import_page(
        self, request: HttpRequest, found: RecoveryImport, *, form: Any = None, beginning: Any = None
    ) -> HttpResponse:
        if found.state == ImportState.UPLOADED and self.has_change_permission(request):
            beginning = beginning or recovery_imports.columns(found.pk)
            form = form or MappingForm(beginning=beginning)
        rows_in_all = max(found.line_count - 1, found.rows_read, 1)
        return self.page(
            request,
            "admin/recovery_import.html",
            f"Import “{found.file_name}”",
            original=found,
            incident=found.incident,
            state=found.state,
            may_act=self.has_change_permission(request),
            failed_step=ImportState(found.failed_at_step).label.lower() if found.failed_at_step else "",
            can_be_left_applied=found.failed_at_step == ImportState.ROLLING_BACK,
            most_attempts=import_work.MOST_ATTEMPTS,
            form=form,
            beginning=beginning,
            sample=[list(zip(beginning.header, row, strict=False)) for row in beginning.rows]
            if beginning
            else [],
            rows_in_all=rows_in_all,
            seconds_left=found.seconds_left(now=timezone.now()),
            renewed_after=RENEWED_AFTER_SECONDS if found.is_in_work else None,
            kinds=[
                (kind, kind.label, found.counts[kind], kind in RowKind.problems())
                for kind in RowKind
                if found.counts.get(kind)
            ],
            preview=_with_instants(found.preview),
            problems=[
                (row, RowKind(row.problem).label)
                for row in _problems(found)[: SHOWN_PROBLEMS if found.problem_count else 0]
            ],
            most_problems=import_work.MOST_PROBLEMS,
            back=self.address("changelist"),
        )

    # Pages about one import.

    def problems_page(self, request: HttpRequest, object_id: Any) -> HttpResponse:
        """The rows that are left out, with why, as a file for whoever puts them right."""
        found: RecoveryImport = self.subject(request, object_id)
        response = HttpResponse(
            content_type="text/csv; charset=utf-8",
            headers={"Content-Disposition": 'attachment; filename="rows-left-out.csv"'},
        )
        response.write("\ufeff")
        writer = csv.writer(response)
        writer.writerow(("line", "problem", "row"))
        for row in _problems(found):
            writer.writerow((row.line, RowKind(row.problem).label, import_files.formula_safe(row.typed)))
        return response

    def roll_back_page(self, request: HttpRequest, object_id: Any) -> HttpResponse:
        """Ask, then have all that an import added superseded."""
        found: RecoveryImport = self.subject(request, object_id)
        if found.state != ImportState.APPLIED:
            messages.warning(request, "There is nothing of this import to roll back.")
            return self.to_row(found)
        if request.method == "POST":
            with pages.refusals_shown(request):
                recovery_imports.roll_back(pages.staff(request).actor, import_id=found.pk, now=timezone.now())
                _wake(found)
            return self.to_row(found)
        return self.page(
            request,
            "admin/consequence.html",
            f"Roll back “{found.file_name}”?",
            subtitle=str(found.incident),
            original=found,
            back=self.address("change", found),
            facts={
                "Entries that it added": found.entry_count,
                "Applied": pages.instant(found.finished_at),
                "Incident": str(found.incident),
            },
            says=(
                "Each entry is superseded by what held before it; both stay in the record. Entries that "
                "were corrected since are left alone. Clients read what holds then at once."
            ),
            submit="Roll back",
            is_dangerous=True,
        )


def _problems(found: RecoveryImport) -> QuerySet[ImportRow]:
    rows: QuerySet[ImportRow] = ImportRow.objects.filter(recovery_import=found)
    return rows.order_by("line", "pk")


def _with_instants(preview: dict[str, Any]) -> dict[str, Any]:
    """A preview as it was kept, with its instants as instants again."""
    if not preview.get("as_of"):
        return {}
    pairs = {
        name: [parse_datetime(each) if each else None for each in preview.get(name, ())]
        for name in ("share_at", "all_at")
    }
    return preview | pairs | {"as_of": parse_datetime(preview["as_of"])}


def _wake(found: RecoveryImport) -> None:
    """Wake a worker once what was asked is committed; the sweep comes by where that is lost."""
    wake = functools.partial(
        tasks.advance_import.apply_async, kwargs={"import_id": str(found.pk)}, retry=False
    )
    transaction.on_commit(wake, robust=True)
