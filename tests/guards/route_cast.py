"""Who asks in the route matrix, what the world holds for them, and whose texts nobody else may read."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta

from django.contrib.auth.models import Permission
from django.test import Client
from django.utils import timezone

from incidents.choices import Audience, PublicationKind, UpdateKind
from incidents.models import Incident, PostMortemRequest
from incidents.operations import incidents, postmortems, statements
from tenants import scope
from tenants.actor import SYSTEM
from tenants.models import Company, Membership, User
from tenants.permissions import Role
from tests import factories
from tests.conftest import World
from tests.guards import routes
from tests.incidents import reporting

SignIn = Callable[[User], Client]

UNKNOWN_SLUG = "nobody"
UNKNOWN_REFERENCE = "INC-22222222"
UNKNOWN_NUMBER = "DS-22222-22222-22222-22222"
STAFF_ONLY = "Only staff may read this."
DRAFT_TITLE = "Not yet published"
FOREIGN_TITLE = "Globex alone"
THEIRS_TITLE = "Umbrella alone"

MALFORMED_SLUGS = ("ACME", "ac_me", "-acme", "%00", "acm%C3%A9", "x" * 64)
MALFORMED_REFERENCES = ("%00", "INC_1", "x" * 17, "%C3%A9", "..%2f", "INC-2222 222")


@dataclass(frozen=True, kw_only=True)
class Cast:
    """The companies, incidents and signed-in browsers of the matrix, all made in `world`."""

    world: World
    companies: dict[str, Company]
    """By slug: acme is asked for; globex is the person of two's other one; umbrella is foreign to
    everybody here; initech is suspended."""
    people: dict[str, User]
    """By actor; nobody is anonymous."""
    browsers: dict[str, Client]
    references: dict[str, str]
    incidents: dict[str, Incident]
    number: str
    """Of a downtime statement of acme."""

    def asked_slug(self, actor: str) -> str:
        return "initech" if actor == "suspended" else "acme"

    def slug(self, actor: str, kind: str, number: int) -> str:
        """A company of one of routes.COMPANIES, as this actor sees it; malformed ones take turns."""
        match kind:
            case routes.OWN:
                return self.asked_slug(actor)
            case routes.FOREIGN:
                return "umbrella"
            case routes.SUSPENDED:
                return "globex" if actor == "suspended" else "initech"
            case routes.UNKNOWN:
                return UNKNOWN_SLUG
            case _:
                return MALFORMED_SLUGS[number % len(MALFORMED_SLUGS)]

    def reference(self, kind: str, number: int) -> str:
        """A reference of one of routes.REFERENCES; malformed ones take turns."""
        if kind == routes.MALFORMED:
            return MALFORMED_REFERENCES[number % len(MALFORMED_REFERENCES)]
        return self.references[kind]

    def forbidden_texts(self, actor: str, slug: str) -> Iterator[str]:
        """What must not stand in any answer to the actor about the company `slug`."""
        yield from (STAFF_ONLY, DRAFT_TITLE, "Staff reason")
        belongs = self._companies_of(actor)
        for each, company in self.companies.items():
            if each not in belongs:
                yield company.name
            if each != slug or each not in belongs:
                yield from own_texts(each)

    def _companies_of(self, actor: str) -> frozenset[str]:
        if actor in {"owner", "manager", "reader"}:
            return frozenset({"acme"})
        return frozenset({"stranger": {"globex"}, "of_two": {"acme", "globex"}}.get(actor, set()))

    def words(self) -> dict[str, str]:
        """What the variants of routes.VARIANTS are filled in with."""
        return {
            "foreign_title": FOREIGN_TITLE.lower().replace(" ", "+"),
            "draft_reference": self.references[routes.DRAFT],
            "foreign_slug": "umbrella",
            "foreign_id": str(self.companies["umbrella"].pk),
            "foreign_incident_id": str(self.incidents[routes.THEIRS].pk),
            "validators": ", ".join(self._validators()) or '"none"',
        }

    def _validators(self) -> Iterator[str]:
        """The validators of Globex's page of the incident that Acme shares, as its people hold them."""
        path = f"/globex/incidents/{self.references[routes.OWN]}/"
        for actor in ("stranger", "of_two"):
            for headers in ({}, {"HX-Request": "true"}):
                response = self.browsers[actor].get(path, headers=headers)
                if "ETag" in response.headers:
                    yield response.headers["ETag"]


def own_texts(slug: str) -> tuple[str, ...]:
    """Texts that only this company's people may read: the title of its own incident, its purpose."""
    titles = {"globex": FOREIGN_TITLE, "umbrella": THEIRS_TITLE}
    return (f"The auditors of {slug} ask.", *((titles[slug],) if slug in titles else ()))


def make(world: World, sign_in: SignIn) -> Cast:
    """Add to `world` whom the matrix needs, sign all of them in, then switch off and remove some."""
    umbrella = factories.company("umbrella", name="Umbrella Pharmacies")
    initech = factories.company("initech", name="Initech Cafes")
    companies = {"acme": world.acme, "globex": world.globex, "umbrella": umbrella, "initech": initech}
    found = _incidents(world, umbrella, initech)
    people = _people(world, initech)
    gert = factories.person("gert@umbrella.example")
    factories.member(gert, umbrella, Role.OWNER)
    for person, slug in (
        (people["owner"], "acme"),
        (world.gus, "globex"),
        (gert, "umbrella"),
        (people["suspended"], "initech"),
    ):
        _ask(person, companies[slug], found[routes.OWN])
    _report(world, found[routes.OWN])
    browsers = {actor: sign_in(person) for actor, person in people.items()}
    browsers["anonymous"] = Client()
    for browser in browsers.values():
        browser.raise_request_exception = False
    with scope.as_staff():
        Company.objects.filter(pk=initech.pk).update(suspended_at=timezone.now())
        Membership.objects.filter(user=people["removed"]).delete()
        switched_off = [people["disabled"].pk, people["staff_disabled"].pk]
        User.objects.filter(pk__in=switched_off).update(is_active=False)
    return Cast(
        world=world,
        companies=companies,
        people=people,
        browsers=browsers,
        incidents=found,
        number=_statement(world.ada, world.acme, found[routes.OWN]),
        references={
            **{kind: incident.reference for kind, incident in found.items()},
            routes.UNKNOWN: UNKNOWN_REFERENCE,
        },
    )


def _people(world: World, initech: Company) -> dict[str, User]:
    made = {
        actor: factories.person(f"{actor}@people.example")
        for actor in ("manager", "of_two", "suspended", "removed", "disabled", "alone")
    }
    factories.member(made["manager"], world.acme, Role.MANAGER)
    factories.member(made["of_two"], world.acme, Role.READER)
    factories.member(made["of_two"], world.globex, Role.OWNER)
    factories.member(made["suspended"], initech, Role.OWNER)
    factories.member(made["removed"], world.acme, Role.OWNER)
    factories.member(made["disabled"], world.acme, Role.OWNER)
    staff = {
        actor: factories.person(f"{actor}@vendor.example", is_staff=True)
        for actor in ("staff_bare", "staff_view", "staff_disabled")
    }
    with scope.as_staff():
        for actor in ("staff_bare", "staff_view"):
            staff[actor].is_superuser = False
            staff[actor].save(update_fields=["is_superuser"])
        to_view = Permission.objects.filter(codename__startswith="view_").exclude(codename="view_as_client")
        staff["staff_view"].user_permissions.set(to_view)
    named = {"owner": world.ada, "reader": world.bea, "stranger": world.gus, "staff": world.sam}
    return {**made, **staff, **named}


def _incidents(world: World, umbrella: Company, initech: Company) -> dict[str, Incident]:
    """One that all share (with a text for staff), one of Globex, one of Umbrella, and a draft."""
    payments = factories.component("Payment Processing", "NA")
    kitchens = factories.component("Kitchen Displays", "APAC")
    factories.place(world.globex, payments)
    factories.place(umbrella, kitchens, world.reports)
    factories.place(initech, world.reports)
    shared = factories.incident(world.api, world.reports, title="Everybody's outage")
    now = shared.started_at + timedelta(minutes=30)
    with scope.as_staff():
        for audience, text in ((Audience.EVERYONE, "We are on it."), (Audience.STAFF, STAFF_ONLY)):
            incidents.post_update(
                SYSTEM,
                incident_id=shared.pk,
                kind=UpdateKind.UPDATE,
                body_markdown=text,
                audience=audience,
                now=now,
            )
    factories.restore(umbrella, shared, minutes=45)
    return {
        routes.OWN: shared,
        routes.FOREIGN: factories.incident(payments, title=FOREIGN_TITLE),
        routes.THEIRS: factories.incident(kitchens, title=THEIRS_TITLE),
        routes.DRAFT: factories.draft(world.api, title=DRAFT_TITLE),
    }


def _report(world: World, shared: Incident) -> None:
    """Acme holds the report on the incident that all share, in two versions with one promise."""
    reporting.asked(world, world.ada, world.acme, incident=shared)
    draft = reporting.begun(world, shared)
    reporting.promised(world, shared)
    reviewer = factories.person("reviewer@vendor.example", is_staff=True)
    for kind in (PublicationKind.PRELIMINARY, PublicationKind.REVISION):
        reporting.published(world, draft, kind, by=reviewer)
    reporting.promised(world, shared, title="Not published yet")


def _ask(person: User, company: Company, incident: Incident) -> PostMortemRequest:
    asking = factories.actor(person, company)
    with scope.as_company(company.pk, user_id=person.pk):
        wanted, _is_new = postmortems.request(
            asking,
            reference=incident.reference,
            purpose=own_texts(company.slug)[0],
            now=incident.started_at + timedelta(hours=1),
        )
    return wanted


def _statement(person: User, company: Company, incident: Incident) -> str:
    with scope.as_company(company.pk, user_id=person.pk):
        made, _is_new = statements.issue_for_incident(
            factories.actor(person, company),
            reference=incident.reference,
            verify_at="http://testserver/verify/",
            now=incident.started_at + timedelta(hours=1),
        )
    return made.number
