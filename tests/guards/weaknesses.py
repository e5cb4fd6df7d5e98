"""Ways to weaken the isolation: SQL for a superuser, and the sentence in which the walls name it."""

from tenants import rls
from tests.guards import history_weaknesses

A_FUNCTION_FOR_NOBODY = (
    "create function every_name() returns setof text security definer language sql "
    "as 'select name from tenants_company'; revoke execute on function every_name() from public"
)
A_COMPANY = (
    "insert into tenants_company (id, slug, name, time_zone, consents_to_be_named, created_at) "
    "values ({id}, 'planted', 'Planted', 'UTC', false, now())"
)
ON_DATABASE = "do $$ begin execute format('{}', current_database());end $$"
"""A statement that names the database that the test has of its own."""

WEAKNESSES = {
    "a table that belongs to the superuser": (
        "alter table incidents_recovery owner to postgres",
        "table incidents_recovery belongs to postgres",
    ),
    "a table that belongs to the login role": (
        "alter table incidents_recovery owner to portal_login",
        "table incidents_recovery belongs to portal_login",
    ),
    "row security switched off": (
        "alter table incidents_recovery disable row level security",
        "table incidents_recovery has row security switched off",
    ),
    "row security that spares the owner": (
        "alter table incidents_update no force row level security",
        "table incidents_update does not force row security on its owner",
    ),
    "an extra permissive policy": (
        "create policy everybody on incidents_recovery for select to portal_client using (true)",
        "policy everybody on incidents_recovery is not declared",
    ),
    "an extra policy for public": (
        "create policy everybody on tenants_company for select to public using (true)",
        "policy everybody on tenants_company is not declared",
    ),
    "a policy with other rows": (
        "alter policy client_select on incidents_recovery using (true)",
        "policy client_select on incidents_recovery differs from the declared one",
    ),
    "a policy that gives way": (
        (
            f"alter policy client_select on incidents_recovery using (company_id = {rls.CURRENT_COMPANY} "
            "or current_setting('portal.all', true) = 'on')"
        ),
        "policy client_select on incidents_recovery differs from the declared one",
    ),
    "a policy for another role": (
        "alter policy client_select on incidents_recovery to portal_client, portal_visitor",
        "policy client_select on incidents_recovery differs from the declared one",
    ),
    "a check that was loosened": (
        "alter policy client_insert on incidents_postmortemrequest with check (true)",
        "policy client_insert on incidents_postmortemrequest differs from the declared one",
    ),
    "a missing policy": (
        "drop policy client_select on incidents_update",
        "policy client_select on incidents_update is missing",
    ),
    "a policy turned restrictive": (
        (
            "drop policy staff_select on incidents_recovery; create policy staff_select on "
            "incidents_recovery as restrictive for select to portal_staff using (false)"
        ),
        "policy staff_select on incidents_recovery differs from the declared one",
    ),
    "a grant to write for the client": (
        "grant update on incidents_recovery to portal_client",
        "portal_client may update incidents_recovery, which is not declared",
    ),
    "a grant to rewrite the audit": (
        "grant delete on tenants_auditevent to portal_staff",
        "portal_staff may delete tenants_auditevent, which is not declared",
    ),
    "a grant on a hidden column": (
        "grant select (body_markdown) on incidents_update to portal_client",
        "portal_client may select incidents_update.body_markdown, which is not declared",
    ),
    "a grant on who is behind a name of the roster": (
        "grant select on incidents_rosterentry to portal_client",
        "portal_client may select incidents_rosterentry, which is not declared",
    ),
    "a grant to the visitor": (
        "grant select on incidents_incident to portal_visitor",
        "portal_visitor may select incidents_incident, which is not declared",
    ),
    "a grant to the login itself": (
        "grant select on incidents_incident to portal_login",
        "portal_login may select incidents_incident, which is not declared",
    ),
    "a grant to everybody": (
        "grant select on incidents_claim to public",
        "public may select incidents_claim, which is not declared",
    ),
    "a grant that was taken away": (
        "revoke insert on tenants_auditevent from portal_client",
        "portal_client may not insert tenants_auditevent, which is declared",
    ),
    "a table that nobody declared": (
        "create table forgotten (id int); alter table forgotten owner to portal_owner",
        "table forgotten has no declared class",
    ),
    "a declared table that is gone": (
        "alter table incidents_claim rename to incidents_claim_old",
        "table incidents_claim is declared and does not exist",
    ),
    "a view with its owner's rights": (
        "create view every_recovery as select * from incidents_recovery",
        "view every_recovery is not held by row policies",
    ),
    "a materialised view": (
        "create materialized view kept_recovery as select * from incidents_recovery",
        "materialised view kept_recovery is not held by row policies",
    ),
    "a function with its owner's rights": (
        (
            "create function every_name() returns setof text security definer language sql "
            "as 'select name from tenants_company'"
        ),
        "function every_name runs with its owner's rights and portal_client may call it",
    ),
    "a schema in which clients may make objects": (
        "grant create on schema public to portal_client",
        "role portal_client may make objects in schema public",
    ),
    "a schema in which everybody may make objects": (
        "grant create on schema public to public",
        "role portal_login may make objects in schema public",
    ),
    "a schema beside the portal's": (
        (
            "create schema copies; create table copies.recovery as select * from incidents_recovery; "
            "grant usage on schema copies to portal_client"
        ),
        "role portal_client may use schema copies, which is not declared",
    ),
    "a company set for the login": (
        "alter role portal_login set portal.company_id = '00000000-0000-0000-0000-000000000001'",
        "portal_login in every database starts with portal.company_id already set",
    ),
    "a role set for the login": (
        "alter role portal_login set role = 'portal_staff'",
        "portal_login in every database starts with role already set",
    ),
    "row security switched off for the client": (
        "alter role portal_client set row_security = off",
        "portal_client in every database starts with row_security already set",
    ),
    "a login that bypasses row security": (
        "alter role portal_login bypassrls",
        "role portal_login bypasses row security",
    ),
    "a login that is a superuser": (
        "alter role portal_login superuser",
        "role portal_login is a superuser",
    ),
    "a login that inherits": (
        "alter role portal_login inherit",
        "role portal_login inherits the rights of roles it may become",
    ),
    "a login that makes roles": (
        "alter role portal_login createrole",
        "role portal_login may make roles",
    ),
    "a client role that bypasses row security": (
        "alter role portal_client bypassrls",
        "role portal_client bypasses row security",
    ),
    "a login that may become the owner": (
        "grant portal_owner to portal_login",
        "portal_login is a member of portal_owner (inherit False, set True), not declared",
    ),
    "a login that inherits from the staff": (
        "grant portal_staff to portal_login with inherit true",
        "portal_login is a member of portal_staff (inherit True, set True), not declared",
    ),
    "a client that may become staff": (
        "grant portal_staff to portal_client",
        "role portal_client is a member of portal_staff",
    ),
    "rights that a client may pass on": (
        "grant select on incidents_recovery to portal_client with grant option",
        "portal_client may let others select incidents_recovery",
    ),
    "a column that a client may pass on": (
        "grant select (name) on incidents_rosterentry to portal_client with grant option",
        "portal_client may let others select incidents_rosterentry.name",
    ),
    "rights on every table that will be made": (
        "alter default privileges for role portal_owner grant select on tables to portal_client",
        "what portal_owner makes from now on, portal_client may select",
    ),
    "rights on every table that will be made in the schema": (
        "alter default privileges in schema public grant insert on tables to public",
        "what postgres makes from now on, public may insert",
    ),
    "a rule that swallows the audit": (
        "create rule quiet as on insert to tenants_auditevent do instead nothing",
        "rule quiet on tenants_auditevent is not declared",
    ),
    "a trigger that nobody declared": (
        (
            f"{history_weaknesses.A_TRIGGER_FUNCTION}; create trigger spy after insert on incidents_recovery "
            "execute function spy()"
        ),
        "trigger spy on incidents_recovery is not declared",
    ),
    "an event trigger": (
        (
            "create function spy() returns event_trigger language plpgsql as 'begin end'; "
            "create event trigger spy on ddl_command_end execute function spy()"
        ),
        "event trigger spy is not declared",
    ),
    "a function that nobody declared": (
        "create function one() returns int language sql as 'select 1'",
        "function one is not declared",
    ),
    "a function with its owner's rights for the staff alone": (
        f"{A_FUNCTION_FOR_NOBODY}; grant execute on function every_name() to portal_staff",
        "function every_name runs with its owner's rights and portal_staff may call it",
    ),
    "a function with its owner's rights for visitors": (
        f"{A_FUNCTION_FOR_NOBODY}; grant execute on function every_name() to portal_visitor",
        "function every_name runs with its owner's rights and portal_login may call it",
    ),
    "a function with its owner's rights in another schema": (
        (
            "create schema aside; create function aside.every_name() returns setof text "
            "security definer language sql as 'select name from tenants_company'"
        ),
        "function every_name runs with its owner's rights and portal_client may call it",
    ),
    "a view with the caller's rights": (
        "create view own_recovery with (security_invoker = true) as select * from incidents_recovery",
        "view own_recovery is not held by row policies",
    ),
    "a view in another schema": (
        "create schema aside; create view aside.every_recovery as select * from incidents_recovery",
        "view aside.every_recovery is not held by row policies",
    ),
    "a table elsewhere that holds rows of a protected one": (
        "create schema aside; create table aside.part () inherits (incidents_recovery)",
        "table aside.part holds rows of incidents_recovery and can be asked past its policies",
    ),
    "a partition": (
        (
            "create schema aside; create table aside.whole (id int) partition by list (id); "
            "create table part partition of aside.whole default"
        ),
        "table part holds rows of aside.whole and can be asked past its policies",
    ),
    "a foreign table": (
        (
            "create foreign data wrapper far; create server far foreign data wrapper far; "
            "create foreign table far_recovery (id int) server far"
        ),
        "foreign table far_recovery is not held by row policies",
    ),
    "a sequence that a client may read": (
        "grant usage on sequence django_admin_log_id_seq to portal_client",
        "portal_client may usage django_admin_log_id_seq, which is not declared",
    ),
    "large objects": (
        "grant execute on function lo_from_bytea(oid, bytea) to public",
        "role portal_client may make or read large objects",
    ),
    "a large object that exists": (
        "select lo_create(0)",
        "there are 1 large objects, which no policy holds",
    ),
    "temporary tables": (
        ON_DATABASE.format("grant temporary on database %I to portal_client"),
        "portal_client may make temporary tables",
    ),
    "schemas of a client's own": (
        ON_DATABASE.format("grant create on database %I to portal_client"),
        "portal_client may make schemas",
    ),
    "a database that everybody may connect to": (
        ON_DATABASE.format("grant connect on database %I to public"),
        "public may connect to the database, which is not declared",
    ),
    "a database of somebody else": (
        ON_DATABASE.format("alter database %I owner to portal_login"),
        "the database belongs to portal_login",
    ),
    "a schema of somebody else": (
        "alter schema public owner to portal_client",
        "schema public belongs to portal_client",
    ),
    "foreign keys that are switched off": (
        "alter table incidents_recoveryentry disable trigger all",
        "table incidents_recoveryentry has its foreign keys switched off",
    ),
    "a foreign key that old rows need not keep": (
        (
            "alter table incidents_recoveryentry drop constraint recoveryentry_same_company; "
            "alter table incidents_recoveryentry add constraint recoveryentry_same_company foreign key "
            "(company_id, incident_id, component_id) "
            "references incidents_affectedplacement (company_id, incident_id, component_id) not valid"
        ),
        "constraint recoveryentry_same_company of incidents_recoveryentry is not held",
    ),
    "a foreign key that is not held": (
        "alter table incidents_recoveryentry alter constraint recoveryentry_same_company not enforced",
        "constraint recoveryentry_same_company of incidents_recoveryentry is not held",
    ),
    "a user set for the client": (
        "alter role portal_client set portal.user_id = '00000000-0000-0000-0000-000000000001'",
        "portal_client in every database starts with portal.user_id already set",
    ),
    "a company set in other letters": (
        """alter role portal_login set "Portal"."Company_ID" = '00000000-0000-0000-0000-000000000001'""",
        "portal_login in every database starts with portal.company_id already set",
    ),
    "a company set for everybody": (
        "alter role all set portal.company_id = '00000000-0000-0000-0000-000000000001'",
        "every role in every database starts with portal.company_id already set",
    ),
    "foreign keys switched off for the login": (
        "alter role portal_login set session_replication_role = replica",
        "portal_login in every database starts with session_replication_role already set",
    ),
    "a server setting that a client may change": (
        "grant set on parameter session_replication_role to portal_client",
        "portal_client may change the server's setting session_replication_role",
    ),
    "a file of the server that a client may read": (
        "grant execute on function pg_read_file(text) to portal_client",
        "portal_client may use the system function pg_read_file",
    ),
    "the passwords of the roles": (
        "grant select on pg_authid to portal_staff",
        "portal_staff may use the system table pg_authid",
    ),
    "another login that may become staff": (
        "create role helpdesk login; grant portal_staff to helpdesk",
        "helpdesk is a member of portal_staff, and no login of the portal",
    ),
    "another login that may become a client": (
        "create role helpdesk login; grant portal_client to helpdesk",
        "helpdesk is a member of portal_client, and no login of the portal",
    ),
    "another login that may become the owner": (
        "create role helpdesk login; grant portal_owner to helpdesk",
        "helpdesk is a member of portal_owner, and no login of the portal",
    ),
    "another role that may become the login": (
        "create role helpdesk; grant portal_login to helpdesk",
        "helpdesk is a member of portal_login, and no login of the portal",
    ),
    "a login that may make others staff": (
        "grant portal_staff to portal_login with admin true",
        "portal_login may make others members of portal_staff",
    ),
    "a client that reads all tables": (
        "grant pg_read_all_data to portal_client",
        "role portal_client is a member of pg_read_all_data",
    ),
    "a client that writes all tables": (
        "grant pg_write_all_data to portal_client",
        "role portal_client is a member of pg_write_all_data",
    ),
    "staff that copy files of the server": (
        "grant pg_read_server_files to portal_staff",
        "role portal_staff is a member of pg_read_server_files",
    ),
    "a login that runs programs on the server": (
        "grant pg_execute_server_program to portal_login",
        "portal_login is a member of pg_execute_server_program (inherit False, set True), not declared",
    ),
    "a staff role that logs in by itself": (
        "alter role portal_staff login",
        "role portal_staff may log in",
    ),
    "a login that copies the whole server": (
        "alter role portal_login replication",
        "role portal_login may copy the whole server (replication)",
    ),
    "an owner that bypasses row security": (
        "alter role portal_owner bypassrls",
        "role portal_owner, the owner of the tables, bypasses row security",
    ),
    "a business table that answers without a scope": (
        "grant select (id) on incidents_claim to portal_visitor",
        "without a scope, incidents_claim can be read",
    ),
    "a staff table that answers without a scope": (
        "grant select on django_admin_log to public",
        "without a scope, django_admin_log can be read",
    ),
    "rows for a client without a company": (
        (
            f"{A_COMPANY.format(id='gen_random_uuid()')}; "
            "alter policy client_select on tenants_company using (true)"
        ),
        "a client without a company reads rows of tenants_company",
    ),
    "a company whose id is zero": (
        A_COMPANY.format(id="'00000000-0000-0000-0000-000000000000'"),
        "a client of company zero reads rows of tenants_company",
    ),
    "a policy that cannot be asked": (
        "alter policy client_select on incidents_recovery using ((select 1 / 0) = 1)",
        "a client without a company, incidents_recovery answers with the error 22012",
    ),
    **history_weaknesses.OF_HISTORY,
}
