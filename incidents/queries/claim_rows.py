"""What was claimed, held against one company's record: of an incident as it is, and of a report as it was."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from incidents import claims
from incidents.choices import ClaimKind
from incidents.models import Claim
from incidents.queries import shapes


def compared(
    said: claims.Claim,
    own: shapes.OwnRecovery,
    *,
    source: str,
    posted_at: datetime | None,
    now: datetime,
    update_id: UUID | None = None,
    is_corrected: bool = False,
) -> shapes.ClaimRow:
    """One claim beside what the company experienced."""
    facts = claims.Facts(impacted_at=own.impacted_at, restored_at=own.restored_at, now=now)
    result = claims.compare(said, facts)
    return shapes.ClaimRow(
        kind=said.kind,
        source=source,
        announced_at=said.at,
        announced_seconds=said.seconds,
        experienced_at=result.experienced_at,
        experienced_seconds=result.experienced_seconds,
        difference_seconds=result.difference_seconds,
        verdict=result.verdict,
        posted_at=posted_at,
        update_id=update_id,
        is_corrected=is_corrected,
    )


def of_incident(
    incident_id: UUID, own: shapes.OwnRecovery, updates: Sequence[shapes.UpdateText], *, now: datetime
) -> tuple[shapes.ClaimRow, ...]:
    """What was claimed to the company of the scope, each value once, as it was said first. One statement."""
    corrected = {update.id for update in updates if update.corrected_by_id}
    rows = (
        Claim.objects.filter(incident_id=incident_id)
        .exclude(kind=ClaimKind.RESTORED_SHARE)
        .order_by("kind", "claimed_at", "claimed_seconds", "pk")
        .values_list("kind", "claimed_at", "claimed_seconds", "source", "posted_at", "update_id")
    )
    found: dict[tuple[object, ...], shapes.ClaimRow] = {}
    for kind, at, seconds, source, posted_at, update_id in rows:
        if (kind, at, seconds) not in found:
            found[kind, at, seconds] = compared(
                claims.Claim(kind=ClaimKind(kind), at=at, seconds=seconds),
                own,
                source=source,
                posted_at=posted_at,
                now=now,
                update_id=update_id,
                is_corrected=update_id in corrected,
            )
    return tuple(found.values())
