"""What a person may type into the client pages."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django import forms
from django.core.files.uploadedfile import UploadedFile

from incidents.choices import IncidentKind, ReportKind, choices
from incidents.queries.verification import MOST_FILE_BYTES
from incidents.signatures import MOST_BYTES
from portal.templatetags.portal_time import month

EARLIEST_YEAR = 2000


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


def _question(label: str) -> forms.CharField:
    return forms.CharField(
        label=label, required=False, max_length=1_000, widget=forms.Textarea(attrs={"rows": 2})
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

    question_1 = _question("First question (optional)")
    question_2 = _question("Second question (optional)")
    question_3 = _question("Third question (optional)")
    question_4 = _question("Fourth question (optional)")
    question_5 = _question("Fifth question (optional)")
    recipients = forms.MultipleChoiceField(
        label="Who else is it for? (optional)",
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="You are among them. Everyone in your company can read here where the request stands.",
        error_messages={"invalid_choice": "Choose from the people of this page."},
    )

    def __init__(
        self, *args: Any, today: date, colleagues: tuple[tuple[UUID, str], ...] = (), **options: Any
    ) -> None:
        super().__init__(*args, **options)
        self._today = today
        self.fields["recipients"].choices = colleagues  # type: ignore[attr-defined]
        self.fields["needed_by_on"].widget.attrs["min"] = today.isoformat()

    def clean_needed_by_on(self) -> date | None:
        on: date | None = self.cleaned_data["needed_by_on"]
        if on is not None and on < self._today:
            raise forms.ValidationError(
                "This day has passed. Choose today or a later day, or leave it empty."
            )
        return on

    def clean_recipients(self) -> tuple[UUID, ...]:
        return tuple(UUID(each) for each in self.cleaned_data["recipients"])

    @property
    def typed_questions(self) -> tuple[str, ...]:
        return tuple(self.cleaned_data[field.name] for field in self.question_fields())

    @property
    def has_more_questions(self) -> bool:
        """Whether something stands in a field that is folded away at first."""
        return any(field.value() or field.errors for field in self.question_fields()[1:])

    def question_fields(self) -> tuple[forms.BoundField, ...]:
        return tuple(field for field in self if field.name.startswith("question_"))


class RecipientsForm(forms.Form):
    """For whom of the company's people the report is."""

    recipients = forms.MultipleChoiceField(
        label="Who is it for?",
        widget=forms.CheckboxSelectMultiple,
        error_messages={
            "required": "The report has to be for somebody. To take the request back, withdraw it.",
            "invalid_choice": "Choose from the people of this page.",
        },
    )

    def __init__(self, *args: Any, colleagues: tuple[tuple[UUID, str], ...], **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["recipients"].choices = colleagues  # type: ignore[attr-defined]

    def clean_recipients(self) -> tuple[UUID, ...]:
        return tuple(UUID(each) for each in self.cleaned_data["recipients"])


class QuestionForm(forms.Form):
    """One more question to the vendor."""

    text = forms.CharField(
        label="Your question",
        max_length=1_000,
        widget=forms.Textarea(attrs={"rows": 2}),
        error_messages={"required": "Write the question first."},
    )


class ReplyForm(forms.Form):
    """The answer to a question of the vendor."""

    number = forms.IntegerField(min_value=1, max_value=1_000, widget=forms.HiddenInput)
    text = forms.CharField(
        label="Your answer",
        max_length=4_000,
        widget=forms.Textarea(attrs={"rows": 3}),
        error_messages={"required": "Write the answer first."},
    )


class LocalInstantField(forms.CharField):
    """A day and a time in the reader's zone, which is named beside the field.

    Of a time that the clocks show twice it is the first.
    """

    widget = forms.DateTimeInput(attrs={"type": "datetime-local"})
    zone = "UTC"
    """IANA name; the form sets the reader's."""

    def clean(self, value: Any) -> datetime | None:
        typed = super().clean(value)
        if typed in self.empty_values:
            return None
        try:
            at = datetime.fromisoformat(str(typed))
        except ValueError:
            at = None
        if at is None or at.tzinfo is not None or not EARLIEST_YEAR <= at.year < EARLIEST_YEAR + 100:
            raise forms.ValidationError("Write day and time like 2026-02-04T19:45, or leave it empty.")
        zone = ZoneInfo(self.zone)
        meant = at.replace(tzinfo=zone).astimezone(UTC)
        if meant.astimezone(zone).replace(tzinfo=None) != at:
            raise forms.ValidationError("The clocks skip this time in your zone. Choose another one.")
        return meant


class ClientReportForm(forms.Form):
    """How a company's own account is doing, in its own words."""

    kind = forms.ChoiceField(
        label="How is your account?",
        choices=choices(ReportKind),
        widget=forms.RadioSelect,
        error_messages={"required": "Say which of the two it is."},
    )
    components = forms.MultipleChoiceField(
        label="Which of your components?",
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="None chosen means all of them.",
        error_messages={"invalid_choice": "Choose from the components of this page."},
    )
    since_at = LocalInstantField(label="Since when? (optional)", required=False, max_length=32)
    text = forms.CharField(
        label="In a few words (optional)",
        help_text="What you see and where. It stays in your record, with your name and the time.",
        required=False,
        max_length=1_000,
        widget=forms.Textarea(attrs={"rows": 3}),
    )

    def __init__(
        self, *args: Any, components: tuple[tuple[str, str], ...], zone: str, now: datetime, **options: Any
    ) -> None:
        super().__init__(*args, **options)
        self.fields["components"].choices = components  # type: ignore[attr-defined]
        since: Any = self.fields["since_at"]
        since.zone = zone
        abbreviation = now.astimezone(ZoneInfo(zone)).tzname()
        since.help_text = f"Times in {zone}, now {abbreviation}. Empty: from now on."

    def clean_components(self) -> tuple[UUID, ...]:
        return tuple(UUID(each) for each in self.cleaned_data["components"])


class MonthForm(forms.Form):
    """The month that a downtime statement is to speak of, by its first day."""

    month = forms.TypedChoiceField(
        label="Month",
        coerce=date.fromisoformat,
        error_messages={
            "required": "Choose a month of the list.",
            "invalid_choice": "Choose a month of the list.",
        },
    )

    def __init__(self, *args: Any, months: tuple[date, ...], **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["month"].choices = [(each.isoformat(), month(each)) for each in months]  # type: ignore[attr-defined]


class VerifyForm(forms.Form):
    """A downtime statement that somebody shows: its file as it was handed out, or its number."""

    file = forms.FileField(
        label="The file",
        help_text="The PDF or the JSON, exactly as it was downloaded, up to 1 MB.",
        required=False,
        error_messages={"empty": "This file is empty."},
    )
    number = forms.CharField(
        label="Or the number",
        help_text="As it stands at the foot of each page of the PDF: DS- and four groups of five. It says "
        "whether there is such a statement, and nothing of what it says.",
        required=False,
        max_length=60,
    )
    document = forms.CharField(
        label="Or the text of the JSON",
        help_text="All of it.",
        required=False,
        max_length=MOST_BYTES,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 6, "spellcheck": "false"}),
    )

    def clean_file(self) -> "UploadedFile[bytes] | None":
        file: UploadedFile[bytes] | None = self.cleaned_data["file"]
        if file is not None and (file.size or 0) > MOST_FILE_BYTES:
            raise forms.ValidationError("This file is larger than 1 MB, so it is no statement of ours.")
        return file

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        shown = (cleaned.get("file"), cleaned.get("number"), cleaned.get("document", "").strip())
        if not self.errors and not any(shown):
            raise forms.ValidationError("Choose the file, type the number, or paste the JSON.")
        return cleaned


class VersionsForm(forms.Form):
    """Which version of a report is meant, and which one it is compared with; nonsense counts as not asked."""

    version = forms.IntegerField(required=False, min_value=1, max_value=9_999)
    against = forms.IntegerField(required=False, min_value=1, max_value=9_999)

    @property
    def asked(self) -> tuple[int | None, int | None]:
        """(version, the one that it is compared with)."""
        self.full_clean()
        return self.cleaned_data.get("version"), self.cleaned_data.get("against")


class FollowForm(forms.Form):
    """Which corrective action to follow or no longer; empty: all of the report."""

    number = forms.IntegerField(required=False, min_value=1, max_value=9_999)
    is_wanted = forms.TypedChoiceField(
        choices=[("yes", "Follow"), ("no", "No longer")], coerce=lambda word: word == "yes"
    )
