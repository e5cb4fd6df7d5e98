"""The world that stands from test to test: whatever a test does to it, the next finds it as it was made."""

from collections.abc import Callable, Iterator

import pytest
from django.db import DatabaseError, connection, transaction

from tenants import scope
from tenants.models import Company
from tests import standing_world
from tests.canaries import marks
from tests.conftest import World, make_world
from tests.standing_world import StandingWorld


@pytest.fixture
def standing(committed: None) -> Iterator[StandingWorld[World]]:
    made = StandingWorld(make_world)
    yield made
    made.fall()


def given(standing: StandingWorld[World]) -> World:
    """What the next test is given."""
    standing.stand()
    world = standing.given()
    assert world is not None
    return world


def names() -> set[str]:
    with scope.as_staff():
        return set(Company.objects.values_list("name", flat=True))


def test_what_a_test_writes_and_what_it_does_to_its_objects_is_not_there_for_the_next(
    standing: StandingWorld[World],
) -> None:
    first = given(standing)
    with transaction.atomic():
        with scope.as_staff():
            Company.objects.update(name="Another")
        assert names() == {"Another"}
        transaction.set_rollback(True)
    first.acme.name = "Another"
    second = given(standing)
    assert (second.acme.pk, second.acme.name) == (first.acme.pk, "Acme Stores")
    assert names() == {"Acme Stores", "Globex Hotels"}


def test_its_marks_are_in_force_for_each_test(standing: StandingWorld[World]) -> None:
    for _ in range(2):
        marks.begin()
        world = given(standing)
        assert [each.text for each in marks.in_force.find(world.incident.reference)]
        assert [each.text for each in marks.in_force.find(world.ada.email)]
        assert marks.in_force.companies_of_person[world.ada.pk] == {world.acme.pk}


def close() -> None:
    connection.close()


def fail() -> None:
    with pytest.raises(DatabaseError), connection.cursor() as cursor:
        cursor.execute("select 1 / 0")


def leave_open() -> None:
    transaction.atomic().__enter__()


@pytest.mark.parametrize("ruin", [close, fail, leave_open])
def test_what_a_test_has_ruined_is_made_anew(
    standing: StandingWorld[World], ruin: Callable[[], None]
) -> None:
    first = given(standing)
    ruin()
    second = given(standing)
    assert second.acme.pk != first.acme.pk
    assert names() == {"Acme Stores", "Globex Hotels"}


def test_it_is_made_anew_before_what_was_rolled_back_fills_the_tables(
    standing: StandingWorld[World], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = given(standing)
    assert given(standing).acme.pk == first.acme.pk
    monkeypatch.setattr(standing_world, "MOST_SECONDS", -1)
    standing.fall()
    assert given(standing).acme.pk != given(standing).acme.pk


def test_nothing_of_it_is_there_for_a_test_that_wants_none(standing: StandingWorld[World]) -> None:
    given(standing)
    standing.fall()
    assert (standing.given(), names(), connection.in_atomic_block) == (None, set(), False)
