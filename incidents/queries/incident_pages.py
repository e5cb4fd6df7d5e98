"""One incident as one company reads it. All in the client scope: rows of others do not exist."""

import dataclasses
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import F, FilteredRelation, OuterRef, Q, QuerySet
from django.db.models.functions import Coalesce, JSONObject

from incidents import blocks, cohort, errors, promises
from incidents.choices import (
    Audience,
    CompanyState,
    EntrySource,
    RequestPolicy,
    RequestState,
    RosterPolicy,
    UpdateKind,
)
from incidents.curve import CurvePoint
from incidents.models import (
    AffectedComponent,
    Cohort,
    Incident,
    Recovery,
    RecoveryEntry,
    RosterEntry,
    Update,
)
from incidents.models.catalogue import IN_CATALOGUE_ORDER
from incidents.queries import (
    claim_rows,
    client_reports,
    downtime,
    headers,
    request_shapes,
    request_tracker,
    shapes,
    timelines,
)
from tenants import scope


def incident_page(
    reference: str,
    *,
    company_name: str,
    consents: bool,
    may_request: bool,
    now: datetime,
    may_report: bool = False,
) -> shapes.IncidentPage:
    """The incident page of the company of the scope, at `now`. Six statements, whatever the size,
    seven where it was merged.

    Raises IncidentNotFound for an unknown reference, a draft, and an incident of others.
    """
    own_recoveries = client_reports.with_reports(_own_recoveries(reference))
    recovery = (
        _with_merged(own_recoveries).select_related("incident__cohort", "incident__merged_into").first()
    )
    if recovery is None:
        raise errors.IncidentNotFound
    incident = recovery.incident
    component_names = _component_names(incident.pk)
    record = _record_of(recovery)
    entries, source_of = _own_entries(record.incident_id)
    own = _own_recovery(record, entries, now=now)
    updates = _updates(recovery, record, entries, now=now)
    shown = cohort.entries_in_effect(entries, now=now) if record is recovery else ()
    reports = client_reports.own_reports(recovery, component_names, may_report=may_report, now=now)
    header = headers.header(recovery, tuple(component_names.values()), now=now)
    return shapes.IncidentPage(
        incident=_with_own_promise(header, updates),
        recovery=own if record is recovery else headers.stored_recovery(recovery, now=now),
        cohort=_cohort_facts(recovery),
        roster=_roster(recovery, company_name=company_name, consents=consents),
        timeline=timelines.own_timeline(
            entries=[
                timelines.EntryRow(
                    at=entry.at,
                    state=entry.state,
                    component=component_names.get(entry.component_id, ""),
                    source=source_of[entry.id],
                )
                for entry in shown
            ],
            component_count=len({entry.component_id for entry in shown}),
            updates=updates,
            reports=reports.rows,
        ),
        claims=() if _never_was(incident) else claim_rows.of_incident(incident.pk, own, updates, now=now),
        updates=updates,
        promises=promises.tally(update.promise for update in updates),
        post_mortem=request_status(recovery, may_request=may_request, now=now),
        reports=reports,
        merged_from=tuple(shapes.OtherIncident(**told) for told in recovery.merged_here),
        as_of=now,
    )


def post_mortem_page(reference: str, *, may_request: bool, now: datetime) -> request_shapes.PostMortemPage:
    """The own request for the report on one incident, with all that belongs to it. Four statements.

    Raises IncidentNotFound like `incident_page`.
    """
    recovery = _own_recoveries(reference).select_related("incident").first()
    if recovery is None:
        raise errors.IncidentNotFound
    request_id = recovery.request_id
    status = request_status(recovery, may_request=may_request, now=now)
    return request_shapes.PostMortemPage(
        incident=headers.header(recovery, tuple(_component_names(recovery.incident_id).values()), now=now),
        recovery=headers.stored_recovery(
            recovery, now=now, counted=downtime.counted([recovery], now=now).get(recovery.incident_id)
        ),
        status=status,
        as_of=now,
        questions=request_tracker.questions(request_id) if request_id else (),
        recipients=request_tracker.recipients(request_id, recovery.company_id) if request_id else (),
        withdrawn=None if request_id else request_tracker.newest_withdrawn(recovery.incident_id),
        business_days=request_tracker.business_days(status.request, now=now) if status.request else None,
        business_days_are=settings.BUSINESS_CALENDAR.words,
    )


def recipients_page(reference: str, *, now: datetime) -> request_shapes.RecipientsPage:
    """The company's people, and for whom of them its request is. Three statements.

    Raises IncidentNotFound like `incident_page`, and RequestNotFound where nobody has asked.
    """
    recovery = _own_recoveries(reference).select_related("incident").first()
    if recovery is None:
        raise errors.IncidentNotFound
    if recovery.request_id is None:
        raise errors.RequestNotFound
    chosen = request_tracker.recipients(recovery.request_id, recovery.company_id)
    return request_shapes.RecipientsPage(
        incident=headers.header(recovery, (), now=now),
        colleagues=request_tracker.colleagues(recovery.company_id),
        chosen=tuple(each.id for each in chosen),
    )


_REQUEST_COLUMNS = (
    "id",
    "state",
    "requested_at",
    "requested_by_name",
    "purpose",
    "needed_by_on",
    "answer_due_at",
    "answered_at",
    "preliminary_due_at",
    "final_due_at",
    "decline_reason",
    "preliminary_delivered_at",
    "final_delivered_at",
)


def _own_recoveries(reference: str) -> QuerySet[Any]:
    """The company's recovery in the named incident, beside its request for the report if any."""
    company_id = scope.required().company_id
    return Recovery.objects.filter(
        incident__reference=reference, incident__published_at__isnull=False
    ).annotate(
        request=FilteredRelation(
            "incident__requests",
            condition=Q(
                incident__requests__company_id=company_id,
                incident__requests__state__in=RequestState.standing(),
            ),
        ),
        **{f"request_{column}": F(f"request__{column}") for column in _REQUEST_COLUMNS},
    )


def _with_merged(recoveries: QuerySet[Any]) -> QuerySet[Any]:
    """Recoveries with `merged_here`, what turned out to be part of the incident: no statement of its own."""
    merged = (
        Incident.objects.filter(merged_into=OuterRef("incident_id"))
        .order_by("started_at", "pk")
        .values(told=JSONObject(reference="reference", title="title"))
    )
    with_merged: QuerySet[Any] = recoveries.annotate(merged_here=ArraySubquery(merged))
    return with_merged


def _record_of(recovery: Recovery) -> Recovery:
    """The recovery that holds the company's record: of a merged incident the one where it goes on."""
    into = recovery.incident.merged_into_id
    if into is None:
        return recovery
    return Recovery.objects.select_related("incident").get(incident_id=into)


def _never_was(incident: Incident) -> bool:
    """Whether there is nothing that claims could be held against."""
    return incident.is_set_aside and incident.merged_into_id is None


def request_status(recovery: Any, *, may_request: bool, now: datetime) -> shapes.PostMortemStatus:
    """How far the request is, from a row of `_own_recoveries`."""
    policy = RequestPolicy(recovery.incident.request_policy)
    if recovery.request_state is None:
        return shapes.PostMortemStatus(
            policy=policy, request=None, can_request=may_request and policy is not RequestPolicy.CLOSED
        )
    return shapes.PostMortemStatus(
        policy=policy,
        request=shapes.PostMortemRequestState(
            state=RequestState(recovery.request_state),
            requested_at=recovery.request_requested_at,
            requested_by=recovery.request_requested_by_name,
            purpose=recovery.request_purpose,
            needed_by_on=recovery.request_needed_by_on,
            answer_due_at=recovery.request_answer_due_at,
            answered_at=recovery.request_answered_at,
            preliminary_due_at=recovery.request_preliminary_due_at,
            final_due_at=recovery.request_final_due_at,
            decline_reason=recovery.request_decline_reason,
            as_of=now,
            preliminary_delivered_at=recovery.request_preliminary_delivered_at,
            final_delivered_at=recovery.request_final_delivered_at,
            id=recovery.request_id,
            is_set_aside=recovery.incident.is_set_aside,
        ),
        can_request=False,
    )


def _component_names(incident_id: UUID) -> dict[UUID, str]:
    """Public names of the affected components by id, by data center and then in catalogue order."""
    rows = (
        AffectedComponent.objects.filter(incident_id=incident_id)
        .order_by(*IN_CATALOGUE_ORDER)
        .values_list("component_id", "component__name")
    )
    return dict(rows)


def _own_entries(incident_id: UUID) -> tuple[list[cohort.Entry], dict[UUID, EntrySource]]:
    """The company's entries in one incident, in no order, and where each of them (by id) came from."""
    rows = RecoveryEntry.objects.filter(incident_id=incident_id).values_list("source", *RecoveryEntry.FACTS)
    entries, source_of = [], {}
    for source, *facts in rows:
        entry = RecoveryEntry.fact(tuple(facts))
        source_of[entry.id] = EntrySource(source)
        entries.append(entry)
    return entries, source_of


def _own_recovery(
    recovery: Recovery, entries: Sequence[cohort.Entry], *, now: datetime
) -> shapes.OwnRecovery:
    """The stored row, with durations added up from the entries to `now`."""
    if downtime.differs_from_stored(recovery):
        return headers.stored_recovery(recovery, now=now, counted=downtime.of_one(recovery, entries, now=now))
    stored = headers.stored_recovery(recovery, now=now)
    if recovery.incident.is_set_aside:
        return stored
    added = cohort.own_recovery(entries, components=None, now=now)
    return dataclasses.replace(
        stored, outage_seconds=added.outage_seconds, degraded_seconds=added.degraded_seconds
    )


def _cohort_facts(recovery: Recovery) -> shapes.CohortFacts | None:
    incident = recovery.incident
    try:
        facts = incident.cohort
    except Cohort.DoesNotExist:
        return None
    return shapes.CohortFacts(
        affected_count=facts.affected_count,
        restored_count=facts.restored_count,
        tail_percent=facts.tail_percent,
        tail_count=facts.tail_count,
        restored_half_at=facts.restored_half_at,
        restored_share_at=facts.restored_share_at,
        all_restored_at=facts.all_restored_at,
        curve=tuple(
            CurvePoint(at=incident.started_at + timedelta(seconds=seconds), share=share)
            for seconds, share in facts.curve
        ),
        is_too_small=not facts.curve,
        is_final=facts.is_final,
        is_being_counted=facts.stale_since is not None,
        computed_at=facts.computed_at,
        started_at=incident.started_at,
    )


def _roster(recovery: Recovery, *, company_name: str, consents: bool) -> shapes.Roster:
    policy = RosterPolicy(recovery.incident.roster_policy)
    facts = getattr(recovery.incident, "cohort", None)
    tail_count = facts.tail_count if facts and policy is not RosterPolicy.HIDDEN else None
    rows = (
        RosterEntry.objects.filter(incident_id=recovery.incident_id).values_list("name", "restored_at")
        if policy is RosterPolicy.NAMES and tail_count
        else ()
    )
    names = sorted(
        (
            shapes.RosterName(
                name=name,
                restored_at=restored_at,
                # Others may have the same name: it is this company only if it is on the list at all.
                is_you=consents
                and bool(recovery.in_tail)
                and (name, restored_at) == (company_name, recovery.restored_at),
            )
            for name, restored_at in rows
        ),
        key=lambda row: row.name.casefold(),
    )
    return shapes.Roster(
        policy=policy,
        tail_count=tail_count,
        names=tuple(names),
        unnamed_count=(tail_count or 0) - len(names),
        you_consent=consents,
    )


def _updates(
    recovery: Recovery, record: Recovery, entries: Sequence[cohort.Entry], *, now: datetime
) -> tuple[shapes.UpdateText, ...]:
    """Newest first; worded for the own state, and held against `record` with its `entries`."""
    own_wording = Q(wordings__reader_state=blocks.reader_state(CompanyState(recovery.state)))
    rows = list(
        Update.objects.filter(incident_id=recovery.incident_id)
        .exclude(audience=Audience.STAFF)
        .annotate(
            own_wording=FilteredRelation("wordings", condition=own_wording),
            own_html=Coalesce("own_wording__body_html", "body_html"),
        )
        .order_by("-published_at", "-pk")
        .values_list("id", "kind", "published_at", "own_html", "next_update_at", "corrects_id")
    )
    correction_of = {
        corrects_id: update_id for update_id, *_rest, corrects_id in reversed(rows) if corrects_id
    }
    promised = promises.promises(
        [
            promises.Said(kind=UpdateKind(kind), at=at, promised_at=next_update_at)
            for _id, kind, at, _html, next_update_at, _corrects_id in reversed(rows)
        ],
        ended_at=recovery.incident.ended_at,
        now=now,
    )
    return tuple(
        shapes.UpdateText(
            id=update_id,
            kind=UpdateKind(kind),
            published_at=published_at,
            body_html=body_html,
            promise=promise,
            corrected_by_id=correction_of.get(update_id),
            corrects_id=corrects_id,
            contradicts_your_record=kind == UpdateKind.RESOLVED
            and not _was_restored(record, entries, at=published_at, now=now),
        )
        for (update_id, kind, published_at, body_html, _promised_at, corrects_id), promise in zip(
            rows, reversed(promised), strict=True
        )
    )


def _with_own_promise(
    header: shapes.IncidentHeader, updates: Sequence[shapes.UpdateText]
) -> shapes.IncidentHeader:
    """The header with the promise of the newest text that this company reads, which others may not read."""
    promise = updates[0].promise if updates else None
    is_open = promise is not None and promise.is_open
    return dataclasses.replace(
        header,
        next_update_at=promise.due_at if promise and is_open else None,
        next_update_is_late=bool(promise and promise.is_late),
    )


def _was_restored(
    recovery: Recovery, entries: Sequence[cohort.Entry], *, at: datetime, now: datetime
) -> bool:
    """Whether the record, as it is known `now`, says that the company was restored at that instant.

    A component with a later entry only was unknown then, and unknown is not restored; so is one
    that has none. A maintenance touches a company only where an entry says so.
    """
    components = frozenset(entry.component_id for entry in entries)
    if recovery.incident.is_maintenance and not components:
        return True
    is_unknown_for_silence = (
        recovery.state == CompanyState.UNKNOWN
        and cohort.own_recovery(entries, components=None, now=now).state is not CompanyState.UNKNOWN
    )
    then = cohort.own_recovery(entries, components=components, now=at)
    return then.state is CompanyState.RESTORED and not is_unknown_for_silence
