"""A name whose consent is withdrawn is gone with the very next request, wherever it is shown or kept."""

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from incidents.models import Incident
from portal.web import rendered
from tenants import scope
from tenants.models import User
from tests import factories
from tests.conftest import World

SignIn = Callable[[User], Client]

NOW = factories.STARTED_AT + timedelta(days=1)
FRAGMENT = {"HX-Request": "true"}


@pytest.fixture
def ended(world: World) -> Iterator[Incident]:
    """An incident of twenty companies, restored for all; Acme was the last, and agreed to be named."""
    others = [factories.company(f"other-{number:02}") for number in range(18)]
    for each in others:
        factories.place(each, world.api)
    incident = factories.incident(world.api)
    factories.restore([*others, world.globex], incident, minutes=60)
    factories.restore(world.acme, incident, minutes=120)
    with time_machine.travel(NOW, tick=False):
        yield incident


def pages_of(slug: str, incident: Incident) -> list[tuple[str, dict[str, str]]]:
    """Every page of a company, and the fragment that is polled."""
    page = f"/{slug}/incidents/{incident.reference}/"
    return [
        (page, {}),
        (page, FRAGMENT),
        (f"{page}post-mortem/", {}),
        (f"/{slug}/incidents/", {}),
        (f"/{slug}/incidents/?q=Acme", {}),
        (f"/{slug}/", {}),
        ("/", {}),
    ]


def answered(client: Client, slug: str, incident: Incident, etags: dict[str, str]) -> dict[str, bytes]:
    """What each page answers now to a browser that holds what it was answered before."""
    found = {}
    for address, headers in pages_of(slug, incident):
        key = f"{address} {headers}"
        held = {"If-None-Match": etags[key]} if key in etags else {}
        response = client.get(address, headers={**headers, **held})
        assert response.status_code in {200, 302, 304}, key
        etags[key] = response.headers.get("ETag", "none")
        found[key] = b"304" if response.status_code == 304 else response.content
    return found


def named_in(found: dict[str, bytes]) -> list[str]:
    return [key for key, content in found.items() if b"Acme Stores" in content]


def test_a_withdrawn_name_is_gone_everywhere_with_the_next_request(
    world: World, signed_in: SignIn, ended: Incident
) -> None:
    gus, sam = signed_in(world.gus), signed_in(world.sam)
    page = f"/globex/incidents/{ended.reference}/"
    etags: dict[str, str] = {}
    assert named_in(answered(gus, "globex", ended, etags)) == [f"{page} {{}}", f"{page} {FRAGMENT}"]
    again = answered(gus, "globex", ended, etags)
    assert again[f"{page} {FRAGMENT}"] == b"304", "nothing has changed yet"

    consent = reverse("admin:tenants_company_consent", args=[world.acme.pk])
    assert sam.post(consent, {"consents": "no"}).status_code == 302
    after = answered(gus, "globex", ended, etags)
    assert named_in(after) == []
    assert b"1 client that is not named" in after[f"{page} {FRAGMENT}"]
    assert named_in(answered(signed_in(world.gus), "globex", ended, {})) == [], (
        "in a browser that holds nothing"
    )

    assert sam.post(consent, {"consents": "yes"}).status_code == 302
    assert named_in(answered(gus, "globex", ended, etags)) == [f"{page} {{}}", f"{page} {FRAGMENT}"]


def test_an_old_kept_part_is_not_given_out_again_when_consent_goes_back_and_forth(
    world: World, signed_in: SignIn, ended: Incident
) -> None:
    gus, sam = signed_in(world.gus), signed_in(world.sam)
    consent = reverse("admin:tenants_company_consent", args=[world.acme.pk])
    page = f"/globex/incidents/{ended.reference}/"
    for consents, is_named in (("no", False), ("yes", True), ("no", False), ("yes", True), ("no", False)):
        sam.post(consent, {"consents": consents})
        for _ in range(2):
            assert (b"Acme Stores" in gus.get(page, headers=FRAGMENT).content) is is_named
    assert len(rendered._parts) > 1, "parts of before are still there, under the version of before"


def test_staff_and_the_company_itself_go_on_reading_the_name(
    world: World, signed_in: SignIn, ended: Incident
) -> None:
    ada, sam = signed_in(world.ada), signed_in(world.sam)
    consent = reverse("admin:tenants_company_consent", args=[world.acme.pk])
    sam.post(consent, {"consents": "no"})
    own = ada.get(f"/acme/incidents/{ended.reference}/").content
    assert b"Your company is not named to other clients." in own
    assert b"Acme Stores" in own
    assert b"Acme Stores" in sam.get(reverse("admin:tenants_company_changelist")).content
    with scope.as_staff():
        world.acme.refresh_from_db()
    assert world.acme.consents_to_be_named is False
