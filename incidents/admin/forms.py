"""What staff type: a draft, its publication, a recovery, a reason."""

from typing import Any

from django import forms
from django.contrib.admin.widgets import AdminTextareaWidget, AdminTextInputWidget
from django.core.exceptions import ValidationError
from django.db.models import Count, Q

from incidents import claims, errors
from incidents.choices import (
    ClaimKind,
    CompanyState,
    IncidentKind,
    IncidentState,
    Severity,
    choices,
    states_of,
)
from incidents.models import AffectedComponent, Component, DataCenter, Incident, Placement
from tenants.admin_pages import InstantField

_HELP = {
    "title": "Clients read it as it is: what fails, in their words.",
    "roster_policy": "What every affected company reads of who was in the tail. It can be changed later.",
}
"""What the form says beside fields of the table."""


class ReachingChoices(forms.ModelMultipleChoiceField):  # type: ignore[type-arg]
    """Components, or whole data centers, with how many companies each would reach."""

    widget = forms.CheckboxSelectMultiple

    def label_from_instance(self, obj: Any) -> str:
        count = obj.company_count
        return f"{obj.name}: {count} {'company' if count == 1 else 'companies'}"


class IncidentForm(forms.ModelForm):  # type: ignore[type-arg]  # not generic at run time
    """A draft with its components; once published only what has no consequences is left of it."""

    whole_centers = ReachingChoices(
        queryset=None,
        required=False,
        label="Whole data centers",
        help_text="A data center fails as a whole: all its components are affected, ticked below or not.",
    )
    affected = ReachingChoices(
        queryset=None,
        required=False,
        label="Components",
        help_text="Every company placed on one of these is affected. You see how many before you publish.",
    )

    def __init__(self, *values: Any, **options: Any) -> None:
        super().__init__(*values, **options)
        if "affected" not in self.fields:
            return
        for name, words in _HELP.items():
            if name in self.fields:
                self.fields[name].help_text = words
        counted = Component.objects.annotate(company_count=Count("placements"))
        centers = DataCenter.objects.annotate(
            company_count=Count("components__placements__company", distinct=True)
        )
        self.fields["affected"].queryset = counted.order_by("data_center__code", "name")  # type: ignore[attr-defined]
        self.fields["whole_centers"].queryset = centers.order_by("code")  # type: ignore[attr-defined]
        if not self.instance._state.adding:  # noqa: SLF001 - Django's documented way
            own = AffectedComponent.objects.filter(incident=self.instance)
            self.initial["affected"] = list(own.values_list("component_id", flat=True))

    def clean_affected(self) -> Any:
        """The ticked components and all of the ticked data centers, whose field comes before."""
        is_affected = Q(pk__in=self.cleaned_data["affected"]) | Q(
            data_center__in=self.cleaned_data.get("whole_centers", ())
        )
        return Component.objects.filter(is_affected)

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        kind = cleaned.get("kind", self.instance.kind)
        started_at = cleaned.get("started_at", self.instance.started_at)
        if cleaned.get("remind_minutes") and kind == IncidentKind.INCIDENT:
            self.add_error("remind_minutes", "Only a maintenance is announced again before its start.")
        if "planned_end_at" not in self.fields:
            return cleaned
        planned_end_at = cleaned.get("planned_end_at")
        if kind == IncidentKind.MAINTENANCE and planned_end_at is None:
            self.add_error("planned_end_at", "A maintenance needs a planned end.")
        if kind == IncidentKind.INCIDENT and planned_end_at is not None:
            self.add_error("planned_end_at", "Only a maintenance has a planned end.")
        if planned_end_at and started_at and planned_end_at <= started_at:
            self.add_error("planned_end_at", "The end lies before the start.")
        return cleaned

    def first_state(self) -> IncidentState:
        """Where an incident or a maintenance of the chosen kind begins."""
        return states_of(IncidentKind(self.instance.kind))[0]


class PublicationForm(forms.Form):
    """How the affected companies are doing when they first hear of it."""

    state = forms.ChoiceField(
        label="Every affected company is",
        choices=[(word, label) for word, label in choices(CompanyState) if word != CompanyState.RESTORED],
        initial=CompanyState.UNKNOWN,
        widget=forms.RadioSelect,
        help_text=(
            "Outage or degraded: each account reads that, from the incident's start. Not known yet: each "
            "reads that we do not know, and nothing is recorded."
        ),
    )
    severity = forms.ChoiceField(
        choices=choices(Severity), required=False, widget=forms.RadioSelect, help_text="Clients read it."
    )
    detected_at = InstantField(
        label="Detected", required=False, help_text="When it was noticed; empty: not known."
    )


class RecoveryForm(forms.Form):
    """What happened to the selected companies, and when."""

    state = forms.ChoiceField(
        label="State from then on",
        choices=choices(CompanyState),
        initial=CompanyState.RESTORED,
        widget=forms.RadioSelect,
    )
    at = InstantField(label="Since", help_text="When it happened, not when you heard of it.")
    components: Any = forms.ModelMultipleChoiceField(
        queryset=None,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="None chosen: all components of the incident that each company runs on.",
    )

    def __init__(self, *values: Any, incident: Incident, **options: Any) -> None:
        super().__init__(*values, **options)
        affected = Component.objects.filter(incidents=incident).order_by("name")
        self.fields["components"].queryset = affected  # type: ignore[attr-defined]


class ReasonForm(forms.Form):
    """Why a step is taken, in the words that clients read."""

    reason = forms.CharField(
        max_length=2_000,
        widget=AdminTextareaWidget(attrs={"rows": 4}),
        help_text="Clients read this as it is.",
    )


class LengthField(forms.CharField):
    """A length typed as hours and minutes, "4:30"; whole seconds inside."""

    widget = AdminTextInputWidget(attrs={"size": 8, "placeholder": "4:30"})

    def prepare_value(self, value: Any) -> Any:
        if not isinstance(value, int):
            return value
        minutes, seconds = divmod(value, 60)
        return f"{minutes // 60}:{minutes % 60:02d}" + (f":{seconds:02d}" if seconds else "")

    def to_python(self, value: Any) -> Any:
        typed = super().to_python(value)
        if typed in self.empty_values:
            return None
        parts = str(typed).split(":")
        if len(parts) not in (2, 3) or not all(
            part.isascii() and part.isdigit() and len(part) < 5 for part in parts
        ):
            raise ValidationError("Write hours and minutes, like 4:30.")
        hours, minutes, seconds = (*map(int, parts), 0)[:3]
        if minutes > 59 or seconds > 59:
            raise ValidationError("Write hours and minutes, like 4:30.")
        return hours * 3600 + minutes * 60 + seconds

    def has_changed(self, initial: Any, data: Any) -> bool:
        return super().has_changed(self.prepare_value(initial), data)


class ClaimForm(forms.ModelForm):  # type: ignore[type-arg]  # not generic at run time
    """A claim carries the values of its kind and no others."""

    claimed_seconds = LengthField(
        label="claimed length", required=False, help_text="Hours and minutes: 4:30."
    )

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        kind = cleaned.get("kind")
        if not kind:
            return cleaned
        share = cleaned.get("claimed_percent")
        is_share = kind == ClaimKind.RESTORED_SHARE
        try:
            claims.Claim(
                kind=ClaimKind(kind),
                at=cleaned.get("posted_at") if is_share else cleaned.get("claimed_at"),
                seconds=cleaned.get("claimed_seconds"),
                percent=None if share is None else float(share),
            )
        except ValueError as error:
            raise ValidationError(
                f"{error} “At” is the claimed instant; for a share it is when that was said."
            ) from error
        if share is not None and not 0 < share <= 100:
            self.add_error("claimed_percent", "A share lies above 0 and at most at 100.")
        said_in, incident = cleaned.get("update"), cleaned.get("incident") or self.instance.incident
        if incident.is_set_aside:
            raise ValidationError(errors.SetAside.message)
        if said_in is not None and said_in.incident_id != incident.pk:
            self.add_error("update", "This update belongs to another incident.")
        return cleaned


def reached_count(incident: Incident) -> int:
    """How many companies a publication of this draft would reach."""
    affected = AffectedComponent.objects.filter(incident=incident).values("component_id")
    reached = Placement.objects.filter(component__in=affected)
    return int(reached.aggregate(count=Count("company", distinct=True))["count"])


def reached_by_data_center(incident: Incident) -> dict[str, int]:
    """The same by data center, by code; a company in two of them counts in both."""
    affected = AffectedComponent.objects.filter(incident=incident).values("component_id")
    rows = (
        Placement.objects.filter(component__in=affected)
        .values("component__data_center__code")
        .annotate(count=Count("company", distinct=True))
        .order_by("component__data_center__code")
    )
    return {row["component__data_center__code"]: row["count"] for row in rows}
