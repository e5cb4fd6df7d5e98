"""Updates on their way out: sent off, taken back, approved by a second person, posted when due.

The row of a text is the truth, and its incident's row lock decides between two who act at once:
exactly one of taking back and leaving happens. What leaves has the id of its row, so it leaves once.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet

from incidents import errors, record, said, staff_roles
from incidents.audiences import Readers
from incidents.choices import Audience, Severity, UpdateKind, WaitingState
from incidents.models import Incident, WaitingUpdate
from incidents.operations import incidents, set_aside
from incidents.operations.stopped_updates import stop
from tenants import audit, scope
from tenants.actor import Actor
from tenants.errors import Refusal

log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class Written:
    """A text as its author sent it off; `contradicted` is the digest of what its author let stand."""

    kind: UpdateKind
    body_markdown: str
    readers: Readers
    next_update_at: datetime | None = None
    corrects_id: UUID | None = None
    override_reason: str = ""
    contradicted: str = ""
    zone: str = "UTC"


def send(
    actor: Actor,
    *,
    incident_id: UUID,
    form_key: UUID,
    written: Written,
    now: datetime,
    instead_of: UUID | None = None,
) -> WaitingUpdate:
    """Let a text wait until it leaves, or for a second person; where neither is asked for, post it.

    The same form sent again by the same author gives the same text and does nothing. `instead_of` is a
    text that was sent back or stopped, and is done with. Raises what `incidents.post_update` would
    raise now, and SentBefore for a form that was sent with other words or was settled without leaving.
    """
    author_id = _person(actor)
    with transaction.atomic():
        incident = set_aside.row_locked(incident_id)
        known = WaitingUpdate.objects.filter(form_key=form_key).first()
        if known is not None:
            if _is_same(known, actor, incident, written):
                return known
            raise errors.SentBefore
        waiting = _row(incident, written)
        waiting.audience = audience = _check(waiting, now=now).audience
        waiting.form_key, waiting.author_id, waiting.written_at = form_key, author_id, now
        if needs_second_person(incident, audience):
            waiting.state, waiting.due_at = WaitingState.AWAITING, None
        else:
            waiting.state, waiting.due_at = WaitingState.WAITING, now + _window(audience)
        waiting.save(force_insert=True)
        of_this = Q(incident=incident) | Q(incident__merged_into=incident)
        came_back = WaitingUpdate.objects.filter(of_this, state__in=WaitingState.come_back())
        if instead_of is not None:
            came_back.filter(pk=instead_of).update(state=WaitingState.UNDONE, settled_at=now)
        _record(actor, "update.sent_off", waiting, now=now)
        _leave_at_once(incident, waiting, now=now)
    return waiting


def take_back(actor: Actor, *, waiting_id: UUID, now: datetime) -> WaitingUpdate:
    """Keep a text that has not left from leaving, or be done with one that was stopped.

    Raises WaitingMovedOn for one that has left or was taken back.
    """
    with transaction.atomic():
        _incident, waiting = _locked(waiting_id, *WaitingState.unsettled())
        _settle(waiting, WaitingState.UNDONE, now=now)
        _record(actor, "update.taken_back", waiting, now=now)
    return waiting


def post_now(actor: Actor, *, waiting_id: UUID, now: datetime) -> WaitingUpdate:
    """Let a text leave before it is due, or when no worker takes it. It may be stopped, as when it is due.

    Raises WaitingMovedOn, and EarlierWaits where one of the same incident is due before it.
    """
    with transaction.atomic():
        incident, waiting = _locked(waiting_id, WaitingState.WAITING)
        is_before = Q(due_at__lt=waiting.due_at) | Q(due_at=waiting.due_at, pk__lt=waiting.pk)
        if _about_to_leave(incident).filter(is_before).exists():
            raise errors.EarlierWaits
        _record(actor, "update.posted_now", waiting, now=now)
        _leave(incident, waiting, now=now)
    return waiting


def approve(actor: Actor, *, waiting_id: UUID, now: datetime) -> WaitingUpdate:
    """Let another's text go its way: it waits as others do, then leaves.

    Raises OwnText for its author, WaitingMovedOn, and what would keep it from being posted now; then
    it goes on waiting for a second person.
    """
    with transaction.atomic():
        incident, waiting = _locked(waiting_id, WaitingState.AWAITING)
        if waiting.author_id == actor.user_id:
            raise errors.OwnText
        _check(waiting, now=now)
        waiting.approved_by_id, waiting.state = actor.user_id, WaitingState.WAITING
        waiting.due_at = now + _window(Audience(waiting.audience))
        waiting.save(update_fields=["approved_by", "state", "due_at"])
        _record(actor, "update.approved", waiting, now=now)
        _leave_at_once(incident, waiting, now=now)
    return waiting


def send_back(actor: Actor, *, waiting_id: UUID, reason: str, now: datetime) -> WaitingUpdate:
    """Give another's text back to its author, who reads the reason.

    Raises OwnText, NoReason and WaitingMovedOn.
    """
    with transaction.atomic():
        _incident, waiting = _locked(waiting_id, WaitingState.AWAITING)
        if waiting.author_id == actor.user_id:
            raise errors.OwnText
        if not reason.strip():
            raise errors.NoReason
        _settle(waiting, WaitingState.SENT_BACK, reason=reason.strip(), now=now)
        _record(actor, "update.sent_back", waiting, now=now)
    return waiting


def leave_due(*, now: datetime) -> int:
    """Post every text that is due, those of one incident in their order; returns how many were looked at.

    Each in a staff scope and a transaction of its own. Where one fails in a way that nobody foresaw, it
    and those after it wait for the next time; other incidents go on.
    """
    with scope.as_staff():
        due = WaitingUpdate.objects.filter(state=WaitingState.WAITING, due_at__lte=now)
        incident_ids = dict.fromkeys(due.order_by("due_at").values_list("incident_id", flat=True))
    count = 0
    for incident_id in incident_ids:
        try:
            while _leave_next(incident_id, now=now):
                count += 1
        except Exception:
            log.exception("update_did_not_leave", incident=str(incident_id))
    return count


def needs_second_person(incident: Incident, audience: Audience) -> bool:
    """Whether a text of this incident may not leave before another than its author has approved it."""
    return (
        settings.UPDATE_SECOND_PERSON
        and incident.severity == Severity.CRITICAL
        and audience is not Audience.STAFF
    )


def _leave_next(incident_id: UUID, *, now: datetime) -> bool:
    """Let the first due text of an incident leave; False where none is due, or somebody works on it."""
    with scope.as_staff():
        free = Incident.objects.select_for_update(no_key=True, skip_locked=True)
        incident = free.filter(pk=incident_id).first()
        if incident is None:
            return False
        waiting = _about_to_leave(incident).filter(due_at__lte=now).order_by("due_at", "pk").first()
        if waiting is None:
            return False
        _leave(incident, waiting, now=now)
    return True


def _leave_at_once(incident: Incident, waiting: WaitingUpdate, *, now: datetime) -> None:
    if waiting.state == WaitingState.WAITING and waiting.due_at and waiting.due_at <= now:
        _leave(incident, waiting, now=now)


def _leave(incident: Incident, waiting: WaitingUpdate, *, now: datetime) -> None:
    """Post a text as the record is now, or stop it and say why. The incident's row is locked.

    One that needs a second person by now, because the incident became critical, waits for one.
    """
    is_approved = waiting.approved_by_id is not None
    if not is_approved and needs_second_person(incident, Audience(waiting.audience)):
        waiting.state, waiting.due_at = WaitingState.AWAITING, None
        waiting.save(update_fields=["state", "due_at"])
        return
    try:
        with transaction.atomic():
            _post(waiting, now=now)
    except Refusal as refusal:
        stop(waiting, refusal, now=now)
    else:
        _settle(waiting, WaitingState.POSTED, now=now)


def _post(waiting: WaitingUpdate, *, now: datetime) -> None:
    author = waiting.author
    rights = [staff_roles.POST, *([staff_roles.OVERRIDE] if waiting.override_reason else [])]
    if not (author.is_active and author.is_staff and author.has_perms(rights)):
        raise errors.AuthorMayNot
    if waiting.next_update_at is not None and waiting.next_update_at <= now:
        raise errors.PromisePassed
    incidents.post_update(
        Actor(user_id=author.pk, name=author.name, email=author.email, time_zone=author.time_zone),
        incident_id=waiting.incident_id,
        kind=UpdateKind(waiting.kind),
        body_markdown=waiting.body_markdown,
        readers=_readers(waiting),
        next_update_at=waiting.next_update_at,
        corrects_id=waiting.corrects_id,
        override_reason=waiting.override_reason,
        acknowledged=_acknowledged(waiting, now=now),
        zone=waiting.zone,
        update_id=waiting.pk,
        now=now,
    )


def _check(waiting: WaitingUpdate, *, now: datetime) -> incidents.Checked:
    return incidents.check_update(
        incident_id=waiting.incident_id,
        kind=UpdateKind(waiting.kind),
        body_markdown=waiting.body_markdown,
        readers=_readers(waiting),
        corrects_id=waiting.corrects_id,
        override_reason=waiting.override_reason,
        acknowledged=_acknowledged(waiting, now=now),
        zone=waiting.zone,
        now=now,
    )


def _acknowledged(waiting: WaitingUpdate, *, now: datetime) -> tuple[str, ...]:
    """The contradictions of now, if they are of the very words that its author let stand; else none."""
    if not waiting.contradicted:
        return ()
    known = record.of_incident(waiting.incident, now=now)
    found = said.contradictions(waiting.body_markdown, known, zone=waiting.zone)
    return tuple(map(str, found)) if waiting.contradicted == said.digest(found) else ()


def _row(incident: Incident, written: Written) -> WaitingUpdate:
    return WaitingUpdate(
        incident=incident,
        kind=written.kind,
        audience=written.readers.audience,
        component_ids=list(written.readers.component_ids),
        data_center_ids=list(written.readers.data_center_ids),
        company_ids=list(written.readers.company_ids),
        body_markdown=written.body_markdown,
        next_update_at=written.next_update_at,
        corrects_id=written.corrects_id,
        override_reason=written.override_reason.strip(),
        contradicted=written.contradicted,
        zone=written.zone,
    )


_SENT = (
    *("kind", "component_ids", "data_center_ids", "company_ids", "body_markdown"),
    *("next_update_at", "corrects_id", "override_reason"),
)


def _is_same(known: WaitingUpdate, actor: Actor, incident: Incident, written: Written) -> bool:
    """Whether a text is what its author sends again, and it has not been given up since."""
    again = _row(incident, written)
    goes_on = known.state not in WaitingState.given_up()
    is_own = (known.author_id, known.incident_id) == (actor.user_id, incident.pk)
    return goes_on and is_own and all(getattr(known, name) == getattr(again, name) for name in _SENT)


def _readers(waiting: WaitingUpdate) -> Readers:
    return Readers(
        audience=Audience(waiting.audience),
        component_ids=waiting.component_ids,
        data_center_ids=waiting.data_center_ids,
        company_ids=waiting.company_ids,
    )


def _window(audience: Audience) -> timedelta:
    """How long it can be taken back; what staff write for themselves leaves the house never."""
    return timedelta(seconds=0 if audience is Audience.STAFF else settings.UPDATE_UNDO_SECONDS)


def _about_to_leave(incident: Incident) -> QuerySet[WaitingUpdate]:
    return WaitingUpdate.objects.filter(incident=incident, state=WaitingState.WAITING)


def _locked(waiting_id: UUID, *states: WaitingState) -> tuple[Incident, WaitingUpdate]:
    """Its incident, whose lock settles who is first, and the text as it then is."""
    incident_id = WaitingUpdate.objects.filter(pk=waiting_id).values_list("incident_id", flat=True).first()
    if incident_id is None:
        raise errors.WaitingNotFound
    incident = set_aside.row_locked(incident_id)
    waiting = WaitingUpdate.objects.select_related("author").get(pk=waiting_id)
    if waiting.state not in states:
        raise errors.WaitingMovedOn
    return incident, waiting


def _settle(waiting: WaitingUpdate, state: WaitingState, *, now: datetime, reason: str = "") -> None:
    waiting.state, waiting.settled_at, waiting.reason = state, now, reason
    waiting.save(update_fields=["state", "settled_at", "reason"])


def _record(actor: Actor, action: str, waiting: WaitingUpdate, *, now: datetime, **detail: Any) -> None:
    audit.record(actor, action, waiting, now=now, incident=str(waiting.incident_id), **detail)


def _person(actor: Actor) -> UUID:
    """Who acts; the portal itself writes no texts."""
    if actor.user_id is None:
        raise errors.AuthorMayNot
    return actor.user_id
