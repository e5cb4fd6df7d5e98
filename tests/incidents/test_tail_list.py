"""The tail as staff read it: who, since when, how long after the first 95%, and what clients read of it."""

import csv
import io
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from incidents.choices import CompanyState, RecoveryReason, RosterPolicy, ShownAs
from incidents.models import Incident, Recovery, RecoveryNote
from incidents.operations import recovery_notes, roster
from incidents.queries import staff_tail
from incidents.queries.staff_tail import Asked, TailPage, TailRow
from tenants import scope
from tenants.models import AuditEvent, Company, User
from tenants.models.audit import READ
from tests import factories
from tests.conftest import World
from tests.incidents import crowds

SignIn = Callable[[User], Client]
NOW = factories.STARTED_AT + timedelta(hours=5)
EARLY, LATE = 60, 90


def page(incident: Incident, name: str) -> str:
    return reverse(f"admin:incidents_incident_{name}", args=[incident.pk])


def listed(incident: Incident, **asked: Any) -> TailPage:
    with scope.as_staff():
        incident.refresh_from_db()
        return staff_tail.tail_page(incident, Asked(**asked), page_number=1, now=NOW)


def row(incident: Incident, company: Company) -> TailRow:
    return next(each for each in listed(incident).rows if each.company_id == company.pk)


def names(shown: TailPage) -> list[str]:
    return [each.name for each in shown.rows]


@pytest.fixture
def crowd(world: World) -> list[Company]:
    """Thirty-eight more companies, so that with Acme and Globex there are forty: a tail of two."""
    return crowds.companies(38, world.api)


@pytest.fixture
def outage(world: World, crowd: list[Company]) -> Incident:
    """All but Acme and Globex came back after EARLY minutes, Acme after LATE, Globex is down."""
    made = factories.incident(world.api)
    factories.restore(crowd, made, minutes=EARLY)
    factories.restore(world.acme, made, minutes=LATE)
    return made


def test_the_list_holds_the_tail_and_who_is_not_restored_the_open_ones_first(
    world: World, outage: Incident
) -> None:
    shown = listed(outage)
    assert names(shown) == ["Globex Hotels", "Acme Stores"]
    assert (shown.affected_count, shown.open_count, shown.tail_count, shown.named_count) == (40, 1, 2, 1)
    assert shown.share_at == factories.STARTED_AT + timedelta(minutes=EARLY)
    acme, globex = row(outage, world.acme), row(outage, world.globex)
    assert (acme.in_tail, acme.late_seconds, acme.shown_as) == (True, 30 * 60, ShownAs.NAMED)
    assert (globex.in_tail, globex.late_seconds, globex.shown_as) == (True, 4 * 3600, ShownAs.COUNTED)
    assert (globex.state, globex.impacted_at) == (CompanyState.OUTAGE, factories.STARTED_AT)
    assert acme.data_centers == ("EU",)


def test_before_the_first_share_is_restored_nobody_is_in_the_tail(world: World, crowd: list[Company]) -> None:
    made = factories.incident(world.api)
    factories.restore(crowd[:37], made, minutes=EARLY)
    shown = listed(made)
    assert (shown.open_count, shown.tail_count, shown.share_at) == (3, 0, None)
    assert {(each.in_tail, each.late_seconds, each.shown_as) for each in shown.rows} == {
        (None, None, ShownAs.NOT_SHOWN)
    }


def test_ties_at_the_end_of_the_first_share_are_not_in_the_list(world: World, crowd: list[Company]) -> None:
    made = factories.incident(world.api)
    factories.restore([*crowd, world.acme, world.globex], made, minutes=EARLY)
    assert listed(made).rows == ()


def test_in_a_small_cohort_staff_see_a_tail_of_which_clients_read_nothing(world: World) -> None:
    made = factories.incident(world.api, tail_percent=50)
    factories.restore(world.globex, made, minutes=EARLY)
    factories.restore(world.acme, made, minutes=LATE)
    shown = row(made, world.acme)
    assert (shown.in_tail, shown.late_seconds, shown.shown_as) == (True, 30 * 60, ShownAs.NOT_SHOWN)


@pytest.mark.parametrize(
    ("policy", "shown_as"),
    [
        (RosterPolicy.HIDDEN, ShownAs.NOT_SHOWN),
        (RosterPolicy.COUNTS, ShownAs.COUNTED),
        (RosterPolicy.NAMES, ShownAs.NAMED),
    ],
)
def test_what_clients_read_of_a_company_follows_the_policy(
    world: World, outage: Incident, policy: RosterPolicy, shown_as: ShownAs
) -> None:
    with scope.as_staff():
        roster.change(
            factories.actor(world.sam), incident_id=outage.pk, policy=policy, tail_percent=5, now=NOW
        )
    assert row(outage, world.acme).shown_as is shown_as


def test_the_list_is_searched_and_sifted(world: World, outage: Incident) -> None:
    with scope.as_staff():
        recovery_notes.write(
            factories.actor(world.sam),
            incident_id=outage.pk,
            company_ids=[world.acme.pk],
            reason=RecoveryReason.DATA,
            text="A broken index.",
            now=NOW,
        )
    assert names(listed(outage, search="globex")) == ["Globex Hotels"]
    assert names(listed(outage, search="100%")) == []
    assert names(listed(outage, standing="open")) == ["Globex Hotels"]
    assert names(listed(outage, standing="tail")) == ["Globex Hotels", "Acme Stores"]
    assert names(listed(outage, reason="data")) == ["Acme Stores"]
    assert names(listed(outage, reason="none")) == ["Globex Hotels"]
    eu = world.api.data_center_id
    assert len(listed(outage, data_center_id=eu).rows) == 2
    assert listed(outage, data_center_id=world.acme.pk).rows == ()


def test_the_page_costs_the_same_at_any_size(
    world: World, crowd: list[Company], outage: Incident, signed_in: SignIn
) -> None:
    made = factories.incident(world.api)
    client = signed_in(world.sam)
    counts = []
    for incident in (outage, made):
        client.get(page(incident, "tail"))
        with CaptureQueriesContext(
            connection,
        ) as asked:
            assert client.get(page(incident, "tail")).status_code == 200
        counts.append(len(asked))
    assert counts[0] == counts[1]


def test_the_next_page_goes_on_where_the_first_ends(world: World, signed_in: SignIn) -> None:
    crowds.companies(58, world.api)
    made = factories.incident(world.api)
    client = signed_in(world.sam)
    first = client.get(page(made, "tail")).context["page"]
    second = client.get(page(made, "tail"), {"page": "2"}).context["page"]
    assert (len(first.rows), len(second.rows), first.has_next, second.has_next) == (50, 10, True, False)
    assert not {each.company_id for each in first.rows} & {each.company_id for each in second.rows}


@pytest.mark.parametrize(
    "query", ["page=0", "page=-1", "page=99999999", "page=%00", "q=%00&standing=no", "data_center=x&reason=y"]
)
def test_what_makes_no_sense_is_as_if_it_was_not_asked(
    world: World, outage: Incident, signed_in: SignIn, query: str
) -> None:
    answer = signed_in(world.sam).get(f"{page(outage, 'tail')}?{query}")
    assert answer.status_code == 200
    assert answer.context["page"].total_count == 2


def test_the_file_holds_the_same_list_and_no_formula(
    world: World, outage: Incident, signed_in: SignIn
) -> None:
    with scope.as_staff():
        Company.objects.filter(pk=world.globex.pk).update(name="=cmd|'/c calc'!A0")
        recovery_notes.write(
            factories.actor(world.sam),
            incident_id=outage.pk,
            company_ids=[world.acme.pk],
            reason=RecoveryReason.DATA,
            text="@SUM(1), twice\nand more",
            now=NOW,
        )
    answer = signed_in(world.sam).get(page(outage, "tail-csv"))
    assert answer["Content-Disposition"] == f'attachment; filename="tail-{outage.reference}.csv"'
    header, globex, acme = csv.reader(io.StringIO(answer.content.decode("utf-8-sig")))
    assert globex[0] == "'=cmd|'/c calc'!A0"
    told = dict(zip(header, acme, strict=True))
    assert told["restored at (UTC)"] == "2026-02-04T14:15:00Z"
    assert told["minutes after the first share"] == "30"
    assert told["note (staff only)"] == "'@SUM(1), twice\nand more"
    assert told["clients read it"] == "By name"
    only = signed_in(world.sam).get(page(outage, "tail-csv"), {"q": "acme"})
    assert len(only.content.decode().splitlines()) == 3, "the head, and a row of two lines"


@pytest.mark.parametrize("name", ["tail", "tail-csv"])
def test_looking_at_the_list_leaves_a_trace(
    world: World, outage: Incident, signed_in: SignIn, name: str
) -> None:
    signed_in(world.sam).get(page(outage, name))
    with scope.as_staff():
        seen = AuditEvent.objects.get(action=READ, object_type="incidents.recovery")
    assert seen.detail == {"page": f"incidents_incident_{name}"}


def test_who_may_not_read_recoveries_does_not_read_the_tail(
    world: World, outage: Incident, signed_in: SignIn
) -> None:
    bare = factories.person("bare@vendor.example", is_staff=True)
    with scope.as_staff():
        User.objects.filter(pk=bare.pk).update(is_superuser=False)
    for name in ("tail", "tail-csv", "tail-note", "roster", "components", "add-component"):
        assert signed_in(bare).get(page(outage, name)).status_code == 403, name


def test_a_draft_has_no_tail(world: World, signed_in: SignIn) -> None:
    draft = factories.draft(world.api)
    for name in ("tail", "tail-csv", "tail-note"):
        assert signed_in(world.sam).get(page(draft, name)).status_code == 404, name


# Reasons and notes.


def write(world: World, incident: Incident, client: Client, *companies: Company, **typed: str) -> Any:
    with scope.as_staff():
        keys = [
            str(key)
            for key in Recovery.objects.filter(incident=incident, company__in=companies).values_list(
                "pk", flat=True
            )
        ]
    query = "&".join(f"of={key}" for key in keys)
    sent = {"reason": "data", "text": "A broken index.", **typed}
    return client.post(f"{page(incident, 'tail-note')}?{query}", sent, follow=True)


def notes(incident: Incident) -> dict[str, tuple[str, str]]:
    with scope.as_staff():
        rows = RecoveryNote.objects.filter(incident=incident)
        return {note.company.slug: (note.reason, note.text) for note in rows.select_related("company")}


def test_a_reason_and_a_note_are_kept_and_change_nothing_for_clients(
    world: World, outage: Incident, signed_in: SignIn
) -> None:
    version = outage.version
    answer = write(world, outage, signed_in(world.sam), world.acme)
    assert notes(outage) == {"acme": ("data", "A broken index.")}
    assert "A broken index." in answer.content.decode()
    with scope.as_staff():
        outage.refresh_from_db()
        event = AuditEvent.objects.get(action="recovery.note_written")
    assert outage.version == version
    assert event.detail == {"reason": "data", "companies": [str(world.acme.pk)], "count": 1}
    assert event.company_id is None, "the client's own activity tells nothing of it"


def test_several_get_a_reason_and_keep_their_notes(world: World, outage: Incident, signed_in: SignIn) -> None:
    client = signed_in(world.sam)
    write(world, outage, client, world.acme)
    write(world, outage, client, world.acme, world.globex, reason="provider", text=" ")
    assert notes(outage) == {"acme": ("provider", "A broken index."), "globex": ("provider", "")}


def test_all_of_the_list_that_match_are_meant(world: World, outage: Incident, signed_in: SignIn) -> None:
    client = signed_in(world.sam)
    sent = {"reason": "provider", "text": "The link to the south."}
    client.post(f"{page(outage, 'tail-note')}?all=yes&standing=open", sent)
    assert notes(outage) == {"globex": ("provider", "The link to the south.")}


def test_a_note_that_somebody_wrote_meanwhile_is_not_written_over_unseen(
    world: World, outage: Incident, signed_in: SignIn
) -> None:
    client = signed_in(world.sam)
    write(world, outage, client, world.acme)
    answer = write(world, outage, client, world.acme, text="Mine.")
    assert "Somebody has written since: “Data. A broken index.”" in answer.content.decode()
    assert notes(outage) == {"acme": ("data", "A broken index.")}
    seen = dict(answer.context["hidden"])["seen"]
    write(world, outage, client, world.acme, text="Mine.", seen=seen)
    assert notes(outage) == {"acme": ("data", "Mine.")}


def test_a_double_click_writes_one_note(world: World, outage: Incident, signed_in: SignIn) -> None:
    client = signed_in(world.sam)
    for _ in range(2):
        assert "written since" not in write(world, outage, client, world.acme).content.decode()
    with scope.as_staff():
        assert AuditEvent.objects.filter(action="recovery.note_written").count() == 1


@pytest.mark.parametrize("query", ["", "of=x", "of=00000000-0000-0000-0000-000000000007"])
def test_without_a_choice_nothing_is_written(
    world: World, outage: Incident, signed_in: SignIn, query: str
) -> None:
    there = f"{page(outage, 'tail-note')}?{query}"
    answer = signed_in(world.sam).post(there, {"reason": "data", "text": "No."}, follow=True)
    assert "No company was selected" in answer.content.decode()
    assert notes(outage) == {}


def test_a_company_of_another_incident_is_not_written_to(
    world: World, outage: Incident, signed_in: SignIn
) -> None:
    with scope.as_staff():
        elsewhere = Recovery.objects.get(incident=world.incident, company=world.acme)
    there = f"{page(outage, 'tail-note')}?of={elsewhere.pk}"
    signed_in(world.sam).post(there, {"reason": "data", "text": "No."})
    assert notes(outage) == notes(world.incident) == {}
