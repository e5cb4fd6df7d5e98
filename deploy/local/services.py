"""The database and the broker of one data folder, the environment they make, and their preparation."""

import contextlib
import sys
import time
from pathlib import Path

from deploy.local import children, errors, folders, interrupts, postgres, progress, valkey, wishes

DATABASE = "portal"
LOGIN_ROLE = "portal_login"
_PREPARE_ENDING = children.Ending(seconds=3)
_FOR_A_DBA = """\
The database named by DATABASE_URL is used as it is, because DATABASE_ADMIN_URL is not set. Unless it was
prepared before, somebody who may make roles there runs once, with both set:
    python manage.py make_roles
    python manage.py migrate"""


class Services:
    """PostgreSQL and Valkey, embedded unless the user named others, for the data folder `data`."""

    def __init__(self, *, root: Path, data: Path, asked: wishes.Wishes) -> None:
        """Name the checkout, its data folder and what the user asked for; nothing is started."""
        self.root = root
        self.data = data
        self.logs = data / "logs"
        self.asked = asked
        self.postgres = None if asked.database_url else postgres.Postgres(data / "postgres")
        self.valkey = None if asked.redis_url else valkey.Valkey(data / "valkey")

    @property
    def is_new(self) -> bool:
        """Whether an embedded database will be made by the next start."""
        return self.postgres is not None and not self.postgres.is_made

    def start(self) -> None:
        """Start what is embedded, saying so; on a failure whatever was started is to be stopped by `stop`."""
        make_data_folder(self.data)
        if self.postgres is not None:
            with progress.Step(f"PostgreSQL {self.postgres.version}"):
                self.postgres.start()
                self.postgres.make_database(DATABASE)
        if self.valkey is not None:
            with progress.Step(f"Valkey {self.valkey.version}"):
                self.valkey.start()

    def answer(self) -> bool:
        """Return whether embedded services, started by another process, answer now."""
        with contextlib.suppress(errors.CannotStart):
            return (self.postgres is None or self.postgres.answers()) and (
                self.valkey is None or self.valkey.answers()
            )
        return False

    def stop(self) -> None:
        """Stop what was started here, Valkey first."""
        if self.valkey is not None:
            self.valkey.stop()
        if self.postgres is not None:
            self.postgres.stop()

    def environment(self) -> dict[str, str]:
        """Return the environment of what serves: never the superuser's address."""
        values = dict(self.asked.given)
        values.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
        values["PORT"] = str(self.asked.port)
        values["PORTAL_DATA_DIR"] = str(self.data)
        values["SECRET_KEY"] = values.get("SECRET_KEY") or folders.secret(
            self.data / "secret-key", random_bytes=48
        )
        values["STATEMENT_SIGNING_KEY"] = values.get("STATEMENT_SIGNING_KEY") or folders.secret(
            self.data / "statement-signing-key"
        )
        if self.postgres is not None:
            password = folders.secret(self.data / "login-password")
            values["DATABASE_URL"] = self.postgres.url(LOGIN_ROLE, password, DATABASE)
            values["PORTAL_EMBEDDED"] = "1"
        if self.valkey is not None:
            values["REDIS_URL"] = self.valkey.url
        if values.pop("DATABASE_ADMIN_URL", None):
            # Empty, not missing: a settings module that reads .env would fill in a missing one.
            values["DATABASE_ADMIN_URL"] = ""
        return values

    def admin_environment(self) -> dict[str, str]:
        """Return the environment of what prepares: with the superuser's address, where there is one."""
        values = self.environment()
        if self.postgres is not None:
            values["DATABASE_ADMIN_URL"] = self.postgres.admin_url(DATABASE)
        elif self.asked.database_admin_url:
            values["DATABASE_ADMIN_URL"] = self.asked.database_admin_url
        return values

    def prepare(self, stop: interrupts.Interrupts) -> None:
        """Run `manage.py prepare` (roles, migrations, demo, static files) where it may be run.

        Raises DiedWhileStarting with the end of its output when it fails, Interrupted when asked to stop.
        """
        if self.asked.database_url and not self.asked.database_admin_url:
            progress.say(_FOR_A_DBA)
            return
        with progress.Step("Roles, tables, demo"):
            log = fresh_log(self.logs, "prepare")
            child = children.spawn(
                "prepare",
                [sys.executable, "manage.py", "prepare"],
                log=log,
                folder=self.root,
                environment=self.admin_environment(),
                ending=_PREPARE_ENDING,
            )
            try:
                while (code := child.exit_code()) is None:
                    stop.check()
                    time.sleep(0.05)
            finally:
                child.stop()
            if code != 0:
                message = f"manage.py prepare ended with exit code {code}:\n{children.last_lines(log)}"
                raise errors.DiedWhileStarting(message)


def make_data_folder(data: Path) -> None:
    """Make the data folder and its log folder. Others may pass through, not look: see folders.private."""
    folders.private(data, passable=True)
    folders.private(data / "logs")


def fresh_log(logs: Path, name: str) -> Path:
    """Return the path of an empty log for `name`; the one of the last start is kept beside it."""
    log = logs / f"{name}.log"
    if log.exists():
        log.replace(logs / f"{name}.previous.log")
    log.touch(mode=0o600)
    return log
