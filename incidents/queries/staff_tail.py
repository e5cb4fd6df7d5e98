"""The last companies of an incident to recover, as staff read them: the tail, and who is not restored yet."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar
from uuid import UUID

from django.db.models import Count, Exists, F, Model, OuterRef, Q, QuerySet

from incidents import clocks, cohort
from incidents.choices import CompanyState, RecoveryReason, ShownAs
from incidents.models import (
    AffectedPlacement,
    Cohort,
    Component,
    Incident,
    Recovery,
    RecoveryNote,
    RosterEntry,
)

M = TypeVar("M", bound=Model)

PAGE_SIZE = 50
MOST_PAGES = 10_000
_FEW = 1_000
"""Up to so many companies are looked up one by one; of more the whole incident's are read."""
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
    """One page of the tail and of those not restored. Ten statements, whatever the number. Staff scope."""
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
        there = Component.objects.filter(incidents=incident, data_center=asked.data_center_id)
        placed = _of_company(AffectedPlacement, incident)
        # Few keys, looked up before: the rows of a hundred thousand companies need no join then.
        listed = listed.filter(Exists(placed.filter(component__in=list(there.values_list("pk", flat=True)))))
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
    """The rows of these recoveries, in their order. Five statements, however many they are."""
    found = list(recoveries.select_related("company"))
    few = {"company__in": [each.company_id for each in found]} if len(found) <= _FEW else {}
    is_counted = Cohort.objects.filter(incident=incident, tail_count__isnull=False).exists()
    named = set(RosterEntry.objects.filter(incident=incident, **few).values_list("company_id", flat=True))
    notes = {
        note.company_id: note
        for note in RecoveryNote.objects.filter(incident=incident, **few).select_related("written_by")
    }
    codes: dict[UUID, set[str]] = defaultdict(set)
    placed = AffectedPlacement.objects.filter(incident=incident, **few)
    for company_id, code in placed.values_list("company_id", "component__data_center__code"):
        codes[company_id].add(code)
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
            data_centers=tuple(sorted(codes[each.company_id])),
            shown_as=_shown_as(each, is_named=each.company_id in named, is_counted=is_counted),
            reason=RecoveryReason(note.reason) if note else None,
            note=note.text if note else "",
            written_at=note.written_at if note else None,
            written_by=note.written_by.name if note and note.written_by else "",
        )
        for each in found
        for note in (notes.get(each.company_id),)
    )


def _of_company(model: type[M], incident: Incident) -> QuerySet[M]:
    """The rows of a table that are of the recovery's company in this incident, for a subquery."""
    found: QuerySet[M] = model._default_manager.filter(incident=incident, company=OuterRef("company"))  # noqa: SLF001 - Django's documented way
    return found


def _shown_as(recovery: Recovery, *, is_named: bool, is_counted: bool) -> ShownAs:
    """What the published list holds of it: as it was written, not as it would be written now."""
    if is_named:
        return ShownAs.NAMED
    return ShownAs.COUNTED if recovery.in_tail and is_counted else ShownAs.NOT_SHOWN
