"""Every address of the admin, with objects of both companies in it, found without naming any of them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from django.contrib import admin
from django.contrib.auth.models import Group
from django.contrib.contenttypes.models import ContentType
from django.db.models import Model
from django.utils import timezone

from incidents.choices import (
    Audience,
    ClaimKind,
    DocumentState,
    ImportState,
    IncidentKind,
    IncidentState,
    ReportKind,
    UpdateKind,
    WaitingState,
)
from incidents.models import (
    AnswerTemplate,
    Claim,
    ClientReport,
    Component,
    DataCenter,
    Document,
    Incident,
    RecoveryImport,
    RosterEntry,
    Service,
    WaitingUpdate,
)
from incidents.operations import incidents
from tenants import scope
from tenants.actor import SYSTEM
from tenants.models import Company, OutgoingMail, User
from tests import factories
from tests.guards import routes
from tests.guards.route_cast import Cast

PREFIX = "admin/"
OBJECT = re.compile(r"<(?:\w+:)?(?:object_id|id)>")
UNKNOWN_KEY = str(UUID(int=7))

OWN, FOREIGN, UNKNOWN, MALFORMED = routes.OWN, routes.FOREIGN, routes.UNKNOWN, routes.MALFORMED
PLANNED = "planned"
"""A published maintenance that has not begun: what alone can be moved, extended and cancelled."""


@dataclass(frozen=True, kw_only=True)
class AdminPage:
    """One address of the admin: the route, the model it is of, and whose object it names."""

    route: str
    path: str
    query: str = ""
    model: type[Model] | None
    kind: str
    """OWN, FOREIGN, PLANNED, UNKNOWN or MALFORMED; '' where no object is named."""

    def __str__(self) -> str:
        return f"{self.path}{'?' if self.query else ''}{self.query} ({self.kind or 'no'} object)"


def furnish(cast: Cast) -> None:
    """A row in every table of the admin that the matrix's world has none in, and parts in nobody's use."""
    incident = cast.incidents[routes.OWN]
    at = incident.started_at + timedelta(hours=2)
    with scope.as_staff():
        for each in (incident, cast.incidents[routes.FOREIGN], cast.incidents[routes.DRAFT]):
            Claim.objects.create(
                incident=each, kind=ClaimKind.TOTAL_DURATION, source="Header", claimed_seconds=60
            )
        for slug in ("acme", "globex"):
            RosterEntry.objects.create(
                incident=incident, company=cast.companies[slug], name=cast.companies[slug].name
            )
            ClientReport.objects.create(
                company=cast.companies[slug],
                incident=incident,
                number=1,
                kind=ReportKind.STILL_BROKEN,
                component_ids=[cast.world.api.pk],
                said_at=at,
                said_by=cast.people["owner" if slug == "acme" else "stranger"],
                said_by_name="Somebody",
            )
            OutgoingMail.objects.create(
                to_address=f"{slug}@people.example",
                subject="Sign in",
                body_text="A link.",
                created_at=at,
                due_at=at,
            )
        for state, preview in (
            (ImportState.UPLOADED, {}),
            (ImportState.READY, {"entries": 1, "as_of": at.isoformat()}),
        ):
            RecoveryImport.objects.create(
                incident=incident,
                state=state,
                file_name="recoveries.csv",
                content=b"company,at\nacme,2026-02-04 18:10\n",
                line_count=2,
                preview=preview,
                uploaded_at=at,
            )
        for standing in (WaitingState.AWAITING, WaitingState.WAITING):
            WaitingUpdate.objects.create(
                incident=incident,
                form_key=uuid4(),
                state=standing,
                kind=UpdateKind.UPDATE,
                audience=Audience.EVERYONE,
                body_markdown="Nobody has read this yet.",
                zone="UTC",
                author=cast.people["staff_view"],
                written_at=at,
                due_at=at if standing is WaitingState.WAITING else None,
            )
        for name in ("Not yours", "In the report"):
            AnswerTemplate.objects.create(name=name, text="It did not touch your account.")
        Document.objects.update(state=DocumentState.FAILED, trouble="The disk was full.", attempts=3)
        Group.objects.create(name="Duty officers")
        Group.objects.create(name="Writers")
        unused = DataCenter.objects.create(code="XX", name="Unused")
        service = Service.objects.create(name="Unused")
        Component.objects.create(name="Unused", service=service, data_center=unused)
        Service.objects.create(name="Without a component")
    _plan(cast)


def _plan(cast: Cast) -> None:
    """A maintenance that everybody reads, in ten days."""
    start = timezone.now() + timedelta(days=10)
    work = factories.draft(
        cast.world.api,
        title="New storage",
        kind=IncidentKind.MAINTENANCE,
        state=IncidentState.SCHEDULED,
        started_at=start,
        planned_end_at=start + timedelta(hours=2),
    )
    with scope.as_staff():
        incidents.publish(SYSTEM, incident_id=work.pk, now=timezone.now())


def choices(cast: Cast) -> dict[str, str]:
    """What is chosen, by field, where nothing is: keys that a script would load, and the kind of a claim."""
    with scope.as_staff():
        unused = Component.objects.get(name="Unused")
    return {
        "incident": str(cast.incidents[routes.OWN].pk),
        "company": str(cast.companies["acme"].pk),
        "component": str(unused.pk),
        "user": str(cast.people["alone"].pk),
        "kind": ClaimKind.TOTAL_DURATION,
    }


def all_keys(model: type[Model]) -> tuple[str, ...]:
    with scope.as_staff():
        return tuple(str(key) for key in model._default_manager.values_list("pk", flat=True))


def keys_of(model: type[Model], cast: Cast) -> dict[str, str]:
    """The key of one of Acme's rows and of one of Globex's; of tables without companies any two. Of
    incidents the planned one besides."""
    with scope.as_staff():
        rows = list(model._default_manager.order_by("pk"))
    if not rows:
        raise LookupError(f"Give the walk through the admin a row of {model.__name__}.")
    others = [each for each in rows if not (isinstance(each, Incident) and each.is_maintenance)]
    known = {OWN: _key(others, "acme", cast), FOREIGN: _key(others[::-1], "globex", cast)}
    if model is Incident:
        (planned,) = (each for each in rows if each not in others)
        known[PLANNED] = str(planned.pk)
    return known


def _key(rows: list[Any], slug: str, cast: Cast) -> str:
    company = cast.companies[slug].pk
    person = cast.people["owner" if slug == "acme" else "stranger"].pk
    for each in rows:
        of = each.pk if isinstance(each, Company) else getattr(each, "company_id", None)
        if of == company or (isinstance(each, User) and each.pk == person):
            return str(each.pk)
    return str(rows[0].pk)


def pages(cast: Cast) -> Iterator[AdminPage]:
    """Every address of the admin that the resolver answers, each with all kinds of objects."""
    models = {
        f"{PREFIX}{model._meta.app_label}/{model._meta.model_name}/": model for model in admin.site._registry
    }
    for route in routes.live_routes():
        if not route.startswith(PREFIX):
            continue
        model = next((model for prefix, model in models.items() if route.startswith(prefix)), None)
        if model is not None and OBJECT.search(route):
            known = keys_of(model, cast)
            for kind, key in {**known, UNKNOWN: _unknown(model), MALFORMED: "%00"}.items():
                yield AdminPage(route=route, path=f"/{OBJECT.sub(key, route)}", model=model, kind=kind)
        elif "<" in route or "(?P" in route:
            yield from _odd_pages(route, cast)
        elif route == "admin/autocomplete/":
            query = "term=a&app_label=tenants&model_name=membership&field_name=user"
            yield AdminPage(route=route, path=f"/{route}", query=query, model=None, kind="")
        else:
            yield AdminPage(route=route, path=f"/{route}", model=model, kind="")


def _unknown(model: type[Model]) -> str:
    return "987654" if model is Group else UNKNOWN_KEY


def _odd_pages(route: str, cast: Cast) -> Iterator[AdminPage]:
    """The few addresses of the admin's own that name something else than a row of their table."""
    if "content_type_id" in route:
        with scope.as_staff():
            kind = ContentType.objects.get_for_model(Company).pk
        for whose, key in {**keys_of(Company, cast), UNKNOWN: UNKNOWN_KEY}.items():
            path = route.replace("<path:content_type_id>", str(kind)).replace("<path:object_id>", key)
            yield AdminPage(route=route, path=f"/{path}", model=None, kind=whose)
    elif "app_label" in route:
        for label in ("incidents", "tenants", "auth"):
            yield AdminPage(route=route, path=f"/admin/{label}/", model=None, kind="")
    elif "(?P<url>" in route:
        yield AdminPage(route=route, path="/admin/nowhere/", model=None, kind="")
    else:
        raise LookupError(f"Tell the walk through the admin what to put into {route}.")
