"""The page on which staff write an update: preview, guard against an untrue “resolved”, post."""

import re
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.safestring import SafeString, mark_safe

from incidents import errors, markdown, staff_roles
from incidents.admin import forms
from incidents.choices import Audience, UpdateKind
from incidents.models import Cohort, Incident, Update
from incidents.operations import incidents
from tenants import admin_pages as pages
from tenants.admin_pages import StaffAdmin
from tenants.errors import Refusal


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
        form = forms.UpdateForm(
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
                context["preview"] = _as_read(form.cleaned_data["text"])
            elif self._post(request, incident, form, context):
                return self.to_row(incident)
        return self._form_page(request, incident, form, context)

    def _post(
        self, request: HttpRequest, incident: Incident, form: forms.UpdateForm, context: dict[str, Any]
    ) -> bool:
        """Post what the form says. False where it was refused: then form and context say why."""
        typed = form.cleaned_data
        kind, text, reason = UpdateKind(typed["kind"]), typed["text"], ""
        if "_monitoring" in request.POST:
            if self._has_moved(incident, form, context):
                return False
            kind, text = UpdateKind.MONITORING, typed["honest_text"]
        elif "_override" in request.POST:
            if not request.user.has_perm(staff_roles.OVERRIDE):
                raise PermissionDenied
            reason = typed["override_reason"]
            if not reason.strip():
                form.add_error("override_reason", "Say why, or post it as monitoring.")
        try:
            incidents.post_update(
                pages.staff(request).actor,
                incident_id=incident.pk,
                kind=kind,
                body_markdown=text,
                audience=Audience(typed["audience"]),
                next_update_at=typed["next_update_at"],
                corrects_id=typed["corrects"].pk if typed["corrects"] else None,
                override_reason=reason,
                now=timezone.now(),
            )
        except errors.NotAllRestored as refusal:
            _show_numbers(form, refusal, context)
            return False
        except Refusal as refusal:
            form.add_error(None, refusal.message)
            return False
        readers = "staff only" if typed["audience"] == Audience.STAFF else "everyone affected"
        messages.success(request, f"Posted as “{kind.label}” for {readers}.")
        return True

    def _has_moved(self, incident: Incident, form: forms.UpdateForm, context: dict[str, Any]) -> bool:
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
        self, request: HttpRequest, incident: Incident, form: forms.UpdateForm, context: dict[str, Any]
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
            open_count=counts.affected_count - counts.restored_count if counts else 0,
            main_fields=[form[name] for name in ("kind", "text", "audience", "next_update_at", "corrects")],
            honest_fields=[form["honest_text"]],
            override_fields=[form["override_reason"]] if request.user.has_perm(staff_roles.OVERRIDE) else [],
            back=self.address("change", incident),
            **context,
        )


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


def _show_numbers(form: forms.UpdateForm, refusal: errors.NotAllRestored, context: dict[str, Any]) -> None:
    """Offer the honest text with the numbers of now; what the author made of it is kept."""
    typed = form.data.get("honest_text", "")
    if typed.strip():
        _fill(form, "honest_text", _NUMBERS.sub(lambda _old: _numbers(refusal), typed))
    else:
        _fill(form, "honest_text", honest_text(refusal, form.data.get("text", "")))
    _fill(form, "restored_count", str(refusal.restored_count))
    context["refusal"] = refusal


def _is_the_same(newest: Update, form: forms.UpdateForm, request: HttpRequest) -> bool:
    """Whether the newest update is this very form, sent a moment before: a double click."""
    typed = form.cleaned_data
    texts = (typed["text"], typed["honest_text"])
    return newest.author_id == pages.staff(request).actor.user_id and newest.body_markdown in texts


def _fill(form: forms.UpdateForm, field: str, value: str) -> None:
    """Show `value` in a field of a form that was sent with another."""
    form.data = {**{name: form.data[name] for name in form.data}, field: value}


def _as_read(text: str) -> SafeString:
    return mark_safe(markdown.to_html(text))  # noqa: S308 - sanitised there
