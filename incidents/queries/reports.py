"""Reports as the companies that hold them read them. All in the client scope, but for `assembled`."""

from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from incidents import clocks, fields, report_content, report_errors, report_facts
from incidents.choices import ActionState, CompanyState, PublicationKind
from incidents.claims import Claim
from incidents.models import CorrectiveAction, Incident, PostMortemAnnex, PostMortemVersion, ReportReading
from incidents.queries import claim_rows, report_shapes, shapes
from incidents.queries.report_shapes import ReportPage, ReportVersion
from incidents.report_content import SECTIONS, Content, Text
from incidents.report_facts import Facts
from tenants.models import Company

CAUSES = ("root_cause", "contributing_causes")


def report_page(
    reference: str, *, zone: str, now: datetime, number: int | None = None, user_id: UUID | None = None
) -> ReportPage:
    """Version `number`, or the newest, for the company of the scope. Six statements.

    Raises ReportNotFound where the company does not hold a report with that version.
    """
    incident, versions = held_versions(reference)
    version = version_of(incident, versions, number)
    return assembled(
        version_id=version.pk,
        incident=incident,
        version=next(each for each in versions if each.number == version.number),
        versions=versions,
        content=report_content.thawed(version.content),
        facts=report_facts.thawed(version.facts),
        annex=PostMortemAnnex.objects.filter(version_id=version.pk).first(),
        states=CorrectiveAction.objects.filter(incident_id=incident.pk).values_list(
            "number", "state", "due_on"
        ),
        readings=_readings(version.pk, user_id),
        record_version=version.record_version,
        sha256=version.sha256,
        zone=zone,
        now=now,
    )


def report_of_version(
    version_id: UUID, *, company_id: UUID, zone: str, now: datetime
) -> tuple[ReportPage, str]:
    """A version by its id, and the name of the company, whose scope it is. Raises ReportNotFound."""
    found = (
        PostMortemVersion.objects.filter(pk=version_id).values_list("incident__reference", "number").first()
    )
    if found is None:
        raise report_errors.ReportNotFound
    reference, number = found
    # The row policy shows a company no other than itself.
    name = Company.objects.filter(pk=company_id).values_list("name", flat=True).get()
    return report_page(reference, zone=zone, now=now, number=number), name


def versions_of(reference: str) -> tuple[ReportVersion, ...]:
    """The published versions that the company holds, newest first; empty where it holds none."""
    return _as_rows(
        PostMortemVersion.objects.filter(incident__reference=reference).values_list(*_VERSION_COLUMNS)
    )


def assembled(
    *,
    version_id: UUID | None,
    incident: Incident,
    version: ReportVersion,
    versions: tuple[ReportVersion, ...],
    content: Content,
    facts: Facts,
    annex: PostMortemAnnex | None,
    states: Iterable[tuple[int, str, date | None]],
    readings: tuple[report_shapes.Reading, ...],
    record_version: int,
    sha256: str,
    zone: str,
    now: datetime,
) -> ReportPage:
    """A page from its parts: of a version, or of a draft that is looked at. No statement of its own.

    `annex` is the account's that reads; `states` are (number, state, due) of the actions as they are now.
    """
    own = own_words(annex, now=facts.as_of)
    sections = {
        name: report_shapes.ReportSection(name=name, title=SECTIONS[name], text=_as_read(text, own, zone))
        for name, text in content.sections.items()
    }
    return ReportPage(
        version_id=version_id,
        reference=incident.reference,
        title=incident.title,
        version=version,
        versions=versions,
        summary=sections.get("summary"),
        causes=tuple(sections[name] for name in CAUSES if name in sections),
        comes_next=sections.get("comes_next"),
        facts=facts,
        cohort=_cohort(facts),
        timeline=tuple(
            report_shapes.ReportMoment(
                from_at=moment.from_at,
                until_at=moment.until_at,
                heading=moment.heading,
                text=_as_read(moment.text, own, zone),
            )
            for moment in content.timeline
        ),
        actions=_actions(content, states, lambda text: _as_read(text, own, zone), zone=zone, now=now),
        footnotes=content.footnotes,
        annex=_annex(annex, facts) if annex else None,
        readings=readings,
        record_version=record_version,
        sha256=sha256,
        zone=zone,
        as_of=now,
    )


def is_overdue(state: str, due_on: date | None, *, zone: str, now: datetime) -> bool:
    """Whether the day by which an action was promised is past in `zone` while it is not over."""
    is_past = due_on is not None and now.astimezone(ZoneInfo(zone)).date() > due_on
    return is_past and not ActionState(state).is_over


_VERSION_COLUMNS = ("number", "kind", "change_note", "published_at")


def held_versions(reference: str) -> tuple[Incident, tuple[ReportVersion, ...]]:
    incident = Incident.objects.filter(reference=reference, published_at__isnull=False).first()
    versions = versions_of(reference) if incident else ()
    if incident is None or not versions:
        raise report_errors.ReportNotFound
    return incident, versions


def version_of(
    incident: Incident, versions: Sequence[ReportVersion], number: int | None
) -> PostMortemVersion:
    wanted = versions[0].number if number is None else number
    found: PostMortemVersion | None = (
        PostMortemVersion.objects.filter(incident_id=incident.pk, number=wanted)
        .only("number", "content", "facts", "record_version", "sha256", "published_at")
        .first()
    )
    if found is None:
        raise report_errors.ReportNotFound
    return found


def _as_rows(rows: Iterable[tuple[Any, ...]]) -> tuple[ReportVersion, ...]:
    revisions, found = 0, []
    for number, kind, change_note, published_at in sorted(rows):
        is_revision = kind == PublicationKind.REVISION
        revisions += is_revision
        found.append(
            ReportVersion(
                number=number,
                kind=PublicationKind(kind),
                revision=revisions if is_revision else 0,
                change_note=change_note,
                published_at=published_at,
            )
        )
    return tuple(reversed(found))


def _readings(version_id: UUID, user_id: UUID | None) -> tuple[report_shapes.Reading, ...]:
    rows = ReportReading.objects.filter(version_id=version_id).order_by("read_at", "id")
    return tuple(
        report_shapes.Reading(name=name, read_at=read_at, is_you=reader == user_id and user_id is not None)
        for reader, name, read_at in rows.values_list("user_id", "user_name", "read_at")
    )


def own_words(annex: PostMortemAnnex | None, *, now: datetime) -> fields.Own | None:
    """What a text may say of the account that reads: its record at publication."""
    if annex is None:
        return None
    return fields.Own(
        state=CompanyState(annex.state).label,
        impacted_at=annex.impacted_at,
        restored_at=annex.restored_at,
        total_seconds=_total_seconds(annex, now),
    )


def _as_read(text: Text, own: fields.Own | None, zone: str) -> Text:
    return Text(markdown=fields.as_plain(text.markdown, own, zone), html=fields.as_read(text.html, own, zone))


def _cohort(facts: Facts) -> shapes.CohortFacts | None:
    if not facts.affected_count:
        return None
    return shapes.CohortFacts(
        affected_count=facts.affected_count,
        restored_count=facts.restored_count,
        tail_percent=facts.tail_percent,
        tail_count=facts.tail_count,
        restored_half_at=facts.restored_half_at,
        restored_share_at=facts.restored_share_at,
        all_restored_at=facts.all_restored_at,
        curve=facts.points,
        is_too_small=not facts.curve,
        is_being_counted=False,
        is_final=facts.is_final,
        computed_at=facts.as_of,
        started_at=facts.started_at,
    )


def _actions(
    content: Content,
    states: Iterable[tuple[int, str, date | None]],
    as_read: Callable[[Text], Text],
    *,
    zone: str,
    now: datetime,
) -> tuple[report_shapes.ReportAction, ...]:
    now_of = {number: (state, due_on) for number, state, due_on in states}
    found = []
    for promise in content.actions:
        state, due_on = now_of.get(promise.number, (None, promise.due_on))
        found.append(
            report_shapes.ReportAction(
                number=promise.number,
                title=promise.title,
                owner=promise.owner,
                due_on=promise.due_on,
                text=as_read(promise.text),
                state=ActionState(state) if state else None,
                due_now_on=due_on,
                is_overdue=state is not None and is_overdue(state, due_on, zone=zone, now=now),
            )
        )
    return tuple(found)


def _annex(annex: PostMortemAnnex, facts: Facts) -> report_shapes.Annex:
    recovery = shapes.OwnRecovery(
        state=CompanyState(annex.state),
        impacted_at=annex.impacted_at,
        restored_at=annex.restored_at,
        outage_seconds=annex.outage_seconds,
        degraded_seconds=annex.degraded_seconds,
        total_seconds=_total_seconds(annex, facts.as_of),
        rank=annex.rank,
        percentile=annex.percentile,
        in_tail=annex.in_tail,
        is_provisional=not annex.is_final,
        as_of=facts.as_of,
    )
    return report_shapes.Annex(
        recovery=recovery,
        turns=tuple(
            report_shapes.AnnexTurn(
                at=datetime.fromisoformat(at), state=CompanyState(state), components=tuple(components)
            )
            for at, state, components in annex.timeline
        ),
        claims=tuple(
            claim_rows.compared(
                Claim(kind=each.kind, at=each.at, seconds=each.seconds),
                recovery,
                source=each.source,
                posted_at=each.posted_at,
                now=facts.as_of,
            )
            for each in facts.said
        ),
    )


def _total_seconds(annex: PostMortemAnnex, now: datetime) -> int | None:
    if annex.impacted_at is None:
        return None
    return clocks.seconds_between(annex.impacted_at, annex.restored_at or now)
