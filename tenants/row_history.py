"""Row history: one trigger on each table that keeps it writes down which columns of a row changed.

The database itself writes, so nothing gets past it: a form, a bulk update, raw SQL, a DBA. The function
works as the owner of the tables and nobody may call it, so that no role of the portal needs a right to
write history, or has one. `tenants.catalogue` holds the live function and triggers against this module.
"""

from dataclasses import dataclass
from typing import Any

from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState

from tenants import rls

NAME = "row_history"
"""Of the function, and of the trigger on each table."""
TABLE = "tenants_rowchange"
SETTINGS = ("search_path=pg_catalog, pg_temp",)
"""Of the function: names in it mean the server's own, whatever the caller has set."""

BODY = f"""
declare
    before jsonb := case when tg_op <> 'INSERT' then to_jsonb(old) end;
    after jsonb := case when tg_op <> 'DELETE' then to_jsonb(new) end;
    belongs_to text[] := string_to_array(tg_argv[0], ',');
    not_kept text[] := string_to_array(tg_argv[1], ',');
    secret text[] := string_to_array(tg_argv[2], ',');
    changed jsonb;
begin
    select jsonb_object_agg(name, case when name = any (secret) then '[]'::jsonb
            else jsonb_build_array(before -> name, after -> name) end)
        into changed
        from jsonb_object_keys(coalesce(after, before)) as name
        where before -> name is distinct from after -> name and name <> all (not_kept);
    if changed is not null then
        insert into public.{TABLE} (id, at, table_name, row_id, object_ids, kind, changes, actor_id, role)
        values (
            uuidv7(), clock_timestamp(), tg_table_name, coalesce(after, before) ->> 'id',
            (select coalesce(array_agg(distinct id::uuid), '{{}}') from unnest(belongs_to) as name,
                unnest(array[before ->> name, after ->> name]) as id where id is not null),
            case tg_op when 'INSERT' then 'added' when 'UPDATE' then 'changed' else 'removed' end,
            changed, nullif(current_setting('{rls.USER_SETTING}', true), '')::uuid,
            coalesce(nullif(current_setting('role'), 'none'), session_user)
        );
    end if;
    return null;
end
"""  # noqa: S608 - constants
"""Of the function. `changes`: column → [before, after], and [] for a secret one."""


@dataclass(frozen=True, kw_only=True)
class RowHistory:
    """What is written down of a table's rows: every column, but for those named here."""

    belongs_to: tuple[str, ...] = ()
    """Columns with the id of another row, in whose history a change of this one is told too."""
    not_kept: tuple[str, ...] = ()
    """Columns whose changes are nothing that anybody did."""
    secret: tuple[str, ...] = ()
    """Columns of which is written down that they changed, never a value."""
    asks: str = ""
    """A right that its readers need too, of a table whose rows are shown to fewer people than what they
    belong to."""

    @property
    def arguments(self) -> tuple[str, str, str]:
        """What the trigger gives to the function."""
        return ",".join(self.belongs_to), ",".join(self.not_kept), ",".join(self.secret)


LIBRARY_HISTORIES: dict[str, RowHistory] = {
    "tenants_user_groups": RowHistory(belongs_to=("user_id",)),
    "tenants_user_user_permissions": RowHistory(belongs_to=("user_id",)),
}
"""Tables without a model of ours: who may do what."""


class MakeRowHistory(Operation):
    """Migration operation: the function, which nobody but the owner's triggers may run."""

    reduces_to_sql = True
    reversible = True

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        """Functions are not part of the models' state."""

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: Any, to_state: Any
    ) -> None:
        settings = " ".join(f"set {each.replace('=', ' = ')}" for each in SETTINGS)
        schema_editor.execute(
            f"create function {NAME}() returns trigger language plpgsql security definer {settings} "
            f"as $body${BODY}$body$",
            params=None,
        )
        schema_editor.execute(f"revoke all on function {NAME}() from public", params=None)

    def database_backwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: Any, to_state: Any
    ) -> None:
        schema_editor.execute(f"drop function {NAME}()", params=None)

    def describe(self) -> str:
        return "Make the function that writes row history"


class KeepRowHistory(Operation):
    """Migration operation: write down every change of the rows of `table` from now on."""

    reduces_to_sql = True
    reversible = True

    def __init__(self, table: str, history: RowHistory) -> None:
        self.table = table
        self.history = history

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        """Triggers are not part of the models' state."""

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: Any, to_state: Any
    ) -> None:
        arguments = ", ".join(f"'{each}'" for each in self.history.arguments)
        schema_editor.execute(
            f'create trigger {NAME} after insert or update or delete on "{self.table}" '
            f"for each row execute function {NAME}({arguments})",
            params=None,
        )

    def database_backwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: Any, to_state: Any
    ) -> None:
        schema_editor.execute(f'drop trigger {NAME} on "{self.table}"', params=None)

    def describe(self) -> str:
        return f"Keep the history of the rows of {self.table}"
