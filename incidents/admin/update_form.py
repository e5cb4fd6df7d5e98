"""What staff type to post an update: the text, whom it is for, and what they have seen of the record."""

import hashlib
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django import forms
from django.contrib.admin.widgets import AdminTextareaWidget, AdminTextInputWidget
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.forms.utils import ErrorDict

from incidents.audiences import Readers
from incidents.choices import Audience, UpdateKind, WaitingState, choices
from incidents.models import (
    Component,
    DataCenter,
    Incident,
    Recovery,
    Update,
    UpdateTemplate,
    WaitingUpdate,
)
from tenants.admin_pages import InstantField

KINDS = [(word, label) for word, label in choices(UpdateKind) if word != UpdateKind.POST_MORTEM]
"""A post-mortem is published as a report, not typed as an update."""
_OF_INCIDENTS_ALONE = (UpdateKind.INVESTIGATING, UpdateKind.IDENTIFIED, UpdateKind.REOPENED)
"""What planned work never is: its state follows from its window, or from “Resolved”, which completes it."""
PROMISED_IN = [
    ("", "Nothing, or the time below"),
    ("30", "30 minutes from now"),
    ("60", "1 hour from now"),
    *((str(hours * 60), f"{hours} hours from now") for hours in (2, 4, 24)),
]
"""Minutes from when the update is written, also where it waits for a second person."""
_NAMED_BY = frozenset({Audience.COMPONENTS, Audience.DATA_CENTERS, Audience.COMPANIES})
"""Audiences that name something, in the field of the same name."""


class UpdateForm(forms.Form):
    """A text for the affected companies or for staff, held against what was posted in between."""

    template = forms.ChoiceField(required=False, label="Begin with a template")
    kind = forms.ChoiceField(choices=KINDS, initial=UpdateKind.UPDATE)
    text = forms.CharField(
        max_length=20_000,
        widget=AdminTextareaWidget(attrs={"rows": 10}),
        help_text=(
            "Plain sentences will do. Markdown makes headings, lists, links and tables; no images. "
            "Numbers and times: insert the fields below, then they are right."
        ),
    )
    audience = forms.ChoiceField(
        choices=choices(Audience),
        initial=Audience.EVERYONE,
        help_text=(
            "Who reads it is fixed when it is posted. Only a text for everyone changes the incident's state. "
            "Components, data centers and names: say which below."
        ),
    )
    components: Any = forms.ModelMultipleChoiceField(
        queryset=None,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="Counts only for the audience that names them.",
    )
    data_centers: Any = forms.ModelMultipleChoiceField(
        queryset=None,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="Counts only for the audience that names them.",
    )
    companies = forms.CharField(
        label="Named companies",
        required=False,
        max_length=20_000,
        widget=AdminTextareaWidget(attrs={"rows": 3}),
        help_text="Name or short name as in its address, one a line.",
    )
    next_update_in = forms.TypedChoiceField(
        label="Next update promised",
        choices=PROMISED_IN,
        coerce=int,
        empty_value=None,
        required=False,
        help_text=(
            "Counted from now, however long an approval takes. Clients read it as a time of day, and the "
            "portal counts whether you keep it."
        ),
    )
    next_update_at = InstantField(
        label="Or promised for",
        required=False,
        help_text="A time of your own.",
    )
    corrects: Any = forms.ModelChoiceField(
        queryset=None,
        required=False,
        help_text="For a correction: the update whose text was wrong. It stays.",
    )
    honest_text = forms.CharField(
        label="Text as monitoring",
        required=False,
        max_length=20_000,
        widget=AdminTextareaWidget(attrs={"rows": 8}),
    )
    override_reason = forms.CharField(
        label="Reason to post “Resolved” all the same",
        required=False,
        max_length=2_000,
        widget=AdminTextareaWidget(attrs={"rows": 2}),
        help_text="Kept with the update and in the audit.",
    )
    read_as = forms.CharField(
        label="Preview as company",
        required=False,
        max_length=160,
        widget=AdminTextInputWidget,
        help_text="Name or short name of an affected company. Empty: what each kind of reader reads.",
    )
    acknowledge = forms.BooleanField(
        label="I have read what the record says, and the text stays as it is",
        required=False,
        help_text="Kept with the update and in the audit.",
    )
    contradicted = forms.CharField(required=False, widget=forms.HiddenInput)
    """Which contradictions its author was shown, so that no others are acknowledged."""
    reached_count = forms.CharField(required=False, widget=forms.HiddenInput)
    """How many companies its author was told would read it."""
    newest_update = forms.CharField(required=False, widget=forms.HiddenInput)
    """The newest update that its author had seen, so that nothing is posted twice or past another."""
    form_key = forms.UUIDField(required=False, widget=forms.HiddenInput)
    """Of this form and no other, so that it is one text however often it is sent."""
    instead_of = forms.UUIDField(required=False, widget=forms.HiddenInput)
    """A text that was sent back or stopped, which this one is written instead of."""

    def __init__(
        self, *values: Any, incident: Incident, now: datetime, is_finished: bool = True, **options: Any
    ) -> None:
        super().__init__(*values, **options)
        self.now = now
        self.incident = incident
        self.is_finished = is_finished
        kinds = [each for each in KINDS if not incident.is_maintenance or each[0] not in _OF_INCIDENTS_ALONE]
        self.fields["kind"].choices = kinds  # type: ignore[attr-defined]
        suiting = UpdateTemplate.objects.filter(incident_kind=incident.kind, kind__in=dict(kinds))
        self.templates = {str(each.pk): each for each in suiting.order_by("name")}
        self.fields["template"].choices = _by_phase(self.templates)  # type: ignore[attr-defined]
        said = Update.objects.filter(incident=incident).exclude(audience=Audience.STAFF)
        affected = Component.objects.filter(incidents=incident).order_by("name")
        centers = DataCenter.objects.filter(components__incidents=incident).distinct().order_by("code")
        for name, offered in (
            ("corrects", said.order_by("-published_at")),
            ("components", affected),
            ("data_centers", centers),
        ):
            self.fields[name].queryset = offered  # type: ignore[attr-defined]

    def full_clean(self) -> None:
        """A form that is still being written is not found fault with."""
        if self.is_finished:
            super().full_clean()
        else:
            self._errors, self.cleaned_data = ErrorDict(), {}

    def use_template(self) -> bool:
        """Put the chosen template under what was typed, and choose its phase. False if none is chosen."""
        template = self.templates.get(self.data.get("template", ""))
        if template is None:
            return False
        self.show(
            "text", "\n\n".join(filter(None, (self.data.get("text", "").rstrip(), template.body_markdown)))
        )
        self.show("kind", template.kind)
        self.show("template", "")
        self.fields["text"].widget.attrs["autofocus"] = True
        return True

    @property
    def names_readers(self) -> bool:
        """Whether the chosen audience is one that says which, or a fault was found in what it says."""
        return self["audience"].value() in _NAMED_BY or any(name in self.errors for name in _NAMED_BY)

    def show(self, field: str, value: str) -> None:
        """Show `value` in a field of a form that was sent with another; the rest stays as it was typed."""
        data = self.data.copy()  # type: ignore[attr-defined]  # a QueryDict
        data[field] = value
        self.data = data

    def clean_text(self) -> str:
        text: str = self.cleaned_data["text"]
        left = re.search(r"‹[^›\n]*›", text)
        if left:
            raise ValidationError(f"Say in your own words what the template leaves to you: {left[0]}")
        return text

    def clean_next_update_at(self) -> datetime | None:
        promised: datetime | None = self.cleaned_data["next_update_at"]
        if promised is not None and promised <= self.now:
            raise ValidationError("This time has passed. Promise a later one, or nothing.")
        return promised

    def clean_companies(self) -> list[UUID]:
        """Ids of the affected companies that the lines name."""
        lines = dict.fromkeys(line.strip() for line in self.cleaned_data["companies"].splitlines())
        found: list[UUID] = []
        missing: list[str] = []
        for line in filter(None, lines):
            named = _named(self.incident, line)
            if len(named) == 1:
                found += named
            else:
                missing.append(line)
        if missing:
            raise ValidationError(f"Not the name of one affected company: {', '.join(missing)}.")
        return found

    def clean_read_as(self) -> UUID | None:
        typed = self.cleaned_data["read_as"].strip()
        named = _named(self.incident, typed) if typed else []
        if typed and len(named) != 1:
            raise ValidationError("Not the name of one affected company.")
        return named[0] if named else None

    def readers(self) -> Readers:
        """Whom the valid form means."""
        typed = self.cleaned_data
        return Readers(
            audience=Audience(typed["audience"]),
            component_ids=[each.pk for each in typed["components"]],
            data_center_ids=[each.pk for each in typed["data_centers"]],
            company_ids=typed["companies"],
        )

    def digest(self) -> str:
        """Of all that the valid form would send off, so that it can be told from what was previewed."""
        typed = self.cleaned_data
        promised = typed["next_update_in"] or typed["next_update_at"]
        corrects = typed["corrects"].pk if typed["corrects"] else None
        sent_off = (typed["kind"], typed["text"], self.readers(), promised, corrects)
        return hashlib.sha256(repr(sent_off).encode()).hexdigest()[:32]

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if cleaned.get("next_update_in") and cleaned.get("next_update_at"):
            self.add_error("next_update_in", "Promise one of both: a while, or a time.")
        elif cleaned.get("next_update_in"):
            cleaned["next_update_at"] = self.now + timedelta(minutes=cleaned["next_update_in"])
        is_correction = cleaned.get("kind") == UpdateKind.CORRECTION
        if is_correction and not cleaned.get("corrects") and "corrects" not in self.errors:
            self.add_error("corrects", "Say which update it corrects.")
        if not is_correction and cleaned.get("corrects"):
            self.add_error("corrects", "Only a correction corrects an update.")
        wanted = cleaned.get("audience", "")
        if wanted in _NAMED_BY and not cleaned.get(wanted) and wanted not in self.errors:
            self.add_error(wanted, "Say which.")
        return cleaned


def written_again(waiting: WaitingUpdate) -> dict[str, Any]:
    """What a text that was taken back, sent back or stopped fills a new form with."""
    chosen = Recovery.objects.filter(incident=waiting.incident_id, company_id__in=waiting.company_ids)
    is_done_with = waiting.state in WaitingState.come_back()
    return {
        "kind": waiting.kind,
        "text": waiting.body_markdown,
        "audience": waiting.audience,
        "components": waiting.component_ids,
        "data_centers": waiting.data_center_ids,
        "companies": "\n".join(chosen.order_by("company__slug").values_list("company__slug", flat=True)),
        "next_update_at": waiting.next_update_at,
        "corrects": waiting.corrects_id,
        "instead_of": waiting.pk if is_done_with else None,
    }


def _by_phase(templates: Mapping[str, UpdateTemplate]) -> list[Any]:
    """The templates as a list to choose from, under the phase that each is for."""
    phases = [
        (label, [(key, each.name) for key, each in templates.items() if each.kind == word])
        for word, label in KINDS
    ]
    return [("", "None: write freely"), *((label, named) for label, named in phases if named)]


def _named(incident: Incident, words: str) -> list[UUID]:
    """The affected companies of that name or short name; at most two are looked for."""
    is_named = Q(company__slug__iexact=words) | Q(company__name__iexact=words)
    found = Recovery.objects.filter(is_named, incident=incident).values_list("company_id", flat=True)
    return list(found[:2])
