"""The page on which a report is written: texts, the facts beside them, contradictions, review."""

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone

from incidents import differences, fields, report_content, report_errors, report_facts
from incidents.admin.report_forms import MOST_REASONS, ReportForm
from incidents.choices import DraftState
from incidents.models import CorrectiveAction, PostMortem, PostMortemVersion
from incidents.operations import report_drafts
from incidents.report_content import SECTIONS, Prepared
from tenants import admin_pages as pages
from tenants.admin_pages import RecordAdmin
from tenants.errors import Refusal

SHOWN_CONTRADICTIONS = 50
KNOWN_FIELDS = tuple((f"{{{{ {name} }}}}", meaning) for name, meaning in fields.MEANINGS.items())
"""(what to type, what it says) of every field that a text may hold."""


@dataclass(frozen=True, kw_only=True)
class Doubt:
    """One contradiction with the record, numbered for its fields, and the reason that was given."""

    number: int
    key: str
    words: str
    record_says: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class Clash:
    """A text that somebody else saved in between, against one's own."""

    title: str
    paragraphs: tuple[differences.Paragraph, ...]


class ReportEditor(RecordAdmin):
    """What the reports' admin adds to itself to write them."""

    def readable(self, request: HttpRequest, object_id: Any) -> PostMortem:
        """The report for who may read it; 403 and 404 like every page about one row."""
        if not self.has_view_or_change_permission(request):
            raise PermissionDenied
        draft: PostMortem | None = self.get_object(request, str(object_id))
        if draft is None:
            raise Http404
        return draft

    def may_publish(self, draft: PostMortem) -> bool:
        if draft.incident.is_set_aside:
            return False
        return draft.state == DraftState.REVIEWED or not settings.POST_MORTEM_SECOND_PERSON

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        draft = self.readable(request, object_id)
        if request.method != "POST":
            return self._editor(request, draft, ReportForm(draft=draft))
        if not self.has_change_permission(request):
            raise PermissionDenied
        if "_approve" in request.POST or "_give_back" in request.POST:
            return self._answer(request, draft)
        form = ReportForm(request.POST, draft=draft)
        if "_autosave" in request.POST:
            return self._autosave(request, draft, form)
        if not form.is_valid():
            return self._editor(request, draft, form)
        try:
            saved = self._save(request, draft, form)
        except Refusal as refusal:
            return self._not_saved(request, draft, form, refusal)
        with pages.refusals_shown(request):
            self._go_on(request, saved)
        return self.to_row(draft)

    def _save(self, request: HttpRequest, draft: PostMortem, form: ReportForm) -> PostMortem:
        return report_drafts.save(
            pages.staff(request).actor,
            post_mortem_id=draft.pk,
            seen=form.cleaned_data["seen"],
            texts=form.texts(),
            acknowledged=form.reasons(),
            now=timezone.now(),
        )

    def _go_on(self, request: HttpRequest, saved: PostMortem) -> None:
        """What was asked for besides saving, by the button that was pressed."""
        actor, now = pages.staff(request).actor, timezone.now()
        if "_fill" in request.POST:
            report_drafts.add_what_the_record_holds(
                actor, post_mortem_id=saved.pk, seen=saved.saved_count, now=now
            )
            messages.success(request, "Saved, and the timeline holds what the record knows.")
        elif "_review" in request.POST:
            report_drafts.send_to_review(actor, post_mortem_id=saved.pk, seen=saved.saved_count, now=now)
            messages.success(request, "Saved, and waiting for a second person.")
        else:
            messages.success(request, "Saved. No client sees it before it is published.")

    def _answer(self, request: HttpRequest, draft: PostMortem) -> HttpResponse:
        """A second person approves the text that was read, or gives it back."""
        actor, now = pages.staff(request).actor, timezone.now()
        typed = request.POST.get("seen", "")
        seen = int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 9 else -1
        with pages.refusals_shown(request):
            if "_approve" in request.POST:
                report_drafts.approve(actor, post_mortem_id=draft.pk, seen=seen, now=now)
                messages.success(request, "Approved. It can be published.")
            else:
                note = request.POST.get("note", "").replace("\0", "")[:2_000]
                report_drafts.give_back(actor, post_mortem_id=draft.pk, seen=seen, note=note, now=now)
                messages.success(request, "Given back to its authors.")
        return self.to_row(draft)

    def _autosave(self, request: HttpRequest, draft: PostMortem, form: ReportForm) -> HttpResponse:
        """Saved while somebody types; what is refused is kept in the browser, and said."""
        if not form.is_valid():
            return JsonResponse({"problem": "This cannot be saved yet."}, status=422)
        try:
            saved = self._save(request, draft, form)
        except Refusal as refusal:
            return JsonResponse({"problem": refusal.message}, status=409)
        at = timezone.localtime(saved.saved_at)
        return JsonResponse({"seen": saved.saved_count, "saved": f"{at:%H:%M:%S} {at.tzname()}"})

    def _not_saved(
        self, request: HttpRequest, draft: PostMortem, form: ReportForm, refusal: Refusal
    ) -> HttpResponse:
        """Why, with one's own text in the fields; and what of it another has saved differently meanwhile."""
        if not isinstance(refusal, report_errors.SavedMeanwhile):
            return self._editor(request, draft, form, refusal=refusal.message)
        titles = {**SECTIONS, "timeline": "Timeline"}
        clashes = [
            Clash(title=title, paragraphs=differences.compare(getattr(draft, name), form.cleaned_data[name]))
            for name, title in titles.items()
            if getattr(draft, name) != form.cleaned_data[name].replace("\r\n", "\n")
        ]
        form.data = {**{name: form.data[name] for name in form.data}, "seen": str(draft.saved_count)}
        return self._editor(request, draft, form, refusal=refusal.message, clashes=clashes)

    def _editor(
        self, request: HttpRequest, draft: PostMortem, form: ReportForm, **context: Any
    ) -> HttpResponse:
        now = timezone.now()
        may_change = self.has_change_permission(request) and not draft.incident.is_set_aside
        try:
            ready: Prepared | None = report_drafts.prepared(draft, now=now)
        except Refusal as trouble:
            ready = None
            context["trouble"] = trouble.message
        doubts = _doubts(draft, ready)
        actor_id = pages.staff(request).actor.user_id
        return self.page(
            request,
            "admin/report_editor.html",
            self.describe(draft),
            original=draft.incident,
            draft=draft,
            back=self.address("changelist"),
            form=form,
            may_change=may_change,
            may_review=may_change
            and draft.state == DraftState.IN_REVIEW
            and not (settings.POST_MORTEM_SECOND_PERSON and actor_id in draft.written_by_ids),
            is_draft=draft.state == DraftState.DRAFT,
            is_in_review=draft.state == DraftState.IN_REVIEW,
            may_publish=may_change and self.may_publish(draft),
            doubts=doubts[: min(SHOWN_CONTRADICTIONS, MOST_REASONS)],
            unanswered=sum(not each.reason for each in doubts),
            facts=report_facts.of_incident(draft.incident, now=now),
            known_fields=KNOWN_FIELDS,
            actions=CorrectiveAction.objects.filter(incident=draft.incident).order_by("number"),
            versions=PostMortemVersion.objects.filter(incident=draft.incident)
            .defer("content", "facts")
            .order_by("-number"),
            **context,
        )


def _doubts(draft: PostMortem, ready: Prepared | None) -> list[Doubt]:
    found = ready.contradictions if ready else ()
    return [
        Doubt(
            number=number,
            key=report_content.key(each),
            words=each.words,
            record_says=each.record_says,
            reason=draft.acknowledged.get(report_content.key(each), ""),
        )
        for number, each in enumerate(found, start=1)
    ]
