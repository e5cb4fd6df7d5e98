"""Texts of updates as one account reads them: its own fields filled, times in the reader's zone."""

from django import template
from django.utils.safestring import SafeString, mark_safe

from incidents import fields
from incidents.queries.shapes import OwnRecovery, UpdateText

register = template.Library()


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
