"""What staff type of a report: its texts, its publication, a corrective action and how far it is."""

from typing import Any

from django import forms
from django.contrib.admin.widgets import AdminDateWidget, AdminTextareaWidget, AdminTextInputWidget
from django.db.models import QuerySet

from incidents.choices import ActionState, IncidentState, PublicationKind, choices
from incidents.models import CorrectiveAction, Incident, PostMortem
from incidents.models.report import LONGEST_TEXT
from incidents.operations.corrective_actions import Words
from incidents.report_content import SECTIONS
from tenants import view_as

MOST_REASONS = 100
_HELP = {
    "summary": "What happened, to whom and for how long, in a few sentences.",
    "root_cause": "What set it off.",
    "contributing_causes": "What made it worse, or longer.",
    "comes_next": "What is still being looked into, and when you will write again.",
}


def _text(label: str, *, rows: int, help_text: str) -> forms.CharField:
    return forms.CharField(
        label=label,
        required=False,
        strip=False,
        max_length=LONGEST_TEXT,
        help_text=help_text,
        widget=AdminTextareaWidget(attrs={"rows": rows}),
    )


class BeginForm(forms.Form):
    """Of which incident a report is begun, and in which zone its text names clocks."""

    report_on: Any = forms.ModelChoiceField(
        label="Report on", queryset=None, help_text="Published incidents without a report, newest first."
    )
    zone = forms.ChoiceField(label="Clocks in the text are in", help_text="It cannot be changed later.")

    def __init__(self, *values: Any, **options: Any) -> None:
        super().__init__(*values, **options)
        free = _published().filter(post_mortem=None)
        self.fields["report_on"].queryset = free  # type: ignore[attr-defined]
        self.fields["zone"].choices = [(zone, zone) for zone in view_as.zones()]  # type: ignore[attr-defined]


class ReportForm(forms.Form):
    """The texts of a report, and how many saves its author had seen."""

    summary = _text("Summary", rows=8, help_text=_HELP["summary"])
    timeline = _text("Timeline", rows=12, help_text="")
    root_cause = _text("Root cause", rows=6, help_text=_HELP["root_cause"])
    contributing_causes = _text("Contributing causes", rows=8, help_text=_HELP["contributing_causes"])
    comes_next = _text("What comes next", rows=4, help_text=_HELP["comes_next"])
    seen = forms.IntegerField(widget=forms.HiddenInput, min_value=0)

    def __init__(self, *values: Any, draft: PostMortem, **options: Any) -> None:
        initial = {name: getattr(draft, name) for name in (*SECTIONS, "timeline")}
        options["initial"] = initial | {"seen": draft.saved_count}
        super().__init__(*values, **options)
        self.fields["timeline"].help_text = (
            "One moment a line: 2026-02-04 13:45 to 14:00 | What it was | What can be said of it. "
            f"Clocks in {draft.zone}."
        )

    def texts(self) -> dict[str, str]:
        return {name: self.cleaned_data[name] for name in (*SECTIONS, "timeline")}

    def reasons(self) -> dict[str, str]:
        """What was typed beside each contradiction, by its key."""
        found = {}
        for number in range(1, MOST_REASONS + 1):
            key = self.data.get(f"key-{number}", "").replace("\0", "")[:500]
            if key:
                found[key] = self.data.get(f"reason-{number}", "").replace("\0", "")[:2_000]
        return found


class PublishForm(forms.Form):
    """As what a version is published, and what is new in it where there was one before."""

    kind = forms.ChoiceField(widget=forms.RadioSelect)
    change_note = forms.CharField(
        label="What is new",
        required=False,
        max_length=2_000,
        widget=AdminTextareaWidget(attrs={"rows": 3}),
        help_text="For those who have read the version before. They also see every difference.",
    )
    number = forms.IntegerField(widget=forms.HiddenInput, min_value=1)
    """Which version its author is about to publish, so that none is published twice."""

    def __init__(self, *values: Any, kinds: tuple[PublicationKind, ...], number: int, **options: Any) -> None:
        options["initial"] = {"kind": kinds[0], "number": number}
        super().__init__(*values, **options)
        self.fields["kind"].choices = [(kind.value, kind.label) for kind in kinds]  # type: ignore[attr-defined]
        if number == 1:
            del self.fields["change_note"]


class WordsForm(forms.Form):
    """What is promised, by whom and by when."""

    title = forms.CharField(max_length=160, widget=AdminTextInputWidget)
    text = forms.CharField(
        label="Text (Markdown)",
        required=False,
        max_length=5_000,
        widget=AdminTextareaWidget(attrs={"rows": 5}),
    )
    owner = forms.CharField(
        label="Who sees to it",
        max_length=120,
        widget=AdminTextInputWidget,
        help_text="A team or a role. Clients read it.",
    )
    due_on = forms.DateField(label="Due", required=False, widget=AdminDateWidget)

    def words(self) -> Words:
        typed = self.cleaned_data
        return Words(title=typed["title"], text=typed["text"], owner=typed["owner"], due_on=typed["due_on"])


class PromiseForm(WordsForm):
    """The same for a new corrective action, and of which incident."""

    incident: Any = forms.ModelChoiceField(queryset=None, help_text="Published incidents, newest first.")
    field_order = ("incident",)

    def __init__(self, *values: Any, **options: Any) -> None:
        super().__init__(*values, **options)
        self.fields["incident"].queryset = _published()  # type: ignore[attr-defined]


class ProgressForm(forms.Form):
    """How far a corrective action is, and by when it is due."""

    state = forms.ChoiceField(choices=choices(ActionState), widget=forms.RadioSelect)
    due_on = forms.DateField(label="Due", required=False, widget=AdminDateWidget)
    note = forms.CharField(
        label="Evidence, or why",
        required=False,
        max_length=2_000,
        widget=AdminTextareaWidget(attrs={"rows": 3}),
        help_text="Clients read it. What is done needs evidence, what is dropped or put off a reason.",
    )


class AgainForm(forms.Form):
    """The later incident in which it has happened again."""

    again: Any = forms.ModelChoiceField(label="Later incident", queryset=None)
    why = forms.CharField(
        label="In what way (optional)",
        required=False,
        max_length=2_000,
        widget=AdminTextareaWidget(attrs={"rows": 2}),
        help_text="Only clients that the later incident touches too read this.",
    )

    def __init__(self, *values: Any, action: CorrectiveAction, **options: Any) -> None:
        super().__init__(*values, **options)
        self.later = _published().filter(started_at__gt=action.incident.started_at)
        self.fields["again"].queryset = self.later  # type: ignore[attr-defined]


def _published() -> QuerySet[Incident]:
    """What clients read and was not set aside, newest first."""
    published = Incident.objects.filter(published_at__isnull=False)
    return published.exclude(state__in=IncidentState.set_aside()).order_by("-started_at")
