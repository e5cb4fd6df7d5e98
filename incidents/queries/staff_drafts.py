"""Post-mortems that wait for a second person, or for who publishes them: for staff."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from incidents.choices import DraftState, IncidentState
from incidents.models import PostMortem


@dataclass(frozen=True, kw_only=True, slots=True)
class WaitingDraft:
    """A report whose author is done with it, and which no client reads yet as it stands."""

    id: UUID
    reference: str
    title: str
    is_reviewed: bool
    saved_at: datetime
    saved_by: str


def waiting_drafts(*, most: int) -> tuple[WaitingDraft, ...]:
    """Those in review, then those that can be published; of each what was saved longest ago first.

    One statement.
    """
    rows = (
        PostMortem.objects.filter(state__in=(DraftState.IN_REVIEW, DraftState.REVIEWED))
        .exclude(incident__state__in=IncidentState.set_aside())
        .select_related("incident", "saved_by")
        .only("state", "saved_at", "incident__reference", "incident__title", "saved_by__name")
        .order_by("state", "saved_at", "pk")[:most]
    )
    return tuple(
        WaitingDraft(
            id=draft.pk,
            reference=draft.incident.reference,
            title=draft.incident.title,
            is_reviewed=draft.state == DraftState.REVIEWED,
            saved_at=draft.saved_at,
            saved_by=draft.saved_by.name if draft.saved_by else "the portal",
        )
        for draft in rows
    )
