"""Sign people in, in the database that the environment names; prints their sessions as JSON."""

import json
import sys

import django

django.setup()

from django.conf import settings  # noqa: E402
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY  # noqa: E402

from bench import portals  # noqa: E402
from incidents.models import Incident, Recovery  # noqa: E402
from tenants import scope  # noqa: E402
from tenants.models import Company, Membership, User  # noqa: E402
from tenants.models.session import SessionStore  # noqa: E402
from tenants.permissions import Role  # noqa: E402


def main(count: int) -> None:
    with scope.as_staff():
        incident = Incident.objects.order_by("started_at").first()
        if incident is None:
            raise SystemExit("There is no incident to measure.")
        affected = Recovery.objects.filter(incident=incident).order_by("company_id").values("company_id")
        companies = list(Company.objects.filter(pk__in=affected[:count]))
        people = [_person(company) for company in companies]
        foreign = _foreign_to(companies[0])
        draft = Incident.objects.filter(published_at=None).first() or Incident.objects.create(title="Draft")
    sessions = [(company.slug, _signed_in(user)) for company, user in zip(companies, people, strict=True)]
    references = {
        "reference": incident.reference,
        "foreign_reference": foreign.reference,
        "draft_reference": draft.reference,
    }
    json.dump(references | {"sessions": sessions}, sys.stdout)


def _foreign_to(company: Company) -> Incident:
    """A published incident that did not touch the company."""
    touched = Recovery.objects.filter(company=company).values("incident_id")
    found = Incident.objects.filter(published_at__isnull=False).exclude(pk__in=touched).first()
    if found is None:
        raise SystemExit("There is no incident that is foreign to the company that asks.")
    return found


def _person(company: Company) -> User:
    email = f"bench@{company.slug}.example"
    user = User.objects.filter(email=email).first() or User.objects.create_user(email, name="Bench")
    if not user.has_usable_password():
        user.set_password(portals.PASSWORD)
        user.save(update_fields=["password"])
    Membership.objects.get_or_create(company=company, user=user, defaults={"role": Role.OWNER})
    return user


def _signed_in(user: User) -> str:
    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.create()
    return str(session.session_key)


if __name__ == "__main__":
    main(int(sys.argv[1]))
