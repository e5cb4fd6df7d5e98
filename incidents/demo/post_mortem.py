"""The founding incident's report: preliminary with a claim that the record contradicts, then final."""

from datetime import date, datetime, timedelta
from uuid import UUID

from incidents import report_timeline
from incidents.choices import ActionState, PublicationKind
from incidents.demo import founding, others, people, report_texts, world
from incidents.demo.founding_texts import on_the_day
from incidents.models import CorrectiveAction, Incident, PostMortem
from incidents.operations import corrective_actions, postmortems, report_drafts, reports
from incidents.operations.corrective_actions import Words
from tenants import scope

_ASKED_AT = on_the_day(9, 12, day=5)
_GLOBEX_ASKED_AT = on_the_day(15, 5, day=5)
_ACCEPTED_AT = on_the_day(10, 40, day=5)
_PRELIMINARY_AT = on_the_day(19, 38, day=5)
_FINAL_AT = on_the_day(11, 0, day=17)
_CAPACITY_DUE_ON = date(2026, 3, 13)
_CAPACITY_DONE_AT = on_the_day(16, 20, day=27)
_READ_AT = on_the_day(14, 5, day=17)


def write(*, now: datetime) -> None:
    """Acme asks and holds both versions, Globex asks and waits. Enters its own scopes."""
    ask_for = "Our auditors want the cause, and what will keep it from happening again."
    asked = _ask(people.ADA, world.ACME, ask_for, now=_ASKED_AT)
    with scope.as_staff():
        postmortems.accept(people.actor(people.SAM), request_ids=[asked], now=_ACCEPTED_AT)
        draft = _begin(now=now)
        _publish(draft, PublicationKind.PRELIMINARY, now=_PRELIMINARY_AT)
    _ask(
        people.GUS,
        world.GLOBEX,
        "Our insurer asks for the cause, and for what will keep it from happening again.",
        now=_GLOBEX_ASKED_AT,
    )
    with scope.as_staff():
        _save(draft, report_texts.FINAL, reasons={}, now=_FINAL_AT)
        _publish(draft, PublicationKind.FINAL, now=_FINAL_AT)
    ada = people.actor(people.ADA, world.ACME)
    with scope.as_company(world.key("company", world.ACME), user_id=ada.user_id):
        reports.say_read(ada, reference=founding.REFERENCE, number=2, now=_READ_AT)
        corrective_actions.follow(ada, reference=founding.REFERENCE, number=1, is_wanted=True, now=_READ_AT)


def keep_up(*, now: datetime) -> None:
    """What became of the promises until `now`: one kept, one put off, one overdue. Staff scope."""
    sam = people.actor(people.SAM)
    audit, capacity, _redirection = CorrectiveAction.objects.filter(
        incident__reference=founding.REFERENCE
    ).order_by("number")
    corrective_actions.move_on(
        sam,
        action_id=capacity.pk,
        state=ActionState.DONE,
        due_on=capacity.due_on,
        note=report_texts.CAPACITY_EVIDENCE,
        now=_CAPACITY_DONE_AT,
    )
    corrective_actions.move_on(
        sam,
        action_id=audit.pk,
        state=ActionState.IN_PROGRESS,
        due_on=audit.due_on,
        note=report_texts.AUDIT_NOTE,
        now=now - timedelta(days=40),
    )
    corrective_actions.link_again(
        sam,
        action_id=capacity.pk,
        later=Incident.objects.get(reference=others.MINOR),
        note=report_texts.AGAIN_NOTE,
        now=now - timedelta(days=19),
    )


def _begin(*, now: datetime) -> PostMortem:
    """The draft as it was on 5 February, with its three promises. Staff scope."""
    sam = people.actor(people.SAM)
    incident = Incident.objects.get(reference=founding.REFERENCE)
    draft = report_drafts.begin(
        sam, incident_id=incident.pk, zone=report_texts.ZONE, now=on_the_day(9, 0, day=5)
    )
    # Two of the dates stand around the day of loading, so that one is overdue and one is not.
    for words, due_on in zip(
        report_texts.ACTIONS,
        ((now + timedelta(days=26)).date(), _CAPACITY_DUE_ON, (now - timedelta(days=11)).date()),
        strict=True,
    ):
        title, text, owner = words
        corrective_actions.promise(
            sam,
            incident_id=incident.pk,
            words=Words(title=title, text=text, owner=owner, due_on=due_on),
            now=on_the_day(17, 30, day=5),
        )
    _save(
        draft,
        report_texts.PRELIMINARY,
        reasons={"total_duration: 4 h 30 min": report_texts.REASON},
        now=on_the_day(18, 10, day=5),
    )
    return draft


def _save(draft: PostMortem, texts: dict[str, str], *, reasons: dict[str, str], now: datetime) -> None:
    draft.refresh_from_db()
    lines = report_timeline.written(report_timeline.read(report_texts.TIMELINE, draft.zone), draft.zone)
    report_drafts.save(
        people.actor(people.SAM),
        post_mortem_id=draft.pk,
        seen=draft.saved_count,
        texts={**texts, "timeline": lines},
        acknowledged=reasons,
        now=now,
    )


def _publish(draft: PostMortem, kind: PublicationKind, *, now: datetime) -> None:
    """Reviewed by a second person, then published. Staff scope."""
    sam, second = people.actor(people.SAM), people.actor(people.REN)
    draft.refresh_from_db()
    report_drafts.send_to_review(sam, post_mortem_id=draft.pk, seen=draft.saved_count, now=now)
    report_drafts.approve(second, post_mortem_id=draft.pk, seen=draft.saved_count, now=now)
    reports.publish(
        sam,
        post_mortem_id=draft.pk,
        kind=kind,
        number=reports.next_number(draft.incident),
        change_note=report_texts.CHANGE_NOTE if kind is PublicationKind.FINAL else "",
        now=now,
    )


def _ask(person: people.Person, slug: str, purpose: str, *, now: datetime) -> UUID:
    asking = people.actor(person, slug)
    with scope.as_company(world.key("company", slug), user_id=asking.user_id):
        asked, _is_new = postmortems.request(
            asking,
            reference=founding.REFERENCE,
            purpose=purpose,
            needed_by_on=on_the_day(0, 0, day=20).date(),
            now=now,
        )
    return asked.pk
