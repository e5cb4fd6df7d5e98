"""Two people at an incident's components at once: real threads and commits."""

import threading

from django.db import connection

from incidents import errors
from incidents.choices import CompanyState
from incidents.models import Component, Incident, RecoveryEntry
from incidents.operations import components
from tenants import scope
from tests import factories
from tests.conftest import make_world
from tests.incidents.affecting import NOW, add, at
from tests.threads import at_once


def test_of_two_who_add_the_same_component_at_once_one_does(committed: None) -> None:
    world = make_world()
    incident = factories.incident(world.reports, state=CompanyState.UNKNOWN)
    both = at_once(*[lambda: add(world, Incident(pk=incident.pk), world.api)] * 2)
    assert {type(each) for each in both} == {int, errors.AlreadyPart}
    with scope.as_staff():
        assert RecoveryEntry.objects.filter(incident=incident).count() == 2


def test_a_component_that_is_renamed_while_it_is_added_is_called_so_in_every_version(committed: None) -> None:
    """An addition has not committed; the new name comes and waits for it; both end."""
    world = make_world()
    incident = factories.incident(world.reports, state=CompanyState.UNKNOWN)
    added, may_commit = threading.Event(), threading.Event()
    failed: list[Exception] = []
    versions: list[int] = []

    def add_it() -> None:
        try:
            with scope.as_staff():
                components.add(
                    factories.actor(world.sam),
                    incident_id=incident.pk,
                    component_id=world.api.pk,
                    state=CompanyState.UNKNOWN,
                    at=at(0),
                    now=NOW,
                )
                versions.append(Incident.objects.get(pk=incident.pk).version)
                added.set()
                may_commit.wait(timeout=30)
        except Exception as error:  # noqa: BLE001 - a thread's failure is the test's
            failed.append(error)
        finally:
            connection.close()

    def rename_it() -> None:
        try:
            with scope.as_staff():
                component = Component.objects.get(pk=world.api.pk)
                component.name = "Interfaces (EU)"
                components.save_part(factories.actor(world.sam), component, fields=["name"], now=NOW)
        except Exception as error:  # noqa: BLE001 - a thread's failure is the test's
            failed.append(error)
        finally:
            connection.close()

    adding, renaming = threading.Thread(target=add_it), threading.Thread(target=rename_it)
    adding.start()
    assert added.wait(timeout=30)
    renaming.start()
    renaming.join(timeout=1)
    may_commit.set()
    adding.join()
    renaming.join()
    assert failed == []
    with scope.as_staff():
        assert Incident.objects.get(pk=incident.pk).version == versions[0] + 1
