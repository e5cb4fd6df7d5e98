"""Files of recoveries that want somebody: in work, ready to be applied, failed."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Case, IntegerField, Q, Value, When

from incidents.choices import ImportState
from incidents.models import RecoveryImport

FAILED_SHOWN_FOR = timedelta(days=7)
"""A file that cannot be read is no news after that; one that was given up stays until somebody decides."""
_WAITS_FOR_PEOPLE = (ImportState.READY, ImportState.UPLOADED)


@dataclass(frozen=True, kw_only=True, slots=True)
class OpenImport:
    """An import that is not over, or has failed."""

    id: UUID
    file_name: str
    reference: str
    state: ImportState
    by: str
    uploaded_at: datetime
    entries: int
    """New entries that applying would add, once it was tried out."""
    trouble: str

    @property
    def has_failed(self) -> bool:
        return self.state is ImportState.FAILED

    @property
    def is_in_work(self) -> bool:
        return self.state in ImportState.in_work()

    @property
    def is_ready(self) -> bool:
        return self.state is ImportState.READY


def open_imports(*, now: datetime, most: int) -> tuple[OpenImport, ...]:
    """At most so many: failed ones first, then what waits for people, then what is in work; newest first.

    One statement. Staff scope.
    """
    failed = Q(state=ImportState.FAILED) & (
        ~Q(failed_at_step="") | Q(finished_at__gte=now - FAILED_SHOWN_FOR)
    )
    order = Case(
        When(state=ImportState.FAILED, then=Value(0)),
        When(state__in=_WAITS_FOR_PEOPLE, then=Value(1)),
        default=Value(2),
        output_field=IntegerField(),
    )
    rows = (
        RecoveryImport.objects.filter(failed | Q(state__in=(*_WAITS_FOR_PEOPLE, *ImportState.in_work())))
        .select_related("incident", "uploaded_by")
        .order_by(order, "-uploaded_at")
    )
    return tuple(
        OpenImport(
            id=found.pk,
            file_name=found.file_name,
            reference=found.incident.reference,
            state=ImportState(found.state),
            by=found.uploaded_by.name if found.uploaded_by else "",
            uploaded_at=found.uploaded_at,
            entries=found.preview.get("entries", 0),
            trouble=found.trouble,
        )
        for found in rows[:most]
    )
