"""The last companies of an incident to recover, as staff read them: the tail, and who is not restored yet."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Count, Exists, F, Model, OuterRef, Q, QuerySet, Subquery

from incidents import clocks, cohort
from incidents.choices import CompanyState, RecoveryReason, ShownAs
from incidents.models import AffectedPlacement, Cohort, Incident, Recovery, RecoveryNote, RosterEntry

M = TypeVar("M", bound=Model)

PAGE_SIZE = 50
MOST_PAGES = 10_000
_OPEN = Q(restored_at=None)
"""Not restored: a check of the table holds the instant and the state together."""
WITHOUT_REASON = "none"
"""In place of a reason: companies to which nobody gave one yet."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """Which of the companies are meant; empty values mean all."""

    search: str = ""
    standing: str = ""
    """'tail' or 'open'."""
    data_center_id: UUID | None = None
    reason: str = ""
    """A RecoveryReason or WITHOUT_REASON."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TailRow:
    """One company that came back late, or is not back yet."""

    recovery_id: UUID
    company_id: UUID
    name: str
    slug: str
    consents: bool
    state: CompanyState
    impacted_at: datetime | None
    restored_at: datetime | None
    in_tail: bool | None
    """None while the tail is not defined."""
    late_seconds: int | None
    """After the first share was restored: until this company was, or until `as_of`."""
    data_centers: tuple[str, ...]
    shown_as: ShownAs
    reason: RecoveryReason | None
    note: str
    written_at: datetime | None
    written_by: str

    @property
    def is_restored(self) -> bool:
        return self.restored_at is not None


@dataclass(frozen=True, kw_only=True, slots=True)
class TailPage:
    """One page of the list: not restored first, longest down first; then the last restored first."""

    rows: tuple[TailRow, ...]
    affected_count: int
    open_count: int
    tail_count: int
    named_count: int
    """Companies of the tail whose name the other affected ones read."""
    tail_percent: int
    share_at: datetime | None
    total_count: int
    """Of the rows that are asked for."""
    page_number: int
    has_next: bool
    as_of: datetime

    @property
    def first_percent(self) -> int:
        return 100 - self.tail_percent


def tail_page(incident: Incident, asked: Asked, *, page_number: int, now: datetime) -> TailPage:
    """One page of the tail and of those not restored. Seven statements, whatever the number. Staff scope."""
    share_at = restored_share_at(incident, incident.tail_percent)
    counts = Recovery.objects.filter(incident=incident).aggregate(
        affected=Count("pk"), open=Count("pk", filter=_OPEN), tail=Count("pk", filter=in_tail(share_at))
    )
    found = meant(incident, asked, share_at=share_at)
    first = (page_number - 1) * PAGE_SIZE
    shown = rows(incident, found[first : first + PAGE_SIZE + 1], share_at=share_at, now=now)
    return TailPage(
        rows=shown[:PAGE_SIZE],
        affected_count=counts["affected"],
        open_count=counts["open"],
        tail_count=counts["tail"],
        named_count=RosterEntry.objects.filter(incident=incident).count(),
        tail_percent=incident.tail_percent,
        share_at=share_at,
        total_count=found.count(),
        page_number=page_number,
        has_next=len(shown) > PAGE_SIZE,
        as_of=now,
    )


def restored_share_at(incident: Incident, tail_percent: int) -> datetime | None:
    """When all but the last `tail_percent` were restored, in a cohort of any size; None before it.

    Two statements. Published is the same instant, for a cohort that is large enough.
    """
    affected = Recovery.objects.filter(incident=incident)
    place = cohort.companies_in(100 - tail_percent, affected_count=affected.count())
    restored = affected.filter(restored_at__isnull=False).order_by("restored_at")
    instants = restored.values_list("restored_at", flat=True)
    return next(iter(instants[place - 1 : place]), None) if place else None


def in_tail(share_at: datetime | None) -> Q:
    """Restored strictly later than the first share, or not restored; nobody while that is undefined."""
    return Q(pk__in=()) if share_at is None else _OPEN | Q(restored_at__gt=share_at)


def meant(incident: Incident, asked: Asked, *, share_at: datetime | None) -> QuerySet[Recovery]:
    """The recoveries of the list that are asked for, in its order."""
    listed = Recovery.objects.filter(_OPEN | in_tail(share_at), incident=incident)
    if asked.standing == "tail":
        listed = listed.filter(in_tail(share_at))
    elif asked.standing == "open":
        listed = listed.filter(_OPEN)
    if asked.search:
        listed = listed.filter(
            Q(company__name__icontains=asked.search) | Q(company__slug__icontains=asked.search)
        )
    if asked.data_center_id:
        placed = _of_company(AffectedPlacement, incident)
        listed = listed.filter(Exists(placed.filter(component__data_center=asked.data_center_id)))
    if asked.reason:
        notes = _of_company(RecoveryNote, incident)
        is_without = asked.reason == WITHOUT_REASON
        listed = listed.filter(~Exists(notes) if is_without else Exists(notes.filter(reason=asked.reason)))
    return listed.order_by(
        F("restored_at").desc(nulls_first=True), F("impacted_at").asc(nulls_last=True), "pk"
    )


def rows(
    incident: Incident, recoveries: QuerySet[Recovery], *, share_at: datetime | None, now: datetime
) -> tuple[TailRow, ...]:
    """The rows of these recoveries, in their order. Two statements."""
    is_counted = Cohort.objects.filter(incident=incident, tail_count__isnull=False).exists()
    note = _of_company(RecoveryNote, incident)
    codes = _of_company(AffectedPlacement, incident).values_list("component__data_center__code", flat=True)
    annotated: QuerySet[Any] = recoveries.select_related("company").annotate(
        is_named=Exists(_of_company(RosterEntry, incident)),
        codes=ArraySubquery(codes.order_by("component__data_center__code").distinct()),
        reason=Subquery(note.values("reason")),
        note=Subquery(note.values("text")),
        written_at=Subquery(note.values("written_at")),
        written_by=Subquery(note.values("written_by__name")),
    )
    return tuple(
        TailRow(
            recovery_id=each.pk,
            company_id=each.company_id,
            name=each.company.name,
            slug=each.company.slug,
            consents=each.company.consents_to_be_named,
            state=CompanyState(each.state),
            impacted_at=each.impacted_at,
            restored_at=each.restored_at,
            in_tail=None if share_at is None else each.restored_at is None or each.restored_at > share_at,
            late_seconds=None
            if share_at is None
            else clocks.seconds_between(share_at, each.restored_at or now),
            data_centers=tuple(each.codes),
            shown_as=_shown_as(each, is_counted=is_counted),
            reason=RecoveryReason(each.reason) if each.reason else None,
            note=each.note or "",
            written_at=each.written_at,
            written_by=each.written_by or "",
        )
        for each in annotated
    )


def _of_company(model: type[M], incident: Incident) -> QuerySet[M]:
    """The rows of a table that are of the recovery's company in this incident, for a subquery."""
    found: QuerySet[M] = model._default_manager.filter(incident=incident, company=OuterRef("company"))  # noqa: SLF001 - Django's documented way
    return found


def _shown_as(recovery: Any, *, is_counted: bool) -> ShownAs:
    """What the published list holds of it: as it was written, not as it would be written now."""
    if recovery.is_named:
        return ShownAs.NAMED
    return ShownAs.COUNTED if recovery.in_tail and is_counted else ShownAs.NOT_SHOWN
