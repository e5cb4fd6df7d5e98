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
            desk = RequestDesk.objects.filter(request=wanted).first()
            is_set_aside = wanted.incident.is_set_aside
            context |= {
                "is_set_aside": is_set_aside,
                "may_answer": may_answer,
                "is_waiting": wanted.state in RequestState.answerable(is_set_aside=is_set_aside),
                "is_open": wanted.state in RequestState.open() and not is_set_aside,
                "decline_form": DeclineForm(auto_id="decline_%s"),
                "questions": [
                    {"asked": each, "form": AnswerForm(prefix=f"q{each.number}")}
                    for each in questions
                    if not each.from_vendor
                ],
                "is_asked": any(not each.from_vendor and each.answered_at is None for each in questions),
                "is_withdrawn": wanted.state == RequestState.WITHDRAWN,
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
        deeds: dict[str, Callable[[HttpRequest, PostMortemRequest], str]] = {
            "accept": self._accept_one,
            "decline": self._decline_one,
            "answer": self._answer_questions,
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

    def _answer_questions(self, request: HttpRequest, wanted: PostMortemRequest) -> str:
        """All that were written, so that no answer is lost by sending another."""
        asked = {each.pk: f"q{each.number}" for each in wanted.questions.filter(from_vendor=False)}
        sent = {key: prefix for key, prefix in asked.items() if f"{prefix}-text" in request.POST}
        texts = {key: _typed(AnswerForm(request.POST, prefix=prefix))["text"] for key, prefix in sent.items()}
        written = {key: text for key, text in texts.items() if text.strip()}
        if not written:
            raise NotTaken("No answer has a text. Nothing was sent.")
        actor, refusals = pages.staff(request).actor, []
        for key, text in written.items():
            try:
                request_parts.answer(
                    actor, request_id=wanted.pk, question_id=key, text=text, now=timezone.now()
                )
            except Refusal as refusal:
                refusals.append(refusal)
        if len(refusals) == len(written):
            raise refusals[0]
        for each in refusals:
            messages.error(request, each.message)
        return "Answered. The client reads it now."

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
