"""What was promised in a report and what became of it, as a company that holds the report reads it."""

from collections import defaultdict
from datetime import datetime
from typing import Any
from uuid import UUID

from incidents import fields, report_content
from incidents.choices import ActionChangeKind, ActionState
from incidents.models import ActionChange, ActionFollow, CorrectiveAction, Incident, PostMortemVersion
from incidents.queries import report_shapes, reports


def actions_page(
    reference: str, *, user_id: UUID | None, zone: str, now: datetime
) -> report_shapes.ActionsPage:
    """Every promise of the report with its history. Six statements, client scope.

    Raises ReportNotFound where the company holds no report.
    """
    incident, versions = reports.held_versions(reference)
    follows = set(
        ActionFollow.objects.filter(incident_id=incident.pk, user=user_id).values_list("action_id", flat=True)
    )
    words = _words(incident, versions[0].number, zone)
    turns = _turns(incident)
    return report_shapes.ActionsPage(
        reference=incident.reference,
        title=incident.title,
        actions=tuple(
            report_shapes.ActionRow(
                id=action.pk,
                number=action.number,
                title=action.title,
                html=words.get(action.number, ""),
                owner=action.owner,
                due_on=action.due_on,
                state=ActionState(action.state),
                note=action.note,
                changed_at=action.changed_at,
                is_overdue=reports.is_overdue(action.state, action.due_on, zone=zone, now=now),
                is_followed=action.pk in follows or None in follows,
                turns=tuple(turns[action.pk]),
            )
            for action in CorrectiveAction.objects.filter(incident_id=incident.pk).order_by("number")
        ),
        follows_all=None in follows,
        as_of=now,
    )


def _words(incident: Incident, number: int, zone: str) -> dict[int, str]:
    """Number of an action → its words as the newest version holds them: fields filled, footnotes left out."""
    content = PostMortemVersion.objects.filter(incident_id=incident.pk, number=number)
    promises: list[dict[str, Any]] = content.values_list("content__actions", flat=True).get()
    return {
        each["number"]: fields.as_read(report_content.without_footnotes(each["text"]["html"]), None, zone)
        for each in promises
    }


def _turns(incident: Incident) -> defaultdict[UUID, list[report_shapes.ActionTurn]]:
    """Action → what happened to it, newest first."""
    rows = (
        ActionChange.objects.filter(incident_id=incident.pk)
        .order_by("-at", "-id")
        .values_list("action_id", "kind", "state", "due_on", "note", "again__reference", "again__title", "at")
    )
    found: defaultdict[UUID, list[report_shapes.ActionTurn]] = defaultdict(list)
    for action_id, kind, state, due_on, note, later_reference, later_title, at in rows:
        found[action_id].append(
            report_shapes.ActionTurn(
                kind=ActionChangeKind(kind),
                state=ActionState(state),
                due_on=due_on,
                note=note,
                again=(later_reference, later_title) if later_reference else None,
                at=at,
            )
        )
    return found
