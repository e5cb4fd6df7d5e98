"""The database writes down every change of a row: by whom, under which role, from what to what."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.db.models import F
from django.test import Client
from django.urls import reverse

from incidents.choices import ReportKind
from incidents.models import Claim, Incident, Placement
from incidents.operations import client_reports, postmortems
from tenants import rls, row_history, scope
from tenants.catalogue import declarations
from tenants.models import Company, Membership, RowChange, User
from tenants.permissions import Role
from tests import factories
from tests.conftest import World

SignIn = Callable[[User], Client]


@pytest.fixture
def sam(world: World, signed_in: SignIn) -> Client:
    return signed_in(world.sam)


def changes(row: Any, kind: str = "changed") -> list[tuple[dict[str, Any], str | None, str]]:
    """Fields, who and role of each change of one row, oldest first."""
    with scope.as_staff():
        found = RowChange.objects.filter(table_name=row._meta.db_table, row_id=str(row.pk), kind=kind)
        return [
            (each.changes, str(each.actor_id) if each.actor_id else None, each.role)
            for each in found.order_by("pk")
        ]


def page(row: Any, place: str = "history") -> str:
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_{place}", args=[row.pk])


def run(statement: str, *values: Any) -> int:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return int(cursor.rowcount)


def test_a_form_of_the_admin_leaves_old_and_new_and_who(world: World, sam: Client) -> None:
    sam.post(
        page(world.api, "change"),
        {"name": "API of Europe", "service": world.api.service_id, "data_center": world.api.data_center_id},
    )
    assert changes(world.api) == [({"name": ["API (EU)", "API of Europe"]}, str(world.sam.pk), rls.STAFF)]


def test_a_bulk_change_and_raw_sql_are_caught_row_by_row(world: World) -> None:
    with scope.as_staff():
        Company.objects.update(time_zone="Asia/Tokyo")
        run("update tenants_company set time_zone = 'UTC' where slug = 'acme'")
    tokyo, utc = ({"time_zone": ["Europe/Paris", "Asia/Tokyo"]}, {"time_zone": ["Asia/Tokyo", "UTC"]})
    assert changes(world.acme) == [(tokyo, None, rls.STAFF), (utc, None, rls.STAFF)]
    assert [each[0] for each in changes(world.globex)] == [{"time_zone": ["America/New_York", "Asia/Tokyo"]}]


def test_a_statement_that_changes_nothing_leaves_nothing(world: World) -> None:
    with scope.as_staff():
        before = RowChange.objects.count()
        Company.objects.update(slug=F("slug"))
        Incident.objects.update(version=99)
        User.objects.update(last_login=factories.STARTED_AT)
        assert RowChange.objects.count() == before


def test_what_is_undone_leaves_nothing(world: World) -> None:
    with scope.as_staff(), transaction.atomic():
        Company.objects.update(name="Nobody")
        assert RowChange.objects.filter(changes__has_key="name", kind="changed").count() == 2
        transaction.set_rollback(True)
    assert changes(world.acme) == []


def test_a_removed_row_is_kept_whole_with_what_it_belonged_to(world: World) -> None:
    with scope.as_staff():
        membership = Membership.objects.get(user=world.bea)
        key = membership.pk
        Membership.objects.filter(pk=key).delete()
        (removed,) = RowChange.objects.filter(kind="removed")
    assert (removed.row_id, removed.changes["role"]) == (str(key), ["reader", None])
    assert set(removed.object_ids) == {world.acme.pk, world.bea.pk}


def test_a_row_that_moves_is_in_the_history_of_both(world: World) -> None:
    with scope.as_staff():
        Membership.objects.filter(user=world.bea).update(company=world.globex)
        (moved,) = RowChange.objects.filter(kind="changed", table_name="tenants_membership")
    assert set(moved.object_ids) == {world.acme.pk, world.globex.pk, world.bea.pk}


def test_that_a_password_changed_is_known_and_no_value_of_it(world: World, client: Client) -> None:
    client.force_login(world.ada)
    new = "battery staple horse correct"
    client.post(
        reverse("account_change_password"),
        {"oldpassword": factories.PASSWORD, "password1": new, "password2": new},
    )
    with scope.as_staff():
        hashes = {world.ada.password, User.objects.get(pk=world.ada.pk).password}
        everything = [str(each.changes) for each in RowChange.objects.all()]
    assert len(hashes) == 2
    assert changes(world.ada) == [({"password": []}, None, rls.LOGIN)]
    assert not any(value in text for text in everything for value in (*hashes, "argon2"))


def test_what_a_client_asks_and_says_is_caught_in_its_name(world: World) -> None:
    ada = factories.actor(world.ada, world.acme)
    with scope.as_company(world.acme.pk, user_id=world.ada.pk):
        request, _ = postmortems.request(
            ada,
            reference=world.incident.reference,
            purpose="Auditors ask",
            needed_by_on=None,
            now=factories.STARTED_AT,
        )
        report, _ = client_reports.report(
            ada, reference=world.incident.reference, kind=ReportKind.STILL_BROKEN, now=factories.STARTED_AT
        )
    for row in (request, report):
        ((fields, who, role),) = changes(row, "added")
        assert (fields["company_id"], who, role) == (
            [None, str(world.acme.pk)],
            str(world.ada.pk),
            rls.CLIENT,
        )


def test_who_may_do_what_is_in_the_history_of_the_person(world: World, sam: Client) -> None:
    eve = factories.person("eve@vendor.example", is_staff=True)
    with scope.as_staff():
        run("insert into auth_group (name) values ('Night watch')")
        run(
            "insert into tenants_user_groups (user_id, group_id) select %s, id from auth_group "
            "where name = 'Night watch'",
            eve.pk,
        )
    words = sam.get(page(eve)).content.decode()
    assert "Staff role" in words
    assert "Night watch" in words


@pytest.mark.parametrize("role", [rls.LOGIN, rls.CLIENT, rls.STAFF])
@pytest.mark.parametrize(
    "statement",
    [
        "insert into tenants_rowchange (at, table_name, row_id) values (now(), 'tenants_company', '1')",
        "update tenants_rowchange set role = 'nobody'",
        "delete from tenants_rowchange",
        "truncate tenants_rowchange",
        "select row_history()",
        "alter table tenants_company disable trigger row_history",
        "drop trigger row_history on tenants_company",
        "set session_replication_role = replica",
        "create trigger mine after update on tenants_company for each row execute function row_history()",
    ],
)
def test_no_role_of_the_portal_writes_or_evades_history(world: World, role: str, statement: str) -> None:
    def everything() -> list[Any]:
        with scope.as_staff():
            return list(RowChange.objects.order_by("pk").values_list())

    before = everything()
    assert before

    def tried() -> None:
        with transaction.atomic():
            run("select set_config('role', %s, true)", "none" if role == rls.LOGIN else role)
            run(statement)

    with pytest.raises(DatabaseError):
        tried()
    assert everything() == before


def test_a_client_reads_no_history(world: World) -> None:
    with pytest.raises(DatabaseError, match="permission denied"), scope.as_company(world.acme.pk):
        run("select count(*) from tenants_rowchange")
    with scope.as_company(world.acme.pk):
        assert list(RowChange.objects.all()) == []


def test_names_of_a_callers_own_do_not_lead_the_function_astray(world: World) -> None:
    with scope.as_staff():
        run("select set_config('search_path', 'pg_temp, public', true)")
        run("update tenants_company set name = 'Astray' where slug = 'acme'")
        run("reset search_path")
    assert len(changes(world.acme)) == 1


def test_history_is_kept_of_what_people_decide_and_not_of_what_grows() -> None:
    assert set(declarations.row_histories()) == {
        "incidents_affectedcomponent",
        "incidents_answertemplate",
        "incidents_claim",
        "incidents_clientreport",
        "incidents_component",
        "incidents_datacenter",
        "incidents_incident",
        "incidents_placement",
        "incidents_postmortemrequest",
        "incidents_recoverynote",
        "incidents_requestdesk",
        "incidents_requestquestion",
        "incidents_requestrecipient",
        "incidents_service",
        "tenants_company",
        "tenants_membership",
        "tenants_user",
        "tenants_user_groups",
        "tenants_user_user_permissions",
    }
    assert RowChange._meta.db_table == row_history.TABLE


def test_the_page_tells_names_and_words_in_place_of_keys(world: World, sam: Client) -> None:
    with scope.as_staff():
        Membership.objects.filter(user=world.bea).update(role=Role.MANAGER)
        Placement.objects.filter(company=world.acme, component=world.reports).delete()
        Company.objects.filter(pk=world.acme.pk).update(consents_to_be_named=False)
    words = " ".join(sam.get(page(world.acme)).content.decode().split())
    for expected in (
        "<del>Reader</del>",
        "<ins>Manager</ins>",
        f"<strong>{world.bea.email}</strong>",
        "<dd><del>Reports (EU)</del></dd>",
        "May be named to other clients</dt> <dd><del>Yes</del>",
        "The portal",
    ):
        assert expected in words, expected


def test_an_instant_is_told_in_the_readers_zone(world: World, signed_in: SignIn) -> None:
    with scope.as_staff():
        User.objects.filter(pk=world.sam.pk).update(time_zone="Asia/Tokyo")
        Incident.objects.update(detected_at=factories.STARTED_AT)
    words = signed_in(world.sam).get(page(world.incident)).content.decode()
    assert "21:45 JST" in words


def test_a_hostile_text_is_shown_as_it_was_typed(world: World, sam: Client) -> None:
    with scope.as_staff():
        Claim.objects.create(
            incident=world.incident,
            kind="total_duration",
            claimed_seconds=1,
            source="<script>alert(1)</script>{{ x }}",
        )
    words = sam.get(page(world.incident)).content.decode()
    assert "&lt;script&gt;alert(1)&lt;/script&gt;{{ x }}" in words
    assert "<script>alert" not in words


def test_what_is_gone_is_still_found_among_all_changes(world: World, sam: Client) -> None:
    with scope.as_staff():
        unused = factories.component("Old", "NA")
        key = unused.pk
        unused.delete()
        (removed,) = RowChange.objects.filter(row_id=str(key), kind="removed")
    listed = sam.get(reverse("admin:tenants_rowchange_changelist"), {"q": str(key)})
    assert page(removed, "change") in listed.content.decode()
    assert "Old (NA) → –" in sam.get(page(removed, "change")).content.decode()


def test_changes_are_narrowed_to_one_table(world: World, sam: Client) -> None:
    listed = reverse("admin:tenants_rowchange_changelist")
    narrowed = sam.get(listed, {"table": "tenants_company"}).content.decode()
    assert str(world.acme.pk) in narrowed
    assert str(world.api.pk) not in narrowed
    assert str(world.acme.pk) not in sam.get(listed, {"table": "no_such_table"}).content.decode()


def test_a_long_history_has_pages_and_any_number_is_one(world: World, sam: Client) -> None:
    with scope.as_staff():
        for number in range(60):
            run("update tenants_company set name = %s where slug = 'acme'", f"Acme {number}")
    first = sam.get(page(world.acme)).content.decode()
    assert "Acme 59" in first
    assert "Acme 3<" not in first
    for asked in ("2", "99", "9" * 40):
        assert "Acme 3<" in sam.get(page(world.acme), {"p": asked}).content.decode()
    for asked in ("-1", "x", "\0", ""):
        assert sam.get(page(world.acme), {"p": asked}).status_code == 200


def test_how_many_statements_a_page_takes_does_not_grow_with_its_rows(
    world: World, sam: Client, django_assert_max_num_queries: Any
) -> None:
    with scope.as_staff():
        for number in range(40):
            run("update tenants_membership set role = %s", "reader" if number % 2 else "manager")
    sam.get(page(world.acme))
    with django_assert_max_num_queries(20):
        sam.get(page(world.acme))


def test_only_who_may_see_the_row_and_history_reads_it(world: World, signed_in: SignIn) -> None:
    with scope.as_staff():
        User.objects.filter(pk=world.sam.pk).update(is_superuser=False)
        run(
            "insert into tenants_user_user_permissions (user_id, permission_id) select %s, id from "
            "auth_permission where codename in ('view_company', 'view_auditevent')",
            world.sam.pk,
        )
    browser = signed_in(world.sam)
    assert browser.get(page(world.acme, "change")).status_code == 200
    refused = browser.get(page(world.acme))
    assert (refused.status_code, world.acme.name in refused.content.decode()) == (403, False)
    assert signed_in(world.ada).get(page(world.acme)).status_code == 404
