"""The declared class of every table that a library brings; ours are declared on their models."""

from tenants import rls

_PEOPLE = "select insert update delete"

LIBRARY_TABLES: dict[str, rls.Access] = {
    "account_emailaddress": rls.identity(
        visitor=_PEOPLE, visitor_rows=rls.of_visible_people("account_emailaddress")
    ),
    "account_emailconfirmation": rls.identity(visitor=_PEOPLE),
    "auth_group": rls.identity(visitor=""),
    "auth_group_permissions": rls.identity(visitor=""),
    "auth_permission": rls.framework(),
    "django_admin_log": rls.staff_only(staff="select insert"),
    "django_content_type": rls.framework(),
    "django_migrations": rls.framework(visitor="select", staff="select"),
    "tenants_user_groups": rls.identity(visitor=""),
    "tenants_user_user_permissions": rls.identity(visitor=""),
}
