"""What was promised in a report: written with it, kept up afterwards, followed by those who hold it."""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from django.db import transaction
from django.db.models import Max

from incidents import errors, report_errors, standings
from incidents.choices import ActionChangeKind, ActionState
from incidents.models import (
    ActionChange,
    ActionFollow,
    CorrectiveAction,
    Incident,
    PostMortemVersion,
)
from incidents.operations import set_aside
from incidents.operations.own_incident import own_incident
from tenants import audit
from tenants.actor import Actor
from tenants.permissions import Permission


@dataclass(frozen=True, kw_only=True)
class Words:
    """What is promised, by whom and by when."""

    title: str
    text: str
    owner: str
    due_on: date | None


def promise(actor: Actor, *, incident_id: UUID, words: Words, now: datetime) -> CorrectiveAction:
    """Add a corrective action; clients read it with the next version of the report. Staff scope.

    Raises IncidentNotFound, SetAside and NotPublished.
    """
    with transaction.atomic():
        incident = set_aside.published(incident_id)
        newest = CorrectiveAction.objects.filter(incident=incident).aggregate(most=Max("number"))["most"]
        action: CorrectiveAction = CorrectiveAction.objects.create(
            incident=incident,
            number=(newest or 0) + 1,
            title=words.title.strip(),
            text=words.text.strip(),
            owner=words.owner.strip(),
            due_on=words.due_on,
            changed_at=now,
        )
        audit.record(actor, "corrective_action.promised", action, now=now, incident=str(incident.pk))
    return action


def reword(actor: Actor, *, action_id: UUID, words: Words, now: datetime) -> None:
    """Change the words of a promise that no client has read yet. Staff scope.

    Raises ReportNotFound, ActionFixed, and SetAside where no client ever will.
    """
    with transaction.atomic():
        action = _locked(action_id)
        if action.published_at is not None:
            raise report_errors.ActionFixed
        if action.incident.is_set_aside:
            raise errors.SetAside
        action.title, action.text = words.title.strip(), words.text.strip()
        action.owner, action.due_on = words.owner.strip(), words.due_on
        action.changed_at = now
        action.save(update_fields=["title", "text", "owner", "due_on", "changed_at"])
        audit.record(actor, "corrective_action.reworded", action, now=now, incident=str(action.incident_id))


def take_out(actor: Actor, *, action_id: UUID, now: datetime) -> None:
    """Remove a promise that no client has read yet. Staff scope. Raises ReportNotFound and ActionFixed."""
    with transaction.atomic():
        action = _locked(action_id)
        if action.published_at is not None:
            raise report_errors.ActionFixed
        audit.record(actor, "corrective_action.taken_out", action, now=now, incident=str(action.incident_id))
        action.delete()


def move_on(
    actor: Actor,
    *,
    action_id: UUID,
    state: ActionState,
    due_on: date | None,
    note: str,
    now: datetime,
) -> None:
    """Write down how far a published action is and by when it is due. Staff scope.

    `note` is the evidence of what is done, the reason of what is dropped or put off; clients read it.
    Raises ReportNotFound, ActionNotPublished, NothingChanged, and ReasonMissing where one is due.
    """
    with transaction.atomic():
        action = _published(action_id)
        is_moved, is_put_off = state != action.state, due_on != action.due_on
        if not is_moved and not is_put_off and note.strip() == action.note:
            raise report_errors.NothingChanged
        if (state.is_over or is_put_off) and not note.strip():
            raise errors.ReasonMissing(
                "The clients read what was done, why it is dropped or why the date has moved, "
                "so it cannot be empty. Nothing was changed."
            )
        action.state, action.due_on, action.note, action.changed_at = state, due_on, note.strip(), now
        action.save(update_fields=["state", "due_on", "note", "changed_at"])
        is_due_alone = is_put_off and not is_moved
        kind = ActionChangeKind.DUE if is_due_alone else ActionChangeKind.STATE
        _write_down(actor, action, kind, now=now)


def link_again(actor: Actor, *, action_id: UUID, later: Incident, note: str, now: datetime) -> None:
    """Say that what the action was to prevent has happened again. Staff scope.

    Only companies that the later incident touches read its name; one that was set aside has not
    happened. Raises ReportNotFound,
    ActionNotPublished, NotLater and NothingChanged.
    """
    with transaction.atomic():
        action = _published(action_id)
        is_later = later.pk != action.incident_id and later.started_at > action.incident.started_at
        if later.is_draft or later.is_set_aside or not is_later:
            raise report_errors.NotLater
        if ActionChange.objects.filter(action=action, again=later).exists():
            raise report_errors.NothingChanged
        _write_down(actor, action, ActionChangeKind.AGAIN, now=now, again=later, note=note.strip())


def follow(actor: Actor, *, reference: str, number: int | None, is_wanted: bool, now: datetime) -> None:
    """Follow one action of a report, or all (`number` None), or no longer. Runs in the client scope.

    What is wanted already stays. Raises NotPermitted, IncidentNotFound and ReportNotFound.
    """
    with transaction.atomic():
        company, incident = own_incident(actor, Permission.READ_INCIDENTS, reference)
        action = None
        if number is not None:
            action = CorrectiveAction.objects.filter(incident_id=incident.pk, number=number).first()
        is_held = PostMortemVersion.objects.filter(incident_id=incident.pk).exists()
        if actor.user_id is None or not is_held or (number is not None and action is None):
            raise report_errors.ReportNotFound
        if is_wanted:
            wish = ActionFollow(
                company_id=company.id,
                incident_id=incident.pk,
                action=action,
                user_id=actor.user_id,
                followed_at=now,
            )
            ActionFollow.objects.bulk_create([wish], ignore_conflicts=True)
        else:
            own = ActionFollow.objects.filter(incident_id=incident.pk, user_id=actor.user_id)
            own.filter(action=action).delete()


def _write_down(
    actor: Actor,
    action: CorrectiveAction,
    kind: ActionChangeKind,
    *,
    now: datetime,
    again: Incident | None = None,
    note: str | None = None,
) -> None:
    ActionChange.objects.create(
        incident_id=action.incident_id,
        action=action,
        kind=kind,
        state=action.state,
        due_on=action.due_on,
        note=action.note if note is None else note,
        again=again,
        at=now,
        by_id=actor.user_id,
    )
    standings.bump(action.incident)
    audit.record(
        actor,
        f"corrective_action.{kind}",
        action,
        now=now,
        incident=str(action.incident_id),
        state=str(action.state),
    )


def _published(action_id: UUID) -> CorrectiveAction:
    action = _locked(action_id)
    if action.published_at is None:
        raise report_errors.ActionNotPublished
    return action


def _locked(action_id: UUID) -> CorrectiveAction:
    found = CorrectiveAction.objects.filter(pk=action_id).values_list("incident_id", flat=True).first()
    if found is None:
        raise report_errors.ReportNotFound
    incident = set_aside.row_locked(found)
    action: CorrectiveAction = CorrectiveAction.objects.select_for_update().get(pk=action_id)
    action.incident = incident
    return action
