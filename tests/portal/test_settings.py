"""Settings: every default parses, what is required is asked for, nothing secret has a default."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from portal import env
from tests import services

ROOT = Path(__file__).resolve().parent.parent.parent
TYPES = {"str": str, "bool": bool, "int": int, "list": list, "path": Path}
REQUIRED = {"SECRET_KEY", "DATABASE_URL", "REDIS_URL"}


def start(*, without: str = "", **given: str) -> subprocess.CompletedProcess[str]:
    """Load the settings in a process of its own, with the environment of a deployment."""
    environment = {
        "PATH": os.environ["PATH"],
        "SECRET_KEY": "only-for-tests",
        "DATABASE_URL": "postgres://portal_login:word@127.0.0.1:1/portal",
        "REDIS_URL": "redis://127.0.0.1:1/0",
        **given,
    }
    environment.pop(without, None)
    return subprocess.run(
        [sys.executable, "-c", "import portal.settings as s; print(s.DEBUG, s.SECRET_KEY, s.ALLOWED_HOSTS)"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_with_what_is_required_it_starts_and_is_strict() -> None:
    done = start()
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "False only-for-tests ['127.0.0.1', 'localhost']"


@pytest.mark.parametrize("name", sorted(REQUIRED))
def test_without_a_required_setting_it_does_not_start_and_names_it(name: str) -> None:
    if (ROOT / ".env").exists():
        pytest.skip("a .env file fills what the environment lacks")
    done = start(without=name)
    assert done.returncode != 0
    assert "ImproperlyConfigured" in done.stderr
    assert name in done.stderr


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("POST_MORTEM_FINAL_DAYS", "soon"),
        ("BUSINESS_DAYS", "someday"),
        ("BUSINESS_HOLIDAYS", "2026-02-30"),
        ("BUSINESS_ZONE", "Mars/Olympus"),
        ("TRUSTED_PROXY_COUNT", "one"),
        ("DATABASE_POOL_SIZE", "-1"),
        ("DATABASE_WAIT_SECONDS", "0"),
        ("DATABASE_URL", "nonsense"),
        ("DATABASE_URL", "sqlite:///file"),
    ],
)
def test_a_value_that_makes_no_sense_is_refused_at_the_start(name: str, value: str) -> None:
    assert start(**{name: value}).returncode != 0


def test_what_is_required_has_no_default_and_everything_else_has_one() -> None:
    assert {each.name for each in env.SETTINGS if each.default is env.REQUIRED} == REQUIRED


@pytest.mark.parametrize("setting", env.SETTINGS, ids=lambda each: each.name)
def test_every_default_parses_to_its_kind(monkeypatch: pytest.MonkeyPatch, setting: env.Setting) -> None:
    monkeypatch.delenv(setting.name, raising=False)
    if setting.default is env.REQUIRED:
        with pytest.raises(ImproperlyConfigured, match=setting.name):
            env.value(setting.name)
    elif setting.kind == "url":
        assert env.value(setting.name) is None
    else:
        assert isinstance(env.value(setting.name), TYPES[setting.kind])
    assert setting.meaning.endswith(".")


def test_names_are_unique_and_an_undeclared_one_cannot_be_read() -> None:
    assert len({each.name for each in env.SETTINGS}) == len(env.SETTINGS)
    with pytest.raises(KeyError):
        env.value("HOME")


@pytest.mark.parametrize(
    ("given", "read"),
    [("1", True), ("true", True), ("on", True), ("0", False), ("false", False), ("", False)],
)
def test_switches_are_read_as_people_write_them(
    monkeypatch: pytest.MonkeyPatch, given: str, read: bool
) -> None:
    monkeypatch.setenv("SECURE", given)
    assert env.value("SECURE") is read


def test_secure_means_https_only() -> None:
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            (
                "import portal.settings as s; print(s.SECURE_SSL_REDIRECT, s.SESSION_COOKIE_SECURE, "
                "s.CSRF_COOKIE_SECURE, s.SECURE_HSTS_SECONDS)"
            ),
        ],
        cwd=ROOT,
        env=os.environ | {"SECURE": "on"},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout.strip() == "True True True 31536000"


def test_secure_and_debug_exclude_each_other() -> None:
    done = start(SECURE="on", DEBUG="on")
    assert done.returncode != 0
    assert "SECURE and DEBUG exclude each other" in done.stderr


def test_the_portal_refuses_to_serve_a_database_whose_walls_are_down() -> None:
    """The web's entry is asked with the superuser's login, as a careless deployment would."""
    done = subprocess.run(
        [sys.executable, "-c", "import portal.wsgi"],
        cwd=ROOT,
        env=os.environ | {"DATABASE_URL": services.admin_url(os.environ["PORTAL_TEST_DATABASE"])},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode != 0
    assert "role postgres is a superuser" in done.stderr


def test_with_the_weak_login_it_serves() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "import portal.wsgi"],
        cwd=ROOT,
        env=os.environ.copy(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
