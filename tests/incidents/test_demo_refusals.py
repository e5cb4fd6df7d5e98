"""Where the demonstration must not be loaded, what a failure leaves, and who can sign in after."""

import json
import stat
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction
from pytest_django import Settings

from incidents.demo import load, others
from incidents.models import Component, Incident, Placement, Recovery, RecoveryEntry
from tenants import scope
from tenants.models import AuditEvent, Company, User
from tests import factories

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 16, 10, 30, tzinfo=UTC)
FEW = 24


@pytest.fixture
def logins_file(tmp_path: Path, settings: Settings) -> Path:
    settings.DATA_DIR = tmp_path / "kept"
    return tmp_path / "kept" / "demo-logins.json"


def rows() -> int:
    with scope.as_staff():
        return sum(model.objects.count() for model in (AuditEvent, Company, Component, Incident, User))


def test_a_database_that_is_not_the_embedded_one_is_refused(logins_file: Path, settings: Settings) -> None:
    settings.IS_EMBEDDED = False
    with pytest.raises(CommandError, match="embedded database, so the demonstration was not loaded"):
        call_command("load_demo")
    assert rows() == 0
    assert not logins_file.exists()


def test_it_is_loaded_there_when_told_so(logins_file: Path, settings: Settings) -> None:
    settings.IS_EMBEDDED = False
    output = StringIO()
    call_command("load_demo", "--anyway", companies=FEW, stdout=output)
    assert output.getvalue().splitlines() == [
        "Demonstration loaded: 32 companies, 6 incidents.",
        f"Logins with new passwords: {logins_file}",
    ]


def test_a_database_with_companies_of_its_own_is_refused(logins_file: Path) -> None:
    factories.company("somebody")
    before = rows()
    with pytest.raises(CommandError, match="holds client companies of its own"):
        call_command("load_demo", "--anyway")
    assert rows() == before
    assert not logins_file.exists()


@pytest.mark.parametrize("count", [-1, 0, 19, 10_000_000])
def test_a_number_of_companies_that_is_not_possible_is_refused(logins_file: Path, count: int) -> None:
    with pytest.raises(CommandError, match=r"companies|names"):
        call_command("load_demo", companies=count)
    assert rows() == 0
    assert not logins_file.exists()


def test_a_failure_near_the_end_leaves_nothing(logins_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(others, "SCHEDULED", others.COMPLETED)
    with pytest.raises(IntegrityError, match="duplicate key"):
        load.load(now=NOW, logins_file=logins_file, company_count=FEW)
    assert rows() == 0
    assert not logins_file.exists()
    monkeypatch.undo()
    assert load.load(now=NOW, logins_file=logins_file, company_count=FEW).is_new


def test_the_logins_are_for_the_owner_of_the_file_only_and_every_one_of_them_signs_in(
    logins_file: Path,
) -> None:
    load.load(now=NOW, logins_file=logins_file, company_count=FEW)
    assert stat.S_IMODE(logins_file.stat().st_mode) == 0o600
    assert [each.name for each in logins_file.parent.iterdir()] == ["demo-logins.json"]
    logins = json.loads(logins_file.read_text())
    assert [(each["email"], each["role"], each["company"]) for each in logins] == [
        ("ada@acme.example", "owner", "acme"),
        ("mia@acme.example", "manager", "acme"),
        ("bea@acme.example", "reader", "acme"),
        ("gus@globex.example", "owner", "globex"),
        ("hal@globex.example", "reader", "globex"),
        ("lou@quillmere.example", "owner", "quillmere"),
        ("lou@quillmere.example", "reader", "acme"),
        ("sam@vendor.example", "staff", ""),
        ("ren@vendor.example", "staff", ""),
    ]
    assert len({each["password"] for each in logins}) == 8
    users = {user.email: user for user in User.objects.all()}
    assert all(users[each["email"]].check_password(each["password"]) for each in logins)
    staff = {"sam@vendor.example", "ren@vendor.example"}
    assert all(users[email].is_superuser for email in staff)
    assert {email for email, user in users.items() if user.is_staff} == staff


def test_a_lost_file_of_logins_is_written_again_with_new_passwords(logins_file: Path) -> None:
    load.load(now=NOW, logins_file=logins_file, company_count=FEW)
    earlier = json.loads(logins_file.read_text())
    logins_file.unlink()
    again = load.load(now=NOW, logins_file=logins_file, company_count=FEW)
    assert (again.is_new, again.has_new_passwords) == (False, True)
    logins = json.loads(logins_file.read_text())
    assert [each["email"] for each in logins] == [each["email"] for each in earlier]
    ada = User.objects.get(email="ada@acme.example")
    assert ada.check_password(logins[0]["password"])
    assert not ada.check_password(earlier[0]["password"])


def test_the_same_seed_gives_the_same_data(logins_file: Path) -> None:
    assert loaded_and_undone(logins_file) == loaded_and_undone(logins_file)


def loaded_and_undone(logins_file: Path) -> tuple[object, ...]:
    """Every company, placement, entry and recovery of a load that is rolled back again."""
    with transaction.atomic():
        load.load(now=NOW, logins_file=logins_file, company_count=FEW)
        with scope.as_staff():
            found = (
                sorted(
                    Company.objects.values_list(
                        "id", "slug", "name", "time_zone", "consents_to_be_named", "created_at"
                    )
                ),
                sorted(Placement.objects.values_list("company_id", "component_id")),
                sorted(
                    RecoveryEntry.objects.values_list(
                        "company_id", "incident_id", "component_id", "at", "state"
                    )
                ),
                sorted(
                    Recovery.objects.values_list("incident_id", "company_id", "state", "outage_seconds"),
                    key=str,
                ),
            )
        transaction.set_rollback(True)
    assert all(found)
    return found
