"""What staff say of a file of recoveries: the file itself, and which of its columns holds what."""

from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone

from incidents import errors
from incidents.choices import CompanyState, choices
from incidents.import_files import Beginning, Encoding
from incidents.models import Incident
from incidents.operations.recovery_imports import MOST_BYTES

_ZONES = [(name, name) for name in sorted(available_timezones())]
_USUAL_NAMES = {
    "company": ("company", "client", "account", "slug", "short name", "name"),
    "at": ("at", "time", "restored_at", "restored at", "back at", "since", "when", "timestamp", "date"),
    "state": ("state", "status"),
    "component_column": ("component", "service"),
}
"""Headers by which a column is recognised, likeliest first."""


class UploadForm(forms.Form):
    """A file, and the incident that it is about."""

    incident: Any = forms.ModelChoiceField(queryset=None, help_text="Published incidents, newest first.")
    file = forms.FileField(
        label="CSV file",
        help_text=(
            "A first line that names the columns, then one line for each company: who, since when and, "
            "if need be, which component and state. At most 50 MB. Nothing is recorded yet."
        ),
    )

    def __init__(self, *values: Any, **options: Any) -> None:
        super().__init__(*values, **options)
        published = Incident.objects.filter(published_at__isnull=False).order_by("-started_at")
        self.fields["incident"].queryset = published  # type: ignore[attr-defined]

    def clean_file(self) -> Any:
        sent = self.cleaned_data["file"]
        if sent.size > MOST_BYTES:
            raise ValidationError(errors.FileTooLarge.message)
        return sent


class ColumnField(forms.TypedChoiceField):
    """A column of the file by its header; its number from 0, or None."""

    def __init__(self, **options: Any) -> None:
        super().__init__(coerce=int, empty_value=None, **options)


class MappingForm(forms.Form):
    """Which column holds what. The columns are those of the file's first line."""

    company = ColumnField(label="Company", help_text="Short name or name.")
    at = ColumnField(
        label="Time",
        help_text="2026-02-04 18:10, with or without an offset, or 04/02/2026 18:10 (day first).",
    )
    zone = forms.ChoiceField(
        label="Zone of these times",
        choices=_ZONES,
        help_text="For times without an offset. A time that the clocks show twice is the first.",
    )
    state = ColumnField(
        label="State", required=False, help_text="outage, degraded, restored or unknown, in the file."
    )
    state_of_all = forms.ChoiceField(
        label="State if no column says it",
        choices=choices(CompanyState),
        initial=CompanyState.RESTORED,
        help_text="What every row then means.",
    )
    component_column = ColumnField(
        label="Component",
        required=False,
        help_text="Its public name. Empty: all components of the incident that the company runs on.",
    )
    encoding = forms.ChoiceField(
        label="Encoding",
        choices=choices(Encoding),
        help_text="If letters look wrong above, choose another and look again.",
    )

    def __init__(self, *values: Any, beginning: Beginning, **options: Any) -> None:
        super().__init__(*values, **options)
        named = [
            (str(number), name or f"Column {number + 1}") for number, name in enumerate(beginning.header)
        ]
        for name, usual in _USUAL_NAMES.items():
            field: Any = self.fields[name]
            field.choices = [("", "Choose a column" if field.required else "No column"), *named]
            self.initial[name] = _recognised(beginning.header, usual)
        self.initial["encoding"] = str(beginning.encoding)
        self.initial["zone"] = timezone.get_current_timezone_name()

    def clean(self) -> dict[str, Any]:
        """Each column holds one thing."""
        cleaned: dict[str, Any] = super().clean() or {}
        seen: set[int] = set()
        for name in _USUAL_NAMES:
            column = cleaned.get(name)
            if column in seen:
                self.add_error(name, "This column was chosen above for something else. Choose another.")
            elif column is not None:
                seen.add(column)
        return cleaned

    def said(self) -> dict[str, Any]:
        """What `recovery_imports.start` takes, of a valid form."""
        typed = self.cleaned_data
        return {
            "company": typed["company"],
            "at": typed["at"],
            "component": typed["component_column"],
            "state": typed["state"],
            "state_of_all": None if typed["state"] is not None else CompanyState(typed["state_of_all"]),
            "encoding": Encoding(typed["encoding"]),
            "zone": ZoneInfo(typed["zone"]),
        }


def _recognised(header: tuple[str, ...], usual: tuple[str, ...]) -> str:
    plain = [name.casefold() for name in header]
    return next((str(plain.index(word)) for word in usual if word in plain), "")
