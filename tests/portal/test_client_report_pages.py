"""What a company tells the vendor, on its own pages: sent, shown, answered, and nobody else's business."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from incidents.choices import CompanyState, ReportKind, ReportState
from incidents.models import ClientReport
from incidents.operations import client_reports
from tenants import scope
from tenants.models import User
from tests import factories
from tests.conftest import World

SignIn = Callable[[User], Client]
POLL = {"HX-Request": "true"}


def incident_page(world: World, company: str = "acme") -> str:
    return f"/{company}/incidents/{world.incident.reference}/"


def page(world: World, company: str = "acme") -> str:
    return f"{incident_page(world, company)}reports/"


def stored() -> list[ClientReport]:
    with scope.as_staff():
        return list(ClientReport.objects.order_by("company", "number"))


def restored_and_over(world: World) -> None:
    factories.restore([world.acme, world.globex], world.incident, minutes=30)
    factories.resolve(world.incident, by=world.sam, now=world.incident.started_at + timedelta(minutes=45))


def dispute(world: World, reason: str) -> None:
    with scope.as_staff():
        client_reports.dispute(
            factories.actor(world.sam), report_id=stored()[0].pk, reason=reason, now=timezone.now()
        )


def test_a_report_is_sent_and_stands_on_the_incident_page(world: World, signed_in: SignIn) -> None:
    restored_and_over(world)
    client = signed_in(world.ada)
    sent = {
        "kind": "still_broken",
        "components": [str(world.api.pk)],
        "since_at": "2026-02-04T14:10",
        "text": "Tills <b>fail</b> & hang.",
    }
    answer = client.post(page(world), sent, follow=True)
    assert answer.redirect_chain == [(incident_page(world), 302)]
    text = answer.content.decode()
    assert "Sent. The vendor sees it now" in text
    assert "Tills &lt;b&gt;fail&lt;/b&gt; &amp; hang." in text
    assert "The record says otherwise: restored" in text
    assert "Waiting for the vendor&#x27;s answer" in text or "Waiting for the vendor's answer" in text
    assert "“Still broken for us”, said by Ada" in text
    (said,) = stored()
    assert said.since_at == world.incident.started_at + timedelta(minutes=25)  # 14:10 in Paris
    assert (said.company_id, said.said_by_id) == (world.acme.pk, world.ada.pk)


def test_a_second_click_finds_the_first(world: World, signed_in: SignIn) -> None:
    client = signed_in(world.ada)
    for words in ("Sent.", "Your company has said so already."):
        answer = client.post(page(world), {"kind": "still_broken"}, follow=True)
        assert words in answer.content.decode()
    assert len(stored()) == 1


@pytest.mark.parametrize(
    "sent",
    [
        {},
        {"kind": "resolved"},
        {"kind": "still_broken", "components": ["nothing"]},
        {"kind": "still_broken", "components": ["0199a2f0-0000-7000-8000-000000000000"]},
        {"kind": "still_broken", "since_at": "yesterday"},
        {"kind": "still_broken", "since_at": "2099-01-01T00:00"},
        {"kind": "still_broken", "since_at": "0001-01-01T00:00"},
        {"kind": "still_broken", "since_at": "2026-02-04T14:10+05:00"},
        {"kind": "still_broken", "since_at": "2001-01-01T00:00"},
        {"kind": "still_broken", "since_at": "2026-03-29T02:30"},
        {"kind": "still_broken", "text": "x" * 1_001},
        {"kind": "still_broken", "text": "NUL \0 here"},
    ],
    ids=str,
)
def test_what_cannot_be_read_is_said_and_not_stored(
    world: World, signed_in: SignIn, sent: dict[str, object]
) -> None:
    answer = signed_in(world.ada).post(page(world), sent)
    assert answer.status_code == 422
    assert "skip this time" in answer.content.decode() or sent.get("since_at") != "2026-03-29T02:30"
    assert stored() == []


def test_a_reader_reads_and_cannot_send(world: World, signed_in: SignIn) -> None:
    client = signed_in(world.bea)
    assert client.post(page(world), {"kind": "still_broken"}).status_code == 403
    assert stored() == []
    for address in (page(world), incident_page(world)):
        text = client.get(address).content.decode()
        assert "A manager or an owner" in text
        assert "?kind=still_broken" not in text
        assert 'value="still_broken"' not in text


def test_a_stranger_finds_nothing_and_another_company_reads_nothing(world: World, signed_in: SignIn) -> None:
    signed_in(world.ada).post(page(world), {"kind": "still_broken", "text": "Only for the vendor."})
    gus = signed_in(world.gus)
    assert gus.post(page(world), {"kind": "confirmed_back"}).status_code == 404
    for address in (page(world, "globex"), incident_page(world, "globex")):
        assert "Only for the vendor." not in gus.get(address).content.decode()
    assert [each.kind for each in stored()] == [ReportKind.STILL_BROKEN]


def test_the_poll_sees_a_colleagues_report_and_the_answer_and_others_see_no_change(
    world: World, signed_in: SignIn
) -> None:
    restored_and_over(world)
    ada, gus = signed_in(world.ada), signed_in(world.gus)

    def validators() -> tuple[str, str]:
        return (
            ada.get(incident_page(world), headers=POLL)["ETag"],
            gus.get(incident_page(world, "globex"), headers=POLL)["ETag"],
        )

    before = validators()
    ada.post(page(world), {"kind": "still_broken"})
    after = validators()
    dispute(world, "Your own <i>proxy</i> refuses.")
    answered = validators()
    assert len({before[0], after[0], answered[0]}) == 3
    assert before[1] == after[1] == answered[1]
    text = ada.get(incident_page(world), headers=POLL).content.decode()
    assert "Your own &lt;i&gt;proxy&lt;/i&gt; refuses." in text
    assert "Disputed" in text


def test_an_incident_that_is_over_keeps_the_report_open(world: World, signed_in: SignIn) -> None:
    client = signed_in(world.ada)
    client.post(page(world), {"kind": "still_broken"})
    restored_and_over(world)
    assert [each.state for each in stored()] == [ReportState.OPEN]
    text = client.get(incident_page(world)).content.decode()
    assert "Waiting for the vendor" in text
    assert "The record says otherwise" in text


def test_the_open_one_offers_only_its_opposite(world: World, signed_in: SignIn) -> None:
    client = signed_in(world.ada)
    text = client.get(incident_page(world)).content.decode()
    assert "?kind=still_broken" in text
    assert "?kind=confirmed_back" in text
    client.post(page(world), {"kind": "still_broken"})
    text = client.get(incident_page(world)).content.decode()
    assert "?kind=still_broken" not in text
    assert "?kind=confirmed_back" in text
    client.post(page(world), {"kind": "confirmed_back"})
    text = client.get(incident_page(world)).content.decode()
    assert "Withdrawn: you said the opposite later." in text
    assert "?kind=still_broken" in text


def test_what_was_accepted_stands_in_the_timeline_as_reported(world: World, signed_in: SignIn) -> None:
    client = signed_in(world.ada)
    client.post(page(world), {"kind": "confirmed_back", "since_at": "2026-02-04T14:25"})
    with scope.as_staff():
        client_reports.accept(
            factories.actor(world.sam),
            report_id=stored()[0].pk,
            state=CompanyState.RESTORED,
            since_at=world.incident.started_at + timedelta(minutes=40),
            now=timezone.now(),
        )
    text = client.get(incident_page(world)).content.decode()
    assert "into your record by the vendor" in text
    timeline = text.split('id="timeline"')[1]
    assert timeline.count("clock--reported") == 2
    assert "Restored: your component" in timeline
