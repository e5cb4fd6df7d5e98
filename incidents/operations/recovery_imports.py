"""What staff do with a file of recoveries: send it, name its columns, cancel, apply, roll back, try again.

The reading, checking and writing is a worker's (`import_work`): here is only asked for it.
"""

from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db import transaction

from incidents import errors, import_files
from incidents.choices import CompanyState, ImportState
from incidents.import_files import Encoding
from incidents.models import Incident, RecoveryImport
from tenants import audit
from tenants.actor import Actor

MOST_BYTES = 50 * 1024 * 1024


def upload(
    actor: Actor, *, incident_id: UUID, file_name: str, content: bytes, now: datetime
) -> RecoveryImport:
    """Keep a file for a published incident. Raises IncidentNotFound, NotPublished, SetAside, FileRefused."""
    incident = Incident.objects.filter(pk=incident_id).first()
    if incident is None:
        raise errors.IncidentNotFound
    if incident.is_draft:
        raise errors.NotPublished
    if incident.is_set_aside:
        raise errors.SetAside
    if len(content) > MOST_BYTES:
        raise errors.FileTooLarge
    try:
        import_files.beginning(content)
    except import_files.UnreadableFile as error:
        raise errors.FileRefused(str(error)) from error
    with transaction.atomic():
        made = RecoveryImport.objects.create(
            incident=incident,
            file_name=file_name[-120:].replace("\0", ""),
            content=content,
            line_count=content.count(b"\n") + (not content.endswith(b"\n")),
            uploaded_by_id=actor.user_id,
            uploaded_at=now,
        )
        audit.record(
            actor, "import.uploaded", made, now=now, incident=str(incident.pk), byte_count=len(content)
        )
    return made


def start(
    actor: Actor,
    *,
    import_id: UUID,
    encoding: Encoding,
    company: int,
    at: int,
    component: int | None,
    state: int | None,
    state_of_all: CompanyState | None,
    zone: ZoneInfo,
    now: datetime,
) -> None:
    """Say which column (from 0) holds what, and ask for the file to be read.

    `state_of_all` holds for each row where there is no column for the state. Raises ImportMovedOn
    when it has been started or cancelled before.
    """
    with transaction.atomic():
        found = locked(import_id, ImportState.UPLOADED)
        content = bytes(RecoveryImport.objects.values_list("content", flat=True).get(pk=import_id))
        found.mapping = {
            "encoding": str(encoding),
            "separator": import_files.beginning(content, encoding).separator,
            "company": company,
            "component": component,
            "state": state,
            "state_of_all": None if state_of_all is None else str(state_of_all),
            "at": at,
            "zone": zone.key,
        }
        found.started_at = now
        _go_on(found, ImportState.READING, "mapping", "started_at")
        audit.record(actor, "import.started", found, now=now, mapping=found.mapping)


def cancel(actor: Actor, *, import_id: UUID, now: datetime) -> None:
    """Stop reading and forget the file. Raises ImportMovedOn once it is being applied.

    One that was given up can be cancelled unless something of it is in the record.
    """
    with transaction.atomic():
        found = locked(import_id, *ImportState)
        if not found.can_be_cancelled:
            raise errors.ImportMovedOn
        found.finished_at, found.content = now, b""
        _go_on(found, ImportState.CANCELLED, "finished_at", "content")
        found.portions.all().delete()
        audit.record(actor, "import.cancelled", found, now=now, rows_read=found.rows_read)


def check_again(actor: Actor, *, import_id: UUID, now: datetime) -> None:
    """Ask for the preview anew: more may have been recorded since."""
    with transaction.atomic():
        found = locked(import_id, ImportState.READY)
        found.trouble = ""
        _go_on(found, ImportState.CHECKING, "trouble")
        audit.record(actor, "import.checked_again", found, now=now)


def apply(actor: Actor, *, import_id: UUID, now: datetime) -> None:
    """Ask for the facts to be recorded. Raises ImportMovedOn, NothingNew."""
    with transaction.atomic():
        found = locked(import_id, ImportState.READY)
        if not found.preview.get("entries"):
            raise errors.NothingNew
        found.asked_by_id, found.trouble = actor.user_id, ""
        _go_on(found, ImportState.APPLYING, "asked_by", "trouble")
        audit.record(actor, "import.apply_asked", found, now=now)


def roll_back(actor: Actor, *, import_id: UUID, now: datetime) -> None:
    """Ask for what an import has added to be superseded. Raises ImportMovedOn."""
    with transaction.atomic():
        found = locked(import_id, ImportState.APPLIED)
        found.asked_by_id = actor.user_id
        _go_on(found, ImportState.ROLLING_BACK, "asked_by")
        audit.record(actor, "import.roll_back_asked", found, now=now)


def try_again(actor: Actor, *, import_id: UUID, now: datetime) -> None:
    """Have the step begun anew at which the worker gave up. Raises ImportMovedOn."""
    with transaction.atomic():
        found = locked(import_id, ImportState.FAILED)
        if not found.failed_at_step:
            raise errors.ImportMovedOn
        step = ImportState(found.failed_at_step)
        found.trouble, found.finished_at = "", None
        _go_on(found, step, "trouble", "finished_at")
        audit.record(actor, "import.tried_again", found, now=now, step=step)


def keep_applied(actor: Actor, *, import_id: UUID, now: datetime) -> None:
    """Leave in the record what could not be rolled back. Raises ImportMovedOn."""
    with transaction.atomic():
        found = locked(import_id, ImportState.FAILED)
        if found.failed_at_step != ImportState.ROLLING_BACK:
            raise errors.ImportMovedOn
        found.trouble = ""
        _go_on(found, ImportState.APPLIED, "trouble")
        audit.record(actor, "import.kept_applied", found, now=now)


def locked(import_id: UUID, *states: ImportState) -> RecoveryImport:
    """The import under its row's lock. Raises ImportNotFound, and ImportMovedOn in any other state."""
    found = RecoveryImport.objects.select_for_update(no_key=True).filter(pk=import_id).first()
    if found is None:
        raise errors.ImportNotFound
    if found.state not in states:
        raise errors.ImportMovedOn
    return found


def _go_on(found: RecoveryImport, state: ImportState, *changed: str) -> None:
    found.state, found.leased_until, found.attempts, found.failed_at_step = state, None, 0, ""
    found.save(update_fields=["state", "leased_until", "attempts", "failed_at_step", *changed])


def columns(import_id: UUID, encoding: Encoding | None = None) -> import_files.Beginning:
    """The beginning of a kept file, for naming its columns. Raises FileRefused."""
    content = bytes(RecoveryImport.objects.values_list("content", flat=True).get(pk=import_id))
    try:
        return import_files.beginning(content, encoding)
    except import_files.UnreadableFile as error:
        raise errors.FileRefused(str(error)) from error
