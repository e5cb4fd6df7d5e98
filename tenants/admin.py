"""People, memberships, outgoing mails and the audit, for staff."""

import functools
from collections.abc import Collection
from typing import Any
from uuid import UUID

from allauth.account import admin as address_admin
from allauth.account.models import EmailAddress
from django import forms
from django.apps import apps
from django.contrib import admin, messages
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.forms import UserChangeForm, UserCreationForm
from django.contrib.auth.models import Group
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.text import capfirst

from tenants import admin_pages as pages
from tenants import audit, audit_seals, tasks
from tenants.admin_pages import RecordAdmin, StaffAdmin
from tenants.models import AuditEvent, AuditSeal, Membership, OutgoingMail, RowChange, User
from tenants.row_change_pages import RowChangeAdmin

# The library's own screens would be a second way to a person's addresses: kept with the person.
# Django's own screen of groups refuses less than ours do.
for _model in (address_admin.EmailAddress, address_admin.EmailConfirmation, Group):
    if admin.site.is_registered(_model):
        admin.site.unregister(_model)


class NewPersonForm(UserCreationForm):  # type: ignore[type-arg]  # not generic at run time
    """E-mail, name and an initial password, typed twice and checked like any other."""

    class Meta:
        model = User
        fields = ("email", "name", "time_zone", "is_staff")

    def clean_email(self) -> str:
        return str(self.cleaned_data["email"]).lower()


class PersonForm(UserChangeForm):  # type: ignore[type-arg]
    class Meta:
        model = User
        fields = "__all__"

    def clean_email(self) -> str:
        return str(self.cleaned_data["email"]).lower()

    def clean_is_staff(self) -> bool:
        is_staff = bool(self.cleaned_data["is_staff"])
        if is_staff and self.instance.memberships.exists():
            raise ValidationError("Members of a company are never staff. Remove the memberships first.")
        return is_staff


class MemberForm(forms.ModelForm):  # type: ignore[type-arg]  # not generic at run time
    def clean_user(self) -> User:
        user: User = self.cleaned_data["user"]
        if user.is_staff:
            raise ValidationError(
                "Staff are never members of a company. Make another account for this person."
            )
        return user


class OwnMembershipInline(admin.TabularInline):  # type: ignore[type-arg]
    """The companies of one person; people are added to a company on the company's page."""

    model = Membership
    formset = pages.NamedRows
    fields = ("company", "role", "since")
    readonly_fields = ("company", "since")
    max_num = 0
    verbose_name_plural = "member of"
    since = pages.instant_column("created_at", "since")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Membership]:
        return super().get_queryset(request).select_related("company")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(User)
class PersonAdmin(StaffAdmin, UserAdmin):  # type: ignore[type-arg]
    """Accounts are switched off, never deleted: what a person did stays theirs.

    Accounts of staff, and who is staff, belong to superusers.
    """

    form = PersonForm
    add_form = NewPersonForm
    add_form_template = None
    list_display = ("email", "name", "kind", "is_active", "companies", "last_seen")
    list_filter = ("is_active", "is_staff", "is_superuser")
    search_fields = ("email", "name")
    ordering = ("email",)
    list_select_related = False
    inlines = (OwnMembershipInline,)
    fieldsets = (
        (None, {"fields": ("email", "name", "password", "time_zone", "is_active")}),
        (
            "Staff",
            {
                "fields": ("is_staff", "is_superuser", "groups", "user_permissions"),
                "classes": ("collapse",),
            },
        ),
        ("Dates", {"fields": ("last_seen", "joined")}),
    )
    add_fieldsets = (
        (
            None,
            {
                "classes": ("wide",),
                "fields": (
                    "email",
                    "name",
                    "time_zone",
                    "is_staff",
                    "password1",
                    "password2",
                ),
            },
        ),
    )
    last_seen = pages.instant_column("last_login", "last sign-in")
    joined = pages.instant_column("date_joined", "account since")

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        return super().get_queryset(request).prefetch_related("memberships__company")

    @admin.display(description="kind", ordering="is_staff")
    def kind(self, person: User) -> str:
        if not person.is_staff:
            return "Client"
        return "Staff, superuser" if person.is_superuser else "Staff"

    def companies_of(self, row: User) -> Collection[UUID]:
        return {each.company_id for each in row.memberships.all()}

    @admin.display(description="member of")
    def companies(self, person: User) -> str:
        names = sorted((each.company.name for each in person.memberships.all()), key=str.casefold)
        return ", ".join(names) or pages.NOTHING

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        may = super().has_change_permission(request, obj)
        return may and (obj is None or not obj.is_staff or self._rules(request))

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        fixed = ("last_seen", "joined")
        if self._rules(request):
            return fixed
        return (*fixed, "is_staff", "is_superuser", "groups", "user_permissions")

    def get_inlines(self, request: HttpRequest, obj: Any) -> Any:
        return self.inlines if obj is not None and not obj.is_staff else ()

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if change and "email" in form.changed_data:
            # What the person signed in with before must not open the account any more.
            EmailAddress.objects.filter(user=obj).exclude(email=obj.email).delete()
        if not change:
            self._write_down(request, "person.added", obj, is_staff=obj.is_staff)
        elif form.changed_data:
            self._write_down(
                request,
                "person.changed",
                obj,
                fields=form.changed_data,
                is_active=obj.is_active,
                is_staff=obj.is_staff,
                is_superuser=obj.is_superuser,
            )

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> Any:  # noqa: A002 - Django's name
        answer = super().user_change_password(request, id, form_url)
        if request.method == "POST" and isinstance(answer, HttpResponseRedirect):
            self._write_down(request, "person.password_changed", User.objects.get(pk=id))
        return answer

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        super().save_formset(request, form, formset, change)
        write_down_memberships(request, formset)

    @staticmethod
    def _write_down(request: HttpRequest, action: str, person: User, **detail: Any) -> None:
        audit.record(pages.staff(request).actor, action, person, now=timezone.now(), **detail)

    @staticmethod
    def _rules(request: HttpRequest) -> bool:
        return bool(request.user.is_active and request.user.is_superuser)


@admin.register(Group)
class StaffGroupAdmin(StaffAdmin, GroupAdmin):
    """Rights that several of the staff have together."""

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return admin.ModelAdmin.has_delete_permission(self, request, obj)


@admin.register(Membership)
class MembershipAdmin(StaffAdmin):
    """Who belongs to which company. Removing one ends that person's access at the next request."""

    form = MemberForm
    list_display = ("user", "name", "company", "role", "since")
    list_display_links = ("user",)
    list_filter = ("role",)
    list_select_related = ("user", "company")
    search_fields = ("user__email", "user__name", "company__name", "company__slug")
    autocomplete_fields = ("user", "company")
    ordering = ("-id",)
    readonly_fields = ("since",)
    since = pages.instant_column("created_at", "since")

    def describe(self, row: Membership) -> str:
        return f"{row.user.name} in {row.company.name}"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Membership]:
        return super().get_queryset(request).select_related("user", "company")

    @admin.display(description="name", ordering="user__name")
    def name(self, membership: Membership) -> str:
        return membership.user.name

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("user", "company", "since") if obj else ()

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return obj is not None and admin.ModelAdmin.has_delete_permission(self, request, obj)

    def save_model(self, request: HttpRequest, obj: Membership, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        _write_down(request, "membership.changed" if change else "membership.added", obj)

    def delete_model(self, request: HttpRequest, obj: Membership) -> None:
        _write_down(request, "membership.removed", obj)
        super().delete_model(request, obj)


def write_down_memberships(request: HttpRequest, formset: Any) -> None:
    """Audit what a saved set of membership rows added, changed and removed."""
    for membership in formset.new_objects:
        _write_down(request, "membership.added", membership)
    for membership, _fields in formset.changed_objects:
        _write_down(request, "membership.changed", membership)
    for membership in formset.deleted_objects:
        _write_down(request, "membership.removed", membership)


def _write_down(request: HttpRequest, action: str, membership: Membership) -> None:
    audit.record(
        pages.staff(request).actor,
        action,
        membership,
        now=timezone.now(),
        company_id=membership.company_id,
        user=str(membership.user_id),
        role=membership.role,
    )


@admin.register(AuditEvent)
class AuditEventAdmin(RecordAdmin):
    """The table that only grows, each row with its place in the chain that seals it."""

    list_display = ("when", "actor_name", "action", "company", "done_to", "place")
    list_display_links = ("when", "action")
    list_select_related = ("company",)
    search_fields = ("actor_name", "action", "company__name", "=object_id")
    search_help_text = "Who, what (“incident.published”), which company, or the exact id of an object."
    ordering = ("-at",)
    fieldsets = (
        (
            None,
            {
                "fields": (
                    *("when", "actor", "actor_name", "actor_kind", "shown_name", "action", "company"),
                    *("done_to", "object_id", "details"),
                )
            },
        ),
        ("Chain", {"fields": ("place", "sealed", "digest")}),
    )
    when = pages.instant_column("at", "at")
    sealed = pages.instant_column("sealed_at", "sealed")

    def get_urls(self) -> list[URLPattern]:
        verify = path("verify/", self.admin_site.admin_view(self.verify_page), name=self._page_name("verify"))
        return [verify, *super().get_urls()]

    def verify_page(self, request: HttpRequest) -> HttpResponse:
        """Ask, then have the worker hold every row against its seal."""
        if not request.user.has_perm("tenants.verify_audit"):
            raise PermissionDenied
        if request.method == "POST":
            audit_seals.ask_for_verification(pages.staff(request).actor, now=timezone.now())
            transaction.on_commit(functools.partial(tasks.verify_audit.apply_async, retry=False), robust=True)
            messages.success(request, "The audit is being verified. The console says what comes of it.")
            return HttpResponseRedirect(reverse("admin:index"))
        last = audit_seals.last_verification(now=timezone.now())
        return self.page(
            request,
            "admin/consequence.html",
            "Verify the audit now?",
            back=self.address("changelist"),
            facts={"Verified last": pages.instant(last.at), "Rows": audit_seals.head().number},
            says=(
                "The worker holds every row against its seal, and every seal against the one before. It "
                "only reads; what it finds is written into the audit and shown on the console. It is done "
                "once a day by itself."
            ),
            submit="Verify now",
        )

    def get_queryset(self, request: HttpRequest) -> Any:
        seal = AuditSeal.objects.filter(event_id=OuterRef("pk"))
        return (
            super()
            .get_queryset(request)
            .annotate(
                seal_number=Subquery(seal.values("number")),
                sealed_at=Subquery(seal.values("sealed_at")),
                seal_digest=Subquery(seal.values("digest")),
            )
        )

    @admin.display(description="object", ordering="object_type")
    def done_to(self, event: AuditEvent) -> SafeString | str:
        """What it was done to, with the way to its page where it has one."""
        try:
            model = apps.get_model(event.object_type)
        except (LookupError, ValueError):
            return event.object_type or pages.NOTHING
        words = capfirst(model._meta.verbose_name)  # noqa: SLF001 - Django's documented way
        has_page = event.object_id and self.admin_site.is_registered(model)
        return pages.row_link(model(pk=event.object_id), words) if has_page else words

    @admin.display(description="detail")
    def details(self, event: AuditEvent) -> SafeString:
        return pages.lines(event.detail)

    @admin.display(description="seal")
    def place(self, event: Any) -> str:
        return "Waiting" if event.seal_number is None else f"{event.seal_number:,}"

    @admin.display(description="digest")
    def digest(self, event: Any) -> str:
        return event.seal_digest or pages.NOTHING


admin.site.register(RowChange, RowChangeAdmin)


@admin.register(OutgoingMail)
class OutgoingMailAdmin(RecordAdmin):
    """Account mails on their way. Their texts are never shown: they may hold a secret link."""

    list_display = ("to_address", "subject", "standing", "made", "attempts", "next_try", "sent", "given_up")
    search_fields = ("to_address", "subject")
    ordering = ("-id",)
    fields = ("to_address", "subject", "standing", "attempts", "made", "next_try", "sent", "given_up")
    made = pages.instant_column("created_at", "made")
    next_try = pages.instant_column("due_at", "next try")
    sent = pages.instant_column("sent_at", "sent")
    given_up = pages.instant_column("failed_at", "given up")

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """Not by the texts: what may not be shown may not be guessed letter by letter either."""
        return not lookup.startswith("body_") and super().lookup_allowed(lookup, value, request)

    @admin.display(description="state")
    def standing(self, mail: OutgoingMail) -> str:
        if mail.sent_at:
            return "Sent"
        return "Given up" if mail.failed_at else "Waiting"
