"""The chain of the audit: what the superuser does to it afterwards is found and named."""

import io
import os
import re
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from tenants import audit, audit_seals, chain, scope, tasks
from tenants.actor import SYSTEM
from tenants.models import AuditEvent, AuditSeal, Company
from tests import factories, services
from tests.threads import at_once

NOW = datetime(2026, 2, 4, 21, tzinfo=UTC)
ROWS = 6


@pytest.fixture
def company(committed: None) -> Company:
    """A company with ROWS sealed rows in the audit; every one of them is committed."""
    made = factories.company("acme")
    write(made, ROWS)
    seal()
    return made


@pytest.fixture
def superuser(company: Company) -> Iterator[psycopg.Connection]:
    url = services.admin_url(os.environ["PORTAL_TEST_DATABASE"])
    with psycopg.connect(url, autocommit=True) as opened:
        yield opened


def write(company: Company, rows: int) -> None:
    with scope.as_staff():
        for number in range(rows):
            audit.record(
                SYSTEM, "company.tried", company, now=NOW, company_id=company.pk, number=number, share=0.1
            )


def seal(now: datetime = NOW) -> int:
    with scope.as_staff():
        return audit_seals.seal_waiting(now=now, everything=True)


def verify(kept: audit_seals.Head | None = None) -> audit_seals.Verdict:
    with scope.as_staff():
        return audit_seals.verify(kept={kept.number: kept.digest} if kept else None)


def head() -> audit_seals.Head:
    with scope.as_staff():
        return audit_seals.head()


def event_of(number: int) -> str:
    with scope.as_staff():
        return str(AuditSeal.objects.get(number=number).event_id)


def test_rows_are_sealed_in_order_once_and_nobody_needs_to_be_asked_twice(company: Company) -> None:
    with scope.as_staff():
        seals = list(AuditSeal.objects.order_by("number"))
        keys = list(AuditEvent.objects.order_by("pk").values_list("pk", flat=True))
    assert [each.number for each in seals] == [1, 2, 3, 4, 5, 6]
    assert [each.event_id for each in seals] == keys
    assert [each.previous_digest for each in seals] == [
        chain.NO_DIGEST,
        *(each.digest for each in seals[:-1]),
    ]
    assert seal() == 0
    verdict = verify()
    assert (verdict.fault, verdict.waiting_count, verdict.waiting_since) == ("", 0, None)
    assert verdict.head == head() == audit_seals.Head(number=6, digest=seals[-1].digest, sealed_at=NOW)


CHANGES = {
    "its words": "update tenants_auditevent set action = 'company.other' where id = %s",
    "who it was": "update tenants_auditevent set actor_name = 'Nobody' where id = %s",
    "when it was": "update tenants_auditevent set at = at - interval '1 microsecond' where id = %s",
    "whose it was": "update tenants_auditevent set company_id = null where id = %s",
    "its detail": "update tenants_auditevent set detail = detail || '{\"share\": 0.2}' where id = %s",
    "what it was about": "update tenants_auditevent set about = 'INC-1' where id = %s",
    "its seal": "update tenants_auditseal set digest = repeat('a', 64) where event_id = %s",
    "when it was sealed": "update tenants_auditseal set sealed_at = now() where event_id = %s",
}


@pytest.mark.parametrize("what", CHANGES)
def test_a_row_that_is_changed_is_named(superuser: psycopg.Connection, what: str) -> None:
    changed = event_of(3)
    superuser.execute(CHANGES[what].encode(), [changed])
    verdict = verify()
    assert verdict.fault == f"Number 3 was changed: its row {changed} is not the one that was sealed."
    assert (verdict.is_sound, verdict.head.number) == (False, 2)


def test_a_row_that_is_taken_out_is_named(superuser: psycopg.Connection) -> None:
    gone = event_of(4)
    superuser.execute("delete from tenants_auditevent where id = %s", [gone])
    assert verify().fault == f"Number 4 is missing: its row {gone} is gone."


def test_a_row_that_is_taken_out_with_its_seal_is_named(superuser: psycopg.Connection) -> None:
    gone = event_of(4)
    superuser.execute("delete from tenants_auditevent where id = %s", [gone])
    superuser.execute("delete from tenants_auditseal where number = 4")
    assert verify().fault == "Number 4 is missing: 5 follows 3."


def test_a_gap_that_is_closed_by_new_numbers_is_named(superuser: psycopg.Connection) -> None:
    gone, next_one = event_of(4), event_of(5)
    superuser.execute("delete from tenants_auditevent where id = %s", [gone])
    superuser.execute("delete from tenants_auditseal where number = 4")
    for number in (5, 6):
        superuser.execute("update tenants_auditseal set number = number - 1 where number = %s", [number])
    fault = f"Number 4 is out of order: its row {next_one} was not sealed after number 3."
    assert verify().fault == fault


def test_a_row_that_is_put_between_is_named(superuser: psycopg.Connection) -> None:
    put_in = superuser.execute(
        "insert into tenants_auditevent (actor_kind, actor_name, shown_name, action, object_type, object_id, "
        "detail, at) values ('portal', 'portal', '', 'x', 'y', 'z', '{}', %s) returning id",
        [NOW],
    ).fetchone()
    assert put_in is not None
    for number in (6, 5, 4):
        superuser.execute("update tenants_auditseal set number = number + 1 where number = %s", [number])
    with scope.as_staff():
        content = chain.Content(**AuditEvent.objects.values(*audit_seals.COLUMNS).get(pk=put_in[0]))
        before = AuditSeal.objects.get(number=3).digest
    superuser.execute(
        "insert into tenants_auditseal (number, event_id, previous_digest, digest, sealed_at) "
        "values (4, %s, %s, %s, %s)",
        [put_in[0], before, chain.digest(content, previous_digest=before, sealed_at=NOW), NOW],
    )
    assert verify().fault.startswith("Number 5 is out of order")


def test_two_rows_that_change_places_are_named(superuser: psycopg.Connection) -> None:
    later = event_of(4)
    for number, to in ((3, 30), (4, 3), (30, 4)):
        superuser.execute("update tenants_auditseal set number = %s where number = %s", [to, number])
    fault = f"Number 3 is out of order: its row {later} was not sealed after number 2."
    assert verify().fault == fault


def test_two_rows_that_change_contents_are_named(superuser: psycopg.Connection) -> None:
    superuser.execute(
        "update tenants_auditevent e set detail = o.detail from tenants_auditevent o "
        "where (e.id, o.id) in ((%(a)s, %(b)s), (%(b)s, %(a)s))",
        {"a": event_of(2), "b": event_of(5)},
    )
    assert verify().fault.startswith("Number 2 was changed")


def test_an_end_that_is_cut_off_is_found_with_a_head_that_was_kept(superuser: psycopg.Connection) -> None:
    kept = head()
    superuser.execute("delete from tenants_auditevent where id in (%s, %s)", [event_of(5), event_of(6)])
    superuser.execute("delete from tenants_auditseal where number > 4")
    assert verify().is_sound, "a chain that was cut is a chain: only a kept head tells"
    fault = "Number 5 is missing: the chain ends before the kept head 6."
    assert verify(kept).fault == fault


def test_a_chain_that_is_written_anew_is_found_with_a_head_that_was_kept(
    superuser: psycopg.Connection,
) -> None:
    kept = head()
    superuser.execute("update tenants_auditevent set actor_name = 'Nobody' where id = %s", [event_of(2)])
    superuser.execute("delete from tenants_auditseal")
    seal()
    assert verify().is_sound
    assert verify(kept).fault == "Number 6 was rewritten: its digest is not the kept one."


def test_a_row_that_waits_is_counted_and_can_still_be_changed_unseen(superuser: psycopg.Connection) -> None:
    with scope.as_staff():
        company = Company.objects.get()
    write(company, 2)
    verdict = verify()
    assert (verdict.fault, verdict.waiting_count, verdict.head.number) == ("", 2, 6)
    assert verdict.waiting_since is not None
    assert abs(timezone.now() - verdict.waiting_since) < timedelta(minutes=1)
    superuser.execute(
        "update tenants_auditevent e set action = 'x' "
        "where not exists (select from tenants_auditseal s where s.event_id = e.id)"
    )
    assert seal() == 2
    assert verify().is_sound


def test_staff_and_the_worker_cannot_change_or_take_out_a_seal(company: Company) -> None:
    for statement in ("update tenants_auditseal set number = number", "delete from tenants_auditseal"):
        with (
            pytest.raises(DatabaseError, match="permission denied"),
            scope.as_staff(),
            connection.cursor() as cursor,
        ):
            cursor.execute(statement)
    assert verify().head.number == ROWS


def test_many_rows_are_sealed_by_several_workers_at_once_each_row_once(company: Company) -> None:
    write(company, 40)
    sealed: list[int] = []
    assert at_once(*[lambda: sealed.extend(seal() for _ in range(5))] * 4) == [None] * 4
    assert sum(sealed) == 40
    verdict = verify()
    assert (verdict.fault, verdict.waiting_count, verdict.head.number) == ("", 0, ROWS + 40)


def test_a_batch_ends_and_the_next_goes_on_where_it_ended(
    company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit_seals, "BATCH", 4)
    write(company, 9)
    tasks.seal_audit()
    verdict = verify()
    assert (verdict.fault, verdict.waiting_count, verdict.head.number) == ("", 0, ROWS + 9)


def test_a_row_whose_transaction_ends_late_is_sealed_all_the_same(company: Company) -> None:
    """Its key is older than that of a row which is sealed already."""
    begun, may_end = threading.Event(), threading.Event()

    def write_slowly() -> None:
        try:
            with transaction.atomic():
                write(company, 1)
                begun.set()
                may_end.wait(10)
        finally:
            connection.close()

    thread = threading.Thread(target=write_slowly)
    thread.start()
    assert begun.wait(10)
    write(company, 1)
    tasks.seal_audit()
    assert verify().head.number == ROWS + 1
    may_end.set()
    thread.join()
    tasks.seal_audit()
    verdict = verify()
    assert (verdict.fault, verdict.waiting_count, verdict.head.number) == ("", 0, ROWS + 2)


def test_the_clock_verifies_and_writes_down_what_it_found(superuser: psycopg.Connection) -> None:
    tasks.verify_audit()
    superuser.execute("update tenants_auditevent set action = 'x' where id = %s", [event_of(2)])
    tasks.verify_audit()
    with scope.as_staff():
        found = list(
            AuditEvent.objects.filter(action__startswith="audit.")
            .order_by("pk")
            .values_list("action", "detail")
        )
    assert [(action, detail["number"]) for action, detail in found] == [
        ("audit.verified", ROWS),
        ("audit.broken", 1),
    ]


def standing(now: datetime) -> audit_seals.LastVerification:
    with scope.as_staff():
        return audit_seals.last_verification(now=now)


def test_what_came_of_the_last_verification_is_known(superuser: psycopg.Connection) -> None:
    assert standing(NOW) == audit_seals.LastVerification(
        at=None, is_sound=False, number=0, fault="", asked_at=None, is_late=False
    )
    tasks.verify_audit()
    now = timezone.now()
    sound = standing(now)
    assert (sound.is_sound, sound.number, sound.fault, sound.is_late) == (True, ROWS, "", False)
    assert standing(now + timedelta(days=2, minutes=1)).is_late
    superuser.execute("update tenants_auditevent set action = 'x' where id = %s", [event_of(2)])
    tasks.verify_audit()
    broken = standing(now)
    assert (broken.is_sound, broken.number) == (False, 1)
    assert broken.fault.startswith("Number 2 was changed: its row")


def test_a_verification_that_was_asked_for_is_open_until_it_has_ended(superuser: psycopg.Connection) -> None:
    tasks.verify_audit()
    asked_at = timezone.now()
    with scope.as_staff():
        audit_seals.ask_for_verification(SYSTEM, now=asked_at)
    waiting = standing(asked_at)
    assert (waiting.asked_at, waiting.is_sound, waiting.number) == (asked_at, True, ROWS)
    tasks.verify_audit()
    assert standing(asked_at).asked_at is None


def run(*arguments: str) -> str:
    said = io.StringIO()
    call_command("verify_audit", *arguments, stdout=said)
    return said.getvalue()


def test_the_command_prints_the_head_and_takes_it_back(superuser: psycopg.Connection) -> None:
    said = run()
    assert said.startswith("6 rows are as they were sealed.\n")
    assert said.endswith("No row waits for its seal.\n")
    kept = re.search(r"Head: (6:[0-9a-f]{64})\n", said)
    assert kept is not None
    assert run("--head", kept[1]) == said
    superuser.execute("delete from tenants_auditseal where number = 6")
    with pytest.raises(CommandError, match="the chain ends before the kept head 6") as refused:
        run("--head", kept[1])
    assert refused.value.returncode == 1


def test_the_command_names_the_row_and_ends_with_one(superuser: psycopg.Connection) -> None:
    changed = event_of(3)
    superuser.execute("update tenants_auditevent set action = 'x' where id = %s", [changed])
    with pytest.raises(CommandError) as refused:
        run()
    assert refused.value.returncode == 1
    assert str(refused.value) == (
        f"Number 3 was changed: its row {changed} is not the one that was sealed.\n"
        "The 2 rows before it are as they were sealed."
    )


def test_the_command_ends_with_two_when_nobody_seals(superuser: psycopg.Connection) -> None:
    superuser.execute(
        "insert into tenants_auditevent (id, actor_kind, actor_name, shown_name, action, object_type, "
        "object_id, detail, at) values (uuidv7(interval '-11 minutes'), 'portal', 'portal', '', 'x', 'y', "
        "'z', '{}', now())"
    )
    with pytest.raises(CommandError, match="Rows that wait for their seal: 1, since") as refused:
        run()
    assert refused.value.returncode == 2


@pytest.mark.parametrize("text", ["6", "0:" + "a" * 64, "6:" + "A" * 64, "6:abc", "x:" + "a" * 64])
def test_the_command_refuses_what_is_no_head(db: None, text: str) -> None:
    with pytest.raises(CommandError, match="a head is a number"):
        run("--head", text)
