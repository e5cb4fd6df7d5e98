"""Every page of the admin: it opens for staff and for nobody else, and costs the same at any size."""

import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings
from django.contrib import admin
from django.contrib.auth.models import Group
from django.db import connection
from django.db.models import Model
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from incidents.choices import (
    Audience,
    ClaimKind,
    CompanyState,
    DraftState,
    PublicationKind,
    ReportKind,
    UpdateKind,
    WaitingState,
)
from incidents.models import (
    AnswerTemplate,
    Claim,
    ClientReport,
    Cohort,
    Document,
    Placement,
    PostMortem,
    PostMortemRequest,
    PostMortemVersion,
    Recovery,
    RecoveryEntry,
    RecoveryImport,
    RosterEntry,
    Statement,
    Update,
    WaitingUpdate,
)
from incidents.operations import corrective_actions, incidents, report_drafts, reports, statements
from incidents.operations.corrective_actions import Words
from tenants import scope
from tenants.actor import SYSTEM
from tenants.models import AuditEvent, Membership, OutgoingMail, RowChange, User
from tenants.models.audit import READ
from tests import factories
from tests.conftest import World

SignIn = Callable[[User], Client]
NOW = factories.STARTED_AT + timedelta(hours=2)
TABLES = sorted(admin.site._registry, key=lambda model: model._meta.label)
BUSINESS = [model for model in TABLES if model is not Group]
READ_ONLY = [
    AuditEvent,
    ClientReport,
    Cohort,
    Document,
    OutgoingMail,
    PostMortemRequest,
    PostMortemVersion,
    Recovery,
    RecoveryEntry,
    RosterEntry,
    RowChange,
    Statement,
    Update,
    WaitingUpdate,
]


def address(model: type[Model], page: str, row: Model | None = None) -> str:
    name = f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}"
    return reverse(name, args=[row.pk] if row else [])


def written_report(world: World) -> None:
    """A published report with one promise."""
    sam = factories.actor(world.sam)
    draft = report_drafts.begin(sam, incident_id=world.incident.pk, zone="UTC", now=NOW)
    texts = {"summary": "It broke.", "root_cause": "A connector."}
    report_drafts.save(sam, post_mortem_id=draft.pk, seen=0, texts=texts, acknowledged={}, now=NOW)
    words = Words(title="Audit", text="All of it.", owner="Infrastructure", due_on=None)
    corrective_actions.promise(sam, incident_id=world.incident.pk, words=words, now=NOW)
    PostMortem.objects.filter(pk=draft.pk).update(state=DraftState.REVIEWED, reviewed_by=world.ada)
    kind = PublicationKind.PRELIMINARY
    reports.publish(sam, post_mortem_id=draft.pk, kind=kind, number=1, change_note="", now=NOW)


@pytest.fixture
def rows(world: World) -> dict[type[Model], Model]:
    """One row of every table of the admin."""
    with scope.as_staff():
        update = incidents.post_update(
            factories.actor(world.sam),
            incident_id=world.incident.pk,
            kind=UpdateKind.UPDATE,
            body_markdown="We are **on it**.",
            now=NOW,
        )
        Claim.objects.create(
            incident=world.incident, kind=ClaimKind.TOTAL_DURATION, source="Header", claimed_seconds=16200
        )
        PostMortemRequest.objects.create(
            company=world.acme,
            incident=world.incident,
            requested_by_name="Ada",
            purpose="Our customers ask.",
            requested_at=NOW,
            answer_due_at=NOW + timedelta(days=1),
        )
        ClientReport.objects.create(
            company=world.acme,
            incident=world.incident,
            number=1,
            kind=ReportKind.STILL_BROKEN,
            component_ids=[world.api.pk],
            said_at=NOW,
            said_by=world.ada,
            said_by_name="Ada",
        )
        RecoveryImport.objects.create(
            incident=world.incident,
            file_name="recoveries.csv",
            content=b"company,at\nacme,2026-02-04 18:10\n",
            line_count=2,
            uploaded_at=NOW,
        )
        WaitingUpdate.objects.create(
            incident=world.incident,
            form_key=uuid4(),
            state=WaitingState.WAITING,
            kind=UpdateKind.UPDATE,
            audience=Audience.EVERYONE,
            body_markdown="Not yet.",
            zone="UTC",
            author=world.sam,
            written_at=NOW,
            due_at=NOW,
        )
        RosterEntry.objects.create(incident=world.incident, company=world.acme, name="Acme Stores")
        OutgoingMail.objects.create(
            to_address="ada@acme.example",
            subject="Sign in",
            body_text="secret-link-in-a-mail",
            created_at=NOW,
            due_at=NOW,
        )
        Group.objects.create(name="Duty officers")
        AnswerTemplate.objects.create(name="Later", text="The report follows.")
        written_report(world)
    with scope.as_company(world.acme.pk, user_id=world.ada.pk):
        statements.issue_for_incident(
            factories.actor(world.ada, world.acme),
            reference=world.incident.reference,
            verify_at="http://testserver/verify/",
            now=NOW,
        )
    with scope.as_staff():
        found = {model: model._default_manager.order_by("pk").first() for model in TABLES}
        found[User] = world.ada
        found[Update] = update
    assert not [model for model, row in found.items() if row is None]
    return found  # type: ignore[return-value]


def test_every_list_form_and_history_opens(
    rows: dict[type[Model], Model], world: World, signed_in: SignIn
) -> None:
    client = signed_in(world.sam)
    for model, row in rows.items():
        listed = client.get(address(model, "changelist"), {"q": "a"} if _is_searched(model) else {})
        assert listed.status_code == 200, model
        assert client.get(address(model, "changelist"), {"o": "1.-2"}).status_code == 200, model
        assert client.get(address(model, "change", row)).status_code == 200, model
        assert client.get(address(model, "history", row)).status_code == 200, model
        expected = 403 if model in READ_ONLY else 200
        assert client.get(address(model, "add")).status_code == expected, model
        for unknown in ("nonsense", "0" * 32, "%00", "9" * 400):
            there = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_change", args=[unknown])
            assert client.get(there).status_code in {302, 404}, (model, unknown)


def test_what_only_operations_write_is_neither_added_nor_changed_nor_deleted(
    rows: dict[type[Model], Model], world: World, signed_in: SignIn
) -> None:
    client = signed_in(world.sam)
    for model in READ_ONLY:
        row = rows[model]
        before = _content(model)
        assert client.post(address(model, "add"), {"state": "restored"}).status_code == 403, model
        assert client.post(address(model, "change", row), {"state": "restored"}).status_code == 403, model
        assert client.post(address(model, "delete", row), {"post": "yes"}).status_code == 403, model
        assert _content(model) == before, model


def test_nothing_is_deleted_by_the_list(
    rows: dict[type[Model], Model], world: World, signed_in: SignIn
) -> None:
    """Of Django's own action, which would take whole histories with it, nothing is left but for groups."""
    client = signed_in(world.sam)
    for model in BUSINESS:
        before = _content(model)
        chosen = {"action": "delete_selected", "_selected_action": str(rows[model].pk), "post": "yes"}
        client.post(address(model, "changelist"), chosen)
        assert _content(model) == before, model


@pytest.mark.parametrize("person", ["ada", "bea", "gus"])
def test_a_member_never_learns_that_there_is_an_admin(
    rows: dict[type[Model], Model], world: World, signed_in: SignIn, person: str
) -> None:
    client = signed_in(getattr(world, person))
    unknown = client.get("/no-such-company/")
    addresses = ["/admin/", "/admin/login/", "/admin/jsi18n/", "/admin/autocomplete/"]
    addresses += [address(model, "changelist") for model in TABLES]
    addresses += [address(model, "change", rows[model]) for model in TABLES]
    for each in addresses:
        for response in (client.get(each), client.post(each, {"post": "yes"})):
            assert response.status_code == 404, each
            assert _without_reference(response) == _without_reference(unknown)


def test_who_is_not_signed_in_is_sent_to_the_portals_sign_in(world: World) -> None:
    for each in ("/admin/", "/admin/login/", address(Recovery, "changelist")):
        response = Client().get(each)
        assert response.status_code == 302
        assert response["Location"] == f"/accounts/login/?next={each}"


def test_the_admin_is_no_second_door(world: World, signed_in: SignIn) -> None:
    client = signed_in(world.sam)
    assert client.get("/admin/login/")["Location"] == "/admin/"
    assert client.post("/admin/login/", {"username": "sam@vendor.example"})["Location"] == "/admin/"
    assert client.post("/admin/logout/")["Location"] == reverse("account_logout")
    assert client.get("/admin/").status_code == 200, "only the portal's own page signs out"
    assert client.get("/admin/password_change/")["Location"] == reverse("account_change_password")
    index = client.get("/admin/").content.decode()
    assert f'action="{reverse("account_logout")}"' in index
    assert "/admin/logout/" not in index
    assert "/admin/password_change/" not in index


def test_staff_without_rights_see_no_table_and_no_board(
    rows: dict[type[Model], Model], world: World, signed_in: SignIn
) -> None:
    with scope.as_staff():
        tim = User.objects.create_user(
            "tim@vendor.example", factories.PASSWORD, name="Tim", is_staff=True, is_superuser=False
        )
    client = signed_in(tim)
    index = client.get("/admin/")
    assert index.status_code == 200
    assert world.incident.reference not in index.content.decode()
    for model in TABLES:
        assert client.get(address(model, "changelist")).status_code == 403
        assert client.get(address(model, "change", rows[model])).status_code == 403


def test_the_texts_of_outgoing_mails_are_never_shown(
    rows: dict[type[Model], Model], world: World, signed_in: SignIn
) -> None:
    client = signed_in(world.sam)
    for each in (
        address(OutgoingMail, "changelist"),
        address(OutgoingMail, "change", rows[OutgoingMail]),
        address(OutgoingMail, "changelist") + "?q=secret-link",
    ):
        assert b"secret-link-in-a-mail" not in client.get(each).content
    found = client.get(address(OutgoingMail, "changelist"), {"q": "secret-link-in-a-mail"})
    assert b"0 results" in found.content
    filtered = client.get(address(OutgoingMail, "changelist"), {"body_text__startswith": "secret"})
    assert filtered.status_code == 400


def test_pages_hold_no_inline_script_or_style(
    rows: dict[type[Model], Model], world: World, signed_in: SignIn
) -> None:
    client = signed_in(world.sam)
    pages = ["/admin/"]
    pages += [address(model, "changelist") for model in TABLES]
    pages += [address(model, "change", rows[model]) for model in TABLES]
    pages += [address(model, "add") for model in TABLES if model not in READ_ONLY]
    pages.append(address(type(world.incident), "post-update", world.incident))
    for each in pages:
        response = client.get(each)
        words = response.content.decode()
        assert not re.search(r"<style|\sstyle=|\son\w+=|javascript:", words), each
        assert all("src=" in tag or "json" in tag for tag in re.findall(r"<script[^>]*>", words)), each
        assert "default-src 'self'" in response["Content-Security-Policy"]


def test_the_admin_wears_the_portals_tokens() -> None:
    styles = Path(settings.BASE_DIR) / "portal/static/portal"
    portal, staff = (
        dict(reversed(re.findall(r"(--[\w-]+):\s*([^;]+);", (styles / name).read_text())))
        for name in ("portal.css", "admin.css")
    )
    shared = {name for name in portal.keys() & staff.keys() if not staff[name].startswith("var(")}
    assert {"--accent", "--page", "--surface", "--ink", "--down", "--restored", "--font"} <= shared
    assert {name: staff[name] for name in shared} == {name: portal[name] for name in shared}


def test_lists_cost_the_same_with_more_rows(
    rows: dict[type[Model], Model], world: World, signed_in: SignIn
) -> None:
    client = signed_in(world.sam)
    lists = [address(model, "changelist") for model in TABLES]
    lists.append(address(Recovery, "changelist") + f"?incident={world.incident.pk}")
    few = {each: _statements(client, each) for each in lists}
    _grow(world)
    assert {each: _statements(client, each) for each in lists} == few
    assert max(few.values()) <= 12


def test_pages_of_one_row_cost_the_same_with_more_rows(
    rows: dict[type[Model], Model], world: World, signed_in: SignIn
) -> None:
    client = signed_in(world.sam)
    with scope.as_staff():
        recovery = Recovery.objects.get(company=world.acme, incident=world.incident)
        draft = factories.draft(world.api, title="Draft")
    pages = [
        "/admin/",
        address(type(world.incident), "change", world.incident),
        address(type(world.incident), "post-update", world.incident),
        address(type(world.incident), "change", draft),
        address(type(world.incident), "publish", draft),
        address(type(world.acme), "change", world.acme),
        address(Recovery, "change", recovery),
        address(PostMortemRequest, "change", rows[PostMortemRequest]),
    ]
    few = {each: _statements(client, each) for each in pages}
    _grow(world)
    assert {each: _statements(client, each) for each in pages} == few
    assert max(few.values()) <= 18


def _grow(world: World) -> None:
    """Twenty more of nearly everything, on the same incident and on more incidents."""
    for number in range(20):
        company = factories.company(f"more-{number}", consents=True)
        factories.member(_person(f"person@more-{number}.example"), company)
        factories.place(company, world.api, factories.component(f"Service {number}", "EU"))
    for number in range(20):
        factories.member(_person(f"colleague-{number}@acme.example"), world.acme)
    for number in range(5):
        factories.incident(world.api, title=f"More {number}")
    with scope.as_staff():
        companies = [
            placement.company
            for placement in Placement.objects.filter(component=world.api).select_related("company")
        ]
        Recovery.objects.bulk_create(
            [
                Recovery(company=each, incident=world.incident, state=CompanyState.UNKNOWN, measured_at=NOW)
                for each in companies
            ],
            ignore_conflicts=True,
        )
        PostMortemRequest.objects.bulk_create(
            [
                PostMortemRequest(
                    company=each,
                    incident=world.incident,
                    requested_by_name="Somebody",
                    purpose="",
                    requested_at=NOW,
                    answer_due_at=NOW,
                )
                for each in companies
            ],
            ignore_conflicts=True,
        )
        RosterEntry.objects.bulk_create(
            [RosterEntry(company=each, incident=world.incident, name=each.name) for each in companies],
            ignore_conflicts=True,
        )
        OutgoingMail.objects.bulk_create(
            [
                OutgoingMail(to_address="a@b.example", subject="Hello", created_at=NOW, due_at=NOW)
                for _ in companies
            ]
        )
        for number in range(6):
            Update.objects.create(
                incident=world.incident,
                kind=UpdateKind.UPDATE,
                audience=Audience.EVERYONE,
                body_markdown=f"More {number}",
                body_html=f"<p>More {number}</p>",
                published_at=NOW + timedelta(minutes=number),
                author=world.sam,
            )
            Claim.objects.create(
                incident=world.incident, kind=ClaimKind.STARTED_AT, source=f"Text {number}", claimed_at=NOW
            )
            incidents.publish(
                SYSTEM, incident_id=factories.draft(world.reports, title=f"Small {number}").pk, now=NOW
            )


def _person(email: str) -> User:
    """Without a password, which would take its time."""
    with scope.as_staff():
        return User.objects.create_user(email, name=email.split("@", maxsplit=1)[0])


def _statements(client: Client, page: str) -> int:
    client.get(page)
    with CaptureQueriesContext(connection) as seen:
        response = client.get(page)
    assert response.status_code == 200
    return len(seen)


def _content(model: type[Model]) -> list[Any]:
    """All rows of a table; of the audit without those that tell of a look at it."""
    with scope.as_staff():
        looks = {"action": READ} if model is AuditEvent else {"pk": None}
        return sorted(model._default_manager.exclude(**looks).values_list(), key=str)


def _is_searched(model: type[Model]) -> bool:
    return bool(admin.site._registry[model].search_fields)


def _without_reference(response: Any) -> bytes:
    return bytes(response.content).replace(response["X-Request-ID"].encode(), b"")


def test_memberships_are_listed_with_names(world: World, signed_in: SignIn) -> None:
    listed = signed_in(world.sam).get(address(Membership, "changelist")).content.decode()
    assert "ada@acme.example" in listed
    assert "Globex Hotels" in listed
