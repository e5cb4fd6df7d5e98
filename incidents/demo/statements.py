"""The downtime statement that Acme's owner has issued on the founding incident."""

import os

from django.conf import settings

from incidents.demo import founding, people, world
from incidents.demo.founding_texts import on_the_day
from incidents.operations import statements
from tenants import scope

_ISSUED_AT = on_the_day(14, 20, day=17)


def write_founding() -> None:
    """Signed with the portal's own key; without one there is none. Enters its own scope."""
    if not settings.STATEMENT_SIGNING_KEY:
        return
    ada = people.actor(people.ADA, world.ACME)
    with scope.as_company(world.key("company", world.ACME), user_id=ada.user_id):
        statements.issue_for_incident(
            ada,
            reference=founding.REFERENCE,
            verify_at=f"http://127.0.0.1:{os.environ.get('PORT', '8000')}/verify/",
            now=_ISSUED_AT,
        )
