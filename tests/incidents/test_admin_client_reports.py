"""What clients say of themselves, in the admin: seen at once, accepted or disputed once."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from django.urls import reverse

from incidents.choices import CompanyState, ReportKind, ReportState
from incidents.models import ClientReport, Recovery, RecoveryEntry
from incidents.operations import client_reports
from tenants import scope
from tenants.models import AuditEvent, User
from tests import factories
from tests.conftest import World

SignIn = Callable[[User], Client]
CONSOLE = reverse("admin:index")
LIST = reverse("admin:incidents_clientreport_changelist")


@pytest.fixture
def said(world: World) -> ClientReport:
    """Acme, restored by the record after half an hour, says after an hour that it is not."""
    factories.restore(world.acme, world.incident, minutes=30)
    with scope.as_company(world.acme.pk, user_id=world.ada.pk):
        return client_reports.report(
            factories.actor(world.ada, world.acme),
            reference=world.incident.reference,
            kind=ReportKind.STILL_BROKEN,
            text="Tills fail.",
            now=world.incident.started_at + timedelta(minutes=60),
        )[0]


def answer_page(said: ClientReport) -> str:
    return reverse("admin:incidents_clientreport_answer", args=[said.pk])


def again(said: ClientReport) -> ClientReport:
    with scope.as_staff():
        return ClientReport.objects.get(pk=said.pk)


def state_of_acme(world: World) -> str:
    with scope.as_staff():
        return str(Recovery.objects.get(incident=world.incident, company=world.acme).state)


def staff_of(role: str) -> User:
    person = factories.person(f"{role.replace(' ', '.')}@vendor.example".lower())
    with scope.as_staff():
        User.objects.filter(pk=person.pk).update(is_staff=True)
        person.groups.set(Group.objects.filter(name=role))
    return person


def test_the_console_and_the_incident_name_who_says_otherwise(
    world: World, signed_in: SignIn, said: ClientReport
) -> None:
    client = signed_in(world.sam)
    incident = reverse("admin:incidents_incident_change", args=[world.incident.pk])
    update = reverse("admin:incidents_incident_post-update", args=[world.incident.pk])
    for address, words in (
        (CONSOLE, "Clients who say otherwise"),
        (incident, "Clients who say otherwise: 1 without an answer"),
        (update, "1 client waits for an answer to what it said"),
    ):
        text = client.get(address).content.decode()
        assert words in text
        assert "Acme Stores" in text
        assert "<strong>Disagrees:</strong> Restored" in text
    with scope.as_staff():
        client_reports.dispute(
            factories.actor(world.sam),
            report_id=said.pk,
            reason="No.",
            now=world.incident.started_at + timedelta(minutes=70),
        )
    assert "No client waits for an answer" in client.get(CONSOLE).content.decode()
    assert "Clients who say otherwise" not in client.get(incident).content.decode()
    assert "for an answer to what" not in client.get(update).content.decode()


def test_what_disagrees_stands_first_and_then_the_oldest(world: World, signed_in: SignIn) -> None:
    for person, company, kind, after in (
        (world.gus, world.globex, ReportKind.STILL_BROKEN, 40),
        (world.ada, world.acme, ReportKind.CONFIRMED_BACK, 50),
    ):
        with scope.as_company(company.pk, user_id=person.pk):
            client_reports.report(
                factories.actor(person, company),
                reference=world.incident.reference,
                kind=kind,
                now=world.incident.started_at + timedelta(minutes=after),
            )
    text = signed_in(world.sam).get(CONSOLE).content.decode()
    assert text.index("Acme Stores") < text.index("Globex Hotels")


def test_the_list_filters_by_answer_and_by_record(
    world: World, signed_in: SignIn, said: ClientReport
) -> None:
    client = signed_in(world.sam)
    for query, is_found in (
        ("standing=open", True),
        ("standing=withdrawn", False),
        ("standing=accepted", False),
        ("standing=disputed", False),
        ("record=no", True),
        ("record=yes", False),
        (f"incident={world.incident.pk}", True),
        ("kind=confirmed_back", False),
        ("q=acme", True),
    ):
        listed = client.get(f"{LIST}?{query}")
        assert [each.pk for each in listed.context["cl"].result_list] == [said.pk] * is_found, query


def test_accepting_writes_the_record_once(world: World, signed_in: SignIn, said: ClientReport) -> None:
    client = signed_in(world.sam)
    shown = client.get(answer_page(said)).content.decode()
    assert "Tills fail." in shown
    sent = {"accept": "yes", "state": "outage", "since_at_0": "04/02/2026", "since_at_1": "13:15:00"}
    first = client.post(answer_page(said), sent, follow=True).content.decode()
    assert "Accepted: 1 entry went into the record of Acme Stores." in first
    assert (again(said).state, state_of_acme(world)) == (ReportState.ACCEPTED, CompanyState.OUTAGE)
    with scope.as_staff():
        before = RecoveryEntry.objects.count()
    assert "answered or taken back already" in client.post(answer_page(said), sent).content.decode()
    with scope.as_staff():
        assert RecoveryEntry.objects.count() == before
        assert AuditEvent.objects.filter(action="client_report.accepted", actor=world.sam).count() == 1


def test_disputing_needs_a_reason_and_leaves_the_record(
    world: World, signed_in: SignIn, said: ClientReport
) -> None:
    client = signed_in(world.sam)
    assert "Nothing was changed" in client.post(answer_page(said), {"dispute": "yes"}).content.decode()
    assert again(said).state == ReportState.OPEN
    client.post(answer_page(said), {"dispute": "yes", "reason": "Your own proxy."})
    assert (again(said).state, again(said).answer) == (ReportState.DISPUTED, "Your own proxy.")
    assert state_of_acme(world) == CompanyState.RESTORED


@pytest.mark.parametrize(
    "sent",
    [
        {"accept": "yes"},
        {"accept": "yes", "state": "restored", "since_at_0": "04/02/2026", "since_at_1": "13:15"},
        {"accept": "yes", "state": "outage", "since_at_0": "99/99/2026", "since_at_1": "13:15"},
        {"accept": "yes", "state": "outage", "since_at_0": "04/02/2030", "since_at_1": "13:15"},
        {},
    ],
    ids=["nothing", "not what was said", "no day", "the future", "no button"],
)
def test_an_answer_that_makes_no_sense_changes_nothing(
    world: World, signed_in: SignIn, said: ClientReport, sent: dict[str, str]
) -> None:
    assert signed_in(world.sam).post(answer_page(said), sent).status_code == 200
    assert (again(said).state, state_of_acme(world)) == (ReportState.OPEN, CompanyState.RESTORED)


@pytest.mark.parametrize(
    ("role", "may"),
    [("Support", True), ("Incident manager", True), ("Publisher", False), ("Administrator", False)],
)
def test_support_and_incident_managers_answer_and_others_only_read(
    world: World, signed_in: SignIn, said: ClientReport, role: str, may: bool
) -> None:
    client = signed_in(staff_of(role))
    change = reverse("admin:incidents_clientreport_change", args=[said.pk])
    assert (answer_page(said) in client.get(change).content.decode()) == may
    assert client.get(answer_page(said)).status_code == (200 if may else 403)
    answer = client.post(answer_page(said), {"dispute": "yes", "reason": "No."})
    assert answer.status_code == (302 if may else 403)
    assert again(said).state == (ReportState.DISPUTED if may else ReportState.OPEN)
