"""The page of one request for a post-mortem: answer it and its questions, ask back, share the work."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from incidents.admin.request_forms import AnswerForm, AskBackForm, DeclineForm, DeskForm
from incidents.choices import RequestState
from incidents.models import PostMortemRequest, RequestDesk
from incidents.operations import postmortems, request_desk, request_parts
from tenants import admin_pages as pages
from tenants.admin_pages import RecordAdmin
from tenants.errors import Refusal

WHAT_ACCEPTING_DOES = "The client reads by when the report comes, or the report where it is out."


class RequestPage(RecordAdmin):
    """What the requests' admin adds to itself to work on one of them."""

    def render_change_form(
        self, request: HttpRequest, context: Any, *positional: Any, **named: Any
    ) -> HttpResponse:
        wanted: PostMortemRequest | None = named.get("obj")
        if wanted is not None:
            may_answer = self.has_change_permission(request)
            questions = list(wanted.questions.order_by("from_vendor", "number"))
            typed = context.get("typed", {})
            desk = RequestDesk.objects.filter(request=wanted).first()
            is_set_aside = wanted.incident.is_set_aside
            context |= {
                "is_set_aside": is_set_aside,
                "may_answer": may_answer,
                "is_waiting": wanted.state in RequestState.answerable(is_set_aside=is_set_aside),
                "is_open": wanted.state in RequestState.open() and not is_set_aside,
                "decline_form": DeclineForm(auto_id="decline_%s"),
                "questions": [
                    {"asked": each, "form": typed.get(each.pk) or AnswerForm(prefix=f"q{each.number}")}
                    for each in questions
                    if not each.from_vendor
                ],
                "may_send": may_answer
                and wanted.state != RequestState.WITHDRAWN
                and (bool(typed) or any(not each.from_vendor and not each.answered_at for each in questions)),
                "asked_back": [each for each in questions if each.from_vendor],
                "ask_back_form": AskBackForm(auto_id="ask_%s"),
                "desk_form": DeskForm(
                    auto_id="desk_%s",
                    initial={"assignee": desk.assignee_id, "note": desk.note} if desk else {},
                ),
            }
        return super().render_change_form(request, context, *positional, **named)

    def answer_page(self, request: HttpRequest, object_id: Any) -> HttpResponse:
        """What the buttons of the page do. Each has a name of its own."""
        wanted: PostMortemRequest = self.subject(request, object_id)
        if request.method == "POST" and "answer" in request.POST:
            return self._answer_questions(request, wanted)
        deeds: dict[str, Callable[[HttpRequest, PostMortemRequest], str]] = {
            "accept": self._accept_one,
            "decline": self._decline_one,
            "ask_back": self._ask_back,
            "keep": self._keep,
        }
        pressed = next((name for name in deeds if name in request.POST), "")
        if request.method == "POST" and pressed:
            try:
                messages.success(request, deeds[pressed](request, wanted))
            except Refusal as refusal:
                messages.error(request, refusal.message)
        return self.to_row(wanted)

    def _accept_one(self, request: HttpRequest, wanted: PostMortemRequest) -> str:
        postmortems.accept(pages.staff(request).actor, request_ids=[wanted.pk], now=timezone.now())
        return f"1 request was accepted. {WHAT_ACCEPTING_DOES}"

    def _decline_one(self, request: HttpRequest, wanted: PostMortemRequest) -> str:
        typed = _typed(DeclineForm(request.POST))
        postmortems.decline(
            pages.staff(request).actor, request_ids=[wanted.pk], reason=typed["reason"], now=timezone.now()
        )
        return "1 request was declined. The client reads the reason."

    def _answer_questions(self, request: HttpRequest, wanted: PostMortemRequest) -> HttpResponse:
        """Send each answer that is written; what was not taken is shown again as it was typed."""
        actor, sent, typed = pages.staff(request).actor, 0, {}
        for asked in wanted.questions.filter(from_vendor=False).order_by("number"):
            form = AnswerForm(request.POST, prefix=f"q{asked.number}")
            if form.add_prefix("text") not in request.POST:
                continue
            typed[asked.pk] = form
            if form.is_valid() and form.cleaned_data["text"].strip():
                try:
                    request_parts.answer(
                        actor,
                        request_id=wanted.pk,
                        question_id=asked.pk,
                        text=form.cleaned_data["text"],
                        now=timezone.now(),
                    )
                    sent += 1
                except Refusal as refusal:
                    form.add_error("text", refusal.message)
        if sent:
            messages.success(request, "Answered. The client reads it now.")
        if any(form.errors for form in typed.values()):
            messages.error(request, "Not sent: what is marked below.")
            request.method = "GET"  # The page of the request, with what was typed.
            return self.change_view(request, str(wanted.pk), extra_context={"typed": typed})
        if not sent:
            messages.error(request, "No answer has a text. Nothing was sent.")
        return self.to_row(wanted)

    def _ask_back(self, request: HttpRequest, wanted: PostMortemRequest) -> str:
        typed = _typed(AskBackForm(request.POST))
        request_parts.ask_back(
            pages.staff(request).actor, request_id=wanted.pk, text=typed["text"], now=timezone.now()
        )
        return "Asked. The request waits for the client now."

    def _keep(self, request: HttpRequest, wanted: PostMortemRequest) -> str:
        typed = _typed(DeskForm(request.POST))
        request_desk.keep(
            pages.staff(request).actor,
            request_id=wanted.pk,
            assignee=typed["assignee"].pk if typed["assignee"] else None,
            note=typed["note"],
            now=timezone.now(),
        )
        return "Kept, for staff alone."


class NotTaken(Refusal):
    """What was typed cannot be taken; says why."""

    code = "not_taken"


def _typed(form: forms.Form) -> dict[str, Any]:
    """What a form holds. Raises NotTaken with its first error."""
    if form.is_valid():
        return form.cleaned_data
    name, errors = next(iter(form.errors.items()))
    label = form.fields[name].label or name
    raise NotTaken(f"{str(label).capitalize()}: {errors[0]} Nothing was changed.")
