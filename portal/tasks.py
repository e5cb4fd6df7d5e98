"""What the portal does in the background; each task calls one function."""

from datetime import datetime

from django.utils import timezone

from incidents.operations import documents
from portal.documents import making
from tenants.background import visitor_task


@visitor_task
def make_documents(*, now: datetime) -> None:
    """Make the PDFs that wait, a step of them."""
    documents.make_waiting(making.make, timezone.now)
