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
) -> None:
    """Post `text`, into which `words` went, to everyone affected; a promised next update stays promised.

    `incident` is read anew. Raises what `incidents.post_update` raises.
    """
    incidents.post_update(
        actor,
        incident_id=incident.pk,
        kind=kind,
        body_markdown=text,
        next_update_at=incident.next_update_at,
        acknowledged=words.acknowledged if words else (),
        zone=words.zone if words else "UTC",
        now=now,
    )
    incident.refresh_from_db()
