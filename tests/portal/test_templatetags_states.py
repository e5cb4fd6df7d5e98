"""States, clocks and steps: a word, an icon and a colour that always go together."""

import re
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from django.template.loader import render_to_string

from incidents.choices import (
    ClaimKind,
    CompanyState,
    IncidentKind,
    IncidentState,
    RequestPolicy,
    RequestState,
    RosterPolicy,
    Severity,
    UpdateKind,
    Verdict,
)
from incidents.queries.shapes import (
    IncidentList,
    IncidentRow,
    OwnRecovery,
    PostMortemRequestState,
    Roster,
    RosterName,
    TimelineRow,
    UpdateText,
)
from portal.templatetags import portal_states

NOW = datetime(2026, 2, 4, 17, 10, tzinfo=UTC)
HOSTILE = "<script>alert('x')</script> & \"Söhne\" {{ 7|add:7 }}"
ESCAPED = "&lt;script&gt;alert(&#x27;x&#x27;)&lt;/script&gt; &amp; &quot;Söhne&quot; {{ 7|add:7 }}"

ROW = IncidentRow(
    reference="INC-1",
    title=HOSTILE,
    kind=IncidentKind.INCIDENT,
    severity=Severity.MAJOR,
    state=IncidentState.MONITORING,
    started_at=NOW,
    planned_end_at=None,
    your_state=CompanyState.OUTAGE,
    impacted_at=NOW,
    restored_at=None,
    outage_seconds=60,
    degraded_seconds=0,
    in_tail=None,
    next_update_at=None,
    next_update_is_late=False,
    is_open_for_you=True,
)


@pytest.mark.parametrize(
    ("state", "word"),
    [
        (None, "Not affected"),
        (CompanyState.OUTAGE, "Down"),
        (CompanyState.DEGRADED, "Degraded"),
        (CompanyState.RESTORED, "Restored"),
        (CompanyState.UNKNOWN, "Unknown: no signal received"),
    ],
)
def test_a_state_is_word_icon_and_colour(state: CompanyState | None, word: str) -> None:
    badge = portal_states.state_badge(state)
    assert re.sub(r"<svg.*?</svg>", "", badge).split(">")[1].split("<")[0] == word
    assert badge.count("<svg") == 1
    assert portal_states.state_words(state).word == word
    assert f"tone-{portal_states.state_words(state).tone}" in badge


def test_every_state_looks_different_and_unknown_is_never_the_colour_of_restored() -> None:
    every = [portal_states.state_words(state) for state in (None, *CompanyState)]
    assert len({words.tone for words in every}) == len(every)
    shapes = [portal_states.SHAPES[words.tone] for words in every]
    assert len(set(shapes)) == len(every)


def test_a_maintenance_that_interrupted_nothing_is_planned_work_and_not_unknown() -> None:
    planned = replace(
        ROW,
        kind=IncidentKind.MAINTENANCE,
        state=IncidentState.SCHEDULED,
        your_state=CompanyState.UNKNOWN,
        impacted_at=None,
    )
    assert (portal_states.account_words(planned, planned).tone) == "planned"
    assert (portal_states.account_words(planned, planned).word) == "Scheduled"
    felt = replace(planned, impacted_at=NOW, your_state=CompanyState.DEGRADED)
    assert portal_states.account_words(felt, felt).word == "Degraded"
    assert portal_states.account_words(ROW, ROW).word == "Down"


@pytest.mark.parametrize(
    ("state", "steps"),
    [
        (
            RequestState.REQUESTED,
            ["Requested: done", "Accepted: now", "Preliminary report: next", "Final report: next"],
        ),
        (
            RequestState.ACCEPTED,
            ["Requested: done", "Accepted: done", "Preliminary report: now", "Final report: next"],
        ),
        (
            RequestState.PRELIMINARY_DELIVERED,
            ["Requested: done", "Accepted: done", "Preliminary report: done", "Final report: now"],
        ),
        (
            RequestState.FINAL_DELIVERED,
            ["Requested: done", "Accepted: done", "Preliminary report: done", "Final report: done"],
        ),
        (RequestState.DECLINED, ["Requested: done", "Declined: stopped"]),
        (RequestState.WITHDRAWN, ["Requested: done", "Withdrawn: stopped"]),
    ],
)
def test_a_request_shows_how_far_it_has_come(state: RequestState, steps: list[str]) -> None:
    assert [f"{step.name}: {step.tone}" for step in portal_states.request_steps(state)] == steps
    assert all(step.icon in portal_states.ICONS for step in portal_states.request_steps(state))
    assert portal_states.request_next(state).endswith(".")
    assert "You get" not in portal_states.request_next(state, is_set_aside=True)


def test_the_days_until_something_is_due_are_said_in_business_days() -> None:
    said = [portal_states.business_days(days) for days in (None, -2, -1, 0, 1, 2)]
    assert said == [
        "",
        "2 business days late",
        "1 business day late",
        "due today",
        "1 business day left",
        "2 business days left",
    ]


def test_every_verdict_and_every_claim_has_words_and_an_icon() -> None:
    for verdict in Verdict:
        assert portal_states.verdict_icon(verdict) in portal_states.ICONS
        assert (portal_states.verdict_tone(verdict) == "restored") == (verdict is Verdict.AGREES)
    assert len({portal_states.claim_words(kind) for kind in ClaimKind}) == len(ClaimKind)


def test_announced_words_name_who_speaks() -> None:
    assert (
        portal_states.announced_state_short(IncidentKind.INCIDENT, IncidentState.RESOLVED)
        == "Announced: resolved"
    )
    assert (
        portal_states.announced_state_short(IncidentKind.MAINTENANCE, IncidentState.COMPLETED)
        == "Maintenance: completed"
    )
    assert "Incident announced as monitoring" in portal_states.announced_state(
        IncidentKind.INCIDENT, IncidentState.MONITORING
    )
    assert portal_states.clock_name("measured") == '<span class="clock clock--measured">Measured</span>'
    assert portal_states.clock_name("<b>") == '<span class="clock">&lt;b&gt;</span>'


def test_messages_have_a_colour_and_an_icon_whatever_their_level() -> None:
    for level in ("debug", "info", "success", "warning", "error", "something else"):
        assert portal_states.message_icon(level) in portal_states.ICONS
    assert portal_states.message_tone("error") == "down"
    assert portal_states.message_tone("something else") == "planned"


def test_a_search_is_carried_to_the_other_pages_of_a_list_as_it_was_typed() -> None:
    page = IncidentList(
        rows=(), search='a&b="<', kind="incident", page_number=1, has_next=True, total_count=2, as_of=NOW
    )
    assert portal_states.list_query(page) == "&q=a%26b%3D%22%3C&kind=incident"
    assert portal_states.list_query(replace(page, search="", kind="")) == ""
    shown = render_to_string("components/pager.html", {"page": page, "query": portal_states.list_query(page)})
    assert 'href="?page=2&amp;q=a%26b%3D%22%3C&amp;kind=incident"' in shown


def test_only_a_closed_policy_takes_no_requests() -> None:
    assert [policy for policy in RequestPolicy if portal_states.refuses_requests(policy)] == [
        RequestPolicy.CLOSED
    ]


def test_what_people_type_is_shown_as_they_typed_it() -> None:
    """Titles, names, purposes, reasons and components are text, never markup or a template."""
    company = {"slug": "acme", "name": HOSTILE}
    pieces: dict[str, dict[str, Any]] = {
        "components/incident_row.html": {"row": ROW, "company": company, "zone": "UTC"},
        "web/incidents/roster.html": {
            "page": {
                "roster": Roster(
                    policy=RosterPolicy.NAMES,
                    tail_count=1,
                    names=(RosterName(name=HOSTILE, restored_at=NOW),),
                    unnamed_count=0,
                    you_consent=False,
                ),
                "cohort": {"tail_percent": 5},
            },
            "zone": "UTC",
        },
        "web/incidents/timeline.html": {
            "page": {
                "timeline": (TimelineRow(at=NOW, clock="reported", text=HOSTILE, components=(HOSTILE,)),)
            },
            "zone": "UTC",
        },
        "web/postmortems/tracker.html": {
            "request_state": PostMortemRequestState(
                state=RequestState.DECLINED,
                requested_at=NOW,
                requested_by=HOSTILE,
                purpose=HOSTILE,
                needed_by_on=None,
                answer_due_at=NOW,
                answered_at=NOW,
                preliminary_due_at=None,
                final_due_at=None,
                decline_reason=HOSTILE,
                as_of=NOW,
            ),
            "zone": "UTC",
        },
    }
    counted = {}
    for template, context in pieces.items():
        shown = render_to_string(template, context)
        assert "<script" not in shown, template
        counted[template] = shown.count(ESCAPED)
    assert list(counted.values()) == [1, 1, 2, 3]


def test_an_update_that_was_corrected_keeps_its_text_and_links_to_the_correction() -> None:
    first, second = UUID(int=1), UUID(int=2)
    wrong = UpdateText(
        id=first,
        kind=UpdateKind.RESOLVED,
        published_at=NOW,
        body_html="<p>All is well.</p>",
        promise=None,
        corrected_by_id=second,
        corrects_id=None,
        contradicts_your_record=True,
    )
    right = replace(
        wrong,
        id=second,
        kind=UpdateKind.CORRECTION,
        corrected_by_id=None,
        corrects_id=first,
        contradicts_your_record=False,
    )
    own = OwnRecovery(
        state=CompanyState.OUTAGE,
        impacted_at=NOW,
        restored_at=None,
        outage_seconds=60,
        degraded_seconds=0,
        total_seconds=60,
        rank=None,
        percentile=None,
        in_tail=None,
        is_provisional=True,
        as_of=NOW,
    )
    page = {"updates": (right, wrong), "recovery": own}
    shown = render_to_string("web/incidents/updates.html", {"page": page, "zone": "UTC"})
    assert shown.count("<p>All is well.</p>") == 2
    assert shown.count(f'href="#update-{second}"') == shown.count(f'href="#update-{first}"') == 1
    assert shown.count("When this was published, your account was not restored.") == 1
