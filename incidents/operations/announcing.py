"""A step of an incident that is told to everyone affected in the words of who takes it."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from incidents import errors
from incidents.choices import UpdateKind
from incidents.models import Incident
from incidents.operations import incidents
from tenants.actor import Actor


@dataclass(frozen=True, kw_only=True)
class Words:
    """Why a step is taken, in Markdown; a clock without a zone is meant in `zone`.

    `acknowledged` are the contradictions to the record that its author has seen.
    """

    text: str
    zone: str = "UTC"
    acknowledged: Collection[str] = ()

    def required(self) -> str:
        """The text without what surrounds it. Raises ReasonMissing where there is none."""
        if not self.text.strip():
            raise errors.ReasonMissing
        return self.text.strip()


def announce(
    actor: Actor,
    incident: Incident,
    text: str,
    *,
    now: datetime,
    words: Words | None = None,
    kind: UpdateKind = UpdateKind.UPDATE,
    is_last: bool = False,
) -> None:
    """Post `text`, into which `words` went, to everyone affected; `incident` is read anew.

    A next update that is promised for later stays promised, unless nothing follows. Raises what
    `incidents.post_update` raises.
    """
    promised_at = incident.next_update_at
    stays_promised = promised_at is not None and promised_at > now and not is_last
    incidents.post_update(
        actor,
        incident_id=incident.pk,
        kind=kind,
        body_markdown=text,
        next_update_at=promised_at if stays_promised else None,
        acknowledged=words.acknowledged if words else (),
        zone=words.zone if words else "UTC",
        now=now,
    )
    incident.refresh_from_db()
