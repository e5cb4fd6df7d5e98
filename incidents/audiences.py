"""Which companies an update is for: found, counted, and fixed row by row when it is posted."""

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from django.db import connection
from django.db.models import QuerySet

from incidents.choices import Audience, CompanyState
from incidents.models import AffectedPlacement, Incident, Recovery, Update, UpdateReader
from tenants.models import Membership

_FIX_READERS = """
insert into incidents_updatereader (company_id, incident_id, update_id)
select reader.company_id, %s::uuid, %s::uuid from unnest(%s::uuid[]) as reader (company_id)
"""


@dataclass(frozen=True, kw_only=True)
class Readers:
    """An audience with what it names; the ids matter to the audience that is told by them alone."""

    audience: Audience = Audience.EVERYONE
    component_ids: Collection[UUID] = ()
    data_center_ids: Collection[UUID] = ()
    company_ids: Collection[UUID] = ()


@dataclass(frozen=True, kw_only=True)
class Count:
    companies: int
    people: int


def recoveries(incident: Incident, readers: Readers) -> QuerySet[Recovery]:
    """The recoveries of the affected companies that `readers` means, as it stands now. Staff scope."""
    affected = Recovery.objects.filter(incident=incident)
    match readers.audience:
        case Audience.EVERYONE:
            chosen = affected
        case Audience.COMPONENTS:
            chosen = _placed(affected, incident, component_id__in=readers.component_ids)
        case Audience.DATA_CENTERS:
            chosen = _placed(affected, incident, component__data_center_id__in=readers.data_center_ids)
        case Audience.NOT_RESTORED:
            chosen = affected.exclude(state=CompanyState.RESTORED)
        case Audience.TAIL:
            chosen = affected.filter(in_tail=True)
        case Audience.COMPANIES:
            chosen = affected.filter(company_id__in=readers.company_ids)
        case Audience.STAFF:
            chosen = affected.none()
    return chosen


def _placed(
    affected: QuerySet[Recovery], incident: Incident, **where: Collection[UUID]
) -> QuerySet[Recovery]:
    placed = AffectedPlacement.objects.filter(incident=incident, **where)
    return affected.filter(company_id__in=placed.values("company_id"))


def count(incident: Incident, readers: Readers) -> Count:
    """How many companies, and how many different people of them, would read it. Two statements."""
    companies = recoveries(incident, readers)
    people = Membership.objects.filter(company_id__in=companies.values("company_id"), user__is_active=True)
    return Count(companies=companies.count(), people=people.values("user_id").distinct().count())


def fix(update: Update, company_ids: Collection[UUID]) -> None:
    """Write who may read an update of a narrow audience. Two statements at most, whatever the number."""
    with connection.cursor() as cursor:
        cursor.execute(_FIX_READERS, [update.incident_id, update.pk, list(company_ids)])


def readers_of(update: Update) -> list[UUID]:
    """The companies that may read an update of a narrow audience."""
    return list(UpdateReader.objects.filter(update=update).values_list("company_id", flat=True))
