"""The people of the demonstration, and the file of their passwords."""

import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from incidents.demo import world
from tenants.actor import Actor
from tenants.models import Company, Membership, User
from tenants.permissions import Role

_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"
_STAFF = "staff"


@dataclass(frozen=True, kw_only=True)
class Person:
    """Somebody who signs in; `roles` by slug of the company, none for staff."""

    email: str
    name: str
    roles: Mapping[str, Role]

    @property
    def is_staff(self) -> bool:
        return not self.roles


ADA = Person(email="ada@acme.example", name="Ada Moreau", roles={world.ACME: Role.OWNER})
MIA = Person(email="mia@acme.example", name="Mia Laurent", roles={world.ACME: Role.MANAGER})
BEA = Person(email="bea@acme.example", name="Bea Fontaine", roles={world.ACME: Role.READER})
GUS = Person(email="gus@globex.example", name="Gus Whitfield", roles={world.GLOBEX: Role.OWNER})
HAL = Person(email="hal@globex.example", name="Hal Draper", roles={world.GLOBEX: Role.READER})
LOU = Person(
    email="lou@quillmere.example",
    name="Lou Verbeek",
    roles={world.QUILLMERE: Role.OWNER, world.ACME: Role.READER},
)
SAM = Person(email="sam@vendor.example", name="Sam Okafor", roles={})
REN = Person(email="ren@vendor.example", name="Ren Castellan", roles={})
PEOPLE = (ADA, MIA, BEA, GUS, HAL, LOU, SAM, REN)


def write() -> dict[str, str]:
    """Write people and memberships; returns each one's new password by e-mail. Staff scope."""
    passwords = {person.email: _new_password() for person in PEOPLE}
    companies = {company.slug: company for company in Company.objects.filter(slug__in=_slugs())}
    for person in PEOPLE:
        user = User(
            id=world.key("person", person.email),
            email=person.email,
            name=person.name,
            is_staff=person.is_staff,
            is_superuser=person.is_staff,
        )
        user.set_password(passwords[person.email])
        user.save(force_insert=True)
        Membership.objects.bulk_create(
            Membership(user=user, company=companies[slug], role=role) for slug, role in person.roles.items()
        )
    return passwords


def actor(person: Person, slug: str = "") -> Actor:
    """The actor that the door makes of a person, in the company `slug` or as staff. Visitor scope or any."""
    found = Company.objects.get(slug=slug) if slug else None
    return Actor(
        user_id=world.key("person", person.email),
        name=person.name,
        email=person.email,
        time_zone="",
        company=found.acting if found else None,
        role=person.roles[slug] if slug else None,
    )


def set_new_passwords() -> dict[str, str]:
    """Give those who are still there a new password; returns them by e-mail. Staff scope."""
    passwords = {}
    for user in User.objects.select_for_update().filter(
        id__in=[world.key("person", each.email) for each in PEOPLE]
    ):
        passwords[user.email] = _new_password()
        user.set_password(passwords[user.email])
        user.save(update_fields=["password"])
    return passwords


def write_logins(file: Path, passwords: Mapping[str, str]) -> None:
    """Replace `file`, readable by its owner only: one row for each person and company.

    A list of {"email", "password", "role", "company"}: role owner, manager, reader or staff,
    company its slug, empty for staff.
    """
    logins = [
        {"email": person.email, "password": passwords[person.email], "role": role, "company": slug}
        for person in PEOPLE
        if person.email in passwords
        for slug, role in (person.roles.items() if person.roles else [("", _STAFF)])
    ]
    file.parent.mkdir(parents=True, exist_ok=True)
    unfinished = file.with_suffix(f".{os.getpid()}")
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        json.dump(logins, stream, indent=2)
        stream.write("\n")
    unfinished.replace(file)


def _slugs() -> set[str]:
    return {slug for person in PEOPLE for slug in person.roles}


def _new_password() -> str:
    """Four groups of four: 79 bits, easy to copy."""
    return "-".join("".join(secrets.choice(_LETTERS) for _ in range(4)) for _ in range(4))
