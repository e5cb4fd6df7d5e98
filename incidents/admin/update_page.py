"""The page on which staff write an update: preview, guard against an untrue “resolved”, send it off."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString, mark_safe

from incidents import audiences, blocks, errors, markdown, record, said, staff_roles
from incidents.admin import update_preview
from incidents.admin.update_form import UpdateForm, written_again
from incidents.choices import Audience, CompanyState, UpdateKind, WaitingState
from incidents.models import Cohort, Incident, Recovery, Update, WaitingUpdate
from incidents.operations import incidents, waiting_updates
from incidents.operations.waiting_updates import Written
from incidents.queries import staff_reports, staff_waiting
from tenants import admin_pages as pages
from tenants.admin_pages import StaffAdmin
from tenants.errors import Refusal

NAMED = 12
"""So many clients who say otherwise, or are not restored, are named before a text is posted."""


_NUMBERS_NOW = (
    "**{{ share_restored }} of accounts are restored: {{ restored_count }} of {{ affected_count }}.**"
)
_NOT_OVER_FOR_YOU = (
    "::: not restored\nYour account is not restored yet, and for you the incident goes on.\n:::"
)
_READER_FIELDS = ("components", "data_centers", "companies")


@dataclass(frozen=True, kw_only=True)
class Overtaking:
    """A text that was posted, or sent off, while another was being written."""

    key: UUID
    kind: str
    at: datetime
    author: str
    html: SafeString
    is_waiting: bool


class UpdatePage(StaffAdmin):
    """What the incidents' admin adds to itself to post updates."""

    def post_update_page(self, request: HttpRequest, object_id: Any) -> HttpResponse:
        """Write, preview and send off one update.

        The incident's row is locked while a form is looked at (see `get_object`), so of two equal
        forms, a double click, only the first counts; and one that was written before somebody
        else's update is shown again instead of being posted past it.
        """
        incident: Incident = self.subject(request, object_id)
        if incident.is_draft:
            messages.error(request, errors.NotPublished.message)
            return self.to_row(incident)
        form = UpdateForm(
            request.POST or None,
            incident=incident,
            now=timezone.now(),
            is_finished="_use" not in request.POST,
            initial={
                **_taken_up(incident, request.GET.get("again", "")),
                "newest_update": _newest_key(incident),
                "form_key": uuid.uuid4(),
            },
        )
        context: dict[str, Any] = {}
        if "_use" in request.POST:
            context["is_template_used"] = form.use_template()
        elif request.method == "POST" and form.is_valid():
            sent = self._sent(request, incident, form, context)
            if sent is not None:
                return sent
        return self._form_page(request, incident, form, context)

    def _sent(
        self, request: HttpRequest, incident: Incident, form: UpdateForm, context: dict[str, Any]
    ) -> HttpResponse | None:
        """Preview or send off a valid form. None where it is to be shown again: context says why."""
        is_known = WaitingUpdate.objects.filter(form_key=form.cleaned_data["form_key"]).exists()
        overtaking = None if is_known else _overtaking(incident, form.cleaned_data["newest_update"])
        if "_preview" in request.POST:
            self._preview(incident, form, context)
        elif overtaking is not None:
            context["overtaken_by"] = overtaking
            form.show("newest_update", str(overtaking.key))
        elif request.POST.get("_previewed") not in (None, form.digest()):
            context["is_not_as_previewed"] = True
            self._preview(incident, form, context)
        else:
            waiting = self._send(request, incident, form, context)
            return None if waiting is None else self._after(request, incident, waiting)
        return None

    def _after(self, request: HttpRequest, incident: Incident, waiting: WaitingUpdate) -> HttpResponse:
        if waiting.state == WaitingState.POSTED:
            kind, audience = UpdateKind(waiting.kind), Audience(waiting.audience)
            messages.success(request, f"Posted as “{kind.label}” for: {audience.label.lower()}.")
            return self.to_row(incident)
        address = reverse("admin:incidents_waitingupdate_change", args=[waiting.pk])
        return HttpResponseRedirect(address)

    def _send(
        self, request: HttpRequest, incident: Incident, form: UpdateForm, context: dict[str, Any]
    ) -> WaitingUpdate | None:
        """Send off what the form says. None where it was refused: then form and context say why."""
        typed = form.cleaned_data
        if "_monitoring" in request.POST and incidents.not_all_restored(incident) is None:
            form.add_error(None, "Everybody is restored by now: “Resolved” is true. Read your text again.")
            return None
        kind, text, reason = _wanted(request, form)
        readers, now = form.readers(), timezone.now()
        if not typed["corrects"] and self._is_unseen(incident, form, readers, context):
            return None
        try:
            return waiting_updates.send(
                pages.staff(request).actor,
                incident_id=incident.pk,
                form_key=typed["form_key"] or uuid.uuid4(),
                written=Written(
                    kind=kind,
                    body_markdown=text,
                    readers=readers,
                    next_update_at=typed["next_update_at"],
                    corrects_id=typed["corrects"].pk if typed["corrects"] else None,
                    override_reason=reason,
                    contradicted=typed["contradicted"][:32] if typed["acknowledge"] else "",
                    zone=timezone.get_current_timezone_name(),
                ),
                instead_of=typed["instead_of"],
                now=now,
            )
        except errors.NotAllRestored as refusal:
            _offer_honest_text(incident, form, refusal, context)
        except errors.ContradictsRecord as refusal:
            form.show("contradicted", said.digest(_contradictions(incident, text, now=now)))
            context["contradictions"] = refusal.contradictions
            if "_monitoring" in request.POST:
                _offer_honest_text(incident, form, incidents.not_all_restored(incident), context)
        except errors.SentBefore as refusal:
            form.show("form_key", str(uuid.uuid4()))
            form.add_error(None, refusal.message)
        except Refusal as refusal:
            form.add_error(None, refusal.message)
        return None

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
        context |= {
            "preview": seen,
            "previewed": form.digest(),
            "promised_at": form.cleaned_data["next_update_at"],
        }
        if seen.count:
            form.show("reached_count", str(seen.count.companies))
        if seen.contradictions:
            form.show("contradicted", said.digest(seen.contradictions))
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
        form.show("reached_count", str(count.companies))
        context["reached"] = count
        return True

    def _form_page(
        self, request: HttpRequest, incident: Incident, form: UpdateForm, context: dict[str, Any]
    ) -> HttpResponse:
        counts, now = Cohort.objects.filter(incident=incident).first(), timezone.now()
        return self.page(
            request,
            "admin/post_update.html",
            "Post an update",
            subtitle=str(incident),
            original=incident,
            form=form,
            media=self.media + form.media,
            counts=counts,
            waiting=staff_waiting.unsettled(now=now, incident_id=incident.pk),
            needs_second_person=waiting_updates.needs_second_person(incident, Audience.EVERYONE),
            open_reports=staff_reports.open_reports(most=NAMED, incident_id=incident.pk),
            open_count=counts.affected_count - counts.restored_count if counts else 0,
            begins_at=incident.started_at if incident.started_at > now else None,
            main_fields=[form[name] for name in ("kind", "text")],
            promise_fields=[form[name] for name in ("next_update_in", "next_update_at")],
            audience_fields=[form["audience"]],
            reader_fields=[form[name] for name in _READER_FIELDS],
            more_fields=[form[name] for name in ("corrects", "read_as")],
            known_fields=update_preview.field_list(
                incident, now=now, zone=timezone.get_current_timezone_name()
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


def _contradictions(incident: Incident, text: str, *, now: datetime) -> tuple[said.Contradiction, ...]:
    known = record.of_incident(incident, now=now)
    return said.contradictions(text, known, zone=timezone.get_current_timezone_name())


def honest_text(incident: Incident, text: str) -> str:
    """What can be said while some are not restored: the numbers of the moment, then of the author's
    lines those that the record bears out.
    """
    zone = timezone.get_current_timezone_name()
    kept = said.borne_out(text, record.of_incident(incident, now=timezone.now()), zone=zone)
    return "\n\n".join(filter(None, (_NUMBERS_NOW, kept, _NOT_OVER_FOR_YOU)))


def _offer_honest_text(
    incident: Incident, form: UpdateForm, refusal: errors.NotAllRestored | None, context: dict[str, Any]
) -> None:
    """Show the numbers and the way out; what the author made of the text is kept."""
    if not form.data.get("honest_text", "").strip():
        form.show("honest_text", honest_text(incident, form.data.get("text", "")))
    still_open = Recovery.objects.filter(incident=incident).exclude(state=CompanyState.RESTORED)
    names = still_open.order_by("company__name").values_list("company__name", flat=True)
    context |= {"refusal": refusal, "open_names": list(names[:NAMED])}


def _taken_up(incident: Incident, waiting_id: str) -> dict[str, Any]:
    """What a text that did not leave fills the form with, by its id in the address.

    It was for this incident, or for one that turned out to be this one.
    """
    of_this = Q(incident=incident) | Q(incident__merged_into=incident)
    try:
        waiting = WaitingUpdate.objects.filter(of_this, pk=UUID(waiting_id)).first()
    except ValueError:
        return {}
    if waiting is None or waiting.state not in WaitingState.given_up():
        return {}
    return written_again(waiting)


def _newest_key(incident: Incident) -> str:
    """The id of the newest text, posted or on its way; ids grow with time."""
    newest = _overtaking(incident, "")
    return str(newest.key) if newest else ""


def _overtaking(incident: Incident, seen: str) -> Overtaking | None:
    """The newest text, posted or on its way, if it was written after the one with the id `seen`."""
    try:
        after = UUID(seen)
    except ValueError:
        after = UUID(int=0)
    posted = Update.objects.filter(incident=incident, pk__gt=after).order_by("-pk")
    on_their_way = WaitingUpdate.objects.filter(
        incident=incident, pk__gt=after, state__in=WaitingState.on_their_way()
    ).order_by("-pk")
    first = posted.select_related("author").first()
    second = on_their_way.select_related("author").first()
    if second is not None and (first is None or second.pk > first.pk):
        return _shown(second, second.written_at, is_waiting=True)
    return _shown(first, first.published_at, is_waiting=False) if first else None


def _shown(text: Update | WaitingUpdate, at: datetime, *, is_waiting: bool) -> Overtaking:
    return Overtaking(
        key=text.pk,
        kind=UpdateKind(text.kind).label,
        at=at,
        author=str(text.author or "the portal"),
        html=mark_safe(markdown.to_html(text.body_markdown)),  # noqa: S308 - sanitised
        is_waiting=is_waiting,
    )
