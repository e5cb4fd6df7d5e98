"""Corrective actions, for staff: what is promised, how far it is, whether it has happened again."""

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from incidents.admin.filters import IncidentFilter
from incidents.admin.of_incident import OfIncident
from incidents.admin.report_forms import AgainForm, ProgressForm, PromiseForm, WordsForm
from incidents.choices import ActionState
from incidents.models import ActionChange, CorrectiveAction, PostMortem
from incidents.operations import corrective_actions
from tenants import admin_pages as pages
from tenants.admin_pages import RecordAdmin

OVER = (ActionState.DONE, ActionState.DROPPED)


class OverdueFilter(admin.SimpleListFilter):
    """What was promised for a day that is past, and is not over."""

    title = "due"
    parameter_name = "due"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("overdue", "Overdue"), ("open", "Not over")]

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[CorrectiveAction]
    ) -> QuerySet[CorrectiveAction]:
        is_open = ~Q(state__in=OVER)
        match self.value():
            case "overdue":
                return queryset.filter(is_open, due_on__lt=timezone.localdate())
            case "open":
                return queryset.filter(is_open)
            case _:
                return queryset


@admin.register(CorrectiveAction)
class CorrectiveActionAdmin(OfIncident, RecordAdmin):
    """Words until a client has read them; from then on only how far it is."""

    list_display = ("title", "incident_reference", "owner", "state", "due", "is_published")
    list_filter = (OverdueFilter, "state", IncidentFilter)
    list_select_related = ("incident",)
    search_fields = ("title", "owner", "incident__reference")
    ordering = ("due_on", "id")

    def get_queryset(self, request: HttpRequest) -> QuerySet[CorrectiveAction]:
        return super().get_queryset(request).select_related("incident")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return admin.ModelAdmin.has_add_permission(self, request)

    @admin.display(description="due", ordering="due_on")
    def due(self, action: CorrectiveAction) -> SafeString | str:
        if action.due_on is None:
            return pages.NOTHING
        is_late = action.state not in OVER and action.due_on < timezone.localdate()
        day = f"{action.due_on.day} {action.due_on:%b %Y}"
        if not is_late:
            return day
        return format_html('<span class="late"><strong>Overdue</strong> {}</span>', day)

    @admin.display(description="read by clients", boolean=True)
    def is_published(self, action: CorrectiveAction) -> bool:
        return action.published_at is not None

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = PromiseForm(request.POST or None, initial={"incident": request.GET.get("incident")})
        if request.method == "POST" and form.is_valid():
            with pages.refusals_shown(request):
                made = corrective_actions.promise(
                    pages.staff(request).actor,
                    incident_id=form.cleaned_data["incident"].pk,
                    words=form.words(),
                    now=timezone.now(),
                )
                messages.success(request, "Added. Clients read it with the next version of the report.")
                return self.to_row(made)
        return self.page(
            request,
            "admin/consequence.html",
            "Add a corrective action",
            back=self.address("changelist"),
            facts={},
            says="Once a version of the report is published with it, its words stay.",
            form=form,
            media=self.media + form.media,
            submit="Add",
        )

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        if not self.has_view_or_change_permission(request):
            raise PermissionDenied
        action: CorrectiveAction | None = self.get_object(request, object_id)
        if action is None:
            raise Http404
        is_sent = request.method == "POST"
        if is_sent and not self.has_change_permission(request):
            raise PermissionDenied
        if is_sent and "_take_out" in request.POST:
            return self._take_out(request, action)
        words, progress, again = _forms(request, action)
        if is_sent and self._act(request, action, words, progress, again):
            return self.to_row(action)
        report = PostMortem.objects.filter(incident=action.incident).first()
        return self.page(
            request,
            "admin/corrective_action.html",
            action.title,
            original=action.incident,
            action=action,
            due=self.due(action),
            report=report,
            back=self.address("changelist"),
            words=words,
            progress=progress,
            again=again,
            may_link=again.later.exists(),
            media=self.media + progress.media,
            may_change=self.has_change_permission(request),
            changes=ActionChange.objects.filter(action=action).select_related("again", "by").order_by("-at"),
        )

    def _act(
        self,
        request: HttpRequest,
        action: CorrectiveAction,
        words: WordsForm,
        progress: ProgressForm,
        again: AgainForm,
    ) -> bool:
        """Do what the pressed button says. False where its form has to be shown again."""
        actor, now = pages.staff(request).actor, timezone.now()
        form: WordsForm | ProgressForm | AgainForm
        form = words if words.is_bound else progress if progress.is_bound else again
        if not form.is_valid():
            return False
        with pages.refusals_shown(request):
            if isinstance(form, WordsForm):
                corrective_actions.reword(actor, action_id=action.pk, words=form.words(), now=now)
            elif isinstance(form, ProgressForm):
                corrective_actions.move_on(
                    actor,
                    action_id=action.pk,
                    state=ActionState(form.cleaned_data["state"]),
                    due_on=form.cleaned_data["due_on"],
                    note=form.cleaned_data["note"],
                    now=now,
                )
            else:
                corrective_actions.link_again(
                    actor,
                    action_id=action.pk,
                    later=form.cleaned_data["again"],
                    note=form.cleaned_data["why"],
                    now=now,
                )
            messages.success(request, "Saved.")
        return True

    def _take_out(self, request: HttpRequest, action: CorrectiveAction) -> HttpResponse:
        with pages.refusals_shown(request):
            corrective_actions.take_out(pages.staff(request).actor, action_id=action.pk, now=timezone.now())
            messages.success(request, f"“{action.title}” was taken out. No client had read it.")
            return HttpResponseRedirect(self.address("changelist"))
        return self.to_row(action)


def _forms(request: HttpRequest, action: CorrectiveAction) -> tuple[WordsForm, ProgressForm, AgainForm]:
    """The three forms of the page; the one whose button was pressed is bound."""
    sent = request.POST
    return (
        WordsForm(
            sent if "_words" in sent else None,
            initial={
                "title": action.title,
                "text": action.text,
                "owner": action.owner,
                "due_on": action.due_on,
            },
        ),
        ProgressForm(
            sent if "_progress" in sent else None,
            initial={"state": action.state, "due_on": action.due_on, "note": action.note},
        ),
        AgainForm(sent if "_again" in sent else None, action=action),
    )
