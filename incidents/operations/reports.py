"""Publish a version of the post-mortem with each company's annex; say that one has read it."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction

from incidents import recovery_sums, report_content, report_errors, report_facts, standings
from incidents.choices import ActionChangeKind, DraftState, PostMortemKind, PublicationKind
from incidents.models import (
    ActionChange,
    CorrectiveAction,
    Incident,
    PostMortem,
    PostMortemVersion,
    ReportReading,
)
from incidents.operations import postmortems, report_drafts
from incidents.operations.own_incident import own_incident
from incidents.queries import downtime
from tenants import audit
from tenants.actor import Actor
from tenants.permissions import Permission

_WRITE_ANNEXES = f"""
with {recovery_sums.RECORDED}, turn as (
    select company_id, at, state, jsonb_agg(component.name order by component.name) as names
    from recorded join incidents_component component on component.id = recorded.component_id
    where at <= %(now)s
    group by company_id, at, state
), course as (
    select company_id, jsonb_agg(
        jsonb_build_array(to_char(at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"+00:00"'), state, names)
        order by at, state
    ) as timeline
    from turn group by company_id
), annex as (insert into incidents_postmortemannex (
    company_id, incident_id, version_id, state, impacted_at, restored_at, outage_seconds, degraded_seconds,
    rank, percentile, in_tail, is_final, timeline
)
select own.company_id, own.incident_id, %(version)s, own.state, own.impacted_at, own.restored_at,
    coalesce(counted.outage_seconds,
        own.outage_seconds + case when own.state = 'outage' then since.seconds else 0 end),
    coalesce(counted.degraded_seconds,
        own.degraded_seconds + case when own.state = 'degraded' then since.seconds else 0 end),
    own.rank, own.percentile, own.in_tail, own.is_final, coalesce(course.timeline, '[]')
from incidents_recovery own
cross join lateral (
    select greatest(0, extract(epoch from %(now)s - own.measured_at)::integer) as seconds
) since
left join course on course.company_id = own.company_id
left join unnest(%(planned)s::uuid[], %(outage)s::int[], %(degraded)s::int[])
    as counted(company_id, outage_seconds, degraded_seconds) on counted.company_id = own.company_id
where own.incident_id = %(incident)s
returning 1)
select count(*) from annex
"""  # noqa: S608 - put together of constants
"""Each affected company's own record as it is now, in one statement whatever their number. The entries in
effect are those of `cohort.entries_in_effect`; of the companies in `planned` it is said what counts."""


def publish(
    actor: Actor,
    *,
    post_mortem_id: UUID,
    kind: PublicationKind,
    number: int,
    change_note: str,
    now: datetime,
) -> PostMortemVersion:
    """Freeze the report as version `number`, the next one, and deliver it to all who hold it. Staff scope.

    Texts, facts, and the annex of every affected company are of one record version. Raises ReportNotFound,
    SetAside, ReportMovedOn where that number is taken, NotReviewed, WrongPublication, NotOver for a final
    report of an incident that can still move, EmptyReport, ContradictsRecord and what
    `report_drafts.prepared` raises.
    """
    with transaction.atomic():
        draft = report_drafts.locked_draft(post_mortem_id)
        incident = draft.incident
        _refuse_kind(incident, kind, number)
        if settings.POST_MORTEM_SECOND_PERSON and draft.state != DraftState.REVIEWED:
            raise report_errors.NotReviewed
        standings.count_waiting(incident, now=now)
        ready = report_drafts.prepared(draft, now=now)
        report_drafts.refuse_unfinished(draft, ready)
        standings.bump(incident)
        version = _version(actor, draft, kind, number, ready.content.frozen(), now=now)
        version.change_note = change_note.strip()
        version.save(force_insert=True)
        values = {"incident": incident.pk, "version": version.pk, "companies": None, "now": now}
        recovery_sums.row(_WRITE_ANNEXES, values | _counted(incident, now=now))
        _publish_actions(actor, incident, now=now)
        draft.state, draft.written_by_ids, draft.reviewed_by_id = DraftState.DRAFT, [], None
        draft.save(update_fields=["state", "written_by_ids", "reviewed_by"])
        _deliver(actor, incident, kind, now=now)
        audit.record(
            actor,
            "report.published",
            version,
            now=now,
            incident=str(incident.pk),
            kind=str(kind),
            number=number,
            sha256=version.sha256,
            footnotes=len(ready.content.footnotes),
        )
    return version


def next_kinds(incident: Incident) -> tuple[PublicationKind, ...]:
    """What the next version of an incident's report can be, the usual one first. Staff scope."""
    published = set(PostMortemVersion.objects.filter(incident=incident).values_list("kind", flat=True))
    if PublicationKind.FINAL in published:
        return (PublicationKind.REVISION,)
    if PublicationKind.PRELIMINARY in published:
        return (PublicationKind.FINAL, PublicationKind.REVISION)
    return (PublicationKind.PRELIMINARY, PublicationKind.FINAL)


def next_number(incident: Incident) -> int:
    """The number of the next version. Staff scope."""
    return PostMortemVersion.objects.filter(incident=incident).count() + 1


def say_read(actor: Actor, *, reference: str, number: int, now: datetime) -> bool:
    """Say in the actor's name that it has read a version; whether that is new. Runs in the client scope.

    Raises NotPermitted, IncidentNotFound, and ReportNotFound where the company does not hold it.
    """
    with transaction.atomic():
        company, incident = own_incident(actor, Permission.READ_INCIDENTS, reference)
        version = (
            PostMortemVersion.objects.filter(incident_id=incident.pk, number=number)
            .only("id", "number")
            .first()
        )
        if version is None or actor.user_id is None:
            raise report_errors.ReportNotFound
        if ReportReading.objects.filter(version_id=version.pk, user_id=actor.user_id).exists():
            return False
        reading = ReportReading(
            company_id=company.id,
            version_id=version.pk,
            user_id=actor.user_id,
            user_name=actor.name,
            read_at=now,
        )
        ReportReading.objects.bulk_create([reading], ignore_conflicts=True)
        if not ReportReading.objects.filter(pk=reading.pk).exists():
            return False
        _audit_own(actor, "report.read", version, company.id, now=now)
    return True


def record_opening(actor: Actor, *, version_id: UUID, number: int, now: datetime) -> None:
    """Write down that a person of a company has opened a version. Runs in the client scope."""
    if actor.company is not None:
        version = PostMortemVersion(id=version_id, number=number)
        _audit_own(actor, "report.opened", version, actor.company.id, now=now)


def _audit_own(
    actor: Actor, action: str, version: PostMortemVersion, company_id: UUID, *, now: datetime
) -> None:
    audit.record(actor, action, version, now=now, company_id=company_id, number=version.number)


def _refuse_kind(incident: Incident, kind: PublicationKind, number: int) -> None:
    if number != next_number(incident):
        raise report_errors.ReportMovedOn
    if kind not in next_kinds(incident):
        raise report_errors.WrongPublication
    if kind is PublicationKind.FINAL and not incident.is_over:
        raise report_errors.NotOver


def _version(
    actor: Actor,
    draft: PostMortem,
    kind: PublicationKind,
    number: int,
    content: dict[str, object],
    *,
    now: datetime,
) -> PostMortemVersion:
    incident = draft.incident
    facts = report_facts.of_incident(incident, now=now).frozen()
    return PostMortemVersion(
        incident=incident,
        number=number,
        kind=kind,
        content=content,
        facts=facts,
        record_version=incident.version,
        sha256=report_content.digest(
            kind=kind, number=number, record_version=incident.version, content=content, facts=facts
        ),
        published_at=now,
        published_by_id=actor.user_id,
        reviewed_by_id=draft.reviewed_by_id,
    )


def _counted(incident: Incident, *, now: datetime) -> dict[str, list[Any]]:
    """What counts for the companies of a maintenance, as the statement on annexes takes it."""
    counted = downtime.counted_by_company(incident, now=now)
    return {
        "planned": list(counted),
        "outage": [each.outage_seconds for each in counted.values()],
        "degraded": [each.degraded_seconds for each in counted.values()],
    }


def _publish_actions(actor: Actor, incident: Incident, *, now: datetime) -> None:
    """The promises that no version held before can be read from now on, and their history begins."""
    new = list(
        CorrectiveAction.objects.select_for_update()
        .filter(incident=incident, published_at=None)
        .order_by("number")
    )
    ActionChange.objects.bulk_create(
        ActionChange(
            incident=incident,
            action=action,
            kind=ActionChangeKind.PROMISED,
            state=action.state,
            due_on=action.due_on,
            at=now,
            by_id=actor.user_id,
        )
        for action in new
    )
    CorrectiveAction.objects.filter(pk__in=[action.pk for action in new]).update(published_at=now)


def _deliver(actor: Actor, incident: Incident, kind: PublicationKind, *, now: datetime) -> None:
    """One publication serves all who asked; a revision goes to those who hold what it revises."""
    if kind is PublicationKind.REVISION:
        final = PostMortemVersion.objects.filter(incident=incident, kind=PublicationKind.FINAL)
        kind = PublicationKind.FINAL if final.exists() else PublicationKind.PRELIMINARY
    postmortems.deliver(incident, kind=PostMortemKind(kind), now=now, actor=actor)
