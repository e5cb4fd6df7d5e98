"""States, clocks and icons: a word, a shape and a colour that always go together."""

from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

from django import template
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

from incidents.choices import (
    ClaimKind,
    CompanyState,
    IncidentKind,
    IncidentState,
    RequestPolicy,
    RequestState,
    Verdict,
)
from incidents.queries.shapes import IncidentHeader, IncidentList, IncidentRow, OwnRecovery

register = template.Library()

SHAPES: Final = {
    "down": '<circle cx="12" cy="12" r="9"/><path d="m9 9 6 6m0-6-6 6"/>',
    "degraded": '<path d="M12 3.8 21.2 20H2.8L12 3.8Z"/><path d="M12 10v4.5m0 2.6v.1"/>',
    "restored": '<circle cx="12" cy="12" r="9"/><path d="m8 12.4 2.7 2.7L16 9.6"/>',
    "unknown": '<circle cx="12" cy="12" r="9" stroke-dasharray="3 2.65"/>'
    '<path d="M9.7 9.6a2.4 2.4 0 1 1 3.5 2.2c-.8.4-1.2.9-1.2 1.8m0 2.9v.1"/>',
    "clear": '<path d="m6 12.4 3.9 3.9L18 8"/>',
    "planned": '<rect x="4" y="5" width="16" height="15" rx="2"/><path d="M8 3v4m8-4v4M4 10h16"/>',
    "merged": '<path d="M6 4v3c0 5 6 5 6 10v3m6-16v3c0 5-6 5-6 10"/>',
    "check": '<path d="m5 12.5 4.5 4.5L19 7.5"/>',
    "cross": '<path d="m6 6 12 12M18 6 6 18"/>',
    "dot": '<circle cx="12" cy="12" r="3.5" fill="currentColor"/>',
    "chevron-down": '<path d="m6 9 6 6 6-6"/>',
    "chevron-right": '<path d="m9 6 6 6-6 6"/>',
    "arrow-left": '<path d="M19 12H5m6-6-6 6 6 6"/>',
    "person": '<circle cx="12" cy="8.5" r="3.5"/><path d="M5 20c.8-3.6 3.5-5.5 7-5.5s6.2 1.9 7 5.5"/>',
    "eye": '<path d="M2.5 12c2-4 5.4-6.3 9.5-6.3s7.5 2.3 9.5 6.3c-2 4-5.4 6.3-9.5 6.3S4.5 16 2.5 12Z"/>'
    '<circle cx="12" cy="12" r="2.8"/>',
    "clock": '<circle cx="12" cy="12" r="9"/><path d="M12 7v5l3.2 2"/>',
    "notice": '<circle cx="12" cy="12" r="9"/><path d="M12 11v5.5m0-9v.1"/>',
    "document": '<path d="M6 3h8l4 4v14H6V3Z"/><path d="M14 3v4h4M9 12h6m-6 4h6"/>',
    "sign-out": '<path d="M14 4H6v16h8m-4-8h10m-3.5-3.5L20 12l-3.5 3.5"/>',
}

ICONS: Final = {
    name: mark_safe(  # noqa: S308 - constants of this module
        f'<svg class="icon" viewBox="0 0 24 24" aria-hidden="true">{shape}</svg>'
    )
    for name, shape in SHAPES.items()
}


@dataclass(frozen=True, kw_only=True)
class StateWords:
    """How one state looks and reads. `tone` names both the icon and the colour class."""

    tone: str
    word: str
    sentence: str
    """Goes after "Your account"."""


NOT_AFFECTED: Final = StateWords(
    tone="clear", word="Not affected", sentence="is not affected by any open incident"
)
STATES: Final = {
    CompanyState.OUTAGE: StateWords(tone="down", word="Down", sentence="is down"),
    CompanyState.DEGRADED: StateWords(
        tone="degraded", word="Degraded", sentence="is reachable, but slow or failing at times"
    ),
    CompanyState.RESTORED: StateWords(tone="restored", word="Restored", sentence="is restored"),
    CompanyState.UNKNOWN: StateWords(
        tone="unknown",
        word="Unknown: no signal received",
        sentence="may be affected: no signal about it has been received yet",
    ),
}

SET_ASIDE: Final = {
    IncidentState.CANCELLED: StateWords(
        tone="planned", word="Cancelled", sentence="is not touched: this planned work does not take place"
    ),
    IncidentState.FALSE_ALARM: StateWords(
        tone="clear", word="False alarm", sentence="was not affected: this was a false alarm"
    ),
    IncidentState.MERGED: StateWords(
        tone="merged",
        word="Merged",
        sentence="has its record in another incident: the two turned out to be one",
    ),
}

CLOCKS: Final = {
    "announced": "Announced",
    "measured": "Measured",
    "reported": "Reported",
}

CLAIMS: Final = {
    ClaimKind.STARTED_AT: "Start of the incident",
    ClaimKind.RESTORED_AT: "Resolved for everyone",
    ClaimKind.TOTAL_DURATION: "Total duration",
    ClaimKind.RESTORED_SHARE: "Share of companies restored",
}


def _badges() -> dict[CompanyState | None, SafeString]:
    every: list[tuple[CompanyState | None, StateWords]] = [(None, NOT_AFFECTED), *STATES.items()]
    return {
        state: mark_safe(  # noqa: S308 - constants of this module
            f'<span class="state tone-{words.tone}{"" if state else " state--plain"}">'
            f"{ICONS[words.tone]}{words.word}</span>"
        )
        for state, words in every
    }


BADGES: Final = _badges()


@register.simple_tag
def icon(name: str) -> SafeString:
    """An inline drawing that says nothing to a screen reader: the word stands beside it."""
    return ICONS[name]


@register.simple_tag
def state_badge(state: CompanyState | None) -> SafeString:
    """Word, icon and colour of a company's state; none means not affected."""
    return BADGES[state]


@register.filter
def state_words(state: CompanyState | None) -> StateWords:
    """Tone, word and sentence of a company's state; none means not affected."""
    return NOT_AFFECTED if state is None else STATES[state]


@register.simple_tag
def account_words(incident: IncidentHeader | IncidentRow, recovery: OwnRecovery | IncidentRow) -> StateWords:
    """Tone, word and sentence of an account in one incident.

    A maintenance that has not interrupted the account is planned work, not an unknown state; what was
    cancelled, a false alarm or merged says so, whatever was recorded.
    """
    if incident.state.is_set_aside:
        return SET_ASIDE[incident.state]
    if incident.is_maintenance and recovery.impacted_at is None:
        return StateWords(
            tone="planned",
            word=incident.state.label,
            sentence="is part of this planned work, with no interruption recorded",
        )
    state = recovery.your_state if isinstance(recovery, IncidentRow) else recovery.state
    return state_words(state)


@register.simple_tag
def badge(words: StateWords) -> SafeString:
    """Word, icon and colour as one badge."""
    return mark_safe(  # noqa: S308 - constants of this module and labels of enumerations
        f'<span class="state tone-{words.tone}">{ICONS[words.tone]}{escape(words.word)}</span>'
    )


@register.simple_tag
def clock_name(clock: str) -> SafeString:
    """Which of the three clocks a value comes from, as a word with its own shape."""
    return mark_safe(  # noqa: S308 - constants of this module
        f'<span class="clock clock--{clock}">{CLOCKS[clock]}</span>'
        if clock in CLOCKS
        else f'<span class="clock">{escape(clock)}</span>'
    )


@register.filter
def claim_words(kind: ClaimKind) -> str:
    """What a claim is about, in the words of the page."""
    return CLAIMS[kind]


@register.filter
def verdict_tone(verdict: Verdict) -> str:
    """Colour class of a verdict: calm where it agrees, warm where it does not."""
    if verdict is Verdict.AGREES:
        return "restored"
    return "clear" if verdict is Verdict.NOT_COMPARABLE else "degraded"


@register.filter
def verdict_icon(verdict: Verdict) -> str:
    """Icon of a verdict: a tick where it agrees, a warning where it does not."""
    return "notice" if verdict is Verdict.NOT_COMPARABLE else verdict_tone(verdict)


@register.simple_tag
def announced_state_short(kind: IncidentKind, state: IncidentState) -> str:
    """What was announced of the whole incident, for a list: "Announced: monitoring"."""
    word = "Maintenance" if kind is IncidentKind.MAINTENANCE else "Announced"
    return f"{word}: {state.label.lower()}"


@register.filter
def kind_options(_chosen: str) -> tuple[tuple[str, str], ...]:
    """The choices of the filter by kind, as (value, label)."""
    return (
        ("", "All kinds"),
        (IncidentKind.INCIDENT.value, "Incidents"),
        (IncidentKind.MAINTENANCE.value, "Maintenances"),
    )


@register.filter
def list_query(page: IncidentList) -> str:
    """The search and filter of a list, to be carried on to its other pages: "&q=mail"."""
    chosen = {"q": page.search, "kind": page.kind}
    query = urlencode({name: value for name, value in chosen.items() if value})
    return f"&{query}" if query else ""


@register.simple_tag
def announced_state(kind: IncidentKind, state: IncidentState) -> SafeString:
    """What was announced of the whole incident: "Incident announced as resolved"."""
    name = "Maintenance" if kind is IncidentKind.MAINTENANCE else "Incident"
    return mark_safe(  # noqa: S308 - labels of enumerations
        f'<span class="tag">{name} announced as {escape(state.label.lower())}</span>'
    )


@dataclass(frozen=True, kw_only=True)
class Step:
    """One step of a request's way; `tone` is done, now, next or stopped."""

    name: str
    tone: str
    icon: str

    @property
    def is_done(self) -> bool:
        return self.tone == "done"

    @property
    def is_now(self) -> bool:
        return self.tone == "now"


@register.filter
def request_steps(state: RequestState) -> tuple[Step, ...]:
    """The four steps of a request in order, with how far `state` has come.

    A declined or withdrawn request ends at its second step.
    """
    if state in {RequestState.DECLINED, RequestState.WITHDRAWN}:
        return (
            Step(name="Requested", tone="done", icon="check"),
            Step(name=state.label, tone="stopped", icon="cross"),
        )
    names = ("Requested", "Accepted", "Preliminary report", "Final report")
    reached = (
        RequestState.REQUESTED,
        RequestState.ACCEPTED,
        RequestState.PRELIMINARY_DELIVERED,
        RequestState.FINAL_DELIVERED,
    ).index(state)
    return tuple(
        Step(name=name, tone="done", icon="check")
        if place <= reached
        else Step(name=name, tone="now", icon="clock")
        if place == reached + 1
        else Step(name=name, tone="next", icon="dot")
        for place, name in enumerate(names)
    )


_NOT_SAID = "No report comes: the incident was set aside. The vendor still has to tell you so."
_SET_ASIDE_AFTER = "Nothing more comes: the incident was set aside."
_NO_MORE: Final = {
    RequestState.REQUESTED: _NOT_SAID,
    RequestState.ACCEPTED: _NOT_SAID,
    RequestState.PRELIMINARY_DELIVERED: _SET_ASIDE_AFTER,
    RequestState.FINAL_DELIVERED: _SET_ASIDE_AFTER,
}


@register.filter
def request_next(state: RequestState, is_set_aside: bool = False) -> str:
    """What happens next with a request, in sentences of their own; of what was set aside no report comes."""
    if is_set_aside and state in _NO_MORE:
        return _NO_MORE[state]
    return {
        RequestState.REQUESTED: "The vendor accepts your request, or declines it with a reason.",
        RequestState.ACCEPTED: "You get the preliminary report: what is known by then, and why it happened.",
        RequestState.PRELIMINARY_DELIVERED: "You get the final report: causes, and what is done about them.",
        RequestState.FINAL_DELIVERED: "Nothing more is owed. A later revision reaches you as well.",
        RequestState.DECLINED: "Nothing more happens here. If the reason is wrong, please call support.",
        RequestState.WITHDRAWN: "Nothing more happens, unless you ask again.",
    }[state]


@register.filter
def business_days(days: int | None) -> str:
    """How far away a due day is in the vendor's business days: "2 business days left", "due today"."""
    if days is None:
        return ""
    if days == 0:
        return "due today"
    unit = "business day" if abs(days) == 1 else "business days"
    return f"{days} {unit} left" if days > 0 else f"{-days} {unit} late"


@register.filter
def message_tone(level: str) -> str:
    """Colour class of a message to the reader, by Django's name of its level."""
    return {"success": "restored", "warning": "degraded", "error": "down"}.get(level, "planned")


@register.filter
def message_icon(level: str) -> str:
    """Icon of a message to the reader, by Django's name of its level."""
    return {"success": "restored", "warning": "degraded", "error": "down"}.get(level, "notice")


@register.filter
def report_record(state: CompanyState) -> str:
    """What the record says of an account that is not restored, within a sentence."""
    return {
        CompanyState.OUTAGE: "down",
        CompanyState.DEGRADED: "reachable, but slow or failing at times",
        CompanyState.RESTORED: "restored",
    }.get(state, "no signal received yet")


@register.filter
def refuses_requests(policy: RequestPolicy) -> bool:
    """Whether nobody can ask for the report of this incident."""
    return policy is RequestPolicy.CLOSED
