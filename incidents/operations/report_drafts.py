"""Write the post-mortem of an incident together, and have a second person review it."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.db import transaction

from incidents import errors, record, report_content, report_errors, report_facts, report_timeline
from incidents.choices import DraftState
from incidents.models import CorrectiveAction, PostMortem
from incidents.operations import set_aside
from incidents.report_content import SECTIONS, Prepared, Typed, TypedAction
from tenants import audit
from tenants.actor import Actor

TEXTS = (*SECTIONS, "timeline")
"""What is typed, by the name of its column."""


def begin(actor: Actor, *, incident_id: UUID, zone: str, now: datetime) -> PostMortem:
    """Begin the report of a published incident, its timeline filled from the record. Staff scope.

    Clocks in its text are of `zone`. Raises IncidentNotFound, SetAside, NotPublished and ReportExists.
    """
    with transaction.atomic():
        incident = set_aside.published(incident_id)
        if PostMortem.objects.filter(incident=incident).exists():
            raise report_errors.ReportExists
        proposed = report_facts.moments(incident, now=now)
        draft = PostMortem.objects.create(
            incident=incident,
            zone=zone,
            timeline=report_timeline.written(proposed, zone),
            saved_at=now,
            saved_by_id=actor.user_id,
        )
        audit.record(actor, "report.begun", draft, now=now, incident=str(incident.pk))
    return draft


def save(
    actor: Actor,
    *,
    post_mortem_id: UUID,
    seen: int,
    texts: Mapping[str, str],
    acknowledged: Mapping[str, str],
    now: datetime,
) -> PostMortem:
    """Keep the texts as they are typed, readable or not; what was sent to review is a draft again.

    `seen` is the `saved_count` that the author had before. What is saved already is not saved twice.
    Staff scope. Raises what `locked_draft` raises, and SavedMeanwhile when somebody else saved in between.
    """
    with transaction.atomic():
        draft = locked_draft(post_mortem_id)
        kept = {name: reason.strip() for name, reason in acknowledged.items() if reason.strip()}
        new = {name: _lines(texts.get(name, "")) for name in TEXTS}
        if all(getattr(draft, name) == new[name] for name in TEXTS) and draft.acknowledged == kept:
            return draft
        if draft.saved_count != seen:
            raise report_errors.SavedMeanwhile(draft.saved_by.name if draft.saved_by else "Somebody")
        for name in TEXTS:
            setattr(draft, name, new[name])
        draft.acknowledged = kept
        draft.saved_count += 1
        draft.saved_at, draft.saved_by_id = now, actor.user_id
        if actor.user_id and actor.user_id not in draft.written_by_ids:
            draft.written_by_ids = [*draft.written_by_ids, actor.user_id]
        draft.state, draft.reviewed_by_id = DraftState.DRAFT, None
        draft.save()
    return draft


def add_what_the_record_holds(actor: Actor, *, post_mortem_id: UUID, seen: int, now: datetime) -> PostMortem:
    """Add to the timeline what the record holds and no line says yet. Staff scope.

    Raises BadTimeline and what `save` raises.
    """
    with transaction.atomic():
        draft = locked_draft(post_mortem_id)
        proposed = report_facts.moments(draft.incident, now=now)
        texts = {name: getattr(draft, name) for name in TEXTS}
        texts["timeline"] = report_timeline.merged(draft.timeline, proposed, draft.zone)
        return save(
            actor,
            post_mortem_id=post_mortem_id,
            seen=seen,
            texts=texts,
            acknowledged=draft.acknowledged,
            now=now,
        )


def send_to_review(actor: Actor, *, post_mortem_id: UUID, seen: int, now: datetime) -> None:
    """Say that the report is ready to be read by a second person. Staff scope.

    Raises ReportMovedOn, EmptyReport, ContradictsRecord and what `locked_draft` and `prepared` raise.
    """
    with transaction.atomic():
        draft = _as_seen(post_mortem_id, seen, DraftState.DRAFT)
        refuse_unfinished(draft, prepared(draft, now=now))
        draft.state, draft.review_note = DraftState.IN_REVIEW, ""
        draft.save(update_fields=["state", "review_note"])
        audit.record(actor, "report.sent_to_review", draft, now=now, incident=str(draft.incident_id))


def approve(actor: Actor, *, post_mortem_id: UUID, seen: int, now: datetime) -> None:
    """Say as a second person that the report may be published. Staff scope.

    Raises ReportMovedOn, what `locked_draft` raises, and OwnText for whoever wrote on it.
    """
    with transaction.atomic():
        draft = _as_seen(post_mortem_id, seen, DraftState.IN_REVIEW)
        if settings.POST_MORTEM_SECOND_PERSON and actor.user_id in draft.written_by_ids:
            raise errors.OwnText
        draft.state, draft.reviewed_by_id = DraftState.REVIEWED, actor.user_id
        draft.save(update_fields=["state", "reviewed_by"])
        audit.record(actor, "report.approved", draft, now=now, incident=str(draft.incident_id))


def give_back(actor: Actor, *, post_mortem_id: UUID, seen: int, note: str, now: datetime) -> None:
    """Give the report back to its authors with what is to be changed. Staff scope.

    Raises ReportMovedOn, ReasonMissing and what `locked_draft` raises.
    """
    if not note.strip():
        raise errors.ReasonMissing("Say what is to be changed. Nothing was changed.")
    with transaction.atomic():
        draft = _as_seen(post_mortem_id, seen, DraftState.IN_REVIEW)
        draft.state, draft.review_note = DraftState.DRAFT, note.strip()
        draft.save(update_fields=["state", "review_note"])
        audit.record(actor, "report.given_back", draft, now=now, incident=str(draft.incident_id))


def prepared(draft: PostMortem, *, now: datetime) -> Prepared:
    """What would be published now. Staff scope.

    Raises UnknownField, FieldWithoutValue and BadTimeline.
    """
    known = record.of_incident(draft.incident, now=now)
    return report_content.prepare(typed(draft), known)


def typed(draft: PostMortem) -> Typed:
    """Everything that was typed for the report, its corrective actions too. Staff scope."""
    actions = CorrectiveAction.objects.filter(incident_id=draft.incident_id).order_by("number")
    return Typed(
        zone=draft.zone,
        sections={name: getattr(draft, name) for name in SECTIONS},
        timeline=draft.timeline,
        actions=[
            TypedAction(
                number=action.number,
                title=action.title,
                owner=action.owner,
                due_on=action.due_on,
                text=action.text,
            )
            for action in actions
        ],
        acknowledged=draft.acknowledged,
    )


def refuse_unfinished(draft: PostMortem, ready: Prepared) -> None:
    """Raise EmptyReport without summary or root cause, and ContradictsRecord without a reason for each."""
    if not draft.summary.strip() or not draft.root_cause.strip():
        raise report_errors.EmptyReport
    if ready.unanswered:
        raise errors.ContradictsRecord(tuple(map(str, ready.unanswered)))


def locked_draft(post_mortem_id: UUID) -> PostMortem:
    """The report with its incident's lock. Raises ReportNotFound, and SetAside where none comes any more."""
    found = PostMortem.objects.filter(pk=post_mortem_id).values_list("incident_id", flat=True).first()
    if found is None:
        raise report_errors.ReportNotFound
    set_aside.locked(found)
    return PostMortem.objects.select_related("incident", "saved_by").get(pk=post_mortem_id)


def _as_seen(post_mortem_id: UUID, seen: int, state: DraftState) -> PostMortem:
    draft = locked_draft(post_mortem_id)
    if draft.saved_count != seen or draft.state != state:
        raise report_errors.ReportMovedOn
    return draft


def _lines(text: str) -> str:
    """With one kind of line end, as browsers send another than was shown to them."""
    return text.replace("\r\n", "\n").replace("\r", "\n")
