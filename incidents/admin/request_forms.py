"""What staff type to answer a request for a post-mortem, and the saved looks at their queue."""

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.widgets import AdminTextareaWidget
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from incidents.models import AnswerTemplate
from incidents.queries import request_queue
from incidents.queries.request_queue import View
from tenants.models import User


class ViewFilter(admin.SimpleListFilter):
    """The saved views of the queue, each with how many requests it holds."""

    title = "view"
    parameter_name = "view"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        counted = request_queue.counts_of_views(user_id=request.user.pk, now=timezone.now())
        return [(view.value, f"{view.label} ({count})") for view, count in counted.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value()
        if value is None:
            return queryset
        try:
            view = View(value)
        except ValueError as error:
            raise IncorrectLookupParameters from error
        return queryset.filter(request_queue.within(view, user_id=request.user.pk, now=timezone.now()))


class Words(forms.CharField):
    """A text of several lines, which counts a line break as one character, as the browser does."""

    def to_python(self, value: Any) -> str:
        return str(super().to_python(value)).replace("\r\n", "\n")


class TemplateChoice(forms.ModelChoiceField):  # type: ignore[type-arg]  # not generic at run time
    """A text that is kept for answers like this one; taken where nothing else is written."""

    def __init__(self) -> None:
        super().__init__(
            queryset=None,
            required=False,
            empty_label="None",
            label="Template",
            help_text="Taken as it is, unless you write something below.",
        )


class TemplatedForm(forms.Form):
    """A text of one's own, else a template's."""

    written = "text"

    def __init__(self, *values: Any, **options: Any) -> None:
        super().__init__(*values, **options)
        self.fields["template"].queryset = AnswerTemplate.objects.order_by("name")  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        template = cleaned.get("template")
        if template is not None and not cleaned.get(self.written, "").strip():
            cleaned[self.written] = template.text
        return cleaned


class DeclineForm(TemplatedForm):
    """Why requests are declined, in the words that the clients read."""

    written = "reason"

    template = TemplateChoice()
    reason = Words(
        max_length=2_000,
        required=False,
        widget=AdminTextareaWidget(attrs={"rows": 4}),
        help_text="The client reads this as it is.",
    )


class AnswerForm(TemplatedForm):
    """The answer to one question."""

    template = TemplateChoice()
    text = Words(
        label="Answer",
        max_length=4_000,
        required=False,
        widget=AdminTextareaWidget(attrs={"rows": 3}),
        help_text="The client reads this as it is.",
    )


class AskBackForm(forms.Form):
    """What staff need to know of the client."""

    text = Words(
        label="Question",
        max_length=1_000,
        widget=AdminTextareaWidget(attrs={"rows": 3}),
        help_text="The client reads this as it is, and the request waits for it.",
    )


class PersonChoice(forms.ModelChoiceField):  # type: ignore[type-arg]  # not generic at run time
    """One of staff who may answer requests."""

    def __init__(self) -> None:
        super().__init__(
            queryset=User.objects.none(), required=False, empty_label="Nobody", label="Assigned to"
        )

    def label_from_instance(self, obj: Any) -> str:
        return f"{obj.name} ({obj.email})"


class AssigneeForm(forms.Form):
    """Who of staff works on requests."""

    assignee = PersonChoice()

    def __init__(self, *values: Any, **options: Any) -> None:
        super().__init__(*values, **options)
        self.fields["assignee"].queryset = request_queue.people_who_answer()  # type: ignore[attr-defined]


class DeskForm(AssigneeForm):
    """Who works on one request, and what staff note for themselves."""

    note = forms.CharField(
        max_length=4_000,
        required=False,
        widget=AdminTextareaWidget(attrs={"rows": 3}),
        help_text="For staff alone. No client reads this.",
    )
