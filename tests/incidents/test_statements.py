"""Downtime statements: what is issued, once, of whose record, and what shows that the record has changed."""

import json
from datetime import UTC, date, datetime, timedelta

import pytest
from django.test import override_settings

from incidents import errors, report_errors, signatures
from incidents.choices import CompanyState, DocumentState
from incidents.models import Document, Statement
from incidents.models.statement import company_ending, new_number
from incidents.operations import statements
from incidents.queries import statement_documents, verification
from incidents.queries import statements as queries
from incidents.queries.statement_documents import StatementDocument
from incidents.queries.verification import Verdict, Verification
from tenants import scope
from tenants.errors import ScopeError
from tenants.models import AuditEvent, Company, User
from tests import factories
from tests.conftest import World

NOW = factories.STARTED_AT + timedelta(hours=8)
UNKNOWN = Verification(verdict=Verdict.UNKNOWN)
VERIFY_AT = "https://portal.example/verify/"


def issued(
    world: World, *, now: datetime = NOW, by: User | None = None, of: Company | None = None
) -> Statement:
    company, person = of or world.acme, by or world.ada
    with scope.as_company(company.pk, user_id=person.pk):
        return statements.issue_for_incident(
            factories.actor(person, company),
            reference=world.incident.reference,
            verify_at=VERIFY_AT,
            now=now,
        )[0]


def of_month(world: World, month_on: date, *, now: datetime = NOW) -> StatementDocument:
    with scope.as_company(world.acme.pk, user_id=world.ada.pk):
        made, _is_new = statements.issue_for_month(
            factories.actor(world.ada, world.acme), month_on=month_on, verify_at=VERIFY_AT, now=now
        )
    return said(made)


def said(made: Statement) -> StatementDocument:
    return statement_documents.read(json.loads(made.content))


def counts() -> tuple[int, int, int]:
    with scope.as_staff():
        return (
            Statement.objects.count(),
            Document.objects.count(),
            AuditEvent.objects.filter(action="statement.issued").count(),
        )


def test_a_statement_says_what_the_record_says_of_the_own_account(world: World) -> None:
    factories.restore(world.acme, world.incident, minutes=15, state=CompanyState.DEGRADED)
    factories.restore(world.acme, world.incident, minutes=265)
    found = said(issued(world))
    assert (found.outage_seconds, found.degraded_seconds, found.downtime_seconds) == (900, 15_000, 900)
    assert (found.from_at, found.until_at) == (
        factories.STARTED_AT,
        factories.STARTED_AT + timedelta(minutes=265),
    )
    assert [each.state for each in found.stretches] == [CompanyState.OUTAGE, CompanyState.DEGRADED]
    assert (found.company, found.zone, found.reference) == (
        "Acme Stores",
        "Europe/Paris",
        world.incident.reference,
    )
    assert found.is_provisional  # the incident itself goes on
    assert found.verify_at == VERIFY_AT


def test_the_weight_of_degraded_time_is_that_of_the_setting_and_stands_in_it(world: World) -> None:
    factories.restore(world.acme, world.incident, minutes=10, state=CompanyState.DEGRADED)
    factories.restore(world.acme, world.incident, minutes=20)
    with override_settings(DEGRADED_WEIGHT_PERCENT=50):
        found = said(issued(world))
    assert (found.downtime_seconds, found.degraded_weight_percent) == (900, 50)


def test_issuing_keeps_a_signed_document_and_asks_for_its_pdf(world: World) -> None:
    made = issued(world)
    document = json.loads(made.content)
    assert signatures.is_signed(document, verification.known_keys())
    assert made.content.encode() == signatures.canonical(document)
    with scope.as_staff():
        pdf = Document.objects.get(statement=made)
    assert (pdf.state, pdf.company_id, pdf.zone) == (DocumentState.WAITING, world.acme.pk, "Europe/Paris")
    assert counts() == (1, 1, 1)


def test_clicking_twice_issues_once_and_a_changed_record_issues_again(world: World) -> None:
    first = issued(world)
    assert issued(world).pk == first.pk
    assert counts() == (1, 1, 1)
    factories.restore(world.acme, world.incident, minutes=30)
    assert issued(world).pk != first.pk
    assert counts() == (2, 2, 2)


def test_of_a_record_that_moves_there_is_one_a_minute(world: World) -> None:
    first = issued(world)
    assert issued(world, now=NOW + timedelta(seconds=20)).pk == first.pk
    later = issued(world, now=NOW + timedelta(minutes=5))
    assert said(later).outage_seconds == said(first).outage_seconds + 300


def test_a_statement_of_a_month_is_that_of_the_zone_and_clipped_to_now(world: World) -> None:
    found = of_month(world, date(2026, 2, 1))
    assert found.from_at == datetime(2026, 1, 31, 23, 0, tzinfo=UTC)
    assert found.until_at == NOW
    assert found.outage_seconds == 8 * 3600
    assert found.is_provisional
    period = 3 * 86_400 + 13 * 3600 + 45 * 60 + 8 * 3600
    assert found.period_seconds == period
    assert found.availability_percent == "91.4666"


def test_a_month_without_anything_is_wholly_available_and_one_to_come_is_refused(world: World) -> None:
    assert of_month(world, date(2026, 1, 1)).availability_percent == "100.0000"
    before = counts()
    for month_on in (date(2026, 3, 1), date(1999, 1, 1), date(2026, 2, 2)):
        with pytest.raises(report_errors.NotAMonth):
            of_month(world, month_on)
    assert counts() == before


def test_a_stretch_that_still_holds_at_the_end_of_a_month_is_clipped(world: World) -> None:
    in_march = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
    february = of_month(world, date(2026, 2, 1), now=in_march)
    assert february.until_at == datetime(2026, 2, 28, 23, 0, tzinfo=UTC)
    assert february.outage_seconds == (february.until_at - factories.STARTED_AT).total_seconds()
    assert february.is_provisional  # what is not restored may turn out to have been


def test_nothing_of_another_company_is_in_it_and_it_cannot_be_found_by_others(world: World) -> None:
    made = issued(world)
    issued(world, by=world.gus, of=world.globex)
    assert world.globex.name not in made.content
    with scope.as_company(world.globex.pk, user_id=world.gus.pk):
        assert Statement.objects.count() == 1
        with pytest.raises(report_errors.StatementNotFound):
            queries.issued(made.number, now=NOW)
        with pytest.raises(report_errors.StatementNotFound):
            statements.downloaded(
                factories.actor(world.gus, world.globex), number=made.number, form="json", now=NOW
            )


def test_an_incident_of_others_a_draft_and_an_unknown_one_have_no_statement(world: World) -> None:
    theirs = factories.component("Theirs", "NA")
    factories.place(world.globex, theirs)
    for reference in (
        factories.incident(theirs).reference,
        factories.draft(world.api).reference,
        "INC-22222222",
    ):
        with scope.as_company(world.acme.pk, user_id=world.ada.pk), pytest.raises(errors.IncidentNotFound):
            statements.issue_for_incident(
                factories.actor(world.ada, world.acme), reference=reference, verify_at=VERIFY_AT, now=NOW
            )
    assert counts() == (0, 0, 0)


def test_without_a_key_nothing_is_issued(world: World) -> None:
    with override_settings(STATEMENT_SIGNING_KEY=""), pytest.raises(report_errors.NoSigningKey):
        issued(world)
    assert counts() == (0, 0, 0)


def test_a_company_issues_so_many_a_day(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statements, "MOST_A_DAY", 2)
    for minutes in (0, 2):
        issued(world, now=NOW + timedelta(minutes=minutes))
    with pytest.raises(report_errors.TooManyStatements):
        issued(world, now=NOW + timedelta(minutes=4))
    issued(world, now=NOW + timedelta(days=1, minutes=1))
    assert counts() == (3, 3, 3)


def test_valid_until_the_record_changes_and_superseded_after(world: World) -> None:
    made = issued(world)
    assert verdict_of(made) is Verdict.VALID
    factories.restore(world.globex, world.incident, minutes=30)
    assert verdict_of(made) is Verdict.VALID  # that was somebody else's
    factories.restore(world.acme, world.incident, minutes=30)
    assert verdict_of(made) is Verdict.SUPERSEDED


def test_a_month_is_superseded_by_what_is_recorded_of_it_and_not_by_what_comes_after(world: World) -> None:
    factories.restore(world.acme, world.incident, minutes=30)
    with scope.as_company(world.acme.pk, user_id=world.ada.pk):
        made, _is_new = statements.issue_for_month(
            factories.actor(world.ada, world.acme), month_on=date(2026, 1, 1), verify_at=VERIFY_AT, now=NOW
        )
    factories.restore(world.acme, world.incident, minutes=90, state=CompanyState.OUTAGE)
    assert verdict_of(made) is Verdict.VALID
    earlier = factories.incident(world.api, title="Earlier", started_at=datetime(2026, 1, 20, tzinfo=UTC))
    assert earlier.started_at < NOW
    assert verdict_of(made) is Verdict.SUPERSEDED


def verdict_of(made: Statement) -> Verdict:
    by_number = verification.verify_number(made.number, now=NOW + timedelta(days=1))
    by_text = verification.verify_text(made.content, now=NOW + timedelta(days=1))
    assert by_number.verdict is by_text.verdict
    assert (by_number.document, by_text.document) == (None, json.loads(made.content))
    return by_number.verdict


def test_a_month_long_ago_gets_no_other_statement(world: World) -> None:
    number = of_month(world, date(2026, 2, 1)).number
    with scope.as_company(world.acme.pk, user_id=world.ada.pk):
        found = [
            queries.issued(number, now=NOW + timedelta(days=days)).can_be_renewed for days in (0, 600, 800)
        ]
    assert found == [True, True, False]


def test_an_altered_document_says_nothing_but_that(world: World) -> None:
    made = issued(world)
    altered = made.content.replace('"outage_seconds":28800', '"outage_seconds":28801')
    assert altered != made.content
    found = verification.verify_text(altered, now=NOW)
    assert (found.verdict, found.document) == (Verdict.ALTERED, None)


def test_what_was_signed_and_is_kept_no_more_is_told_apart(world: World) -> None:
    document = {**json.loads(issued(world).content), "number": "DS-22222-22222-22222-22222"}
    key = signatures.SigningKey("b25seS1mb3ItdGVzdHMtb25seS1mb3ItdGVzdHMtITE")
    unsigned = {name: value for name, value in document.items() if name != "signature"}
    text = signatures.canonical(key.sign(unsigned))
    assert verification.verify_text(text, now=NOW).verdict is Verdict.NOT_KEPT


@pytest.mark.parametrize("number", ["", "DS-22222-22222-22222-22222", "\0", "x" * 5_000, "' or 1=1 --"])
def test_a_number_that_nobody_was_given_is_nobodys(world: World, number: str) -> None:
    issued(world)
    assert verification.verify_number(number, now=NOW) == UNKNOWN


def test_a_visitor_reads_no_statement_and_a_number_of_one_company_finds_none_of_another(world: World) -> None:
    made = issued(world)
    with pytest.raises(ScopeError):
        Statement.objects.count()
    moved = made.number[:-5] + new_number(world.globex.pk)[-5:]
    assert company_ending(moved) == world.globex.pk.hex[-5:]
    assert verification.verify_number(moved, now=NOW) == UNKNOWN
