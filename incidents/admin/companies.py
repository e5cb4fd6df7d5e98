"""Client companies, for staff: people, what they run on, consent to be named, access."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from incidents.admin import catalogue
from incidents.admin.view_as import ViewAsPages
from incidents.models import Component, Placement, Recovery
from incidents.operations import disclosure
from tenants import admin_pages as pages
from tenants.admin import MemberForm, write_down_memberships
from tenants.models import Company, Membership
from tenants.models.company import RESERVED_SLUGS
from tenants.operations import companies


class CompanyForm(forms.ModelForm):  # type: ignore[type-arg]  # not generic at run time
    """A company with the components that it runs on as one list of boxes."""

    runs_on: Any = forms.ModelMultipleChoiceField(
        queryset=None,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="Its placements: an incident that is published on one of these reaches the company.",
    )

    def __init__(self, *values: Any, **options: Any) -> None:
        super().__init__(*values, **options)
        if "runs_on" not in self.fields:  # who may only look gets no fields
            return
        self.fields["runs_on"].queryset = Component.objects.order_by("name")  # type: ignore[attr-defined]
        if self.instance.pk and not self.instance._state.adding:  # noqa: SLF001 - Django's documented way
            self.initial["runs_on"] = list(
                Placement.objects.filter(company=self.instance).values_list("component_id", flat=True)
            )

    def clean_slug(self) -> str:
        slug = str(self.cleaned_data["slug"])
        if slug in RESERVED_SLUGS:
            raise ValidationError("The portal needs this word for addresses of its own. Choose another.")
        return slug

    def clean_runs_on(self) -> QuerySet[Component]:
        chosen: QuerySet[Component] = self.cleaned_data["runs_on"]
        removed = set(self.initial.get("runs_on", ())) - {component.pk for component in chosen}
        if removed:
            open_recovery = catalogue.kept_by_open_incidents(self.instance, removed).first()
            if open_recovery is not None:
                raise ValidationError(
                    "The company is not restored yet in an incident of a component that you removed. "
                    "Remove it when the incident has ended."
                )
        return chosen


class _MemberInline(admin.TabularInline):  # type: ignore[type-arg]  # not generic at run time
    model = Membership
    form = MemberForm
    formset = pages.NamedRows


class MemberInline(_MemberInline):
    """The people that a company has."""

    verbose_name_plural = "people"
    fields = ("person", "name", "role", "since")
    readonly_fields = ("person", "name", "since")
    max_num = 0
    since = pages.instant_column("created_at", "since")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Membership]:
        return super().get_queryset(request).select_related("user").order_by("user__email")

    @admin.display(description="e-mail")
    def person(self, membership: Membership) -> str:
        return membership.user.email

    @admin.display(description="name")
    def name(self, membership: Membership) -> str:
        return membership.user.name

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class NewMemberInline(_MemberInline):
    """Rows for people to add: only these need a list to choose from."""

    verbose_name_plural = "add people"
    fields = ("user", "role")
    autocomplete_fields = ("user",)
    extra = 1

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Company)
class CompanyAdmin(ViewAsPages):
    """Companies are suspended, never deleted: their record stays."""

    form = CompanyForm
    change_form_template = "admin/company_change_form.html"
    list_display = ("name", "slug", "access", "consent", "people", "placements", "time_zone", "since")
    list_filter = (
        ("suspended_at", admin.EmptyFieldListFilter),
        "consents_to_be_named",
    )
    list_select_related = False
    search_fields = ("name", "slug")
    ordering = ("name",)
    inlines = (MemberInline, NewMemberInline)
    actions = ("let_be_named", "keep_unnamed", "suspend", "reinstate")
    object_pages = {"consent": "consent_page", "access": "access_page"}
    since = pages.instant_column("created_at", "client since")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Company]:
        def count_of(model: Any) -> Any:
            rows = model.objects.filter(company=OuterRef("pk")).order_by().values("company")
            return Coalesce(Subquery(rows.annotate(count=Count("pk")).values("count")), 0)

        every: QuerySet[Company] = super().get_queryset(request)
        return every.annotate(people_count=count_of(Membership), placement_count=count_of(Placement))

    @admin.display(description="access", ordering="suspended_at")
    def access(self, company: Company) -> str:
        return "Suspended" if company.is_suspended else "Open"

    @admin.display(description="to other clients", ordering="consents_to_be_named")
    def consent(self, company: Company) -> str:
        return "May be named" if company.consents_to_be_named else "Not named"

    @admin.display(description="people", ordering="people_count")
    def people(self, company: Any) -> int:
        return int(company.people_count)

    @admin.display(description="runs on", ordering="placement_count")
    def placements(self, company: Any) -> int:
        return int(company.placement_count)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None:
            fields: tuple[str, ...] = ("name", "slug", "time_zone", "consents_to_be_named", "runs_on")
        elif self.has_change_permission(request, obj):
            fields = ("name", "slug", "time_zone", "access", "consent", "since", "runs_on")
        else:
            fields = ("name", "slug", "time_zone", "access", "consent", "since")
        return ((None, {"fields": fields}),)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return () if obj is None else ("slug", "access", "consent", "since")

    def save_model(self, request: HttpRequest, obj: Company, form: Any, change: bool) -> None:
        if not change:
            super().save_model(request, obj, form, change)
            return
        if "name" in form.changed_data:
            disclosure.rename(
                pages.staff(request).actor, company_id=obj.pk, name=obj.name, now=timezone.now()
            )
        # Only what the form changes: consent or access may have changed since it was read.
        obj.save(update_fields=[field for field in form.changed_data if field == "time_zone"])

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        if "runs_on" not in form.cleaned_data:
            return
        company = form.instance
        chosen = {component.pk for component in form.cleaned_data["runs_on"]}
        Placement.objects.filter(company=company).exclude(component__in=chosen).delete()
        Placement.objects.bulk_create(
            [Placement(company=company, component_id=each) for each in sorted(chosen)], ignore_conflicts=True
        )

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        super().save_formset(request, form, formset, change)
        write_down_memberships(request, formset)

    def render_change_form(
        self, request: HttpRequest, context: Any, *positional: Any, **named: Any
    ) -> HttpResponse:
        context["may_act"] = self.has_change_permission(request)
        return super().render_change_form(request, context, *positional, **named)

    # Consent: rosters are written anew, so it is never a plain box.

    @admin.action(description="Let other clients read the name", permissions=["change"])
    def let_be_named(self, request: HttpRequest, queryset: QuerySet[Company]) -> None:
        self._set_consent(request, queryset, consents=True)

    @admin.action(description="Keep the name from other clients", permissions=["change"])
    def keep_unnamed(self, request: HttpRequest, queryset: QuerySet[Company]) -> None:
        self._set_consent(request, queryset, consents=False)

    def consent_page(self, request: HttpRequest, object_id: Any) -> HttpResponse:
        """Ask, then let the name be read by others or keep it from them."""
        company: Company = self.subject(request, object_id)
        consents = not company.consents_to_be_named
        if request.POST.get("consents") in {"yes", "no"}:
            self._set_consent(
                request, Company.objects.filter(pk=company.pk), consents=request.POST.get("consents") == "yes"
            )
            return self.to_row(company)
        in_tail = Recovery.objects.filter(company=company, in_tail=True).count()
        return self.page(
            request,
            "admin/consequence.html",
            f"Let other clients read “{company.name}”?"
            if consents
            else f"Keep “{company.name}” from other clients?",
            original=company,
            back=self.address("change", company),
            facts={"Incidents in which it was among the last to recover": in_tail},
            says=(
                "Its name will be read by the other affected companies of these incidents, from now on."
                if consents
                else "Its name leaves every published list at once; it counts as a client that is not named."
            ),
            hidden=[("consents", "yes" if consents else "no")],
            submit="Let it be named" if consents else "Keep it unnamed",
        )

    def _set_consent(self, request: HttpRequest, queryset: QuerySet[Company], *, consents: bool) -> None:
        actor, now = pages.staff(request).actor, timezone.now()
        ids = list(queryset.values_list("pk", flat=True))
        changed = disclosure.set_consents(actor, company_ids=ids, consents=consents, now=now)
        words = "named to other clients from now on" if consents else "not named to other clients any more"
        messages.success(request, f"{_companies(changed)} {words}.")

    # Access.

    @admin.action(description="Suspend access", permissions=["change"])
    def suspend(self, request: HttpRequest, queryset: QuerySet[Company]) -> None:
        self._set_access(request, queryset, is_open=False)

    @admin.action(description="Open access again", permissions=["change"])
    def reinstate(self, request: HttpRequest, queryset: QuerySet[Company]) -> None:
        self._set_access(request, queryset, is_open=True)

    def access_page(self, request: HttpRequest, object_id: Any) -> HttpResponse:
        """Ask, then close the company's access or open it again."""
        company: Company = self.subject(request, object_id)
        if request.POST.get("access") in {"open", "suspended"}:
            is_open = request.POST.get("access") == "open"
            self._set_access(request, Company.objects.filter(pk=company.pk), is_open=is_open)
            return self.to_row(company)
        is_suspended = company.is_suspended
        return self.page(
            request,
            "admin/consequence.html",
            f"Open the access of “{company.name}” again?" if is_suspended else f"Suspend “{company.name}”?",
            original=company,
            back=self.address("change", company),
            facts={"People of this company": Membership.objects.filter(company=company).count()},
            says=(
                "Its people can open its pages again, from their next request on."
                if is_suspended
                else "Its people can open none of its pages, from their next request on. Nothing is deleted."
            ),
            hidden=[("access", "open" if is_suspended else "suspended")],
            submit="Open access" if is_suspended else "Suspend",
            is_dangerous=not is_suspended,
        )

    def _set_access(self, request: HttpRequest, queryset: QuerySet[Company], *, is_open: bool) -> None:
        operation = companies.reinstate if is_open else companies.suspend
        ids = list(queryset.values_list("pk", flat=True))
        changed = operation(pages.staff(request).actor, company_ids=ids, now=timezone.now())
        messages.success(request, f"{_companies(changed)} {'open again' if is_open else 'suspended'}.")


def _companies(count: int) -> str:
    return "1 company is" if count == 1 else f"{count} companies are"
