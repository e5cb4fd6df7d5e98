"""What clients read of the tail: changed after a look at what each of them reads before and after."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from incidents import errors
from incidents.choices import RosterPolicy, choices
from incidents.models import Incident
from incidents.operations import roster
from incidents.queries import staff_roster
from incidents.queries.staff_roster import RosterChange
from tenants import admin_pages as pages
from tenants.admin_pages import StaffAdmin

MEANS = {
    RosterPolicy.HIDDEN: "Hidden: clients read nothing of who was in the tail",
    RosterPolicy.COUNTS: "Counts: clients read how many were in the tail",
    RosterPolicy.NAMES: "Names: also the names of those that agreed, the others as a number",
}


class RosterForm(forms.Form):
    """What the list shows, and how much of the cohort is the tail."""

    policy = forms.ChoiceField(
        label="Clients read",
        choices=[(word, MEANS[RosterPolicy(word)]) for word, _label in choices(RosterPolicy)],
        widget=forms.RadioSelect,
    )
    tail_percent = forms.IntegerField(
        label="Tail, in percent",
        min_value=1,
        max_value=50,
        help_text="The last so many percent of the companies to recover, 1 to 50.",
    )

    def clean_policy(self) -> RosterPolicy:
        return RosterPolicy(self.cleaned_data["policy"])


class RosterPage(StaffAdmin):
    """What the incidents' admin adds to itself to publish, withdraw and change the list of the tail."""

    def roster_page(self, request: HttpRequest, object_id: Any) -> HttpResponse:
        """Choose by the address, see what would change for whom, then send exactly that."""
        incident: Incident = self.subject(request, object_id)
        if incident.is_draft:
            messages.error(request, errors.NotPublished.message)
            return self.to_row(incident)
        sent = request.POST if request.method == "POST" else request.GET
        now_set = {"policy": incident.roster_policy, "tail_percent": incident.tail_percent}
        form = RosterForm(sent if "policy" in sent or "tail_percent" in sent else None, initial=now_set)
        change = staff_roster.roster_change(incident, **form.cleaned_data) if form.is_valid() else None
        if change is not None and request.method == "POST":
            if sent.get("seen") == change.digest:
                with pages.refusals_shown(request):
                    roster.change(
                        pages.staff(request).actor,
                        incident_id=incident.pk,
                        now=timezone.now(),
                        **form.cleaned_data,
                    )
                    messages.success(request, "Changed. Clients read it from their next request on.")
                return self.to_row(incident)
            messages.warning(request, "Nothing was changed: the figures have moved since you saw them.")
        is_same = change is not None and change.is_none
        return self.page(
            request,
            "admin/roster.html",
            "What clients read of the tail",
            subtitle=str(incident),
            original=incident,
            back=self.address("change", incident),
            form=form,
            now=change.before if change else staff_roster.told(incident),
            is_same=is_same,
            **(_shown(change) if change and not is_same else {}),
        )


def _shown(change: RosterChange) -> dict[str, Any]:
    """A change as the page lays it out."""
    return {
        "change": change,
        "deed": _deed(change),
        "sides": (("Now", change.before), ("Then", change.after)),
        "moves": (
            ("Enter the tail", change.entering),
            ("Leave the tail", change.leaving),
            ("Named to the others from then on", change.newly_named),
            ("Not named any more", change.no_longer_named),
        ),
    }


def _deed(change: RosterChange) -> str:
    """What the button does, in one word where there is one."""
    if change.after.policy is change.before.policy:
        return "Change the tail"
    if change.after.policy is RosterPolicy.HIDDEN:
        return "Withdraw the list"
    return "Publish the list" if change.before.policy is RosterPolicy.HIDDEN else "Change the list"
