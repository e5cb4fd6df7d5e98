"""Whether a downtime statement is what was issued: public pages, and the same as JSON for programs."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from allauth.core import ratelimit
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from incidents import signatures
from incidents.queries import statement_documents, verification
from incidents.queries.verification import Verdict, Verification
from portal.web.forms import VerifyForm

Page = Callable[..., HttpResponse]


def _seldom(page: Page) -> Page:
    """The page for who has not asked very often (`ACCOUNT_RATE_LIMITS`)."""

    @wraps(page)
    def limited(request: HttpRequest, *parts: Any) -> HttpResponse:
        if not ratelimit.consume(request, action="verify"):
            words = "Too many at once. Try again in a minute.\n"
            return HttpResponse(words, status=429, content_type="text/plain")
        return page(request, *parts)

    return limited


@require_http_methods(["GET", "HEAD", "POST"])
def verify(request: HttpRequest) -> HttpResponse:
    """Ask for a number or a document, and say what it is. Nothing is kept."""
    if request.method != "POST":
        return render(request, "web/verify/verify.html", {"form": VerifyForm()})
    return _answer(request, VerifyForm(request.POST, request.FILES))


@_seldom
def _answer(request: HttpRequest, form: VerifyForm) -> HttpResponse:
    if not form.is_valid():
        return render(request, "web/verify/verify.html", {"form": form}, status=422)
    now, shown = timezone.now(), form.cleaned_data
    if shown["file"]:
        return _shown(request, form, verification.verify_file(shown["file"].read(), now=now))
    if shown["document"].strip():
        return _shown(request, form, verification.verify_text(shown["document"], now=now))
    return _shown(request, form, verification.verify_number(shown["number"], now=now))


@require_safe
def number(request: HttpRequest, number: str) -> HttpResponse:
    """Whether a number is that of a statement; of any other 404."""
    found = verification.verify_number(number, now=timezone.now())
    return _shown(request, VerifyForm(), found, status=404 if found.verdict is Verdict.UNKNOWN else 200)


@csrf_exempt
@require_POST
@_seldom
def check(request: HttpRequest) -> HttpResponse:
    """For programs: the signed JSON or the PDF as the body, the verdict as the answer."""
    if verification.is_too_large(request.body):
        return JsonResponse({"verdict": str(Verdict.UNREADABLE)}, status=413)
    found = verification.verify_file(request.body, now=timezone.now())
    status = 422 if found.verdict in {Verdict.UNREADABLE, Verdict.NO_NUMBER} else 200
    return JsonResponse({"verdict": str(found.verdict)}, status=status)


@require_safe
def keys(request: HttpRequest) -> HttpResponse:
    """The public keys by their ids, so that anybody can verify without this portal."""
    return JsonResponse({"algorithm": signatures.ALGORITHM, "keys": verification.known_keys()})


def _shown(request: HttpRequest, form: VerifyForm, found: Verification, *, status: int = 200) -> HttpResponse:
    said = statement_documents.read(found.document) if found.document else None
    context = {
        "form": form,
        "said": said,
        "verdict": found.verdict,
        "can_be_renewed": found.can_be_renewed,
        "has_answer": True,
    }
    return render(request, "web/verify/verify.html", context, status=status)
