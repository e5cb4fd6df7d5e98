"""What a role without a scope, or with an empty one, really reads: tried, not looked up.

All trials are one statement. Each is undone, and so are the role and the settings that they need:
the connection is afterwards as it was before, inside of a transaction and outside of one.
"""

import json
from collections.abc import Iterator
from uuid import UUID

from django.db import connection, transaction

from tenants import rls
from tenants.catalogue import declarations

_LOGIN = "none"
"""The role setting of whoever has entered no role."""
_SCOPES = (
    (_LOGIN, "", "without a scope"),
    (rls.CLIENT, "", "a client without a company"),
    (rls.CLIENT, str(UUID(int=0)), "a client of company zero"),
)
"""Role, company and how a sentence begins that tells of a weakness."""
_SETTINGS = ("portal.company_id", "portal.user_id")

_PREPARE = """
select set_config('portal.trials', %s, true),
    set_config('lock_timeout', '2s', true),
    set_config('transaction_read_only', 'on', true)
"""
_TRY = """
do $$
declare
    trial record;
    answer text;
    answers jsonb := '[]';
begin
    for trial in select * from jsonb_to_recordset(current_setting('portal.trials')::jsonb)
        as trial(role text, company text, name text, begins text)
    loop
        if trial.role = 'reset' then
            execute 'reset ' || trial.name;
            answer := coalesce(current_setting(trial.name, true), '');
            answer := case answer when '' then 'nothing' else 'rows' end;
        elsif trial.role <> 'none' and not pg_has_role(session_user, trial.role, 'set') then
            continue;
        else
            perform set_config('role', trial.role, true),
                set_config('portal.company_id', trial.company, true);
            begin
                execute format('select exists (select from %I)', trial.name) into answer;
                answer := case answer when 'true' then 'rows' else 'nothing' end;
            exception
                when insufficient_privilege or undefined_table then answer := 'refused';
                when lock_not_available then raise;
                when others then answer := sqlstate;
            end;
        end if;
        answers := answers || jsonb_build_array(to_jsonb(trial) || jsonb_build_object('answer', answer));
    end loop;
    perform set_config('portal.trials', answers::text, true);
end
$$
"""


def weaknesses() -> Iterator[str]:
    """What can be read without a scope, or in an empty one.

    Raises OperationalError while a table stays locked.
    """
    granted = {
        (rule.role, name)
        for name, access in declarations.declared().items()
        for rule in access.rules
        if rule.command == "select" and (access.has_row_security or rule.role == rls.VISITOR)
    }
    for trial in answers():
        role, name, begins, answer = (trial[key] for key in ("role", "name", "begins", "answer"))
        is_granted = (rls.VISITOR if role == _LOGIN else role, name) in granted
        if role == "reset" and answer == "rows":
            yield f"a connection starts with {name} already set"
        elif role == _LOGIN and answer != "refused" and not is_granted:
            yield f"{begins}, {name} can be read"
        elif role == rls.CLIENT and answer == "rows":
            yield f"{begins} reads rows of {name}"
        elif answer not in {"refused", "rows", "nothing"}:
            yield f"{begins}, {name} answers with the error {answer}"


def answers() -> list[dict[str, str]]:
    """Every trial with its answer: refused, nothing, rows, or the state of an unexpected error."""
    trials = [{"role": "reset", "company": "", "name": name, "begins": ""} for name in _SETTINGS]
    trials += [
        {"role": role, "company": company, "name": name, "begins": begins}
        for role, company, begins in _SCOPES
        for name, access in sorted(declarations.declared().items())
        if access.has_row_security or role == _LOGIN
    ]
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_PREPARE, [json.dumps(trials)])
        cursor.execute(_TRY)
        cursor.execute("select current_setting('portal.trials')")
        (found,) = cursor.fetchone()
        transaction.set_rollback(True)
    tried: list[dict[str, str]] = json.loads(found)
    return tried
