"""Make the database and its roles, exactly as weak as meant; safe to run again.

The login role that DATABASE_URL names is given the password there; a second login is given its own
by a second run with its address.
"""

from typing import Any

import psycopg
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import connections
from django.db.backends.postgresql.base import DatabaseWrapper
from psycopg import sql

from tenants import rls


class Command(BaseCommand):
    help = "Make the database and its roles (needs DATABASE_ADMIN_URL: a superuser or DBA)."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        admin = settings.ADMIN_DATABASE
        if not admin:
            raise CommandError("Set DATABASE_ADMIN_URL: making roles needs a superuser or DBA.")
        login = settings.DATABASES["default"]
        if login["USER"] not in rls.LOGINS:
            names = " or ".join(rls.LOGINS)
            raise CommandError(f"DATABASE_URL must name the login role {names}, not {login['USER']}.")
        with _connected(admin, "postgres") as connection:
            for statement in rls.role_statements():
                connection.execute(statement)
            connection.execute(
                sql.SQL("alter role {} password {}").format(
                    sql.Identifier(login["USER"]), sql.Literal(login["PASSWORD"])
                )
            )
            exists = connection.execute(
                "select from pg_database where datname = %s", [login["NAME"]]
            ).fetchone()
            if exists is None:
                connection.execute(sql.SQL("create database {}").format(sql.Identifier(login["NAME"])))
        with _connected(admin, login["NAME"]) as connection:
            for statement in rls.database_statements(login["NAME"]):
                connection.execute(statement)
        if options["verbosity"]:
            self.stdout.write("Roles are as declared.")


def _connected(admin: dict[str, Any], database: str) -> psycopg.Connection:
    parameters = DatabaseWrapper(
        {**connections.databases["default"], **admin, "NAME": database}
    ).get_connection_params()
    return psycopg.connect(
        autocommit=True,
        connect_timeout=10,
        **{
            name: parameters[name]
            for name in ("host", "port", "user", "password", "dbname")
            if name in parameters
        },
    )
