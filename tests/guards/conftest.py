"""Plant a weakness as the superuser, look at it as the login, and leave nothing of it behind."""

import os
from collections.abc import Callable, Iterator

import pytest
from django.db import connection, connections, transaction
from psycopg.conninfo import conninfo_to_dict

from tenants import walls
from tests import services

Plant = Callable[..., tuple[str, ...]]


@pytest.fixture
def superuser(db: None) -> Iterator[None]:
    """The portal's own connection is the superuser's, in a transaction that is rolled back."""
    login = connections["default"]
    found = conninfo_to_dict(services.admin_url(os.environ["PORTAL_TEST_DATABASE"]))
    planter = login.copy()
    planter.settings_dict |= {
        "NAME": found["dbname"],
        "USER": found["user"],
        "PASSWORD": found["password"],
        "HOST": found["host"],
    }
    connections["default"] = planter
    try:
        with transaction.atomic():
            yield
            transaction.set_rollback(True)
    finally:
        planter.close()
        connections["default"] = login


@pytest.fixture
def plant(superuser: None) -> Plant:
    """Run SQL as the superuser, then look at the walls as the login."""

    def run(sql: str) -> tuple[str, ...]:
        with connection.cursor() as cursor:
            for statement in sql.split("; "):
                cursor.execute(statement)
            cursor.execute("set local session authorization portal_login")
        return walls.weaknesses()

    return run
