"""Every setting that the environment can change, with its type, default and meaning.

The README's table is written from `SETTINGS`, and a test holds the two together.
"""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import environ
from django.core.exceptions import ImproperlyConfigured

from incidents import due_dates

BASE_DIR = Path(__file__).resolve().parent.parent
REQUIRED = object()


@dataclass(frozen=True, kw_only=True)
class Setting:
    """One environment variable. Without a default the portal does not start unless it is given."""

    name: str
    kind: str
    meaning: str
    default: Any = REQUIRED
    choices: tuple[str, ...] = ()
    """Of a list: what it may name, at least one."""
    least: int | None = None
    """Of a number: the smallest that makes sense."""

    @property
    def default_text(self) -> str:
        if self.default is REQUIRED:
            return "required"
        if isinstance(self.default, list):
            return ",".join(self.default)
        return str(self.default)


SETTINGS = (
    Setting(name="SECRET_KEY", kind="str", meaning="Signs sign-ins and links; long, random, kept secret."),
    Setting(
        name="STATEMENT_SIGNING_KEY",
        kind="str",
        default="",
        meaning="Signs downtime statements: 32 random bytes, written as 43 letters of base64url, kept "
        "secret. Empty: none are issued. `make run` makes its own.",
    ),
    Setting(
        name="STATEMENT_OLD_PUBLIC_KEYS",
        kind="list",
        default=[],
        meaning="Public keys of earlier signing keys (`/verify/keys/` shows them), so that statements they "
        "signed are still verified.",
    ),
    Setting(
        name="DEGRADED_WEIGHT_PERCENT",
        kind="int",
        default=0,
        least=0,
        meaning="How much of degraded time counts as downtime in a downtime statement, 0 to 100.",
    ),
    Setting(
        name="DATABASE_URL",
        kind="url",
        meaning="PostgreSQL 18, as the weak login role `portal_login`. `make run` starts its own.",
    ),
    Setting(
        name="DATABASE_ADMIN_URL",
        kind="url",
        default="",
        meaning="The same database as a superuser or DBA: only for `make_roles`, `migrate` and `prepare`, "
        "never given to the web or the worker.",
    ),
    Setting(
        name="DATABASE_POOL_SIZE",
        kind="int",
        default=0,
        least=0,
        meaning="Connections that the threads of one web process share; 0: each thread keeps one of its own.",
    ),
    Setting(
        name="DATABASE_WAIT_SECONDS",
        kind="int",
        default=3,
        least=2,
        meaning="How long a request waits for a connection before it is answered with 503; at least 2.",
    ),
    Setting(
        name="REDIS_URL",
        kind="str",
        meaning="Valkey or Redis: cache, limits and the worker's queue. `make run` starts its own.",
    ),
    Setting(
        name="CELERY_BROKER_URL",
        kind="str",
        default="",
        meaning="Another broker for the worker; empty: `REDIS_URL`.",
    ),
    Setting(name="DEBUG", kind="bool", default=False, meaning="Django's debug pages. Never in production."),
    Setting(
        name="ALLOWED_HOSTS",
        kind="list",
        default=["127.0.0.1", "localhost"],
        meaning="Host names that are answered.",
    ),
    Setting(
        name="CSRF_TRUSTED_ORIGINS",
        kind="list",
        default=[],
        meaning="Origins (scheme and host) that may post forms, behind a proxy.",
    ),
    Setting(
        name="SECURE",
        kind="bool",
        default=False,
        meaning="HTTPS only: secure cookies, HSTS, redirect. On in production.",
    ),
    Setting(
        name="TRUSTED_PROXY_COUNT",
        kind="int",
        default=0,
        meaning="Proxies in front of the portal; without it all clients behind one share its sign-in limit.",
    ),
    Setting(
        name="DOORS",
        kind="list",
        default=["client", "staff"],
        choices=("client", "staff"),
        meaning="Whose pages this process serves. A process that serves `client` alone logs in as "
        "`portal_client_login`, which cannot become staff.",
    ),
    Setting(
        name="VENDOR_NAME", kind="str", default="Northwind Retail Systems", meaning="Whose clients sign in."
    ),
    Setting(
        name="COMPANIES_NAMED_BY_DEFAULT",
        kind="bool",
        default=False,
        meaning="Whether a new client company may be named to others before anybody was asked.",
    ),
    Setting(
        name="POST_MORTEM_ANSWER_BUSINESS_DAYS",
        kind="int",
        default=1,
        meaning="Business days in which a request for a post-mortem is answered.",
    ),
    Setting(
        name="POST_MORTEM_PRELIMINARY_HOURS",
        kind="int",
        default=72,
        meaning="Hours after resolution by which the preliminary report is due.",
    ),
    Setting(
        name="POST_MORTEM_FINAL_DAYS",
        kind="int",
        default=14,
        meaning="Days after resolution by which the final report is due.",
    ),
    Setting(
        name="BUSINESS_DAYS",
        kind="list",
        default=["mon", "tue", "wed", "thu", "fri"],
        choices=due_dates.WEEKDAYS,
        meaning="Days of the week on which the vendor works.",
    ),
    Setting(
        name="BUSINESS_HOLIDAYS",
        kind="list",
        default=[],
        meaning="Days on which it does not, like `2026-12-25,2027-01-01`.",
    ),
    Setting(
        name="BUSINESS_ZONE",
        kind="str",
        default="UTC",
        meaning="The time zone in which the vendor's days begin and end, like `Europe/Paris`.",
    ),
    Setting(
        name="POST_MORTEM_SECOND_PERSON",
        kind="bool",
        default=True,
        meaning="Whether somebody who did not write a report has to review it before it is published.",
    ),
    Setting(
        name="UPDATE_UNDO_SECONDS",
        kind="int",
        default=20,
        least=0,
        meaning="How long an update that staff post can be taken back before it leaves; 0: it leaves at "
        "once.",
    ),
    Setting(
        name="UPDATE_SECOND_PERSON",
        kind="bool",
        default=False,
        meaning="Whether what clients read of a critical incident waits until a second person approves it.",
    ),
    Setting(
        name="EMAIL_URL",
        kind="str",
        default="",
        meaning="SMTP server, as `smtp://user:password@host:port`; empty: mails become files in the data "
        "folder.",
    ),
    Setting(
        name="DEFAULT_FROM_EMAIL",
        kind="str",
        default="portal@localhost",
        meaning="Sender of the portal's mails.",
    ),
    Setting(
        name="POLL_SECONDS",
        kind="int",
        default=15,
        meaning="How often an open incident's page asks for news.",
    ),
    Setting(name="LOG_LEVEL", kind="str", default="INFO", meaning="Least level that is logged."),
    Setting(
        name="PORTAL_DATA_DIR", kind="path", default=".data", meaning="Folder of everything the portal keeps."
    ),
    Setting(
        name="PORTAL_EMBEDDED",
        kind="bool",
        default=False,
        meaning="Set by `make run`: the database is its own, so the demonstration may be loaded.",
    ),
)

_environment = environ.Env()


def read_dotenv() -> None:
    """Fill what the environment lacks from a `.env` file beside manage.py, if there is one."""
    environ.Env.read_env(str(BASE_DIR / ".env"), overwrite=False)


def value(name: str) -> Any:
    """The setting `name` in its type; KeyError for one that `SETTINGS` does not name.

    Raises ImproperlyConfigured when a required one is missing, a value does not parse or makes no sense.
    """
    setting = _BY_NAME[name]
    if setting.kind == "url":
        is_given = setting.default is REQUIRED or os.environ.get(name)
        return _database(name) if is_given else None
    default = environ.Env.NOTSET if setting.default is REQUIRED else setting.default
    if setting.kind == "path":
        return (BASE_DIR / _environment.str(name, default=str(default))).resolve()
    read = {
        "bool": _environment.bool,
        "int": _environment.int,
        "list": _environment.list,
        "str": _environment.str,
    }
    found = read[setting.kind](name, default=default)
    if setting.choices and not (found and set(found) <= set(setting.choices)):
        raise ImproperlyConfigured(f"{name} must name one or more of: {', '.join(setting.choices)}.")
    if setting.least is not None and found < setting.least:
        raise ImproperlyConfigured(f"{name} must be {setting.least} or more.")
    return found


def _database(name: str) -> dict[str, Any]:
    found: dict[str, Any] = _environment.db_url(name)
    if not found["ENGINE"].endswith("postgresql"):
        raise ImproperlyConfigured(f"{name} must be an address like postgres://login:password@host/database.")
    return found


def business_calendar() -> due_dates.BusinessCalendar:
    """On which days the vendor works. Raises ImproperlyConfigured where a setting makes no sense."""
    try:
        return due_dates.calendar(
            weekdays=value("BUSINESS_DAYS"), holidays=value("BUSINESS_HOLIDAYS"), zone=value("BUSINESS_ZONE")
        )
    except ValueError as error:
        raise ImproperlyConfigured(str(error)) from error


def email_settings(url: str) -> dict[str, Any]:
    return dict(environ.Env.email_url_config(url))


def build() -> str:
    """A name for this very code, so that what browsers keep ends with the next deployment."""
    newest = max(
        path.stat().st_mtime_ns
        for folder in ("portal", "incidents", "templates")
        for path in (BASE_DIR / folder).rglob("*")
        if path.is_file()
    )
    return f"{newest:x}"


_BY_NAME = {setting.name: setting for setting in SETTINGS}
