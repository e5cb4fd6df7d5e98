"""What the user sets replaces what is embedded, and the superuser's address stays with what prepares."""

import os
import stat
import tempfile
from pathlib import Path

import environ
import pytest

from deploy.local import errors, folders, services, valkey, wishes

OWN = {"DATABASE_URL": "postgres://login:p@db.example/portal", "REDIS_URL": "redis://cache.example/0"}


@pytest.fixture(autouse=True)
def _short_socket_folders_are_made_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No server is started here, so nobody would remove what is made in the temporary folder."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


def _services(folder: Path, given: dict[str, str]) -> services.Services:
    data = folder / ".data"
    services.make_data_folder(data)
    return services.Services(root=folder, data=data, asked=wishes.Wishes.of(given))


def _socket_folder(folder: Path) -> Path:
    return folders.for_socket(folder / ".data" / "postgres", ".s.PGSQL.5432.lock")


def test_without_settings_everything_is_embedded_and_only_preparing_is_a_superuser(tmp_path: Path) -> None:
    broker = valkey.start(tmp_path / ".data" / "valkey")
    broker.stop()
    ground = _services(tmp_path, {"PATH": "/bin"})

    serving = ground.environment()
    preparing = ground.admin_environment()

    assert serving["DATABASE_URL"].startswith("postgres://portal_login:")
    assert serving["DATABASE_URL"].endswith(f"@/portal?host={_socket_folder(tmp_path)}")
    assert serving["REDIS_URL"] == broker.url
    assert (serving["PORTAL_EMBEDDED"], serving["PORT"]) == ("1", "8000")
    assert serving["PORTAL_DATA_DIR"] == str(tmp_path / ".data")
    assert serving["DJANGO_SETTINGS_MODULE"] == "portal.settings"
    assert "DATABASE_ADMIN_URL" not in serving
    assert preparing.pop("DATABASE_ADMIN_URL").startswith("postgres://postgres:")
    assert preparing == serving


def test_a_database_of_ones_own_replaces_the_embedded_one(tmp_path: Path) -> None:
    ground = _services(tmp_path, OWN)

    serving = ground.environment()

    assert (ground.postgres, ground.valkey) == (None, None)
    assert {name: serving[name] for name in OWN} == OWN
    assert "PORTAL_EMBEDDED" not in serving
    assert "DATABASE_ADMIN_URL" not in ground.admin_environment()
    assert not (tmp_path / ".data" / "postgres").exists()


def test_the_users_own_superuser_address_reaches_only_what_prepares(tmp_path: Path) -> None:
    ground = _services(tmp_path, {**OWN, "DATABASE_ADMIN_URL": "postgres://dba:p@db.example/portal"})

    assert ground.environment()["DATABASE_ADMIN_URL"] == ""
    assert ground.admin_environment()["DATABASE_ADMIN_URL"] == "postgres://dba:p@db.example/portal"


def test_the_secret_key_is_made_once_and_kept_private(tmp_path: Path) -> None:
    first = _services(tmp_path, OWN).environment()["SECRET_KEY"]
    second = _services(tmp_path, OWN).environment()["SECRET_KEY"]
    chosen = _services(tmp_path, {**OWN, "SECRET_KEY": "chosen"}).environment()["SECRET_KEY"]

    assert first == second
    assert len(first) >= 64
    assert chosen == "chosen"
    assert stat.S_IMODE((tmp_path / ".data" / "secret-key").stat().st_mode) == 0o600


def test_a_superuser_address_without_a_database_is_refused() -> None:
    with pytest.raises(errors.WrongSetting, match="DATABASE_ADMIN_URL is set, DATABASE_URL is not"):
        wishes.Wishes.of({"DATABASE_ADMIN_URL": "postgres://dba@db.example/portal"})


@pytest.mark.parametrize("port", ["80a", "0", "65536", "-1", "8000.0", "²"])
def test_a_port_that_is_none_is_refused_by_name(port: str) -> None:
    with pytest.raises(errors.WrongSetting, match=r"PORT=.* must be a whole number from 1 to 65535"):
        wishes.Wishes.of({"PORT": port})


def test_the_file_beside_the_code_fills_in_what_the_environment_leaves_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # `environ` writes into the environment of this process: give it one to spoil.
    spoilable = {"PORT": "9001"}
    monkeypatch.setattr(os, "environ", spoilable)
    monkeypatch.setattr(environ.Env, "ENVIRON", spoilable)
    (tmp_path / ".env").write_text("PORT=9000\nREDIS_URL=redis://cache.example/1\n", "utf-8")

    asked = wishes.read(tmp_path)

    assert (asked.port, asked.redis_url, asked.database_url) == (9001, "redis://cache.example/1", None)


def test_the_log_of_the_last_start_is_kept_beside_the_new_one(tmp_path: Path) -> None:
    services.fresh_log(tmp_path, "web").write_text("first", "utf-8")

    log = services.fresh_log(tmp_path, "web")

    assert log.read_text("utf-8") == ""
    assert (tmp_path / "web.previous.log").read_text("utf-8") == "first"
