"""Ask for a post-mortem, see where the request stands, and what a company can do with it until it comes."""

from collections.abc import Callable
from zoneinfo import ZoneInfo

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render

from incidents import errors
from incidents.operations import postmortems, request_parts
from incidents.queries import incident_pages, request_tracker
from portal.web import access
from portal.web.access import ClientRequest
from portal.web.forms import PostMortemRequestForm, QuestionForm, RecipientsForm, ReplyForm
from tenants.errors import NotFound, NotPermitted, Refusal
from tenants.permissions import Permission


@access.client_page(Permission.READ_INCIDENTS, methods=("GET", "HEAD", "POST"))
def post_mortem(request: ClientRequest, reference: str) -> HttpResponse:
    """The request as it stands, or the form that asks."""
    if request.method == "POST":
        request.actor.require(Permission.REQUEST_POST_MORTEM)
    may_ask = request.actor.may(Permission.REQUEST_POST_MORTEM)
    people = request_tracker.colleagues(request.company.id) if may_ask else ()
    form = PostMortemRequestForm(
        request.POST or None,
        today=request.now.astimezone(ZoneInfo(request.zone)).date(),
        colleagues=tuple(each for each in people if each[0] != request.actor.user_id),
    )
    if request.method == "POST" and form.is_valid():
        return _sent(request, reference, lambda: _ask(request, reference, form))
    return _page(request, reference, form=form)


@access.client_page(Permission.REQUEST_POST_MORTEM, methods=("POST",))
def join(request: ClientRequest, reference: str) -> HttpResponse:
    """Put oneself among those whom the report is for."""

    def act() -> str:
        is_new = request_parts.join(request.actor, reference=reference, now=request.now)
        return "You have joined. The report is for you too." if is_new else "The report is for you already."

    return _sent(request, reference, act)


@access.client_page(Permission.REQUEST_POST_MORTEM, methods=("GET", "HEAD", "POST"))
def withdraw(request: ClientRequest, reference: str) -> HttpResponse:
    """Say what withdrawing means, then withdraw."""
    if request.method != "POST":
        return _page(request, reference, template="withdraw")

    def act() -> str:
        postmortems.withdraw(request.actor, reference=reference, now=request.now)
        return "Your request is withdrawn. You can ask again at any time."

    return _sent(request, reference, act)


@access.client_page(Permission.REQUEST_POST_MORTEM, methods=("GET", "HEAD", "POST"))
def recipients(request: ClientRequest, reference: str) -> HttpResponse:
    """Choose for whom of the company the report is."""
    page = incident_pages.recipients_page(reference, now=request.now)
    form = RecipientsForm(
        request.POST or None, colleagues=page.colleagues, initial={"recipients": page.chosen}
    )

    def act() -> str:
        chosen = form.cleaned_data["recipients"]
        request_parts.choose_recipients(
            request.actor, reference=reference, recipients=chosen, now=request.now
        )
        return "Saved. The report is for these people."

    if request.method == "POST" and form.is_valid():
        return _sent(request, reference, act)
    context = access.page_context(request, page=page, form=form)
    status = 422 if request.method == "POST" else 200
    return render(request, "web/postmortems/recipients.html", context, status=status)


@access.client_page(Permission.REQUEST_POST_MORTEM, methods=("POST",))
def question(request: ClientRequest, reference: str) -> HttpResponse:
    """Ask one more question."""
    form = QuestionForm(request.POST)

    def act() -> str:
        text = form.cleaned_data["text"]
        request_parts.ask(request.actor, reference=reference, text=text, now=request.now)
        return "Question sent. The vendor answers it by itself."

    if form.is_valid():
        return _sent(request, reference, act)
    return _page(request, reference, question_form=form)


@access.client_page(Permission.REQUEST_POST_MORTEM, methods=("POST",))
def reply(request: ClientRequest, reference: str) -> HttpResponse:
    """Answer a question of the vendor."""
    form = ReplyForm(request.POST)

    def act() -> str:
        typed = form.cleaned_data
        request_parts.reply(
            request.actor,
            reference=reference,
            number=typed["number"],
            text=typed["text"],
            now=request.now,
        )
        return "Answer sent."

    if form.is_valid():
        return _sent(request, reference, act)
    return _page(request, reference, reply_form=form)


def _ask(request: ClientRequest, reference: str, form: PostMortemRequestForm) -> str:
    _request, is_new = postmortems.request(
        request.actor,
        reference=reference,
        purpose=form.cleaned_data["purpose"],
        needed_by_on=form.cleaned_data["needed_by_on"],
        questions=form.typed_questions,
        recipients=form.cleaned_data["recipients"],
        now=request.now,
    )
    if is_new:
        return "Request sent. This page shows where it stands."
    return (
        "Your company has asked already. This is that request, and it is for you too. "
        "What you typed was not added to it: ask your questions below."
    )


def _sent(request: ClientRequest, reference: str, act: Callable[[], str]) -> HttpResponse:
    """Do what was sent and say what came of it, or why nothing did, on the request's own page."""
    try:
        messages.success(request, act())
    except (NotFound, NotPermitted):
        raise
    except Refusal as refusal:
        messages.error(request, refusal.message)
    return redirect("web:post_mortem", company=request.company.slug, reference=reference)


def _page(
    request: ClientRequest, reference: str, template: str = "request", **given: forms.Form
) -> HttpResponse:
    """The request with its forms; 422 with one that was not taken. A page of a request needs one."""
    may_change = request.actor.may(Permission.REQUEST_POST_MORTEM)
    page = incident_pages.post_mortem_page(reference, may_request=may_change, now=request.now)
    if "form" not in given and page.status.request is None:
        raise errors.RequestNotFound
    context = access.page_context(
        request,
        page=page,
        may_change=may_change,
        is_for_reader=any(each.id == request.actor.user_id for each in page.recipients),
        **{"question_form": QuestionForm(), "reply_form": ReplyForm(), **given},
    )
    status = 422 if request.method == "POST" else 200
    return render(request, f"web/postmortems/{template}.html", context, status=status)
