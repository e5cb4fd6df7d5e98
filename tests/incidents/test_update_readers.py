"""An update reaches exactly those for whom it was posted, and of its blocks those of their state."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import ProgrammingError, connection, transaction

from incidents import audiences, errors
from incidents.audiences import Readers
from incidents.choices import Audience, ClaimKind, IncidentState, UpdateKind
from incidents.models import Claim, Incident, Update, UpdateReader, UpdateWording
from incidents.operations import incidents
from incidents.queries import incident_pages, shapes
from tenants import scope
from tenants.models import AuditEvent, Company
from tests import factories
from tests.conftest import World

AT = factories.STARTED_AT + timedelta(hours=2)
BLOCKS = "For all.\n\n::: restored\nYou are back.\n:::\n\n::: not restored\nYou are still down.\n:::\n"


def post(world: World, text: str = "Words for some.", **options: Any) -> Update:
    wanted: dict[str, Any] = {"incident_id": world.incident.pk, "kind": UpdateKind.UPDATE, "now": AT}
    with scope.as_staff():
        update = incidents.post_update(factories.actor(world.sam), body_markdown=text, **(wanted | options))
        world.incident.refresh_from_db()
    return update


def read_by(company: Company, incident: Incident) -> shapes.IncidentPage:
    with scope.as_company(company.pk):
        return incident_pages.incident_page(
            incident.reference,
            company_name=company.name,
            consents=False,
            may_request=True,
            now=AT + timedelta(hours=1),
        )


def texts(company: Company, incident: Incident) -> list[str]:
    return [update.body_html for update in read_by(company, incident).updates]


def rows() -> tuple[int, int, int, int]:
    with scope.as_staff():
        return (
            Update.objects.count(),
            UpdateReader.objects.count(),
            UpdateWording.objects.count(),
            AuditEvent.objects.count(),
        )


def in_database(company: Company, statement: str) -> list[Any]:
    """What the client's own role finds, past the ORM."""
    with scope.as_company(company.pk), connection.cursor() as cursor:
        cursor.execute(statement)
        return [row[0] for row in cursor.fetchall()]


def test_named_companies_read_it_and_nobody_else_in_any_way(world: World) -> None:
    version = world.incident.version
    named = Readers(audience=Audience.COMPANIES, company_ids=[world.acme.pk])
    update = post(world, readers=named, next_update_at=AT + timedelta(hours=1))
    with scope.as_staff():
        claim = Claim(kind=ClaimKind.TOTAL_DURATION, claimed_seconds=60, source="Narrow", update=update)
        claim.incident = world.incident
        claim.save()
    assert world.incident.version == version + 1
    assert world.incident.next_update_at is None
    assert texts(world.acme, world.incident) == ["<p>Words for some.</p>\n"]
    assert len(read_by(world.acme, world.incident).claims) == 1
    stranger = read_by(world.globex, world.incident)
    assert (stranger.updates, stranger.claims) == ((), ())
    assert not [row for row in stranger.timeline if row.clock == "announced"]
    for table in ("update", "claim", "updatereader"):
        statement = f"select id from incidents_{table}"
        assert len(in_database(world.acme, statement)) == 1, table
        assert in_database(world.globex, statement) == [], table
    with scope.as_company(world.globex.pk):
        assert not Update.objects.exists()
        assert not Claim.objects.exists()


def test_the_orm_alone_also_keeps_it_from_others(world: World) -> None:
    post(world, BLOCKS, readers=Readers(audience=Audience.COMPANIES, company_ids=[world.acme.pk]))
    factories.restore(world.globex, world.incident, minutes=60)
    for company, readable in ((world.acme, 1), (world.globex, 0)):
        with scope.as_company(company.pk):
            narrowed = [str(model.objects.all().query) for model in (Update, UpdateWording)]
            own = list(UpdateWording.objects.values_list("reader_state", flat=True))
        with scope.as_staff(), connection.cursor() as cursor:
            assert len(own) == readable
            for statement in narrowed:
                assert "company_id" in statement
            cursor.execute("select count(*) from incidents_updatewording")
            assert cursor.fetchone() == (3,)


@pytest.mark.parametrize("audience", [Audience.COMPONENTS, Audience.DATA_CENTERS])
def test_a_component_or_a_data_center_means_the_companies_that_ran_there(
    world: World, audience: Audience
) -> None:
    american = factories.component("API", "NA")
    factories.place(world.globex, american)
    wide = factories.incident(american, world.api, world.reports, title="Wide")
    chosen = {
        Audience.COMPONENTS: Readers(audience=audience, component_ids=[american.pk]),
        Audience.DATA_CENTERS: Readers(audience=audience, data_center_ids=[american.data_center_id]),
    }[audience]
    post(world, incident_id=wide.pk, readers=chosen)
    assert texts(world.globex, wide) == ["<p>Words for some.</p>\n"]
    assert texts(world.acme, wide) == []


def test_not_restored_yet_is_fixed_when_it_is_posted(world: World) -> None:
    factories.restore(world.acme, world.incident, minutes=60)
    post(world, readers=Readers(audience=Audience.NOT_RESTORED))
    factories.restore(world.globex, world.incident, minutes=70)
    assert texts(world.globex, world.incident) == ["<p>Words for some.</p>\n"]
    assert texts(world.acme, world.incident) == []


def test_companies_and_people_are_counted_before(world: World) -> None:
    with scope.as_staff():
        everyone = audiences.count(world.incident, Readers())
        named = Readers(audience=Audience.COMPANIES, company_ids=[world.acme.pk])
        some = audiences.count(world.incident, named)
    assert (everyone.companies, everyone.people) == (2, 3)
    assert (some.companies, some.people) == (1, 2)


@pytest.mark.parametrize(
    ("options", "refusal"),
    [
        ({"readers": Readers(audience=Audience.TAIL)}, errors.NobodyReads),
        ({"readers": Readers(audience=Audience.COMPANIES)}, errors.NobodyReads),
        (
            {"readers": Readers(audience=Audience.NOT_RESTORED), "kind": UpdateKind.RESOLVED},
            errors.MovesForSome,
        ),
        ({"text": "{{ password }}"}, errors.UnknownField),
        ({"text": "{{ time_to_95 }}"}, errors.FieldWithoutValue),
        ({"text": "::: restored\nopen"}, errors.WrongBlock),
        ({"text": "::: restored\nOnly for some.\n:::"}, errors.EmptyText),
        ({"text": "All accounts are restored."}, errors.ContradictsRecord),
    ],
)
def test_what_is_refused_leaves_nothing(
    world: World, options: dict[str, Any], refusal: type[Exception]
) -> None:
    before, version = rows(), world.incident.version
    with pytest.raises(refusal):
        post(world, **options)
    with scope.as_staff():
        world.incident.refresh_from_db()
    assert (rows(), world.incident.version) == (before, version)
    assert world.incident.state == IncidentState.INVESTIGATING


def test_each_account_reads_the_blocks_of_its_own_state_at_reading(world: World) -> None:
    factories.restore(world.acme, world.incident, minutes=60)
    update = post(world, BLOCKS)
    assert update.body_html == ""
    assert texts(world.acme, world.incident) == ["<p>For all.</p>\n<p>You are back.</p>\n"]
    assert texts(world.globex, world.incident) == ["<p>For all.</p>\n<p>You are still down.</p>\n"]
    factories.restore(world.globex, world.incident, minutes=70)
    assert texts(world.globex, world.incident) == ["<p>For all.</p>\n<p>You are back.</p>\n"]


def test_no_byte_of_another_states_block_can_be_read_by_the_clients_role(world: World) -> None:
    factories.restore(world.acme, world.incident, minutes=60)
    post(world, BLOCKS)
    statement = (
        "select body_html from incidents_updatewording union all select body_html from incidents_update"
    )
    assert "still down" not in " ".join(in_database(world.acme, statement))
    assert "are back" not in " ".join(in_database(world.globex, statement))
    with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
        in_database(world.acme, "select body_markdown from incidents_update")


def test_a_correction_is_for_the_readers_of_what_it_corrects(world: World) -> None:
    named = Readers(audience=Audience.COMPANIES, company_ids=[world.acme.pk])
    wrong = post(world, readers=named)
    post(
        world,
        "It was otherwise.",
        kind=UpdateKind.CORRECTION,
        corrects_id=wrong.pk,
        now=AT + timedelta(minutes=5),
    )
    assert texts(world.acme, world.incident) == ["<p>It was otherwise.</p>\n", "<p>Words for some.</p>\n"]
    assert texts(world.globex, world.incident) == []


def test_an_acknowledged_contradiction_is_kept_and_audited(world: World) -> None:
    text = "All accounts are restored."
    with pytest.raises(errors.ContradictsRecord) as refused:
        post(world, text)
    assert refused.value.contradictions == ("“All accounts are restored”: 2 of 2 are not restored",)
    with pytest.raises(errors.ContradictsRecord):
        post(world, text, acknowledged=("something else",))
    update = post(world, text, acknowledged=refused.value.contradictions)
    assert update.acknowledged == refused.value.contradictions[0]
    with scope.as_staff():
        assert AuditEvent.objects.get(action="update.posted").detail["acknowledged"] == 1
    with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
        in_database(world.acme, "select acknowledged from incidents_update")
