"""Ways to change a row without a trace in its history, or to write history: as in `weaknesses`."""

A_TRIGGER_FUNCTION = "create function spy() returns trigger language plpgsql as 'begin return new;end'"

OF_HISTORY = {
    "row history that is not kept any more": (
        "drop trigger row_history on tenants_company",
        "trigger row_history on tenants_company is missing",
    ),
    "row history that is switched off": (
        "alter table tenants_company disable trigger row_history",
        "trigger row_history on tenants_company is switched off",
    ),
    "row history that skips a column": (
        (
            "drop trigger row_history on tenants_company; create trigger row_history after insert or update "
            "or delete on tenants_company for each row execute function row_history('', 'name', '')"
        ),
        "trigger row_history on tenants_company differs from the declared one",
    ),
    "row history that keeps a password": (
        (
            "drop trigger row_history on tenants_user; create trigger row_history after insert or update "
            "or delete on tenants_user for each row execute function row_history('', 'last_login', '')"
        ),
        "trigger row_history on tenants_user differs from the declared one",
    ),
    "row history of some changes": (
        (
            "drop trigger row_history on tenants_company; create trigger row_history after update "
            "on tenants_company for each row execute function row_history('', '', '')"
        ),
        "trigger row_history on tenants_company differs from the declared one",
    ),
    "row history of some rows": (
        (
            "drop trigger row_history on tenants_company; create trigger row_history after update "
            "on tenants_company for each row when (new.slug <> 'acme') "
            "execute function row_history('', '', '')"
        ),
        "trigger row_history on tenants_company differs from the declared one",
    ),
    "row history written by another function": (
        (
            f"{A_TRIGGER_FUNCTION}; drop trigger row_history on tenants_company; create trigger row_history "
            "after insert or update or delete on tenants_company for each row "
            "execute function spy('', '', '')"
        ),
        "trigger row_history on tenants_company differs from the declared one",
    ),
    "row history of a table that declares none": (
        (
            "create trigger row_history after update on incidents_recovery for each row "
            "execute function row_history('', '', '')"
        ),
        "trigger row_history on incidents_recovery is not declared",
    ),
    "a second trigger on a table that keeps history": (
        f"{A_TRIGGER_FUNCTION}; create trigger spy after insert on tenants_company execute function spy()",
        "trigger spy on tenants_company is not declared",
    ),
    "a function for history that writes none": (
        (
            "create or replace function row_history() returns trigger language plpgsql security definer "
            "set search_path = pg_catalog, pg_temp as 'begin return null;end'"
        ),
        "function row_history differs from the declared one",
    ),
    "a function for history that finds names of the caller's": (
        "alter function row_history() reset search_path",
        "function row_history differs from the declared one",
    ),
    "a function for history with the caller's rights": (
        "alter function row_history() security invoker",
        "function row_history differs from the declared one",
    ),
    "a function for history of somebody else": (
        "alter function row_history() owner to portal_staff",
        "function row_history differs from the declared one",
    ),
    "a function for history that is gone": (
        "drop function row_history() cascade",
        "function row_history is missing",
    ),
    "a function for history that everybody may call": (
        "grant execute on function row_history() to public",
        "function row_history runs with its owner's rights and portal_client may call it",
    ),
    "a function called as the one for history": (
        "create function row_history(text) returns int language sql as 'select 1'",
        "function row_history is not declared",
    ),
    "history that staff may forge": (
        "grant insert on tenants_rowchange to portal_staff",
        "portal_staff may insert tenants_rowchange, which is not declared",
    ),
    "history that staff may rewrite": (
        "grant update on tenants_rowchange to portal_staff",
        "portal_staff may update tenants_rowchange, which is not declared",
    ),
    "history that nobody can write": (
        "drop policy owner_insert on tenants_rowchange",
        "policy owner_insert on tenants_rowchange is missing",
    ),
}
