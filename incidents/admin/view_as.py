"""Where staff say as whom, in which zone and why they want to see a client's pages."""

import re
from typing import Any

from django import forms
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import Q
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone

from incidents.models import Recovery
from tenants import admin_pages as pages
from tenants import audit, view_as
from tenants.admin_pages import StaffAdmin
from tenants.models import Company
from tenants.permissions import Role

_REFERENCE = re.compile(r"[A-Za-z0-9-]{1,16}")
MOST_PROPOSED = 8
EXPLAINED = {
    Role.OWNER: "Owner: answers for the account",
    Role.MANAGER: "Manager: asks for reports",
    Role.READER: "Reader: reads only",
}


class ViewAsForm(forms.Form):
    """As whom, in which zone, and why."""

    company = forms.CharField(
        label="Client company",
        max_length=120,
        help_text="Its name, or the short name that its addresses begin with.",
    )
    role = forms.ChoiceField(label="As", choices=[(role.value, EXPLAINED[role]) for role in Role])
    zone = forms.ChoiceField(label="Times in", required=False)
    reason = forms.CharField(
        label="Why (optional)",
        required=False,
        max_length=300,
        help_text="Kept in the audit for other staff; the client does not read it. "
        "That somebody looked, and as which role, the client does read.",
    )

    def __init__(self, *values: Any, **options: Any) -> None:
        super().__init__(*values, **options)
        named: Any = self.fields["zone"]
        named.choices = [("", "The zone of the company"), ("UTC", "UTC")] + [
            (zone, zone) for zone in view_as.zones() if zone != "UTC"
        ]

    def clean_company(self) -> Company:
        """The company of that name; where several could be meant, they are named."""
        typed = self.cleaned_data["company"].strip()
        exact = list(Company.objects.filter(Q(slug=typed.lower()) | Q(name__iexact=typed))[:2])
        if len(exact) == 1:
            return exact[0]
        alike = Company.objects.filter(Q(name__icontains=typed) | Q(slug__icontains=typed)).order_by("name")
        proposed = [f"{each.name} ({each.slug})" for each in alike[: MOST_PROPOSED + 1]]
        if not proposed:
            raise ValidationError("No client company is called that.")
        more = " and more" if len(proposed) > MOST_PROPOSED else ""
        named = ", ".join(proposed[:MOST_PROPOSED])
        raise ValidationError(f"Write the short name of the one you mean: {named}{more}.")


class ViewAsPages(StaffAdmin):
    """The page that leads from the admin to a client's pages."""

    def get_urls(self) -> list[URLPattern]:
        start = path(
            "view-as/", self.admin_site.admin_view(self.view_as_page), name=self._page_name("view-as")
        )
        return [start, *super().get_urls()]

    def view_as_page(self, request: HttpRequest) -> HttpResponse:
        """Ask as whom; then write down who wants to look and why, and lead there."""
        if not request.user.has_perm(view_as.RIGHT):
            raise PermissionDenied
        reference = request.GET.get("incident", "")
        reference = reference if _REFERENCE.fullmatch(reference) else ""
        slug = request.GET.get("company", "").replace("\0", "")
        form = ViewAsForm(request.POST or None, initial={"company": slug, "role": Role.OWNER})
        if request.method == "POST" and form.is_valid():
            found = _open(request, form, reference)
            if found is not None:
                return found
        original = Company.objects.filter(slug=slug).first()
        return self.page(
            request,
            "admin/consequence.html",
            "View as client",
            original=original,
            back=self.address("change", original) if original else self.address("changelist"),
            facts={
                "Opens at": f"The company's page of {reference}" if reference else "The company's overview"
            },
            says=(
                "You see the client's own pages, read-only, as a person of that company in the chosen role "
                "sees them. Every page that you open is in the audit, and in the client's own activity."
            ),
            form=form,
            submit="Open the client's pages",
        )


def _open(request: HttpRequest, form: ViewAsForm, reference: str) -> HttpResponse | None:
    """The way to the client's pages, written down; None where the company has no such incident."""
    company: Company = form.cleaned_data["company"]
    role = Role(form.cleaned_data["role"])
    page = reverse("web:overview", args=[company.slug])
    if reference:
        of_incident = Recovery.objects.filter(company=company, incident__reference=reference)
        if not of_incident.filter(incident__published_at__isnull=False).exists():
            form.add_error("company", "This company is not affected by the incident: it has no page of it.")
            return None
        page = reverse("web:incident", args=[company.slug, reference])
    audit.record(
        pages.staff(request).actor,
        view_as.STARTED,
        company,
        now=timezone.now(),
        company_id=company.pk,
        role=role,
        incident=reference,
        reason=form.cleaned_data["reason"],
    )
    return HttpResponseRedirect(view_as.address(role=role, zone=form.cleaned_data["zone"], page=page))
