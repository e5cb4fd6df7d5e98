"""The tail of an incident for staff: who came back last or is not back, why, and what clients read of it."""

import csv
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.contrib.admin.widgets import AdminTextareaWidget
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils import timezone

from incidents import errors, import_files, staff_roles
from incidents.choices import RecoveryReason, choices
from incidents.models import DataCenter, Incident, Recovery, RecoveryNote
from incidents.operations import recovery_notes
from incidents.queries import staff_tail
from incidents.queries.staff_tail import Asked, TailRow
from tenants import admin_pages as pages
from tenants import audit
from tenants.admin_pages import StaffAdmin

NAMED = 12
RENEWED_AFTER_SECONDS = 30
CHOSEN, ALL = "of", "all"
"""Names in an address: a recovery that is chosen, and whether all that match the filter are."""
COLUMNS = (
    "company",
    "short name",
    "agreed to be named",
    "state",
    "down since (UTC)",
    "restored at (UTC)",
    "in the tail",
    "minutes after the first share",
    "data centers",
    "clients read it",
    "reason (staff only)",
    "note (staff only)",
)


class TailFilter(forms.Form):
    """Which companies of the list are shown. What makes no sense is as if it was not asked."""

    q = forms.CharField(label="Company", required=False, max_length=120)
    standing = forms.ChoiceField(
        label="Show",
        required=False,
        choices=[("", "The tail and not restored"), ("tail", "The tail"), ("open", "Not restored yet")],
    )
    data_center: Any = forms.ModelChoiceField(queryset=None, required=False, empty_label="All data centers")
    reason = forms.ChoiceField(
        required=False,
        choices=[("", "All reasons"), (staff_tail.WITHOUT_REASON, "No reason yet"), *choices(RecoveryReason)],
    )

    def __init__(self, *values: Any, incident: Incident, **options: Any) -> None:
        super().__init__(*values, **options)
        touched = DataCenter.objects.filter(components__incidents=incident).distinct()
        self.fields["data_center"].queryset = touched.order_by("position", "code")  # type: ignore[attr-defined]

    def asked(self) -> Asked:
        self.is_valid()
        center = self.cleaned_data.get("data_center")
        return Asked(
            search=self.cleaned_data.get("q", ""),
            standing=self.cleaned_data.get("standing", ""),
            data_center_id=center.pk if center else None,
            reason=self.cleaned_data.get("reason", ""),
        )


class NoteForm(forms.Form):
    """Why the recovery of one company, or of several, takes or took long."""

    reason = forms.ChoiceField(choices=choices(RecoveryReason))
    text = forms.CharField(
        label="Note", required=False, max_length=2_000, widget=AdminTextareaWidget(attrs={"rows": 4})
    )


class TailPages(StaffAdmin):
    """What the incidents' admin adds to itself to show the tail and to keep reasons and notes."""

    def tail_page(self, request: HttpRequest, object_id: Any) -> HttpResponse:
        """The tail and who is not restored yet: fifty on a page, not restored first, then last first."""
        incident = self._readable(request, object_id)
        form = TailFilter(request.GET, incident=incident)
        number = request.GET.get("page", "1")
        is_number = number.isascii() and number.isdigit() and 0 < len(number) < 6
        page = staff_tail.tail_page(
            incident,
            form.asked(),
            page_number=max(int(number), 1) if is_number else 1,
            now=timezone.now(),
        )
        is_renewed = request.GET.get("renew") == "yes"
        return self.page(
            request,
            "admin/tail.html",
            "Tail",
            original=incident,
            back=self.address("change", incident),
            form=form,
            page=page,
            query=_query(request, without=("page",)),
            still_query=_query(request, without=("page", "renew")),
            renewed_query=_query(request, without=("page",), renew="yes"),
            filters=_filters(request),
            renewed_after=RENEWED_AFTER_SECONDS if is_renewed else None,
            may_write=request.user.has_perm(staff_roles.WRITE_NOTES),
            may_change=self.has_change_permission(request),
        )

    def tail_csv_page(self, request: HttpRequest, object_id: Any) -> HttpResponse:
        """The same list as a file, all pages of it."""
        incident = self._readable(request, object_id)
        now = timezone.now()
        share_at = staff_tail.restored_share_at(incident, incident.tail_percent)
        asked = TailFilter(request.GET, incident=incident).asked()
        found = staff_tail.meant(incident, asked, share_at=share_at)
        response = HttpResponse(
            content_type="text/csv; charset=utf-8",
            headers={"Content-Disposition": f'attachment; filename="tail-{incident.reference}.csv"'},
        )
        response.write("\ufeff")
        writer = csv.writer(response)
        writer.writerow(COLUMNS)
        for row in staff_tail.rows(incident, found, share_at=share_at, now=now):
            writer.writerow([import_files.formula_safe(cell) for cell in _cells(row)])
        return response

    def tail_note_page(self, request: HttpRequest, object_id: Any) -> HttpResponse:
        """Write a reason and a note for the chosen companies; no client reads any of it."""
        if not request.user.has_perm(staff_roles.WRITE_NOTES):
            raise PermissionDenied
        incident = self._readable(request, object_id)
        list_address = f"{self.address('tail', incident)}?{_query(request, without=(CHOSEN, ALL))}"
        chosen = _chosen(request, incident)
        if not chosen:
            messages.error(request, errors.NothingSelected.message)
            return HttpResponseRedirect(list_address)
        note = _only_note(incident, chosen)
        form = NoteForm(request.POST or None, initial=_initial(note))
        warning = ""
        if request.method == "POST" and form.is_valid():
            if request.POST.get("seen", "") == _seen(note) or _says(note, form):
                with pages.refusals_shown(request):
                    self._write(request, incident, chosen, form)
                return HttpResponseRedirect(list_address)
            warning = (
                f"Somebody has written since: “{note.get_reason_display()}. {note.text}”" if note else ""
            )
        hidden = [("seen", _seen(note))]
        return self._note_page(
            request, incident, chosen, form, back=list_address, warning=warning, hidden=hidden
        )

    def _note_page(
        self,
        request: HttpRequest,
        incident: Incident,
        chosen: list[UUID],
        form: NoteForm,
        **context: Any,
    ) -> HttpResponse:
        named = list(
            Recovery.objects.filter(incident=incident, company__in=chosen[:NAMED])
            .order_by("company__name")
            .values_list("company__name", flat=True)
        )
        more = f" and {len(chosen) - len(named)} more" if len(chosen) > len(named) else ""
        if len(chosen) > 1:
            form.fields["text"].help_text = "Empty leaves the note of each company as it is."
        return self.page(
            request,
            "admin/consequence.html",
            "Why recovery takes long",
            subtitle=str(incident),
            original=incident,
            facts={"Companies": ", ".join(named) + more},
            says="For staff alone: no client reads it, and nothing changes for any of them.",
            form=form,
            media=self.media + form.media,
            submit=f"Keep it for {_companies(len(chosen))}",
            **context,
        )

    def _write(self, request: HttpRequest, incident: Incident, chosen: list[UUID], form: NoteForm) -> None:
        typed = form.cleaned_data
        is_kept = len(chosen) > 1 and not typed["text"].strip()
        changed = recovery_notes.write(
            pages.staff(request).actor,
            incident_id=incident.pk,
            company_ids=chosen,
            reason=RecoveryReason(typed["reason"]),
            text=None if is_kept else typed["text"].strip(),
            now=timezone.now(),
        )
        messages.success(request, f"Kept for {_companies(changed)}." if changed else "It said that already.")

    def _readable(self, request: HttpRequest, object_id: Any) -> Incident:
        """The published incident whose tail somebody may read; that they did is written down."""
        if not self.has_view_or_change_permission(request) or not request.user.has_perm(
            "incidents.view_recovery"
        ):
            raise PermissionDenied
        incident: Incident | None = self.get_object(request, str(object_id))
        if incident is None or incident.is_draft:
            raise Http404
        page = (request.resolver_match.url_name or "") if request.resolver_match else ""
        audit.record_list_read(pages.staff(request).actor, Recovery, now=timezone.now(), page=page)
        return incident


def _chosen(request: HttpRequest, incident: Incident) -> list[UUID]:
    """The companies of the recoveries that the address names, or of all that match its filter."""
    affected: QuerySet[Recovery]
    if request.GET.get(ALL) == "yes":
        share_at = staff_tail.restored_share_at(incident, incident.tail_percent)
        affected = staff_tail.meant(
            incident, TailFilter(request.GET, incident=incident).asked(), share_at=share_at
        )
    else:
        keys = [key for key in map(_uuid, request.GET.getlist(CHOSEN)) if key]
        affected = Recovery.objects.filter(incident=incident, pk__in=keys).order_by("pk")
    return list(affected.values_list("company_id", flat=True))


def _only_note(incident: Incident, chosen: list[UUID]) -> RecoveryNote | None:
    """What is written so far, where one company is chosen."""
    if len(chosen) > 1:
        return None
    return RecoveryNote.objects.filter(incident=incident, company__in=chosen).first()


def _initial(note: RecoveryNote | None) -> dict[str, str]:
    return {"reason": note.reason, "text": note.text} if note else {"reason": RecoveryReason.UNKNOWN}


def _says(note: RecoveryNote | None, form: NoteForm) -> bool:
    """Whether what was sent is written already: a double click."""
    sent = (form.cleaned_data["reason"], form.cleaned_data["text"].strip())
    return note is not None and (note.reason, note.text) == sent


def _seen(note: RecoveryNote | None) -> str:
    return note.written_at.isoformat() if note else ""


def _cells(row: TailRow) -> tuple[str, ...]:
    minutes = "" if row.late_seconds is None else str(max(row.late_seconds, 0) // 60)
    return (
        row.name,
        row.slug,
        "yes" if row.consents else "no",
        row.state.label,
        _utc(row.impacted_at),
        _utc(row.restored_at),
        {None: "not known yet", True: "yes", False: "no"}[row.in_tail],
        minutes,
        " ".join(row.data_centers),
        row.shown_as.label,
        row.reason.label if row.reason else "",
        row.note,
    )


def _utc(at: datetime | None) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}" if at else ""


def _filters(request: HttpRequest) -> list[tuple[str, str]]:
    """The filter in force as fields of another form."""
    names = TailFilter.base_fields
    return [(name, request.GET[name]) for name in names if request.GET.get(name)]


def _query(request: HttpRequest, *, without: tuple[str, ...], **more: str) -> str:
    kept = request.GET.copy()
    for name in without:
        kept.pop(name, None)
    for name, value in more.items():
        kept[name] = value
    return kept.urlencode()


def _uuid(typed: str) -> UUID | None:
    try:
        return UUID(typed)
    except ValueError:
        return None


def _companies(count: int) -> str:
    return "1 company" if count == 1 else f"{count} companies"
