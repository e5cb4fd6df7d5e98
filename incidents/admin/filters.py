"""Filters of change lists that stay short whatever the tables hold."""

from typing import Any
from uuid import UUID

from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.db.models import Q, QuerySet
from django.http import HttpRequest

from incidents.choices import CompanyState
from incidents.models import Incident

NEWEST = 15


class IncidentFilter(admin.SimpleListFilter):
    """Rows of one incident: the newest to choose from, any other by a link from its page."""

    title = "incident"
    parameter_name = "incident"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        wanted = Q(pk__in=Incident.objects.order_by("-started_at").values("pk")[:NEWEST])
        chosen = _uuid(request.GET.get(self.parameter_name))
        if chosen is not None:
            wanted |= Q(pk=chosen)
        rows = Incident.objects.filter(wanted).order_by("-started_at")
        return [
            (str(pk), f"{reference} {title}")
            for pk, reference, title in rows.values_list("pk", "reference", "title")
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value()
        if value is None:
            return queryset
        chosen = _uuid(value)
        if chosen is None:
            raise IncorrectLookupParameters
        return queryset.filter(incident=chosen)


class RestoredFilter(admin.SimpleListFilter):
    """Whether a company is restored, whatever else its state is."""

    title = "restored"
    parameter_name = "restored"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("no", "Not restored yet"), ("yes", "Restored")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        match self.value():
            case "no":
                return queryset.exclude(state=CompanyState.RESTORED)
            case "yes":
                return queryset.filter(state=CompanyState.RESTORED)
            case _:
                return queryset


def incident_of(request: HttpRequest) -> Incident | None:
    """The incident whose rows a change list shows, if it is one that is there."""
    chosen = _uuid(request.GET.get(IncidentFilter.parameter_name))
    return Incident.objects.filter(pk=chosen).first() if chosen else None


def _uuid(value: str | None) -> UUID | None:
    try:
        return UUID(value) if value else None
    except ValueError:
        return None
