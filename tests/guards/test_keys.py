"""What row policies do not hold, keys hold by their shape: foreign keys, uniques, what is deleted along."""

import inspect
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import pytest
from django.apps import apps
from django.db import DatabaseError, connection, models, transaction
from django.forms import BaseForm

from portal.web import forms
from tenants import rls, scope, walls
from tenants.models import Company, User
from tests import sampling
from tests.guards import populated, table_matrix

ForeignKey = tuple[str, tuple[str, ...], str, tuple[str, ...]]
"""Table, columns, the table that they name, its columns."""


@pytest.fixture
def halves(superuser: None) -> populated.Populated:
    return populated.populate()


def asked(statement: str, values: list[Any] | None = None) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return list(cursor.fetchall())


def foreign_keys() -> set[ForeignKey]:
    return {
        (table, tuple(columns), to_table, tuple(to_columns))
        for table, columns, to_table, to_columns in asked(
            "select f.conrelid::regclass::text, "
            "(select array_agg(a.attname::text order by k.place) from unnest(f.conkey) with ordinality "
            "k(number, place) join pg_attribute a on a.attrelid = f.conrelid and a.attnum = k.number), "
            "f.confrelid::regclass::text, "
            "(select array_agg(a.attname::text order by k.place) from unnest(f.confkey) with ordinality "
            "k(number, place) join pg_attribute a on a.attrelid = f.confrelid and a.attnum = k.number) "
            "from pg_constraint f where f.contype = 'f' and f.connamespace = 'public'::regnamespace"
        )
    }


def client_writes() -> list[str]:
    """Tables into which a client may insert."""
    return sorted(
        name
        for name, access in walls.declared().items()
        if any((rule.role, rule.command) == (rls.CLIENT, "insert") for rule in access.rules)
    )


def test_a_row_of_a_company_never_points_at_a_row_of_another(db: None) -> None:
    """Each foreign key to a company-owned table carries the company, or one beside it does."""
    keys = foreign_keys()
    owned = {name for name, access in walls.declared().items() if access.kind == "company-owned"}
    to_owned = [key for key in keys if key[2] in owned]
    assert len(to_owned) >= 4
    alone = [
        f"{table} ({', '.join(columns)}) → {to_table}"
        for table, columns, to_table, to_columns in to_owned
        if (columns[0], to_columns[0]) != ("company_id", "company_id")
        and (table, ("company_id", *columns), to_table, ("company_id", *to_columns)) not in keys
    ]
    assert alone == []


def test_no_unique_tells_a_client_of_another_company(db: None) -> None:
    """Where a client may insert, it collides with its own rows only, or with a key that the server makes.

    A key that SQL chose could collide with one of others, and so confirm it. It cannot be guessed
    (74 random bits), is shown to nobody, and no page takes one: see the next test.
    """
    assert client_writes() == [
        "incidents_actionfollow",
        "incidents_clientreport",
        "incidents_document",
        "incidents_postmortemrequest",
        "incidents_reportreading",
        "incidents_requestquestion",
        "incidents_requestrecipient",
        "incidents_statement",
        "tenants_auditevent",
    ]
    for table in client_writes():
        for name, columns, default in asked(
            "select i.indexrelid::regclass::text, (select array_agg(a.attname::text order by k.place) "
            "from unnest(i.indkey) with ordinality k(number, place) left join pg_attribute a "
            "on a.attrelid = i.indrelid and a.attnum = k.number), "
            "(select pg_get_expr(d.adbin, d.adrelid) from pg_attrdef d "
            "where d.adrelid = i.indrelid and d.adnum = i.indkey[0]) "
            "from pg_index i where (i.indisunique or i.indisexclusion) and i.indrelid = %s::regclass",
            [table],
        ):
            is_random = columns == ["id"] and default == "uuidv7()"
            assert is_random or columns[0] == "company_id", name


def test_no_form_of_a_client_takes_a_key_or_a_company() -> None:
    """A chosen key could collide with another company's row: no page hands one to the database."""
    found = [each for _, each in inspect.getmembers(forms, inspect.isclass) if issubclass(each, BaseForm)]
    assert found
    for form in found:
        names = set(getattr(form, "base_fields", {}))
        assert not {name for name in names if name in {"id", "pk", "key", "company"} or name.endswith("_id")}


def test_to_point_at_a_row_of_others_is_refused_like_one_that_does_not_exist(
    halves: populated.Populated, record_property: Callable[[str, object], None]
) -> None:
    trial = table_matrix.Trial(halves)
    number = 0
    for table, columns, to_table, to_columns in sorted(foreign_keys()):
        column = columns[-1]
        if table not in client_writes() or column == "company_id":
            continue
        case = table_matrix.Case(table=table, scope="the company itself", command="insert")
        own = trial.row(case)
        (others,) = asked(
            f"select {to_columns[-1]} from {to_table} where {to_columns[-1]} not in "
            f"(select {column} from {table} where id = %s and {column} is not null) order by 1 desc limit 1",
            [own],
        )
        answers = {trial.refusal_of_insert(case, {column: str(value)}) for value in (others[0], uuid.uuid4())}
        assert len(answers) == 1, f"{table}.{column}: {answers}"
        assert answers != {""}, f"{table}.{column} may point at a row of others"
        number += 1
    assert number >= 3
    record_property(sampling.CASES + "of keys that point at others", number)


def test_the_database_deletes_nothing_by_itself(db: None) -> None:
    """No foreign key cascades or sets null: what is deleted along is for the models to say."""
    assert (
        asked(
            "select conname from pg_constraint where contype = 'f' "
            "and connamespace = 'public'::regnamespace and (confdeltype <> 'a' or confupdtype <> 'a')"
        )
        == []
    )


def test_deleting_what_is_one_companys_deletes_nothing_of_another(
    halves: populated.Populated, record_property: Callable[[str, object], None]
) -> None:
    """Through the models, in the staff scope, with everything that they delete along."""
    before = of_globex(halves)
    number = deleted = 0
    for model, key in owned_by_acme(halves):
        with undone(), scope.as_staff():
            try:
                with transaction.atomic():
                    model._base_manager.get(pk=key).delete()
                    deleted += 1
            except (models.ProtectedError, models.RestrictedError, DatabaseError):
                pass
            assert of_globex(halves) == before, f"{model._meta.label} {key}"
        number += 1
    assert number > deleted > 0
    record_property(sampling.CASES + "of deleting", number)


def owned_by_acme(world: populated.Populated) -> Iterator[tuple[type[models.Model], UUID]]:
    for model in apps.get_models():
        if model._meta.db_table in populated.tables():
            for key in sorted(world.ids(model._meta.db_table, "acme")):
                yield model, key
    yield Company, world.acme.company.pk
    yield User, world.acme.owner.pk


def of_globex(world: populated.Populated) -> list[tuple[Any, ...]]:
    """A digest of every row that belongs to Globex, for each table."""
    return [
        (
            table,
            *asked(
                f"select md5(string_agg(t::text, '' order by id)) from \"{table}\" t where id = any (%s)",
                [list(world.ids(table, "globex"))],
            )[0],
        )
        for table in populated.tables()
    ]


@contextmanager
def undone() -> Iterator[None]:
    with transaction.atomic():
        yield
        transaction.set_rollback(True)
