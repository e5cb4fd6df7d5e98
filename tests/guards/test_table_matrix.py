"""Every company-owned and published table × every scope × everything that SQL can do to it."""

from collections.abc import Callable

import pytest
from django.db import connection

from tenants import rls, walls
from tests import sampling
from tests.guards import populated, table_matrix


@pytest.fixture
def halves(superuser: None) -> populated.Populated:
    return populated.populate()


def test_in_every_scope_every_table_does_what_its_class_says(
    halves: populated.Populated, record_property: Callable[[str, object], None]
) -> None:
    chosen = sampling.sampled(table_matrix.cases(), most=5000)
    found = table_matrix.faults(halves, chosen)
    assert found == [], "\n".join(found)
    record_property(sampling.CASES + "of the table matrix", len(chosen))


def test_of_every_other_table_a_client_reads_its_own_company_at_most(
    halves: populated.Populated, record_property: Callable[[str, object], None]
) -> None:
    """People, sign-ins, mails and the libraries' tables: refused, or rows that name the own company."""
    trial = table_matrix.Trial(halves)
    number = 0
    people_of = {"acme": {halves.acme.owner.pk}, "globex": {halves.globex.owner.pk}, "": set()}
    company_of = {"acme": {halves.acme.company.pk}, "globex": {halves.globex.company.pk}, "": set()}
    for table, access in walls.declared().items():
        if table in populated.tables():
            continue
        rules = {rule.command for rule in access.rules if rule.role == rls.CLIENT}
        assert rules <= {"select"}, table
        column = "company_id" if "company_id" in table_matrix.columns_of(table) else "id"
        first = table_matrix.columns_of(table)[0]
        for scope, asking in table_matrix.SCOPES.items():
            if asking.role != rls.CLIENT:
                continue
            found = trial.answer(scope, f'select {column if rules else first} from "{table}"')
            if not rules:
                assert found == table_matrix.REFUSED, f"{scope}: read {table}"
            else:
                assert not isinstance(found, str), f"{scope}: read {table}"
                own = (people_of if table == "tenants_user" else company_of)[asking.owner]
                assert {key for (key,) in found} == own, f"{scope}: read {table}"
            for statement in (
                f'insert into "{table}" default values',
                f'update "{table}" set {first} = {first}',
                f'delete from "{table}"',
                f'truncate "{table}" cascade',
            ):
                assert trial.answer(scope, statement) == table_matrix.REFUSED, f"{scope}: {statement}"
            number += 5
    record_property(sampling.CASES + "of tables that are no client's", number)


LEAKS = {
    "rows of others are read": (
        "alter policy client_select on incidents_recovery using (true)",
        "another company: read incidents_recovery",
    ),
    "rows are read in an empty scope": (
        "alter table incidents_claim disable row level security",
        "a client of company zero: copy incidents_claim",
    ),
    "drafts are read": (
        "alter policy client_select on incidents_incident using (true)",
        "the company itself: read incidents_incident",
    ),
    "a hidden column is read": (
        "grant select on incidents_rosterentry to portal_client",
        "the company itself: read every column incidents_rosterentry",
    ),
    "rows are read without a scope": (
        (
            "grant select on incidents_service to portal_visitor; "
            "create policy all_of_it on incidents_service for select to portal_visitor using (true)"
        ),
        "without a scope: read incidents_service",
    ),
    "rows are put in for others": (
        "alter policy client_insert on incidents_postmortemrequest with check (true)",
        "another company: insert incidents_postmortemrequest",
    ),
    "rows are moved": (
        (
            "grant update on incidents_placement to portal_client; "
            "create policy own on incidents_placement for update to portal_client using (true)"
        ),
        "the company itself: move incidents_placement",
    ),
    "rows are overwritten": (
        (
            "grant update on incidents_postmortemrequest to portal_client; "
            "create policy own on incidents_postmortemrequest for update to portal_client using (true)"
        ),
        "the company itself: upsert incidents_postmortemrequest",
    ),
    "rows are locked": (
        (
            "grant update on incidents_update to portal_client; "
            "create policy own on incidents_update for update to portal_client using (true)"
        ),
        "the company itself: lock incidents_update",
    ),
    "a table is emptied": (
        "grant truncate on tenants_auditevent to portal_staff",
        "staff: truncate tenants_auditevent",
    ),
    "the audit is cut": (
        (
            "grant delete on tenants_auditevent to portal_staff; "
            "create policy cut on tenants_auditevent for delete to portal_staff using (true)"
        ),
        "staff: delete tenants_auditevent",
    ),
    "another table is written along": (
        (
            "create function spoil() returns trigger language plpgsql security definer as "
            "'begin delete from incidents_claim;return new;end'; "
            "create trigger spoil after insert on incidents_postmortemrequest execute function spoil()"
        ),
        "the company itself: insert incidents_postmortemrequest",
    ),
}


@pytest.mark.parametrize("leak", LEAKS)
def test_the_matrix_sees_a_leak(halves: populated.Populated, leak: str) -> None:
    """Proof that it can fail: with each of these the very case is named."""
    sql, case = LEAKS[leak]
    chosen = [each for each in table_matrix.cases() if str(each) == case]
    assert table_matrix.faults(halves, chosen) == []
    with connection.cursor() as cursor:
        for statement in sql.split("; "):
            cursor.execute(statement)
    (fault,) = table_matrix.faults(halves, chosen)
    assert fault.startswith(f"{case}: ")


def test_the_matrix_holds_every_business_table(db: None) -> None:
    tried = {case.table for case in table_matrix.cases()}
    assert tried == set(populated.tables())
    assert len(tried) >= 15
