"""A pytest plugin: real PostgreSQL and Valkey for the run, one database for each worker.

Loaded before Django's settings are read. The controller starts both servers in the first free
folder below `.test-data/`, migrates a template once for each state of the migrations, and every
process copies it. The suite runs as the weak login role.
"""

import atexit
import hashlib
import os
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from deploy.local import errors, postgres, valkey

ROOT = Path(__file__).resolve().parent.parent
TEMPLATE = "portal_template"
ADMIN_URL = "PORTAL_TEST_ADMIN_URL"
LOGIN_URL = "PORTAL_TEST_LOGIN_URL"
NAME = "NAME_OF_DATABASE"
MOST_RUNS_AT_ONCE = 16


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests() -> None:
    if "PYTEST_XDIST_WORKER" not in os.environ:
        _start_services()
        _make_template()
        _collect_static_files()
    _use_own_database(os.environ.get("PYTEST_XDIST_WORKER", "main"))


def admin_url(database: str) -> str:
    """The superuser's address of one database: to plant weaknesses and to clean up, never for the portal."""
    return os.environ[ADMIN_URL].replace(NAME, database)


def copy_template(database: str, *, template: str = TEMPLATE) -> str:
    """Make `database` anew from the migrated template; returns the login role's address of it."""
    with psycopg.connect(admin_url("postgres"), autocommit=True) as connection:
        connection.execute(
            sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(database))
        )
        connection.execute(
            sql.SQL("create database {} template {} owner portal_owner").format(
                sql.Identifier(database), sql.Identifier(template)
            )
        )
        for statement in (
            "revoke all on database {} from public",
            "grant connect on database {} to portal_login, portal_client_login",
        ):
            connection.execute(sql.SQL(statement).format(sql.Identifier(database)))
    return os.environ[LOGIN_URL].replace(NAME, database)


def as_client_login(url: str) -> str:
    """The address of the same database for the login that cannot become staff."""
    return url.replace("//portal_login:", "//portal_client_login:", 1)


def _start_services() -> None:
    folder, server = _first_free_postgres()
    atexit.register(server.stop)
    cache = valkey.start(folder / "valkey", durable=False)
    atexit.register(cache.stop)
    data = folder / "data"
    data.mkdir(exist_ok=True)
    os.environ |= {
        ADMIN_URL: server.admin_url(NAME),
        LOGIN_URL: server.url("portal_login", "only-for-tests", NAME),
        "REDIS_URL": cache.url,
        "SECRET_KEY": "only-for-tests",
        "STATEMENT_SIGNING_KEY": "b25seS1mb3ItdGVzdHMtb25seS1mb3ItdGVzdHMtITE",
        "PORTAL_DATA_DIR": str(data),
        "PORTAL_EMBEDDED": "1",
        "UPDATE_UNDO_SECONDS": "0",  # posted at once; the tests of the wait set their own
        "DJANGO_SETTINGS_MODULE": "portal.settings",
    }
    for name in ("DATABASE_URL", "DATABASE_ADMIN_URL", "CELERY_BROKER_URL", "EMAIL_URL"):
        os.environ.pop(name, None)


def _first_free_postgres() -> tuple[Path, postgres.Postgres]:
    """Two runs, or two checkouts, never meet: each takes a folder of its own."""
    for number in range(MOST_RUNS_AT_ONCE):
        folder = ROOT / ".test-data" / str(number)
        folder.mkdir(parents=True, exist_ok=True)
        try:
            return folder, postgres.start(folder / "postgres", durable=False)
        except errors.FolderInUse:
            continue
    raise errors.FolderInUse(f"{MOST_RUNS_AT_ONCE} test runs are going on already.")


def _make_template() -> None:
    """Roles and migrations, unless the template was made from these very migrations."""
    state = _state_of_schema()
    mark = Path(os.environ["PORTAL_DATA_DIR"]) / "template"
    if mark.exists() and mark.read_text() == state:
        return
    mark.unlink(missing_ok=True)
    with psycopg.connect(admin_url("postgres"), autocommit=True) as connection:
        connection.execute(
            sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(TEMPLATE))
        )
    manage("make_roles")
    manage("make_roles", login=as_client_login(os.environ[LOGIN_URL]))
    manage("migrate")
    mark.write_text(state)


def _collect_static_files() -> None:
    """Pages name hashed files, as in production, so the suite needs them collected."""
    manage("collectstatic", "--no-input")


def manage(*command: str, login: str = "", database: str = TEMPLATE) -> None:
    """Run a command of the portal on one of the databases."""
    environment = os.environ | {
        "DATABASE_URL": (login or os.environ[LOGIN_URL]).replace(NAME, database),
        "DATABASE_ADMIN_URL": admin_url(database),
    }
    subprocess.run(
        [sys.executable, "manage.py", *command, "-v", "0"], cwd=ROOT, env=environment, check=True, timeout=300
    )


def _state_of_schema() -> str:
    """A digest of all that makes the template: migrations, roles and policies, the lock file."""
    digest = hashlib.sha256()
    roles = [ROOT / "tenants/rls.py", ROOT / "tenants/management/commands/make_roles.py"]
    paths = [*ROOT.glob("*/migrations/*.py"), *roles, ROOT / "uv.lock"]
    for path in sorted(paths):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _use_own_database(worker: str) -> None:
    os.environ["DATABASE_URL"] = copy_template(f"portal_{worker}")
    # Each process empties its cache after each test: it is its own.
    number = int(worker.removeprefix("gw")) + 1 if worker.startswith("gw") else 0
    os.environ["REDIS_URL"] = f"{os.environ['REDIS_URL'].rpartition('/')[0]}/{number}"
    os.environ["PORTAL_TEST_DATABASE"] = f"portal_{worker}"
