"""The page on which staff write an update: preview, guard against an untrue “resolved”, post."""

import re
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from incidents import audiences, blocks, errors, record, said, staff_roles
from incidents.admin import update_preview
from incidents.admin.update_form import UpdateForm
from incidents.choices import UpdateKind
from incidents.models import Cohort, Incident, Update
from incidents.operations import incidents
from incidents.queries import staff_reports
from tenants import admin_pages as pages
from tenants.admin_pages import StaffAdmin
from tenants.errors import Refusal

NAMED = 12
"""So many clients who say otherwise are named before a text is posted."""


_READER_FIELDS = ("audience", "components", "data_centers", "companies")


class UpdatePage(StaffAdmin):
    """What the incidents' admin adds to itself to post updates."""

    def post_update_page(self, request: HttpRequest, object_id: Any) -> HttpResponse:
        """Write, preview and post one update.

        The incident's row is locked while a form is looked at (see `get_object`), so of two equal
        forms, a double click, only the first posts; and one that was written before somebody
        else's update is shown again instead of being posted past it.
        """
        incident: Incident = self.subject(request, object_id)
        if incident.is_draft:
            messages.error(request, errors.NotPublished.message)
            return self.to_row(incident)
        newest = Update.objects.filter(incident=incident).order_by("-published_at", "-pk").first()
        counts = Cohort.objects.filter(incident=incident).first()
        form = UpdateForm(
            request.POST or None,
            incident=incident,
            now=timezone.now(),
            initial={
                "newest_update": str(newest.pk) if newest else "",
                "restored_count": str(counts.restored_count) if counts else "",
            },
        )
        context: dict[str, Any] = {}
        if request.method == "POST" and form.is_valid():
            seen = form.cleaned_data["newest_update"]
            if newest is not None and seen != str(newest.pk):
                if _is_the_same(newest, form, request):
                    messages.success(request, "Posted.")
                    return self.to_row(incident)
                context["overtaken_by"] = newest
                _fill(form, "newest_update", str(newest.pk))
            elif "_preview" in request.POST:
                self._preview(incident, form, context)
            elif self._post(request, incident, form, context):
                return self.to_row(incident)
        return self._form_page(request, incident, form, context)

    def _post(
        self, request: HttpRequest, incident: Incident, form: UpdateForm, context: dict[str, Any]
    ) -> bool:
        """Post what the form says. False where it was refused: then form and context say why."""
        if "_monitoring" in request.POST and self._has_moved(incident, form, context):
            return False
        typed = form.cleaned_data
        kind, text, reason = _wanted(request, form)
        readers, now = form.readers(), timezone.now()
        if not typed["corrects"] and self._is_unseen(incident, form, readers, context):
            return False
        try:
            incidents.post_update(
                pages.staff(request).actor,
                incident_id=incident.pk,
                kind=kind,
                body_markdown=text,
                readers=readers,
                next_update_at=typed["next_update_at"],
                corrects_id=typed["corrects"].pk if typed["corrects"] else None,
                override_reason=reason,
                acknowledged=_acknowledged(incident, form, text, now=now),
                zone=timezone.get_current_timezone_name(),
                now=now,
            )
        except errors.NotAllRestored as refusal:
            _show_numbers(form, refusal, context)
            return False
        except errors.ContradictsRecord as refusal:
            _fill(form, "contradicted", said.digest(_contradictions(incident, text, now=now)))
            context["contradictions"] = refusal.contradictions
            return False
        except Refusal as refusal:
            form.add_error(None, refusal.message)
            return False
        messages.success(request, f"Posted as “{kind.label}” for: {readers.audience.label.lower()}.")
        return True

    def _preview(self, incident: Incident, form: UpdateForm, context: dict[str, Any]) -> None:
        readers, zone = form.readers(), timezone.get_current_timezone_name()
        try:
            seen = update_preview.preview(
                incident,
                form.cleaned_data["text"],
                readers,
                read_as=form.cleaned_data["read_as"],
                now=timezone.now(),
                zone=zone,
            )
        except Refusal as refusal:
            form.add_error("text", refusal.message)
            return
        context["preview"] = seen
        if seen.count:
            _fill(form, "reached_count", str(seen.count.companies))
        if seen.contradictions:
            _fill(form, "contradicted", said.digest(seen.contradictions))
            context["contradictions"] = tuple(map(str, seen.contradictions))

    def _is_unseen(
        self, incident: Incident, form: UpdateForm, readers: audiences.Readers, context: dict[str, Any]
    ) -> bool:
        """Whether the author of a text for some has not yet been told how many would read it."""
        if not readers.audience.is_narrow:
            return False
        count = audiences.count(incident, readers)
        if not count.companies or form.cleaned_data["reached_count"] == str(count.companies):
            return False
        _fill(form, "reached_count", str(count.companies))
        context["reached"] = count
        return True

    def _has_moved(self, incident: Incident, form: UpdateForm, context: dict[str, Any]) -> bool:
        """Whether more, or fewer, are restored than the author has seen; then the form says so.

        The incident's row is locked, so the numbers hold until the text is posted.
        """
        refusal = incidents.not_all_restored(incident)
        if refusal is None:
            form.add_error(None, "Everybody is restored by now: “Resolved” is true. Read your text again.")
            return True
        if form.cleaned_data["restored_count"] == str(refusal.restored_count):
            return False
        form.add_error(
            "honest_text",
            f"{refusal.restored_count} of {refusal.affected_count} are restored by now. Read it again.",
        )
        _show_numbers(form, refusal, context)
        return True

    def _form_page(
        self, request: HttpRequest, incident: Incident, form: UpdateForm, context: dict[str, Any]
    ) -> HttpResponse:
        counts = Cohort.objects.filter(incident=incident).first()
        return self.page(
            request,
            "admin/post_update.html",
            "Post an update",
            subtitle=str(incident),
            original=incident,
            form=form,
            media=self.media + form.media,
            counts=counts,
            open_reports=staff_reports.open_reports(most=NAMED, incident_id=incident.pk),
            open_count=counts.affected_count - counts.restored_count if counts else 0,
            main_fields=[form[name] for name in ("kind", "text")],
            reader_fields=[form[name] for name in _READER_FIELDS],
            more_fields=[form[name] for name in ("next_update_at", "corrects", "read_as")],
            known_fields=update_preview.field_list(
                incident, now=timezone.now(), zone=timezone.get_current_timezone_name()
            ),
            block_names=tuple(blocks.READERS),
            honest_fields=[form["honest_text"]],
            override_fields=[form["override_reason"]] if request.user.has_perm(staff_roles.OVERRIDE) else [],
            back=self.address("change", incident),
            **context,
        )


def _wanted(request: HttpRequest, form: UpdateForm) -> tuple[UpdateKind, str, str]:
    """Kind, text and reason by the button that was pressed."""
    typed = form.cleaned_data
    if "_monitoring" in request.POST:
        return UpdateKind.MONITORING, typed["honest_text"], ""
    if "_override" not in request.POST:
        return UpdateKind(typed["kind"]), typed["text"], ""
    if not request.user.has_perm(staff_roles.OVERRIDE):
        raise PermissionDenied
    reason = typed["override_reason"]
    if not reason.strip():
        form.add_error("override_reason", "Say why, or post it as monitoring.")
    return UpdateKind(typed["kind"]), typed["text"], reason


def _acknowledged(incident: Incident, form: UpdateForm, text: str, *, now: datetime) -> tuple[str, ...]:
    """The contradictions of a text that its author was shown and let stand; none of any others."""
    if not form.cleaned_data["acknowledge"] or not form.cleaned_data["contradicted"]:
        return ()
    found = _contradictions(incident, text, now=now)
    return tuple(map(str, found)) if form.cleaned_data["contradicted"] == said.digest(found) else ()


def _contradictions(incident: Incident, text: str, *, now: datetime) -> tuple[said.Contradiction, ...]:
    known = record.of_incident(incident, now=now)
    return said.contradictions(text, known, zone=timezone.get_current_timezone_name())


def honest_text(refusal: errors.NotAllRestored, text: str) -> str:
    """What can be said while some are not restored: the numbers, then the author's own words.

    "Monitoring: 88.3% restored" becomes "**88.3% of accounts are restored: 212 of 240.** …".
    """
    return f"{_numbers(refusal)}\n\n{text}"


def _numbers(refusal: errors.NotAllRestored) -> str:
    share = refusal.honest_alternative.split(": ", 1)[1].split(" ", 1)[0]
    still = "1 account is" if refusal.open_count == 1 else f"{refusal.open_count} accounts are"
    return (
        f"**{share} of accounts are restored: {refusal.restored_count} of {refusal.affected_count}.** "
        f"{still} not restored yet, and for them the incident goes on."
    )


_NUMBERS = re.compile(
    r"\*\*[\d.]+% of accounts are restored: \d+ of \d+\.\*\* "
    r"\d+ accounts? (?:is|are) not restored yet, and for them the incident goes on\."
)


def _show_numbers(form: UpdateForm, refusal: errors.NotAllRestored, context: dict[str, Any]) -> None:
    """Offer the honest text with the numbers of now; what the author made of it is kept."""
    typed = form.data.get("honest_text", "")
    if typed.strip():
        _fill(form, "honest_text", _NUMBERS.sub(lambda _old: _numbers(refusal), typed))
    else:
        _fill(form, "honest_text", honest_text(refusal, form.data.get("text", "")))
    _fill(form, "restored_count", str(refusal.restored_count))
    context["refusal"] = refusal


def _is_the_same(newest: Update, form: UpdateForm, request: HttpRequest) -> bool:
    """Whether the newest update is this very form, sent a moment before: a double click."""
    typed = form.cleaned_data
    texts = (typed["text"], typed["honest_text"])
    return newest.author_id == pages.staff(request).actor.user_id and newest.body_markdown in texts


def _fill(form: UpdateForm, field: str, value: str) -> None:
    """Show `value` in a field of a form that was sent with another."""
    form.data = {**{name: form.data[name] for name in form.data}, field: value}
