"""With 10,000 companies no query of a client page reads a company-owned table from end to end."""

import json
import os
import re
from collections.abc import Iterator

import psycopg
import pytest
from django.apps import apps
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from incidents.choices import CompanyState
from incidents.models import Incident
from tenants import scope
from tests import conftest, factories, services

COMPANIES = 10_000

_CROWD = f"""
with company as (
    insert into tenants_company (slug, name, time_zone, consents_to_be_named, created_at)
    select 'crowd-' || number, 'Crowd ' || number, 'UTC', number % 3 = 0, now()
    from generate_series(1, {COMPANIES}) number returning id
)
insert into incidents_placement (company_id, component_id)
select company.id, component.id from company cross join incidents_component component
"""

_REQUESTS = """
insert into incidents_postmortemrequest
    (company_id, incident_id, state, requested_by_name, purpose, requested_at, answer_due_at, decline_reason)
select company_id, incident_id, 'requested', 'Crowd', 'Audit', now(), now(), '' from incidents_recovery
"""

PAGES = ("", "incidents/", "incidents/{ref}/", "incidents/{ref}/post-mortem/")


@pytest.fixture
def crowd(committed: None) -> Iterator[tuple[conftest.World, Incident]]:
    """The world, and so many more companies on both components, all in a second incident."""
    world = conftest.make_world()
    address = services.admin_url(os.environ["PORTAL_TEST_DATABASE"])
    with psycopg.connect(address, autocommit=True) as admin:
        admin.execute(_CROWD)
        incident = factories.incident(world.api, world.reports, state=CompanyState.OUTAGE)
        factories.restore(world.acme, incident, minutes=40)
        admin.execute(_REQUESTS)
        admin.execute("analyze")
    yield world, incident
    connection.close()


def test_no_page_scans_a_company_owned_table(crowd: tuple[conftest.World, Incident]) -> None:
    world, incident = crowd
    client = Client()
    client.force_login(world.ada)
    scanned = set()
    for page in PAGES:
        with CaptureQueriesContext(connection) as captured:
            answer = client.get("/acme/" + page.format(ref=incident.reference))
        assert answer.status_code == 200
        statements = [each["sql"] for each in captured if re.match(r"\s*select", each["sql"], re.IGNORECASE)]
        business = [each for each in statements if "incidents_" in each]
        assert business, page
        scanned |= {
            (page, relation)
            for statement in business
            for kind, relation in _nodes(_plan(world, statement))
            if kind == "Seq Scan" and relation in _company_owned()
        }
    assert scanned == set()


def _company_owned() -> set[str]:
    return {
        model._meta.db_table
        for model in apps.get_models()
        if getattr(getattr(model, "access", None), "kind", "") == "company-owned"
    }


def _plan(world: conftest.World, statement: str) -> dict[str, object]:
    with scope.as_company(world.acme.pk), connection.cursor() as cursor:
        cursor.execute(f"explain (format json) {statement}")
        plan = cursor.fetchone()[0]
    parsed: dict[str, object] = (json.loads(plan) if isinstance(plan, str) else plan)[0]["Plan"]
    return parsed


def _nodes(plan: dict[str, object]) -> Iterator[tuple[str, str]]:
    """(node type, table) of a plan and everything beneath it."""
    yield str(plan["Node Type"]), str(plan.get("Relation Name", ""))
    for child in plan.get("Plans", []):  # type: ignore[attr-defined]
        yield from _nodes(child)
