"""What the demonstration's vendor runs, and the fictitious companies that run on it."""

import functools
import random
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.utils.text import slugify

from incidents import cohort
from incidents.demo import names
from incidents.models import Component, DataCenter, Placement, Service
from tenants.models import Company

_KEYS = UUID("5f0c2a61-6b7e-5d0e-9f5c-0c8f3f0a2d41")
_SEED = "2026-02-04"
_BATCH = 2_000

DATA_CENTERS = {"EU": "Europe", "NA": "North America"}
SERVICES = ("API", "Client Portal", "Mobile App", "PGM", "PosWeb", "Reports", "Payment Processing")
FEWEST_COMPANIES = 20
"""Below it the last 5% are nobody, and the founding incident has no tail to show."""

ACME, GLOBEX, QUILLMERE, THISTLECROFT = "acme", "globex", "quillmere", "thistlecroft"
"""Those with a part of their own: in the tail, in the first 95%, in both data centers, joined later."""

_ZONES = {
    "EU": (
        "Europe/Paris",
        "Europe/Madrid",
        "Europe/Brussels",
        "Europe/Berlin",
        "Europe/Lisbon",
        "Europe/London",
    ),
    "NA": ("America/New_York", "America/Chicago", "America/Denver", "America/Los_Angeles", "America/Toronto"),
}
_PLACES = {("EU",): 55, ("NA",): 25, ("EU", "NA"): 20}
"""Data centers of a company, by how many in a hundred run there."""
_USE_OF_SERVICE = {
    "API": 0.92,
    "Client Portal": 0.95,
    "Mobile App": 0.45,
    "PGM": 0.5,
    "PosWeb": 0.75,
    "Reports": 0.7,
    "Payment Processing": 0.6,
}
"""Which share of the companies runs it."""
_NEWCOMERS = 8


@dataclass(frozen=True, kw_only=True)
class DemoCompany:
    """One company as it is written; `components` are public names, sorted."""

    slug: str
    name: str
    time_zone: str
    consents: bool
    components: tuple[str, ...]
    joined_at: datetime

    @property
    def id(self) -> UUID:
        return key("company", self.slug)


def key(*words: str) -> UUID:
    """The same words always give the same key."""
    return uuid.uuid5(_KEYS, "/".join(words))


@functools.cache
def component_id(name: str) -> UUID:
    return key("component", name)


def component_names(services: Iterable[str], centers: Iterable[str]) -> tuple[str, ...]:
    """Public names of these services in each of these data centers."""
    centers = tuple(centers)
    return tuple(sorted(f"{service} ({center})" for service in services for center in centers))


def chance(*words: str) -> random.Random:
    """A source of chance that gives the same for the same words, whatever else is drawn."""
    return random.Random("/".join((_SEED, *words)))  # noqa: S311 - a demonstration, nothing secret


def affected_companies(count: int) -> tuple[DemoCompany, ...]:
    """`count` companies in the order in which the founding incident let go of them, Acme last.

    Every third, counted from the last, agrees to be named. ValueError for too few or too many.
    """
    if count < FEWEST_COMPANIES:
        raise ValueError(f"The founding incident needs at least {FEWEST_COMPANIES} companies, not {count}.")
    found = [
        _company(name, consents=(count - 1 - place) % 3 == 0)
        for place, name in enumerate(names.company_names(count))
    ]
    first = cohort.companies_in(95, affected_count=count)
    found[-1] = _cast(ACME, "Acme Stores", "Europe/Paris", SERVICES, ("EU",), consents=True)
    found[first * 2 // 5] = _cast(
        GLOBEX,
        "Globex Hotels",
        "America/New_York",
        ("API", "Client Portal", "PosWeb", "Reports", "Payment Processing"),
        ("NA",),
        consents=False,
    )
    found[first * 3 // 4] = _cast(
        QUILLMERE,
        "Quillmere Cafés",
        "Europe/Brussels",
        ("API", "Client Portal", "Mobile App", "PosWeb"),
        ("EU", "NA"),
        consents=found[first * 3 // 4].consents,
    )
    return tuple(found)


def newcomers(affected_count: int) -> tuple[DemoCompany, ...]:
    """Companies that became clients after the founding incident, which never touched them."""
    drawn = names.company_names(affected_count + _NEWCOMERS)[affected_count + 1 :]
    joined_at = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
    thistlecroft = _cast(
        THISTLECROFT,
        "Thistlecroft Books",
        "Europe/London",
        ("API", "Client Portal", "Reports"),
        ("EU",),
        consents=True,
        joined_at=joined_at,
    )
    return (
        thistlecroft,
        *(
            _company(name, consents=number % 3 == 0, joined_at=joined_at + timedelta(days=11 * number))
            for number, name in enumerate(drawn, start=1)
        ),
    )


def write_catalogue() -> None:
    """Write data centers, services and the 14 components. Staff scope."""
    centers = [
        DataCenter(id=key("data center", code), code=code, name=name, position=position)
        for position, (code, name) in enumerate(DATA_CENTERS.items())
    ]
    services = [
        Service(id=key("service", name), name=name, position=position)
        for position, name in enumerate(SERVICES)
    ]
    DataCenter.objects.bulk_create(centers)
    Service.objects.bulk_create(services)
    Component.objects.bulk_create(
        Component(
            id=component_id(f"{service.name} ({center.code})"),
            name=f"{service.name} ({center.code})",
            service=service,
            data_center=center,
        )
        for center in centers
        for service in services
    )


def write_companies(companies: Sequence[DemoCompany]) -> None:
    """Write companies and where they run. Staff scope."""
    Company.objects.bulk_create(
        (
            Company(
                id=each.id,
                slug=each.slug,
                name=each.name,
                time_zone=each.time_zone,
                consents_to_be_named=each.consents,
                created_at=each.joined_at,
            )
            for each in companies
        ),
        batch_size=_BATCH,
    )
    Placement.objects.bulk_create(
        (
            Placement(company_id=each.id, component_id=component_id(name))
            for each in companies
            for name in each.components
        ),
        batch_size=_BATCH,
    )


def _company(name: str, *, consents: bool, joined_at: datetime | None = None) -> DemoCompany:
    """A company drawn by chance from its own name."""
    drawn = chance("company", name)
    centers = drawn.choices(tuple(_PLACES), tuple(_PLACES.values()))[0]
    services = [service for service, share in _USE_OF_SERVICE.items() if drawn.random() < share] or [
        "Client Portal"
    ]
    return DemoCompany(
        slug=slugify(name),
        name=name,
        time_zone=drawn.choice(_ZONES[centers[0]]),
        consents=consents,
        components=component_names(services, centers),
        joined_at=joined_at
        or datetime(2018, 1, 8, 9, 0, tzinfo=UTC) + timedelta(days=drawn.randrange(2_900)),
    )


def _cast(
    slug: str,
    name: str,
    time_zone: str,
    services: Sequence[str],
    centers: Sequence[str],
    *,
    consents: bool,
    joined_at: datetime | None = None,
) -> DemoCompany:
    return DemoCompany(
        slug=slug,
        name=name,
        time_zone=time_zone,
        consents=consents,
        components=component_names(services, centers),
        joined_at=joined_at or datetime(2019, 5, 6, 9, 0, tzinfo=UTC),
    )
