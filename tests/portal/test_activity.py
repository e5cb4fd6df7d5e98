"""A company reads what was done in its own account, in plain words, and nothing of anybody else."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from django.db import ProgrammingError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext

from incidents.operations import postmortems
from incidents.queries import activities
from tenants import audit, scope
from tenants.models import AuditEvent, Company, User
from tenants.models.audit import READ
from tenants.operations import companies
from tenants.permissions import Role
from tests import factories
from tests.conftest import World

SignIn = Callable[[User], Client]
NOON = datetime(2026, 2, 4, 12, 0, tzinfo=UTC)
PAGE = "/acme/activity/"


def write(by: User, action: str, company: Company, *, at: datetime = NOON) -> None:
    with scope.as_staff():
        audit.record(factories.actor(by), action, company, now=at, company_id=company.pk)


def sentences(client: Client, page: str = PAGE) -> list[str]:
    html = client.get(page).content.decode()
    found = re.findall(r'<p class="deed__what">(.*?)</p>', html, flags=re.DOTALL)
    return [re.sub(r"\s+", " ", re.sub(r"<[^>]*>", "", each)).strip() for each in found]


def ask(world: World) -> None:
    with scope.as_company(world.acme.pk, user_id=world.ada.pk):
        postmortems.request(
            factories.actor(world.ada, world.acme),
            reference=world.incident.reference,
            purpose="For our auditors.",
            now=NOON,
        )


def test_own_people_have_names_and_people_of_the_vendor_have_none(world: World, signed_in: SignIn) -> None:
    ask(world)
    with scope.as_staff():
        companies.suspend(
            factories.actor(world.sam), company_ids=[world.acme.pk], now=NOON + timedelta(hours=1)
        )
        companies.reinstate(
            factories.actor(world.sam), company_ids=[world.acme.pk], now=NOON + timedelta(hours=2)
        )
    client = signed_in(world.ada)
    assert sentences(client) == [
        "A person of Northwind Retail Systems opened access to this account again",
        "A person of Northwind Retail Systems suspended access to this account",
        f"{world.ada.name} asked for a post-mortem in {world.incident.title}",
    ]
    html = client.get(PAGE).content.decode()
    assert world.sam.name not in html
    assert world.sam.email not in html


def test_a_look_of_staff_as_a_client_is_told_to_the_client(world: World, signed_in: SignIn) -> None:
    sam = signed_in(world.sam)
    sam.get("/admin/view-as/owner/account/acme/")
    sam.get("/admin/view-as/owner/account/acme/incidents/")
    sam.get("/admin/view-as/reader/account/acme/")
    assert sentences(signed_in(world.ada)) == [
        "A person of Northwind Retail Systems looked at this account as a reader sees it",
        "A person of Northwind Retail Systems looked at this account as an owner sees it 2 times",
    ]
    assert sentences(signed_in(world.gus), "/globex/activity/") == []


def test_every_action_that_has_no_words_gets_a_neutral_sentence_and_never_its_code(
    world: World, signed_in: SignIn
) -> None:
    write(world.sam, "secret_project.begun", world.acme)
    client = signed_in(world.ada)
    assert sentences(client) == [f"A person of Northwind Retail Systems {activities.OTHERWISE}"]
    assert b"secret_project" not in client.get(PAGE).content


def test_what_the_portal_did_by_itself_is_said_of_the_portal(world: World, signed_in: SignIn) -> None:
    with scope.as_staff():
        AuditEvent.objects.create(
            company=world.acme, actor_kind="portal", actor_name="portal", action=READ, at=NOON
        )
    assert sentences(signed_in(world.ada)) == ["The portal looked at the record of this account"]


def test_a_stranger_reads_the_same_as_of_an_unknown_company_and_a_reader_is_refused(
    world: World, signed_in: SignIn
) -> None:
    write(world.sam, "company.suspended", world.acme)
    gus = signed_in(world.gus)
    assert gus.get(PAGE).status_code == gus.get("/nobody/activity/").status_code == 404
    refused = signed_in(world.bea).get(PAGE)
    assert refused.status_code == 403
    assert b"suspended access" not in refused.content
    assert PAGE.encode() not in signed_in(world.bea).get("/acme/").content
    assert PAGE.encode() in signed_in(world.ada).get("/acme/").content


def test_a_manager_reads_it(world: World, signed_in: SignIn) -> None:
    mia = factories.person("mia@acme.example")
    factories.member(mia, world.acme, Role.MANAGER)
    assert signed_in(mia).get(PAGE).status_code == 200


@pytest.mark.parametrize("column", ["actor_id", "actor_name", "object_id", "detail"])
def test_the_database_keeps_from_a_client_who_of_the_vendor_it_was_and_why(world: World, column: str) -> None:
    write(world.sam, "company.suspended", world.acme)
    with scope.as_company(world.acme.pk):
        assert AuditEvent.objects.values_list("action", flat=True).get() == "company.suspended"
        with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
            list(AuditEvent.objects.values_list(column))


def test_days_are_days_of_the_reader_newest_first(world: World, signed_in: SignIn) -> None:
    write(world.sam, "company.suspended", world.acme, at=datetime(2026, 2, 4, 22, 30, tzinfo=UTC))
    write(world.sam, "company.reinstated", world.acme, at=datetime(2026, 2, 4, 23, 30, tzinfo=UTC))
    client = signed_in(world.ada)
    heads = r'<h2 id="day-\d+">(.*?)</h2>'
    assert len(re.findall(heads, client.get(PAGE).content.decode())) == 2
    client.cookies["portal_zone"] = "utc"
    assert len(re.findall(heads, client.get(PAGE).content.decode())) == 1


def test_a_long_record_is_read_page_by_page(world: World, signed_in: SignIn) -> None:
    with scope.as_staff():
        for number in range(activities.PAGE_SIZE + 1):
            at = NOON + timedelta(minutes=number)
            action = ("company.suspended", "company.reinstated")[number % 2]
            audit.record(factories.actor(world.sam), action, world.acme, now=at, company_id=world.acme.pk)
    client = signed_in(world.ada)
    assert len(sentences(client)) == activities.PAGE_SIZE
    assert b'href="?page=2"' in client.get(PAGE).content
    assert len(sentences(client, f"{PAGE}?page=2")) == 1
    assert b'rel="next"' not in client.get(f"{PAGE}?page=2").content
    assert b"Nothing older" in client.get(f"{PAGE}?page=3").content
    for odd in ("0", "-1", "x", "%00", "999999999999", "100000"):
        assert client.get(f"{PAGE}?page={odd}").status_code == 200


def test_an_empty_record_says_what_that_means(world: World, signed_in: SignIn) -> None:
    assert b"Nothing was done yet" in signed_in(world.ada).get(PAGE).content


@pytest.mark.parametrize("count", [1, 60])
def test_the_page_reads_its_record_with_one_statement_however_long_it_is(
    world: World, signed_in: SignIn, count: int
) -> None:
    for number in range(count):
        write(world.sam, "company.suspended", world.acme, at=NOON + timedelta(days=number))
    client = signed_in(world.ada)
    with CaptureQueriesContext(connection) as statements:
        client.get(PAGE)
    assert sum("tenants_auditevent" in each["sql"] for each in statements) == 1


def test_a_deed_about_an_incident_names_it_and_leads_there(world: World, signed_in: SignIn) -> None:
    ask(world)
    sam = signed_in(world.sam)
    sam.get(f"/admin/view-as/owner/account/acme/incidents/{world.incident.reference}/")
    client = signed_in(world.ada)
    title = world.incident.title
    assert sentences(client) == [
        f"A person of Northwind Retail Systems looked at this account as an owner sees it in {title}",
        f"{world.ada.name} asked for a post-mortem in {title}",
    ]
    link = f'<a href="/acme/incidents/{world.incident.reference}/">{title}</a>'
    assert client.get(PAGE).content.decode().count(link) == 2


def test_the_same_deed_on_two_incidents_is_told_twice(world: World, signed_in: SignIn) -> None:
    second = factories.incident(world.reports, title="Reports late")
    for incident in (world.incident, second, second):
        with scope.as_staff():
            audit.record(
                factories.actor(world.sam),
                "post_mortem.accepted",
                world.acme,
                now=NOON,
                company_id=world.acme.pk,
                incident=str(incident.pk),
            )
    told = sentences(signed_in(world.ada))
    assert [second.title in each for each in told] == [True, False]
    assert told[0].endswith("2 times")


@pytest.mark.parametrize("kind", ["draft", "of others", "unknown", "nonsense", "long"])
def test_no_incident_is_named_that_the_company_may_not_read(
    world: World, signed_in: SignIn, kind: str
) -> None:
    alone = factories.component("Alone", "NA")
    factories.place(world.globex, alone)
    hidden = {
        "draft": factories.draft(world.api, title="Nobody knows").reference,
        "of others": str(factories.incident(alone, title="Globex alone").pk),
        "unknown": "INC-22222222",
        "nonsense": "<script>",
        "long": "9" * 99,
    }
    with scope.as_staff():
        audit.record(
            factories.actor(world.sam),
            "post_mortem.accepted",
            world.acme,
            now=NOON,
            company_id=world.acme.pk,
            incident=hidden[kind],
        )
    client = signed_in(world.ada)
    assert sentences(client) == [
        "A person of Northwind Retail Systems accepted your request for a post-mortem"
    ]
    html = client.get(PAGE).content.decode()
    assert hidden[kind][:20] not in html
