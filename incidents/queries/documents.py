"""How far the PDFs are that the company of the scope has asked for."""

from uuid import UUID

from incidents.choices import DocumentState
from incidents.models import Document


def state_of_report(version_id: UUID, *, user_id: UUID | None, zone: str) -> DocumentState | None:
    """Of a report's version for one reader in one zone; None where nobody has asked."""
    key = Document.key_of_report(version_id, user_id=user_id, zone=zone)
    state = Document.objects.filter(once_key=key).values_list("state", flat=True).first()
    return DocumentState(state) if state else None
