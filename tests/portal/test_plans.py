"""At any number of companies a client page reads no table from end to end, and only rows that it shows."""

import re
from collections.abc import Callable, Iterator

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from incidents.models import Recovery, RosterEntry
from portal.web import rendered
from tenants import rls, scope, walls
from tests import conftest, sampling
from tests.guards import routes
from tests.portal import crowd, plans

COMPANIES, OLD_INCIDENTS = (100_000, 5_000) if sampling.EVERYTHING else (10_000, 1_000)
MOST_ROWS = 1_000
"""That a step of a plan may give out or throw away: what one company has is less, all have more."""
MOST_BLOCKS = 1_000
"""That a statement may look at: finds an index that is read whole for a few rows of it."""
ROSTER = RosterEntry._meta.db_table
"""As long as the part of the tail that agreed to be named: every name of it is shown."""
BLOCKS_OF_A_NAME = 5

FRAGMENT = {"HX-Request": "true"}
FORM = {"purpose": "For our auditors.", "text": "Why so long?", "version": "1", "form": "csv"}
"""What every form of a client page is sent; each takes what it knows."""
FILTERS = ("?q=outage", "?q=old-1&kind=incident", "?kind=maintenance", "?page=2", "?page=100000")


@pytest.fixture
def gathered(committed: None) -> Iterator[crowd.Crowd]:
    yield crowd.gather(companies=COMPANIES, old_incidents=OLD_INCIDENTS)
    connection.close()


def test_no_statement_of_a_client_page_grows_with_the_number_of_companies(
    gathered: crowd.Crowd, record_property: Callable[[str, object], None]
) -> None:
    faults: dict[str, str] = {}
    explained = 0
    read: dict[str, set[str]] = {}
    for address, found in _ask_everything(gathered):
        explained += len(found)
        read.setdefault(address, set()).update(*(each.tables for each in found))
        for each in found:
            for fault in _faults(each, longest_roster=gathered.roster_length):
                faults.setdefault(f"{fault} ({each})", address)
    assert faults == {}, "\n".join(f"{address}: {fault}" for fault, address in faults.items())
    assert set().union(*read.values()) >= {Recovery._meta.db_table, ROSTER, "tenants_company"}
    record_property(sampling.CASES + "of the plan guard", explained)


def test_the_guard_finds_a_table_that_is_read_whole_and_a_step_of_many_rows(committed: None) -> None:
    world = conftest.make_world()
    with scope.as_company(world.acme.pk), plans.explaining() as explaining:
        assert Recovery.objects.filter(rank=7).count() == 0
    connection.close()
    assert [(each.role, each.is_general) for each in explaining.found] == [
        (rls.CLIENT, False),
        (rls.CLIENT, True),
    ]
    # Where a crowd stood before, several would share the reading, and each round up what it gives out.
    with connection.cursor() as cursor:
        cursor.execute("set max_parallel_workers_per_gather = 0")
    with scope.as_staff(), plans.explaining() as explaining:
        assert Recovery.objects.filter(outage_seconds__gte=0).count() == 2
    connection.close()
    for each in explaining.found:
        assert list(_faults(each, longest_roster=0, most_rows=1, most_blocks=0)) == [
            "is asked as portal_staff",
            "reads incidents_recovery from end to end",
            "has a step of 2 rows",
            f"looks at {each.blocks} blocks",
        ]


def _faults(
    each: plans.Explained, *, longest_roster: int, most_rows: int = MOST_ROWS, most_blocks: int = MOST_BLOCKS
) -> Iterator[str]:
    """What is wrong with one plan of one statement, in words."""
    access_of = walls.declared()
    kinds = {access_of[table].kind for table in each.tables if table in access_of}
    if kinds & {"company-owned", "published"} and each.role != rls.CLIENT:
        yield f"is asked as {each.role}"
    for table in sorted({node.table for node in each.nodes if node.is_scan}):
        if table not in access_of or access_of[table].kind != "framework":
            yield f"reads {table} from end to end"
    names = longest_roster if ROSTER in each.tables else 0
    rows = max(node.rows for node in each.nodes)
    if rows > max(most_rows, names):
        yield f"has a step of {rows} rows"
    if each.blocks > max(most_blocks, names * BLOCKS_OF_A_NAME):
        yield f"looks at {each.blocks} blocks"


def _ask_everything(gathered: crowd.Crowd) -> Iterator[tuple[str, list[plans.Explained]]]:
    """Every client page in every state worth it: (what was asked, the plans of its statements)."""
    form = FORM | {"number": gathered.statement, "month": f"{timezone.now():%Y-%m}-01"}
    for user in (gathered.world.ada, gathered.tia):
        client = Client()
        client.force_login(user)
        for address in _addresses(gathered):
            if user is gathered.tia and "/INC-" in address:
                continue  # the pages of an incident are the company's, whoever reads them
            yield from _ask(client, address, form)


def _ask(client: Client, address: str, form: dict[str, str]) -> Iterator[tuple[str, list[plans.Explained]]]:
    """One address as a browser, as htmx, filtered, with what is kept already, and as a form sent twice."""
    rendered.forget_all()
    with plans.explaining() as explaining:
        answer = client.get(address)
    assert answer.status_code in {200, 302, 403, 404, 405}, (address, answer.status_code)
    yield f"GET {address}", explaining.found
    if "HX-Request" in answer.get("Vary", ""):
        rendered.forget_all()
        with plans.explaining() as explaining:
            fragment = client.get(address, headers=FRAGMENT)
        yield f"GET {address} (htmx)", explaining.found
        with plans.explaining() as explaining:
            client.get(address, headers=FRAGMENT | {"If-None-Match": fragment["ETag"]})
        yield f"GET {address} (kept)", explaining.found
    if answer.status_code == 200 and "INC-" not in address:
        for query in FILTERS:
            with plans.explaining() as explaining:
                client.get(address + query)
            yield f"GET {address}{query}", explaining.found
    for time in ("once", "again"):
        with plans.explaining() as explaining:
            sent = client.post(address, form)
        yield f"POST {address} ({time})", explaining.found
        if sent.status_code >= 400:
            break


def _addresses(gathered: crowd.Crowd) -> Iterator[str]:
    """Every client page, with each of the incidents that look different; found, not listed."""
    references = {
        "open": gathered.opened.reference,
        "over, in the tail, report asked for": gathered.restored.reference,
        "over, report and statement held": gathered.reported.reference,
        "planned": gathered.planned.reference,
        "unknown": "INC-22222222",
    }
    for route in sorted(set(routes.live_routes())):
        if route.startswith((*routes.LIBRARY_PREFIXES, "health/")):
            continue
        of_acme = "/" + route.replace("<slug:company>", "acme").replace("<number:number>", gathered.statement)
        if "<reference:reference>" in of_acme:
            for reference in references.values():
                yield _whole(of_acme.replace("<reference:reference>", reference))
        else:
            yield _whole(of_acme)


def _whole(address: str) -> str:
    missing = re.findall(r"<[^>]+>", address)
    assert not missing, f"say in _addresses what stands for {missing} in {address}"
    return address
