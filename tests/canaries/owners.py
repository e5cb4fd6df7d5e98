"""Whose a text of the world is."""

from incidents.models import Incident
from tenants.models import Company, User
from tests.canaries.marks import STAFF, Owner


def of_company(company: Company) -> Owner:
    return Owner(kind="company", id=company.pk, name=company.slug)


def of_person(person: User) -> Owner:
    """Staff are nobody's colleagues: their names and addresses are for staff."""
    return STAFF if person.is_staff else Owner(kind="person", id=person.pk, name=person.email)


def of_incident(incident: Incident) -> Owner:
    return Owner(kind="incident", id=incident.pk, name=incident.reference)
