"""What outlives a scope, slips out of it or is entered inside it: nothing of it reads business data."""

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import pytest
from django.db import ProgrammingError, connection
from django.test import Client, override_settings

from incidents.models import Recovery
from tenants import scope
from tenants.errors import ScopeError
from tenants.models import AuditEvent, User
from tests.conftest import World, make_world
from tests.tenants import door_pages
from tests.tenants.sharing import CLEAN, state_of

SignIn = Callable[[User], Client]

behind_the_door = override_settings(ROOT_URLCONF="tests.tenants.door_pages")


@pytest.fixture
def real_world(committed: None) -> World:
    return make_world()


@pytest.fixture
def ada(real_world: World, signed_in: SignIn) -> Client:
    """A browser of Acme's owner that is shown the page of a fault, as everybody is."""
    client = signed_in(real_world.ada)
    client.raise_request_exception = False
    return client


@pytest.fixture
def sam(real_world: World, signed_in: SignIn) -> Client:
    client = signed_in(real_world.sam)
    client.raise_request_exception = False
    return client


def written() -> int:
    with scope.as_staff():
        return AuditEvent.objects.filter(action="test.written").count()


def nothing_is_left() -> None:
    """Between requests: no scope in force, and the connection is the login's again."""
    assert scope.current() is None
    connection.ensure_connection()
    assert state_of(connection.connection) == CLEAN


# A scope inside a scope


Enter = Callable[[World], AbstractContextManager[scope.Scope]]


def acme(world: World) -> AbstractContextManager[scope.Scope]:
    return scope.as_company(world.acme.pk)


def globex(world: World) -> AbstractContextManager[scope.Scope]:
    return scope.as_company(world.globex.pk)


def staff(world: World) -> AbstractContextManager[scope.Scope]:
    return scope.as_staff()


@pytest.mark.parametrize(
    ("outer", "inner"),
    [(acme, globex), (acme, staff), (staff, acme)],
)
def test_another_scope_inside_a_scope_is_refused_and_the_outer_one_goes_on_as_it_was(
    world: World, outer: Enter, inner: Enter
) -> None:
    with outer(world) as before:
        rows = set(Recovery.objects.values_list("company_id", flat=True))
        with pytest.raises(ScopeError), inner(world):
            pytest.fail("entered")
        assert scope.current() == before
        assert set(Recovery.objects.values_list("company_id", flat=True)) == rows


def test_the_same_scope_inside_itself_takes_back_only_what_is_its_own(real_world: World) -> None:
    with scope.as_company(real_world.acme.pk):
        own = set(Recovery.objects.values_list("pk", flat=True))
        with (
            pytest.raises(ProgrammingError),
            scope.as_company(real_world.acme.pk),
            connection.cursor() as cursor,
        ):
            cursor.execute("select body_markdown from incidents_update")
        assert scope.current() == scope.Scope(company_id=real_world.acme.pk)
        assert set(Recovery.objects.values_list("pk", flat=True)) == own
    nothing_is_left()


@behind_the_door
@pytest.mark.parametrize("page", ["enters-staff", "enters-globex"])
def test_a_page_that_enters_another_scope_fails_and_leaves_nothing(
    ada: Client, real_world: World, page: str
) -> None:
    response = ada.post(f"/acme/{page}/")
    assert response.status_code == 500
    assert b"Globex" not in response.content
    assert written() == 0
    nothing_is_left()


# A thread that a page starts


@behind_the_door
@pytest.mark.parametrize(
    ("way", "raised"),
    [("bare", "ScopeError"), ("with-context", "ProgrammingError")],
    ids=["bare", "with its context"],
)
def test_a_thread_that_a_page_starts_reads_nothing(ada: Client, way: str, raised: str) -> None:
    """Bare, it has no scope. With the page's context the model agrees, but the connection is another's."""
    assert ada.get(f"/acme/thread/{way}/").content.decode() == raised
    assert ada.post(f"/acme/thread/{way}/").content.decode() == raised
    nothing_is_left()


def test_a_scope_of_one_thread_is_not_in_force_in_another(real_world: World) -> None:
    found: list[object] = []
    with scope.as_staff():
        other = threading.Thread(target=lambda: found.append(scope.current()))
        other.start()
        other.join()
    assert found == [None]


# What is read too late


def test_a_queryset_made_in_a_scope_and_read_after_it_raises(real_world: World) -> None:
    for one in (scope.as_company(real_world.acme.pk), scope.as_staff()):
        with one:
            rows = Recovery.objects.all()
        with pytest.raises(ProgrammingError, match="permission denied"):
            list(rows)
        with pytest.raises(ProgrammingError, match="permission denied"):
            rows.count()
    nothing_is_left()


def test_a_queryset_of_one_scope_read_in_another_finds_nothing_of_the_first(world: World) -> None:
    with scope.as_company(world.acme.pk):
        of_acme = Recovery.objects.all()
    with scope.as_staff():
        of_all = Recovery.objects.all()
    with scope.as_company(world.globex.pk):
        assert list(of_acme) == []
        assert [each.company_id for each in of_all] == [world.globex.pk]


def test_a_related_row_asked_for_after_the_scope_raises(real_world: World) -> None:
    with scope.as_company(real_world.acme.pk):
        own = Recovery.objects.get()
    with pytest.raises(ScopeError):
        own.incident.title  # noqa: B018 - the access reads
    with pytest.raises(ScopeError):
        own.refresh_from_db()
    nothing_is_left()


@behind_the_door
def test_a_generator_that_outlives_its_page_raises(ada: Client) -> None:
    door_pages.KEPT.clear()
    assert ada.get("/acme/generator/").status_code == 200
    (rows,) = door_pages.KEPT
    with pytest.raises(ScopeError):
        next(rows)
    nothing_is_left()


def test_a_generator_holds_its_scope_only_as_long_as_it_lives(real_world: World) -> None:
    def rows() -> Iterator[object]:
        with scope.as_company(real_world.acme.pk):
            yield from Recovery.objects.all()

    generator = rows()
    next(generator)
    generator.close()  # type: ignore[attr-defined]  # a generator, as every function that yields
    nothing_is_left()


# Callbacks after the commit


@behind_the_door
def test_a_callback_after_the_commit_reads_nothing(ada: Client, real_world: World) -> None:
    door_pages.RAISED.clear()
    assert ada.post("/acme/reads-after-the-commit/").status_code == 200
    assert door_pages.RAISED == ["ScopeError", "ProgrammingError"]
    assert written() == 1


@behind_the_door
@pytest.mark.parametrize("status", [400, 404, 422, 500])
def test_a_callback_is_forgotten_with_what_it_belonged_to(ada: Client, status: int) -> None:
    door_pages.SEEN.clear()
    assert ada.post(f"/acme/commits/{status}/").status_code == status
    assert door_pages.SEEN == []
    nothing_is_left()


# Streaming, staff, and answers of the last moment


@behind_the_door
def test_a_streamed_answer_takes_back_what_its_page_wrote(ada: Client) -> None:
    response = ada.post("/acme/writes-and-streams/")
    assert (response.status_code, written()) == (500, 0)
    assert b"streamed" not in response.content


@behind_the_door
@pytest.mark.parametrize(("status", "rows"), [(200, 1), (302, 1), (400, 0), (404, 0), (422, 0), (500, 0)])
def test_a_request_of_staff_is_held_to_the_same_rule(sam: Client, status: int, rows: int) -> None:
    assert sam.post(f"/admin/answers/{status}/").status_code == status
    assert written() == rows
    nothing_is_left()


@behind_the_door
@pytest.mark.parametrize("page", ["raises-404", "raises-403", "raises-400", "fails"])
def test_an_exception_that_becomes_an_answer_takes_back_what_was_written(ada: Client, page: str) -> None:
    status = 500 if page == "fails" else int(page[-3:])
    assert ada.post(f"/acme/{page}/").status_code == status
    assert written() == 0
    nothing_is_left()


@behind_the_door
def test_an_error_that_a_page_swallowed_in_the_middle_of_writing_is_not_half_kept(ada: Client) -> None:
    """The broken transaction cannot be committed, whatever the page answers."""
    response = ada.post("/acme/writes-and-hides/")
    assert (response.status_code, written()) in {(500, 0), (503, 0)}
    nothing_is_left()
