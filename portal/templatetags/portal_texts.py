"""Texts of updates and reports as one account reads them, and the words of what was promised."""

from typing import Final

from django import template
from django.utils.safestring import SafeString, mark_safe

from incidents import fields
from incidents.choices import ActionChangeKind, ActionState, RequestState
from incidents.queries.report_shapes import ActionRow, ActionTurn, ReportAction
from incidents.queries.shapes import OwnRecovery, UpdateText
from incidents.report_content import Text

register = template.Library()

_ACTION_TONES: Final = {
    ActionState.OPEN: "clear",
    ActionState.IN_PROGRESS: "planned",
    ActionState.DONE: "restored",
    ActionState.DROPPED: "unknown",
}
_ACTION_ICONS: Final = {
    ActionState.OPEN: "dot",
    ActionState.IN_PROGRESS: "clock",
    ActionState.DONE: "restored",
    ActionState.DROPPED: "cross",
}


@register.simple_tag
def update_text(update: UpdateText, recovery: OwnRecovery, zone: str) -> SafeString:
    """The HTML of an update for the account of `recovery`."""
    own = fields.Own(
        state=recovery.state.label,
        impacted_at=recovery.impacted_at,
        restored_at=recovery.restored_at,
        total_seconds=recovery.total_seconds,
    )
    return mark_safe(fields.as_read(update.body_html, own, zone))  # noqa: S308 - sanitised when it was written


@register.simple_tag
def report_text(text: Text) -> SafeString:
    """The HTML of a text of a report, which its query has filled for the account that reads."""
    return mark_safe(text.html)  # noqa: S308 - sanitised when it was prepared


@register.simple_tag
def action_text(action: ActionRow) -> SafeString:
    """The HTML of what was promised."""
    return mark_safe(action.html)  # noqa: S308 - sanitised when it was published


@register.filter
def action_tone(action: ActionRow | ReportAction) -> str:
    """Colour class of a corrective action: warm where it is overdue."""
    if action.is_overdue:
        return "degraded"
    return _ACTION_TONES[action.state] if action.state else "clear"


@register.filter
def action_icon(action: ActionRow | ReportAction) -> str:
    """Icon of how far a corrective action is."""
    if action.is_overdue:
        return "degraded"
    return _ACTION_ICONS[action.state] if action.state else "clock"


@register.filter
def change_words(turn: ActionTurn) -> str:
    """What happened to a corrective action: "Promised", "Now in progress", "Due date moved"."""
    if turn.kind is ActionChangeKind.STATE:
        return f"Now {turn.state.label.lower()}"
    return "Due date moved" if turn.kind is ActionChangeKind.DUE else turn.kind.label


@register.filter
def note_words(state: ActionState) -> str:
    """What the note beside a corrective action tells."""
    return {ActionState.DONE: "Evidence", ActionState.DROPPED: "Why it was dropped"}.get(state, "Note")


@register.filter
def has_report(state: RequestState) -> bool:
    """Whether the company of a request in this state has been given a report."""
    return state in {RequestState.PRELIMINARY_DELIVERED, RequestState.FINAL_DELIVERED}
