"""Row history in words: what changed in a row and in what belongs to it, from what to what, and by whom."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.apps import apps
from django.core.paginator import Page, Paginator
from django.db.models import Field, Model, Q, QuerySet
from django.utils.dateparse import parse_datetime

from tenants import rls
from tenants.catalogue import declarations
from tenants.models import Company, RowChange, User
from tenants.models.row_change import ChangeKind
from tenants.row_history import RowHistory

PAGE_SIZE = 50
NOTHING = "–"
MOST_SHOWN = 300
"""Letters of a long text that are shown; all of it is kept."""
_NAMES = {"tenants_user_groups": "staff role", "tenants_user_user_permissions": "single right"}
"""What people call tables that have no model of ours."""
_ROLES = {rls.STAFF: "staff", rls.CLIENT: "client", **dict.fromkeys(rls.LOGINS, "before signing in")}


@dataclass(frozen=True, kw_only=True)
class Value:
    """A value as people read it; an instant is for the page to write in the reader's zone."""

    words: str = ""
    at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class FieldChange:
    """One field; `is_secret` says that it changed, and neither value is known."""

    name: str
    before: Value
    after: Value
    is_secret: bool


@dataclass(frozen=True, kw_only=True)
class Change:
    """One change of one row. `of` names the row where it is another one than was asked for."""

    at: datetime
    kind: ChangeKind
    table: str
    of: str
    who: str
    role: str
    fields: tuple[FieldChange, ...]


def history(
    row: Model, *, reader: User, page_number: str | None
) -> tuple[Page[RowChange], tuple[Change, ...]]:
    """One page of what changed in `row` and in what belongs to it, newest first, as far as the reader may
    see rows of their tables. Staff scope."""
    own = Q(table_name=row._meta.db_table, row_id=str(row.pk))  # noqa: SLF001 - Django's documented way
    if isinstance(row.pk, UUID):
        own |= Q(object_ids__contains=[row.pk])
    found = RowChange.objects.filter(own, table_name__in=readable_tables(reader)).order_by("-id")
    page = Paginator(found, PAGE_SIZE).get_page(page_number)
    return page, in_words(page.object_list, asked=row)


def in_words(changes: Iterable[RowChange], *, asked: Model | None = None) -> tuple[Change, ...]:
    """The changes in their order, with names in place of keys: a statement for each table that is named."""
    changes = list(changes)
    models = {change.table_name: _model(change.table_name) for change in changes}
    names = _Names()
    people: dict[str, User] = names.rows(User, (change.actor_id for change in changes))
    for change in changes:
        names.ask(change, models[change.table_name])
    names.find()
    is_asked = (asked._meta.db_table, str(asked.pk)) if asked is not None else None  # noqa: SLF001
    return tuple(
        Change(
            at=change.at,
            kind=ChangeKind(change.kind),
            table=table_words(change.table_name),
            of="" if (change.table_name, change.row_id) == is_asked else names.of(change, asked),
            who=_who(change, people.get(str(change.actor_id))),
            role=_ROLES.get(change.role, change.role),
            fields=tuple(_fields(change, models[change.table_name], names, asked)),
        )
        for change in changes
    )


def keeps_history(model: type[Model]) -> bool:
    """Whether changes of the rows of a table are written down."""
    return hasattr(model, "row_history")


def readable_tables(reader: User) -> tuple[str, ...]:
    """The tables of whose rows a person of staff may read the history: who may see the rows themselves, or,
    of a table without a right of its own, the rows to which they belong, and what else it asks for."""
    return tuple(
        table
        for table, kept in declarations.row_histories().items()
        if all(reader.has_perm(right) for right in _rights_to_see(table, kept))
    )


def _rights_to_see(table: str, kept: RowHistory) -> Iterator[str]:
    model = _model(table)
    if model is None:
        return
    if kept.asks:
        yield kept.asks
    options = model._meta  # noqa: SLF001
    if "view" in options.default_permissions and not options.auto_created:
        yield f"{options.app_label}.view_{options.model_name}"
        return
    for column in kept.belongs_to:
        target = _target(model, column)
        if target is not None:
            yield f"{target._meta.app_label}.view_{target._meta.model_name}"  # noqa: SLF001


def companies_of(change: RowChange) -> set[UUID]:
    """The companies that a change is about."""
    model = _model(change.table_name)
    ids = {str(each) for each in change.object_ids} | {change.row_id}
    ids |= {str(each) for each in change.changes.get("company_id", ()) if each}
    if model is not None and any(field.name == "company" for field in model._meta.fields):  # noqa: SLF001
        rows: QuerySet[Any] = model._default_manager.filter(pk=change.row_id)  # noqa: SLF001
        ids |= {str(each) for each in rows.values_list("company_id", flat=True)}
    return set(Company.objects.filter(pk__in=filter(_is_key, ids)).values_list("pk", flat=True))


class _Names:
    """What the rows are called to which keys point: first asked for, then found, a statement a table."""

    def __init__(self) -> None:
        self._asked: dict[type[Model], set[str]] = defaultdict(set)
        self._found: dict[tuple[type[Model], str], str] = {}

    def ask(self, change: RowChange, model: type[Model] | None) -> None:
        for column, values in change.changes.items():
            target = _target(model, column)
            if target is not None:
                self._asked[target] |= {str(value) for value in values if value is not None}
        for target in (Company, User):
            self._asked[target] |= {str(each) for each in change.object_ids}
        if model is not None:
            self._asked[model].add(change.row_id)

    def find(self) -> None:
        for model, keys in self._asked.items():
            for key, row in self.rows(model, keys).items():
                self._found[model, key] = str(row)

    def rows(self, model: type[Any], keys: Iterable[Any]) -> dict[str, Any]:
        """Key in text → row, for those that are still there."""
        texts = {str(key) for key in keys if key is not None}
        wanted = texts if model._meta.pk.get_internal_type() != "UUIDField" else filter(_is_key, texts)  # noqa: SLF001
        return {str(key): row for key, row in model._default_manager.in_bulk(list(wanted)).items()}  # noqa: SLF001

    def of_key(self, model: type[Model], key: Any) -> str:
        return self._found.get((model, str(key)), f"{key} (no longer there)")

    def of(self, change: RowChange, asked: Model | None) -> str:
        """What a row is called: by the people and companies that it belongs to, else by itself."""
        named = [
            self._found[target, str(each)]
            for target in (Company, User)
            for each in change.object_ids
            if (target, str(each)) in self._found and (asked is None or each != asked.pk)
        ]
        model = _model(change.table_name)
        if named or model is None or change.object_ids:
            return ", ".join(named)
        return self.of_key(model, change.row_id)


_TOLD_ANYWAY = ("id", "created_at")
"""Columns of a new row that say no more than when it was added."""


def _fields(
    change: RowChange, model: type[Model] | None, names: _Names, asked: Model | None
) -> Iterator[FieldChange]:
    columns = {} if model is None else {each.column: each for each in model._meta.concrete_fields}  # noqa: SLF001
    in_order = sorted(change.changes, key=lambda column: ([*columns, column].index(column), column))
    for column in in_order:
        values = change.changes[column]
        field = columns.get(column)
        if change.kind != ChangeKind.CHANGED:
            points_back = asked is not None and str(asked.pk) in map(str, values)
            if column in _TOLD_ANYWAY or points_back or not any(_said(values)):
                continue
        before, after = (_value(each, field, names) for each in (values or (None, None)))
        name = str(field.verbose_name) if field is not None else column.replace("_", " ")
        yield FieldChange(name=name[:1].upper() + name[1:], before=before, after=after, is_secret=not values)


def _said(values: list[Any]) -> list[bool]:
    """Of each value whether it says anything; of a secret one that it does."""
    return [value not in (None, "", [], {}) for value in values] or [True]


def _value(value: Any, field: "Field[Any, Any] | None", names: _Names) -> Value:
    if value is None or value == "":
        return Value(words=NOTHING)
    if isinstance(value, bool):
        return Value(words="Yes" if value else "No")
    if field is not None:
        if field.is_relation and field.related_model is not None:
            return Value(words=names.of_key(_related(field), value))
        if field.get_internal_type() == "DateTimeField":
            return Value(at=parse_datetime(str(value)))
        words: Mapping[Any, Any] = dict(field.flatchoices)
        if value in words if isinstance(value, str | int) else False:
            return Value(words=str(words[value]))
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return Value(words=text if len(text) <= MOST_SHOWN else f"{text[:MOST_SHOWN]}…")


def _who(change: RowChange, person: User | None) -> str:
    if person is not None:
        return f"{person.name} ({person.email})"
    if change.actor_id is not None:
        return f"{change.actor_id} (no longer there)"
    if change.role == rls.STAFF:
        return "The portal"
    return "Somebody not signed in" if change.role in rls.LOGINS else "Directly in the database"


def table_words(table: str) -> str:
    """What people call a table."""
    model = _model(table)
    name = _NAMES.get(table) or (table if model is None else str(model._meta.verbose_name))  # noqa: SLF001
    return name[:1].upper() + name[1:]


def _model(table: str) -> type[Model] | None:
    """The model of a table; None for one that is gone."""
    found = apps.get_models(include_auto_created=True)
    return next((model for model in found if model._meta.db_table == table), None)  # noqa: SLF001


def _target(model: type[Model] | None, column: str) -> type[Model] | None:
    """The model to whose rows a column points."""
    if model is None:
        return None
    for field in model._meta.concrete_fields:  # noqa: SLF001
        if field.column == column and field.is_relation:
            return _related(field)
    return None


def _related(field: Any) -> type[Model]:
    related: type[Model] = field.related_model
    return related


def _is_key(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True
