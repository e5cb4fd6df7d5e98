"""What a person may type into the client pages."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from django import forms

from incidents.choices import IncidentKind


@dataclass(frozen=True, kw_only=True)
class ListAsked:
    search: str
    kind: str
    page_number: int


class ListFilter(forms.Form):
    """The list's search, filter and page number; what makes no sense counts as not asked."""

    q = forms.CharField(required=False, max_length=100)
    kind = forms.ChoiceField(
        required=False, choices=[("", "All"), *((kind.value, kind.label) for kind in IncidentKind)]
    )
    page = forms.IntegerField(required=False, min_value=1, max_value=100_000)

    @property
    def asked(self) -> ListAsked:
        self.full_clean()
        cleaned = self.cleaned_data
        return ListAsked(
            search=cleaned.get("q", ""), kind=cleaned.get("kind", ""), page_number=cleaned.get("page") or 1
        )


class PostMortemRequestForm(forms.Form):
    """What a company wants the report for, and by when."""

    purpose = forms.CharField(
        label="What do you need it for?",
        help_text="For example: to answer our own customers, for an audit.",
        max_length=2_000,
        widget=forms.Textarea(attrs={"rows": 4}),
        error_messages={"required": "Say in a few words what you need the report for."},
    )
    needed_by_on = forms.DateField(
        label="Needed by (optional)",
        help_text="If somebody waits for it. The vendor sees the day.",
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}),
    )

    def __init__(self, *args: Any, today: date, **options: Any) -> None:
        super().__init__(*args, **options)
        self._today = today
        self.fields["needed_by_on"].widget.attrs["min"] = today.isoformat()

    def clean_needed_by_on(self) -> date | None:
        on: date | None = self.cleaned_data["needed_by_on"]
        if on is not None and on < self._today:
            raise forms.ValidationError(
                "This day has passed. Choose today or a later day, or leave it empty."
            )
        return on
