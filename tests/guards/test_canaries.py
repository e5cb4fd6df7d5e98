"""The watch sees every text that reaches somebody whom it is not for, wherever it is planted."""

import functools
from collections.abc import Callable
from pathlib import Path

import pytest
import structlog
from django.apps import apps
from django.core.cache import cache
from django.core.mail import EmailMultiAlternatives, get_connection
from django.db import connection
from django.test import Client
from pytest_django import Settings

from incidents.models import RosterEntry
from portal.web import rendered
from tenants import mail, scope, tasks, walls
from tenants.models import Company, Membership, OutgoingMail, User
from tenants.permissions import Role
from tests import factories
from tests.canaries import marks, plugin, watch
from tests.conftest import World
from tests.guards import full_world, leaking_pages
from tests.tenants.smtp_sink import SmtpSink

SignIn = Callable[[User], Client]


@pytest.fixture
def told(world: World, settings: Settings) -> Callable[[Client, str, str], list[str]]:
    """What the watch says when a page of Acme tells a text in one of the ways of leaking_pages."""
    settings.ROOT_URLCONF = "tests.guards.leaking_pages"

    def ask(client: Client, how: str, text: str) -> list[str]:
        leaking_pages.planted["text"] = text
        with watch.collected() as astray:
            client.get(f"/acme/incidents/{world.incident.reference}/{how}/")
        return astray

    return ask


def planted_by(world: World) -> dict[str, tuple[str, str]]:
    """A text of each kind that Acme must not read, and what the watch calls it."""
    draft = factories.draft(world.api, title="Nobody knows yet")
    return {
        world.globex.name: ("the name", "company globex"),
        world.gus.email: ("the address", "person gus@globex.example"),
        world.gus.name: ("the name", "person gus@globex.example"),
        world.sam.name: ("the name", "staff"),
        draft.title: ("the title", f"incident {draft.reference}"),
        draft.reference: ("the reference", f"incident {draft.reference}"),
        str(world.globex.pk): ("the id", "company globex"),
        world.gus.pk.hex: ("the id", "person gus@globex.example"),
    }


@pytest.mark.parametrize("how", [*leaking_pages.PLACES, "message"])
def test_another_companys_text_is_seen_in_every_place_of_an_answer(
    world: World, signed_in: SignIn, told: Callable[[Client, str, str], list[str]], how: str
) -> None:
    place = leaking_pages.PLACES[how][0] if how in leaking_pages.PLACES else "the cookie portal_messages"
    (complaint, *more) = told(signed_in(world.ada), how, "Globex Hotels")
    assert more == []
    address = f"GET /acme/incidents/{world.incident.reference}/{how}/"
    assert complaint.startswith(f"{address} answered ada@acme.example: the name of company globex")
    assert f"stands in {place}, at …" in complaint


def test_every_kind_of_text_is_seen_and_called_by_its_name(
    world: World, signed_in: SignIn, told: Callable[[Client, str, str], list[str]]
) -> None:
    ada, sam = signed_in(world.ada), signed_in(world.sam)
    for text, (what, owner) in planted_by(world).items():
        (complaint, *_more) = told(ada, "body", text)
        assert f"{what} of {owner}" in complaint
        assert told(sam, "body", text) == [], "staff read everything"


def test_what_is_ones_own_is_no_leak(
    world: World, signed_in: SignIn, told: Callable[[Client, str, str], list[str]]
) -> None:
    ada = signed_in(world.ada)
    for text in (
        world.acme.name,
        world.bea.name,
        world.incident.title,
        str(world.acme.pk),
        str(world.incident.pk),
    ):
        assert told(ada, "body", text) == []


def test_who_lost_access_gets_nothing_of_the_company_any_more(
    world: World, signed_in: SignIn, told: Callable[[Client, str, str], list[str]]
) -> None:
    """Answers of pages that forgot to ask the door: the watch asks the database who it is now."""
    bea = signed_in(world.bea)
    with scope.as_staff():
        Membership.objects.filter(user=world.bea).delete()
    response = bea.get("/acme/")
    with watch.collected() as astray:
        response.content = b"<p>Acme Stores</p>"
        watch.answer_tells({"PATH_INFO": "/acme/", "REQUEST_METHOD": "GET"}, response)
    assert [each.split(" stands in ")[0] for each in astray] == [
        "GET /acme/ answered bea@acme.example: the name of company acme (acme stores)"
    ]


def test_a_page_of_one_company_holds_nothing_of_the_readers_other_one_but_its_name(
    world: World, signed_in: SignIn, told: Callable[[Client, str, str], list[str]]
) -> None:
    tia = factories.person("tia@people.example")
    factories.member(tia, world.acme, Role.READER)
    factories.member(tia, world.globex, Role.OWNER)
    client = signed_in(tia)
    assert told(client, "body", world.globex.name) == []
    assert len(told(client, "body", world.gus.name)) == 1


def test_what_the_asker_sent_is_no_news_to_them(world: World, signed_in: SignIn) -> None:
    with watch.collected() as astray:
        Client().get(f"/acme/incidents/{world.incident.reference}/")
        signed_in(world.ada).get("/acme/incidents/", {"q": "Globex Hotels"})
    assert astray == []


def test_a_name_is_read_in_the_roster_of_a_shared_incident_alone_and_while_it_is_agreed(
    world: World, signed_in: SignIn, told: Callable[[Client, str, str], list[str]]
) -> None:
    ada = signed_in(world.ada)
    with scope.as_staff():
        RosterEntry.objects.create(incident=world.incident, company=world.globex, name=world.globex.name)
    assert len(told(ada, "roster", "Globex Hotels")) == 1, "it never agreed"
    with scope.as_staff():
        Company.objects.filter(pk=world.globex.pk).update(consents_to_be_named=True)
    assert told(ada, "roster", "Globex Hotels") == []
    assert len(told(ada, "body", "Globex Hotels")) == 1, "beside the roster"
    foreign = factories.component("Payment Processing", "NA")
    factories.place(world.globex, foreign)
    world.incident.reference = factories.incident(foreign).reference
    assert len(told(ada, "roster", "Globex Hotels")) == 1, "Acme is not in that incident"


@pytest.mark.parametrize("part", ["subject", "text", "html", "header"])
@pytest.mark.parametrize("backend", ["locmem", "smtp", "filebased"])
def test_a_mail_is_looked_through_for_its_recipient(
    world: World, settings: Settings, tmp_path: Path, backend: str, part: str
) -> None:
    words = {each: "Of Globex Hotels" if each == part else "Words" for each in ("subject", "text", "html")}
    headers = {"X-Told": "Globex Hotels"} if part == "header" else {}
    settings.EMAIL_FILE_PATH = tmp_path
    with SmtpSink() as sink, watch.collected() as astray:
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", sink.port
        for to in ("ada@acme.example", "gus@globex.example", "sam@vendor.example", "who@nowhere.example"):
            message = EmailMultiAlternatives(words["subject"], words["text"], to=[to], headers=headers)
            message.attach_alternative(f"<p>{words['html']}</p>", "text/html")
            message.connection = get_connection(f"django.core.mail.backends.{backend}.EmailBackend")
            message.send()
    assert [each.split(": ")[0] for each in astray] == [
        "a mail to ada@acme.example",
        "a mail to who@nowhere.example",
    ]
    assert all("the name of company globex" in each for each in astray)


def test_a_mail_that_waits_in_the_outbox_is_looked_through(world: World) -> None:
    mail.enqueue(EmailMultiAlternatives("News", "Gus wrote: gus@globex.example", to=["ada@acme.example"]))
    with watch.collected() as astray:
        watch.outbox_tells()
    with scope.as_staff():
        OutgoingMail.objects.all().delete()
    (complaint,) = astray
    assert complaint.startswith("a mail in the outbox to ada@acme.example: the address of person gus")


def test_a_file_of_the_data_folder_is_looked_through(world: World, tmp_path: Path) -> None:
    (tmp_path / "mail").mkdir()
    (tmp_path / "mail" / "one.log").write_bytes(
        b"To: ada@acme.example\n\nGlobex Hotels\n"
        + b"-" * 79
        + b"\nTo: gus@globex.example\n\nGlobex Hotels\n"
    )
    (tmp_path / "exports").mkdir()
    (tmp_path / "exports" / "one.csv").write_text("Acme Stores;1\n")
    (tmp_path / "demo-logins.json").write_text("ada@acme.example")
    with watch.collected() as astray:
        watch.files_tell(tmp_path)
    assert [each.split(" (")[0] for each in astray] == [
        "the file exports/one.csv: the name of company acme",
        "the file mail/one.log to ada@acme.example: the name of company globex",
    ]


def test_the_cache_holds_a_companys_text_under_its_own_key_alone(world: World) -> None:
    with watch.collected() as astray:
        cache.set("page", "<h1>Globex Hotels</h1>")
        cache.set_many({f"{world.acme.pk}:page": "Globex Hotels"})
        cache.add("tried:gus@globex.example", 1)
        cache.set(f"client:{world.globex.pk}:page", "Globex Hotels")
    assert [each.split(" (")[0] for each in astray] == [
        "the cache's command SET portal:1:page: the name of company globex",
        f"the cache's command MSET portal:1:{world.acme.pk}:page: the name of company globex",
        "the cache's command SET portal:1:tried:gus@globex.example: the address of person gus@globex.example",
    ]


def test_a_kept_part_of_a_page_is_looked_through(world: World) -> None:
    for company in (world.acme, world.globex):
        made = rendered.Part(company_id=company.pk, title="", html="<p>Globex Hotels</p>")
        with scope.entered(scope.Scope(company_id=company.pk)):
            rendered.part(("k",), functools.partial(_as_it_is, made))
    with watch.collected() as astray:
        watch.kept_parts_tell()
    rendered.forget_all()
    assert [each.split(" (")[0] for each in astray] == [
        f"a kept part of company {world.acme.pk}: the name of company globex"
    ]


def _as_it_is(part: rendered.Part) -> rendered.Part:
    return part


def test_a_log_line_holds_ids_and_no_text(world: World) -> None:
    log = structlog.get_logger("portal.planted")
    with watch.collected() as astray:
        log.warning("asked", company_id=str(world.acme.pk), reference="x")
        log.warning("asked", company=world.acme.name)
        log.error("failed", exc_info=ValueError(world.gus.email))
    assert [each.split(" (")[0] for each in astray] == [
        "the log line of portal.planted: the name of company acme",
        "the log line of portal.planted: the address of person gus@globex.example",
    ]


def test_a_message_to_the_worker_holds_ids_and_no_text(world: World) -> None:
    with watch.collected() as astray:
        tasks.sweep_mail.apply_async(kwargs={"company_id": str(world.acme.pk)})
        tasks.sweep_mail.apply_async(kwargs={"to": "ada@acme.example"})
        tasks.sweep_mail.apply_async(kwargs={"purpose": "Our auditors ask."})
    assert [each.split(" (")[0] for each in astray] == [
        "the task tenants.tasks.sweep_mail: the address of person ada@acme.example",
        "the task tenants.tasks.sweep_mail was sent a text, not an id: 'ada@acme.example'",
        "the cache's command LPUSH celery: the address of person ada@acme.example",
        "the task tenants.tasks.sweep_mail was sent a text, not an id: 'Our auditors ask.'",
    ]


def test_a_test_with_a_complaint_fails_and_says_the_place(
    request: pytest.FixtureRequest, world: World, signed_in: SignIn, settings: Settings
) -> None:
    settings.ROOT_URLCONF = "tests.guards.leaking_pages"
    leaking_pages.planted["text"] = "Globex Hotels"
    run = plugin.pytest_runtest_call(request.node)
    next(run)
    signed_in(world.ada).get("/acme/incidents/INC-22222222/body/")
    with pytest.raises(pytest.fail.Exception, match="the name of company globex"):
        next(run)
    watch.complaints.clear()


def test_every_text_of_every_business_table_is_marked_in_the_full_world(world: World) -> None:
    """A new table needs rows in tests/guards/full_world.py; a new column is marked there by itself."""
    full_world.fill(world)
    models = {model._meta.db_table: model for model in apps.get_models(include_auto_created=True)}
    business = {"company-owned", "published", "staff-only"}
    lacking = []
    for table, access in walls.declared().items():
        if access.kind not in business or table not in models:
            continue
        columns = [field.column for field in full_world.free_texts(models[table])]
        has_company = any(field.column == "company_id" for field in models[table]._meta.concrete_fields)
        for column in sorted({*columns, "id"} - NOT_MARKED.get(table, set())):
            for company in (world.acme, world.globex) if has_company else (None,):
                if (table, column, company) != ("incidents_rosterentry", "name", world.globex):
                    lacking += _without_a_mark(table, column, company)
    assert "\n".join(lacking) == ""


NOT_MARKED = {
    "incidents_cohort": {"curve"},  # numbers, of all companies together
    "incidents_document": {"trouble", "zone"},  # the portal's own words, the name of a zone
    "incidents_incident": {"set_aside_reason"},  # no incident of this world is set aside
    "incidents_postmortem": {"zone"},  # the name of a zone
    "incidents_waitingupdate": {"zone"},  # the name of a time zone
    "incidents_rosterentry": {"id"},  # a company that did not agree has no row; the name is its mark
    "incidents_statement": {"number", "record_version"},  # drawn by chance; two numbers
    "tenants_rowchange": {"role", "table_name"},  # the database's own words
}


def _without_a_mark(table: str, column: str, company: Company | None) -> list[str]:
    """What is lacking: rows (of the company), or a mark in their text."""
    of_company = "where company_id = %s" if company else ""
    with scope.as_staff(), connection.cursor() as cursor:
        cursor.execute(
            f'select "{column}"::text from "{table}" {of_company}', [company.pk] if company else []
        )
        rows = [str(value) for (value,) in cursor.fetchall()]
    if not rows:
        return [f"{table} has no row{f' of {company}' if company else ''}"]
    if column != "id" and not any(marks.in_force.find(value) for value in rows):
        return [f"{table}.{column} holds no mark{f' of {company}' if company else ''}"]
    return []
