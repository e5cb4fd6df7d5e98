"""The course of what is published: planned work moved, extended, cancelled, ended; false alarms; merges."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.contrib.admin.widgets import AdminTextareaWidget
from django.core.exceptions import PermissionDenied
from django.db.models import Count
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone

from incidents import errors
from incidents.admin.forms import ReasonForm
from incidents.choices import WORST_FIRST, IncidentKind, IncidentState, RequestState
from incidents.models import ClientReport, Incident, PostMortemRequest, Recovery
from incidents.operations import false_alarms, maintenances, merging
from incidents.operations.announcing import Words
from incidents.queries import staff_reports
from tenants import admin_pages as pages
from tenants.actor import Actor
from tenants.admin_pages import InstantField, StaffAdmin
from tenants.errors import Refusal

NEAR = timedelta(days=30)
"""Incidents that begin further apart are not offered as one."""
FOR_GOOD = "This cannot be taken back."


class ExtensionForm(forms.Form):
    """A later planned end, and what clients read about it."""

    planned_end_at = InstantField(label="New planned end")
    reason = forms.CharField(
        label="Word to clients",
        max_length=2_000,
        widget=AdminTextareaWidget(attrs={"rows": 4}),
        help_text="Posted to everyone affected, with the new planned end in each reader's zone.",
    )


class MoveForm(forms.Form):
    """Another window, and what clients read about it."""

    started_at = InstantField(label="New start")
    planned_end_at = InstantField(label="New planned end", required=False)
    reason = forms.CharField(
        label="Word to clients",
        max_length=2_000,
        widget=AdminTextareaWidget(attrs={"rows": 4}),
        help_text="Posted to everyone affected, with the new window in each reader's zone.",
    )


class _OneIncident(forms.ModelChoiceField):  # type: ignore[type-arg]  # not generic at run time
    def label_from_instance(self, obj: Any) -> str:
        return f"{obj.reference}: {obj.title} ({obj.get_state_display()})"


class MergeForm(forms.Form):
    """The incident that goes on."""

    into = _OneIncident(queryset=None, label="It is the same as", empty_label="Choose the one that goes on")

    def __init__(self, *values: Any, incident: Incident, **options: Any) -> None:
        super().__init__(*values, **options)
        around = (incident.started_at - NEAR, incident.started_at + NEAR)
        self.fields["into"].queryset = (  # type: ignore[attr-defined]
            Incident.objects.filter(
                kind=IncidentKind.INCIDENT, published_at__isnull=False, started_at__range=around
            )
            .exclude(state__in=IncidentState.set_aside())
            .exclude(pk=incident.pk)
            .order_by("-started_at")
        )


class CoursePages(StaffAdmin):
    """What the incidents' admin adds to itself for the course of what clients can read."""

    def extend_page(self, request: HttpRequest, object_id: Any) -> HttpResponse:
        """Move the planned end of a maintenance."""
        incident: Incident = self.subject(request, object_id)
        form = ExtensionForm(request.POST or None, initial={"planned_end_at": incident.planned_end_at})

        def extend(actor: Actor, words: Words, now: datetime) -> None:
            maintenances.extend(
                actor,
                incident_id=incident.pk,
                planned_end_at=form.cleaned_data["planned_end_at"],
                words=words,
                now=now,
            )

        return self._step(
            request,
            incident,
            form,
            extend,
            f"Extend “{incident.title}”",
            facts=self._window(incident),
            submit="Extend and tell clients",
            done="Extended. Everyone affected reads the new planned end.",
        )

    def move_page(self, request: HttpRequest, object_id: Any) -> HttpResponse:
        """Move a maintenance that has not begun to another window."""
        incident: Incident = self.subject(request, object_id)
        form = MoveForm(
            request.POST or None,
            initial={"started_at": incident.started_at, "planned_end_at": incident.planned_end_at},
        )

        def move(actor: Actor, words: Words, now: datetime) -> None:
            maintenances.move(
                actor,
                incident_id=incident.pk,
                started_at=form.cleaned_data["started_at"],
                planned_end_at=form.cleaned_data["planned_end_at"],
                words=words,
                now=now,
            )

        return self._step(
            request,
            incident,
            form,
            move,
            f"Move “{incident.title}”",
            facts=self._window(incident),
            says="Everyone affected reads the new window. A reminder is posted for the new start.",
            submit="Move and tell clients",
            done="Moved. Everyone affected reads the new window.",
        )

    def cancel_page(self, request: HttpRequest, object_id: Any) -> HttpResponse:
        """Cancel a maintenance that has not begun."""
        incident: Incident = self.subject(request, object_id)
        return self._step(
            request,
            incident,
            ReasonForm(request.POST or None),
            lambda actor, words, now: maintenances.cancel(
                actor, incident_id=incident.pk, words=words, now=now
            ),
            f"Cancel “{incident.title}”?",
            facts=self._window(incident),
            says=f"Everyone affected reads that it is cancelled, and why. {FOR_GOOD}",
            submit="Cancel the maintenance",
            leave="Leave it planned",
            is_dangerous=True,
            done="Cancelled. Everyone affected reads why.",
        )

    def end_early_page(self, request: HttpRequest, object_id: Any) -> HttpResponse:
        """Complete a maintenance that has begun before its planned end."""
        incident: Incident = self.subject(request, object_id)
        return self._step(
            request,
            incident,
            ReasonForm(request.POST or None),
            lambda actor, words, now: maintenances.end_early(
                actor, incident_id=incident.pk, words=words, now=now
            ),
            f"End “{incident.title}” early?",
            facts=self._window(incident),
            says="It is completed at once, and everyone affected reads that it was ended early, and why.",
            submit="End it now",
            leave="Let it go on",
            is_dangerous=True,
            done="Ended. Everyone affected reads why.",
        )

    def false_alarm_page(self, request: HttpRequest, object_id: Any) -> HttpResponse:
        """Say that a published incident was none."""
        incident: Incident = self.subject(request, object_id)
        return self._step(
            request,
            incident,
            ReasonForm(request.POST or None),
            lambda actor, words, now: false_alarms.mark(actor, incident_id=incident.pk, words=words, now=now),
            f"Was “{incident.title}” a false alarm?",
            facts=_known(incident),
            says=(
                "Who could read it reads that it was a false alarm, and why. It counts nowhere any more: not "
                f"as open, in no day, downtime or standing. Nothing is deleted. {FOR_GOOD}"
            ),
            submit="It was a false alarm",
            leave="No, leave it as it is",
            is_dangerous=True,
            done="Marked as a false alarm. Everyone who could read it reads why.",
        )

    def merge_page(self, request: HttpRequest, object_id: Any) -> HttpResponse:
        """Choose the incident that goes on, look at what that does, then merge.

        Not locked before the operation does it, which takes both in one order.
        """
        if not self.has_change_permission(request):
            raise PermissionDenied
        incident = StaffAdmin.get_object(self, request, str(object_id))
        if incident is None:
            raise Http404
        form = MergeForm(request.POST or None, incident=incident)
        context: dict[str, Any] = {
            "form": form,
            "facts": {
                "This one": f"{incident.reference}: {incident.title}",
                "Start": pages.instant(incident.started_at),
                "Companies that read it": Recovery.objects.filter(incident=incident).count(),
            },
            "says": (
                "The one that you choose goes on with the record of both. This one becomes a pointer to it. "
                "You see what that does before anything happens."
            ),
            "submit": "See what that would do",
        }
        if request.method == "POST" and form.is_valid():
            into: Incident = form.cleaned_data["into"]
            if request.POST.get("seen") == str(into.pk):
                return self._merge(request, incident, into)
            context = _would_do(incident, into)
        return self.page(
            request,
            "admin/consequence.html",
            f"Is “{incident.title}” part of another incident?",
            original=incident,
            back=self.address("change", incident),
            **context,
        )

    def _merge(self, request: HttpRequest, incident: Incident, into: Incident) -> HttpResponse:
        try:
            count = merging.merge(
                pages.staff(request).actor, incident_id=incident.pk, into_id=into.pk, now=timezone.now()
            )
        except Refusal as refusal:
            messages.error(request, refusal.message)
            return self.to_row(incident)
        new = f" {count} {'company is' if count == 1 else 'companies are'} new to it." if count else ""
        messages.success(
            request,
            f"Merged: {incident.reference} goes on as {into.reference}, this one.{new} "
            "Whoever opens the other is led here. Post an update next.",
        )
        return self.to_row(into)

    def _step(
        self,
        request: HttpRequest,
        incident: Incident,
        form: forms.Form,
        take: Callable[[Actor, Words, datetime], None],
        title: str,
        *,
        done: str,
        **context: Any,
    ) -> HttpResponse:
        """A page that asks why, then takes the step. Words that the record contradicts are shown with what
        it says; sent again they are acknowledged."""
        if request.method == "POST" and form.is_valid():
            words = Words(
                text=form.cleaned_data["reason"],
                zone=timezone.get_current_timezone_name(),
                acknowledged=request.POST.getlist("acknowledged"),
            )
            try:
                take(pages.staff(request).actor, words, timezone.now())
            except errors.ContradictsRecord as refusal:
                context["warning"] = f"{refusal.message} Sent again as it is, it is acknowledged."
                context["hidden"] = [("acknowledged", each) for each in refusal.contradictions]
            except Refusal as refusal:
                form.add_error(None, refusal.message)
            else:
                messages.success(request, done)
                return self.to_row(incident)
        return self.page(
            request,
            "admin/consequence.html",
            title,
            original=incident,
            back=self.address("change", incident),
            form=form,
            media=self.media + form.media,
            **context,
        )

    def _window(self, incident: Incident) -> dict[str, Any]:
        return {
            "Start": pages.instant(incident.started_at),
            "Planned end": pages.instant(incident.planned_end_at),
            "State": incident.state_at(timezone.now()).label,
            "Companies that read it": Recovery.objects.filter(incident=incident).count(),
        }


def _known(incident: Incident) -> dict[str, Any]:
    """What speaks for or against a false alarm."""
    rows = Recovery.objects.filter(incident=incident).values_list("state").annotate(count=Count("pk"))
    counts: dict[str, int] = dict(rows)
    reports = staff_reports.still_open(ClientReport.objects.filter(incident=incident)).count()
    owed = (RequestState.REQUESTED, RequestState.ACCEPTED)
    return {
        "Companies that read it": sum(counts.values()),
        **{f"The record says “{state.label}” of": counts[state] for state in WORST_FIRST if state in counts},
        "Reports of clients without an answer": reports,
        "Requests for the post-mortem": PostMortemRequest.objects.filter(
            incident=incident, state__in=owed
        ).count(),
    }


def _would_do(incident: Incident, into: Incident) -> dict[str, Any]:
    """The page that says what a merge would do, with the way to do it unless something would be lost."""
    reach = merging.reach(incident, into)
    refusal = ""
    if reach.contradicted_count:
        refusal = errors.MergeLoses(reach.contradicted_count, reach.contradicted_names).message
    hidden: list[tuple[str, UUID]] = [("into", into.pk), ("seen", into.pk)]
    return {
        "facts": {
            "Goes on": pages.row_link(into, f"{into.reference}: {into.title}"),
            "Becomes a pointer to it": f"{incident.reference}: {incident.title}",
            "Companies in both": reach.shared_count,
            "Companies that are new to the one that goes on": reach.new_count,
            "Restored in that one, and no longer so with what this one says": reach.reopened_count,
            "Recorded facts that go over": reach.entry_count,
            "Requests that go over": reach.request_count,
        },
        "says": (
            "Updates, claims and reports stay where they were said, and can be read there. Nothing can be "
            f"added to {incident.reference} any more. {FOR_GOOD}"
        ),
        "warning": refusal,
        "hidden": hidden,
        "submit": "" if refusal else f"Merge into {into.reference}",
        "is_dangerous": True,
    }
