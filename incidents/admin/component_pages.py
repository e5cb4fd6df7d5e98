"""Components of a published incident: a forgotten one is added, one named by mistake taken back."""

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils import timezone

from incidents import errors
from incidents.choices import CompanyState, choices
from incidents.models import AffectedPlacement, Component, Incident, Placement, Recovery, RecoveryEntry
from incidents.models.catalogue import IN_CATALOGUE_ORDER
from incidents.operations import components
from tenants import admin_pages as pages
from tenants.admin_pages import InstantField, StaffAdmin
from tenants.errors import Refusal


class AdditionForm(forms.Form):
    """How the companies on a forgotten component were doing, from when, and until when."""

    state = forms.ChoiceField(
        label="Each company was",
        choices=[(word, label) for word, label in choices(CompanyState) if word != CompanyState.RESTORED],
        initial=CompanyState.UNKNOWN,
        widget=forms.RadioSelect,
        help_text="Not known yet records no entry.",
    )
    at = InstantField(label="From")
    restored_at = InstantField(
        label="Restored",
        required=False,
        help_text="If it is over on this component. Empty: it goes on, whoever was restored before.",
    )


class ComponentPages(StaffAdmin):
    """What the incidents' admin adds to itself to put right what a published incident is about."""

    def components_page(self, request: HttpRequest, object_id: Any) -> HttpResponse:
        """The components with what is recorded of each, and the ones that could be added."""
        incident: Incident = self.subject(request, object_id)
        if incident.is_draft:
            messages.error(request, errors.NotPublished.message)
            return self.to_row(incident)
        return self.page(
            request,
            "admin/components.html",
            "Components",
            subtitle=str(incident),
            original=incident,
            back=self.address("change", incident),
            part=_part_of(incident),
            others=_others(incident),
        )

    def add_component_page(self, request: HttpRequest, object_id: Any) -> HttpResponse:
        """Say whom a forgotten component brings in, ask how they were doing, then add it."""
        incident: Incident = self.subject(request, object_id)
        component = (
            _others(incident).filter(pk__in=_asked(request)).first() if not incident.is_draft else None
        )
        if component is None:
            messages.error(request, errors.ComponentNotFound.message)
            return HttpResponseRedirect(self.address("components", incident))
        form = AdditionForm(request.POST or None, initial={"at": incident.started_at})
        if request.method == "POST" and form.is_valid():
            try:
                count = components.add(
                    pages.staff(request).actor,
                    incident_id=incident.pk,
                    component_id=component.pk,
                    state=CompanyState(form.cleaned_data["state"]),
                    at=form.cleaned_data["at"],
                    restored_at=form.cleaned_data["restored_at"],
                    now=timezone.now(),
                )
            except Refusal as refusal:
                form.add_error(None, refusal.message)
            else:
                messages.success(
                    request, f"{component.name} is part of the incident now: {_companies(count)} more."
                )
                return HttpResponseRedirect(self.address("components", incident))
        return self._between(
            request,
            incident,
            f"Add {component.name}?",
            facts=_facts_of_addition(incident, component),
            says="Each of them reads it at once on its own page, with its own times. "
            "Standings, the tail and the published list follow.",
            form=form,
            media=self.media + form.media,
            submit=f"Add {component.name}",
        )

    def remove_component_page(self, request: HttpRequest, object_id: Any) -> HttpResponse:
        """Say who would not be affected any more, then take the component back."""
        incident: Incident = self.subject(request, object_id)
        component = (
            incident.components.filter(pk__in=_asked(request)).first() if not incident.is_draft else None
        )
        if component is None:
            messages.error(request, errors.ComponentNotFound.message)
            return HttpResponseRedirect(self.address("components", incident))
        if request.method == "POST":
            with pages.refusals_shown(request):
                count = components.remove(
                    pages.staff(request).actor,
                    incident_id=incident.pk,
                    component_id=component.pk,
                    now=timezone.now(),
                )
                messages.success(
                    request,
                    f"{component.name} is not part of the incident any more: {_companies(count)} fewer.",
                )
            return HttpResponseRedirect(self.address("components", incident))
        refusal = components.why_kept(incident, component.pk)
        placed = AffectedPlacement.objects.filter(incident=incident, component=component).count()
        gone = components.affected_through(incident, component.pk).count()
        return self._between(
            request,
            incident,
            f"Take back {component.name}?",
            facts={"Companies on it": placed, "Affected through it alone": gone},
            warning=refusal.message if refusal else "",
            says="Who is affected through it alone does not find the incident on its pages any more. "
            "For the others it is no longer counted.",
            submit="" if refusal else f"Take back {component.name}",
            is_dangerous=True,
        )

    def _between(self, request: HttpRequest, incident: Incident, title: str, **context: Any) -> HttpResponse:
        return self.page(
            request,
            "admin/consequence.html",
            title,
            subtitle=str(incident),
            original=incident,
            back=self.address("components", incident),
            **context,
        )


def _part_of(incident: Incident) -> QuerySet[Any]:
    """The affected components with how many companies and entries each has."""

    def count_of(rows: QuerySet[Any]) -> Any:
        own = rows.filter(incident=incident, component=OuterRef("component")).order_by().values("component")
        return Coalesce(Subquery(own.annotate(count=Count("pk")).values("count")), 0)

    named = incident.affected_components.select_related("component").order_by(*IN_CATALOGUE_ORDER)
    return named.annotate(
        company_count=count_of(AffectedPlacement.objects.all()),
        entry_count=count_of(RecoveryEntry.objects.all()),
    )


def _others(incident: Incident) -> QuerySet[Any]:
    """The components that could be added, with how many companies are placed on each now."""
    others = Component.objects.exclude(incidents=incident).order_by("name")
    return others.annotate(company_count=Count("placements"))


def _facts_of_addition(incident: Incident, component: Component) -> dict[str, Any]:
    placed = Placement.objects.filter(component=component).values("company")
    known = Recovery.objects.filter(incident=incident, company__in=placed)
    known_count = known.count()
    return {
        "Companies on it now": placed.count(),
        "Of them new to the incident": placed.count() - known_count,
        "Affected already": known_count,
        "Of these restored by now": known.filter(state=CompanyState.RESTORED).count(),
    }


def _asked(request: HttpRequest) -> list[UUID]:
    """The component that the address names, if it names one."""
    try:
        return [UUID(request.GET.get("component", ""))]
    except ValueError:
        return []


def _companies(count: int) -> str:
    return "1 company" if count == 1 else f"{count} companies"
