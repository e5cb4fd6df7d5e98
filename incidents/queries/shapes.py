"""The frozen shapes that leave the domain: what a page, a mail or an endpoint renders."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal
from uuid import UUID

from incidents.choices import (
    ClaimKind,
    CompanyState,
    IncidentKind,
    IncidentState,
    ReportKind,
    ReportState,
    RequestPolicy,
    RequestState,
    RosterPolicy,
    Severity,
    UpdateKind,
    Verdict,
)
from incidents.curve import CurvePoint
from incidents.promises import Promise, Tally

Clock = Literal["announced", "measured", "reported"]


@dataclass(frozen=True, kw_only=True)
class OtherIncident:
    """An incident that this one became, or that became part of this one."""

    reference: str
    title: str


@dataclass(frozen=True, kw_only=True)
class SetAside:
    """Since when and why an incident counts nowhere; `merged_into` where it goes on as another one."""

    at: datetime
    reason: str
    merged_into: OtherIncident | None


@dataclass(frozen=True, kw_only=True)
class IncidentHeader:
    """What an incident is called and where it stands for the company that asks.

    `is_open_for_you` follows the company's own record, whatever `state` says: an incident is
    open for a company until that company is restored.
    """

    id: UUID
    reference: str
    title: str
    kind: IncidentKind
    severity: Severity
    state: IncidentState
    """Of a maintenance by the clock."""
    started_at: datetime
    planned_end_at: datetime | None
    detected_at: datetime | None
    resolved_at: datetime | None
    set_aside: SetAside | None
    """For a cancelled maintenance, a false alarm and an incident that was merged."""
    next_update_at: datetime | None
    """When the newest text that the company reads promised the next one."""
    next_update_is_late: bool
    components: tuple[str, ...]
    """Public names of the affected components, in catalogue order."""
    is_open_for_you: bool

    @property
    def is_maintenance(self) -> bool:
        return self.kind is IncidentKind.MAINTENANCE

    @property
    def takes_longer(self) -> bool:
        """Whether the planned end of a maintenance has passed and nobody has said that it is completed."""
        return self.state is IncidentState.VERIFYING

    @property
    def ended_early(self) -> bool:
        """Whether a maintenance was completed before its planned end."""
        ends = self.resolved_at, self.planned_end_at
        return self.is_maintenance and ends[0] is not None and ends[1] is not None and ends[0] < ends[1]


@dataclass(frozen=True, kw_only=True)
class OwnRecovery:
    """One company's own record in one incident. Seconds are whole; an open one runs to `as_of`."""

    state: CompanyState
    impacted_at: datetime | None
    restored_at: datetime | None
    outage_seconds: int
    degraded_seconds: int
    total_seconds: int | None
    """First impact to own restoration, or to `as_of` while not restored."""
    rank: int | None
    """1 + number of companies restored strictly earlier; none while not restored, and below 20 companies."""
    percentile: float | None
    """Share (0-100) of companies restored at or before this one; none where `rank` is."""
    in_tail: bool | None
    """None while the tail is not defined yet (too few companies restored)."""
    is_provisional: bool
    as_of: datetime
    planned_seconds: int = 0
    """Within the announced window of a maintenance: neither down nor degraded counts there."""

    @property
    def is_restored(self) -> bool:
        return self.state is CompanyState.RESTORED


@dataclass(frozen=True, kw_only=True)
class CohortFacts:
    """All affected companies together, without a trace of any single one.

    Instants, curve and tail are withheld (`is_too_small`) below 20 companies, where they would
    point at single companies.
    """

    affected_count: int
    restored_count: int
    tail_percent: int
    tail_count: int | None
    restored_half_at: datetime | None
    restored_share_at: datetime | None
    """When the first (100 - tail_percent)% were restored: t95 for a tail of 5%."""
    all_restored_at: datetime | None
    curve: tuple[CurvePoint, ...]
    is_too_small: bool
    is_final: bool
    is_being_counted: bool
    """Somebody's recovery changed of which places, counts and instants do not know yet."""
    computed_at: datetime
    started_at: datetime

    @property
    def restored_percent(self) -> float:
        return 100 * self.restored_count / self.affected_count if self.affected_count else 0.0

    @property
    def first_percent(self) -> int:
        return 100 - self.tail_percent

    @property
    def first_share_seconds(self) -> int | None:
        """Start of the incident to `restored_share_at`."""
        return _seconds(self.started_at, self.restored_share_at)

    @property
    def all_seconds(self) -> int | None:
        """Start of the incident to `all_restored_at`."""
        return _seconds(self.started_at, self.all_restored_at)


@dataclass(frozen=True, kw_only=True)
class RosterName:
    name: str
    restored_at: datetime | None
    is_you: bool = False


@dataclass(frozen=True, kw_only=True)
class Roster:
    """Who was in the tail: names by consent in alphabetical order, the rest a number."""

    policy: RosterPolicy
    tail_count: int | None
    """None while the tail is not defined, in a small cohort, or where the policy hides it."""
    names: tuple[RosterName, ...]
    unnamed_count: int
    you_consent: bool


@dataclass(frozen=True, kw_only=True)
class TimelineRow:
    """One line of the company's own timeline; its clock says who speaks."""

    at: datetime
    clock: Clock
    text: str
    state: CompanyState | None = None
    components: tuple[str, ...] = ()
    """Components the line is about; empty where it is about the whole account."""


@dataclass(frozen=True, kw_only=True)
class ClaimRow:
    """Announced against experienced, for this company.

    `difference_seconds` is announced minus experienced: negative means announced too early or
    too short.
    """

    kind: ClaimKind
    source: str
    announced_at: datetime | None
    announced_seconds: int | None
    experienced_at: datetime | None
    experienced_seconds: int | None
    difference_seconds: int | None
    verdict: Verdict
    posted_at: datetime | None
    update_id: UUID | None
    """The text that said it, where it is one of the incident's."""
    is_corrected: bool
    """Whether a later update corrects that text; what was said stays."""


@dataclass(frozen=True, kw_only=True)
class UpdateText:
    id: UUID
    kind: UpdateKind
    published_at: datetime
    body_html: str
    """Sanitised when it was written; as the account reads it after `fields.as_read`, and not before."""
    promise: Promise | None
    """Of the next update, and what became of it."""
    corrected_by_id: UUID | None
    """The later correction of this text, if there is one; the old text stays."""
    corrects_id: UUID | None
    contradicts_your_record: bool
    """A `resolved` that was posted while this company was not restored."""


@dataclass(frozen=True, kw_only=True)
class PostMortemRequestState:
    state: RequestState
    requested_at: datetime
    requested_by: str
    purpose: str
    needed_by_on: date | None
    answer_due_at: datetime
    answered_at: datetime | None
    preliminary_due_at: datetime | None
    final_due_at: datetime | None
    decline_reason: str
    as_of: datetime
    preliminary_delivered_at: datetime | None = None
    final_delivered_at: datetime | None = None
    id: UUID | None = None
    is_set_aside: bool = False
    """Whether the incident is: then no report comes any more, so none is due or late."""

    @property
    def owed_by(self) -> datetime | None:
        """When what the vendor owes next is due."""
        if self.is_set_aside and self.state is not RequestState.REQUESTED:
            return None
        return {
            RequestState.REQUESTED: self.answer_due_at,
            RequestState.ACCEPTED: self.preliminary_due_at,
            RequestState.PRELIMINARY_DELIVERED: self.final_due_at,
        }.get(self.state)

    @property
    def was_answered_late(self) -> bool:
        return _was_late(self.answered_at, self.answer_due_at)

    @property
    def preliminary_was_late(self) -> bool:
        return _was_late(self.preliminary_delivered_at, self.preliminary_due_at)

    @property
    def final_was_late(self) -> bool:
        return _was_late(self.final_delivered_at, self.final_due_at)

    @property
    def is_open(self) -> bool:
        """Whether the vendor owes something, so that more can be asked."""
        return self.state in RequestState.open()

    @property
    def can_be_withdrawn(self) -> bool:
        return self.state in RequestState.withdrawable()

    @property
    def answer_is_late(self) -> bool:
        return self.state is RequestState.REQUESTED and self.as_of > self.answer_due_at

    @property
    def preliminary_is_late(self) -> bool:
        """Whether the accepted preliminary report has not come by its date."""
        is_owed = self.state is RequestState.ACCEPTED and not self.is_set_aside
        return is_owed and _is_past(self.preliminary_due_at, self.as_of)

    @property
    def final_is_late(self) -> bool:
        """Whether the final report has not come by its date, whatever came before it."""
        after = {RequestState.ACCEPTED, RequestState.PRELIMINARY_DELIVERED}
        is_owed = self.state in after and not self.is_set_aside
        return is_owed and _is_past(self.final_due_at, self.as_of)


@dataclass(frozen=True, kw_only=True)
class PostMortemStatus:
    """Whether this company can ask for the report, and how far its request is."""

    policy: RequestPolicy
    request: PostMortemRequestState | None
    can_request: bool


@dataclass(frozen=True, kw_only=True)
class OwnReport:
    """One word of this company on its own account, and what became of it."""

    kind: ReportKind
    state: ReportState
    said_at: datetime
    said_by: str
    since_at: datetime | None
    components: tuple[str, ...]
    """Empty where it speaks of all that the company ran on."""
    text: str
    answer: str
    answered_at: datetime | None
    contradicts_record: bool
    """Whether it is open and the record says otherwise now."""

    @property
    def is_open(self) -> bool:
        return self.state is ReportState.OPEN

    @property
    def is_withdrawn(self) -> bool:
        return self.state is ReportState.WITHDRAWN


@dataclass(frozen=True, kw_only=True)
class OwnReports:
    """What this company said of one incident, newest first, and whether the reader can say more."""

    rows: tuple[OwnReport, ...]
    can_report: bool
    has_begun: bool

    @property
    def open_kind(self) -> ReportKind | None:
        """What waits for an answer now."""
        return self.rows[0].kind if self.rows and self.rows[0].is_open else None

    @property
    def may_say_broken(self) -> bool:
        return self.open_kind is not ReportKind.STILL_BROKEN

    @property
    def may_say_back(self) -> bool:
        return self.open_kind is not ReportKind.CONFIRMED_BACK


@dataclass(frozen=True, kw_only=True)
class ReportsPage:
    """What a company needs to say how its account is doing."""

    incident: IncidentHeader
    recovery: OwnRecovery
    components: tuple[tuple[str, str], ...]
    """(id, public name) of its own affected components, in catalogue order."""
    reports: OwnReports
    as_of: datetime


@dataclass(frozen=True, kw_only=True)
class IncidentPage:
    incident: IncidentHeader
    recovery: OwnRecovery
    cohort: CohortFacts | None
    """None until the first standings were computed."""
    roster: Roster
    timeline: tuple[TimelineRow, ...]
    """Oldest first."""
    claims: tuple[ClaimRow, ...]
    updates: tuple[UpdateText, ...]
    """Newest first."""
    promises: Tally
    """Of a next update, to this company."""
    post_mortem: PostMortemStatus
    reports: OwnReports
    merged_from: tuple[OtherIncident, ...]
    """Incidents of this company that turned out to be part of this one."""
    as_of: datetime


@dataclass(frozen=True, kw_only=True)
class IncidentRow:
    """One incident in a list, seen from one company."""

    reference: str
    title: str
    kind: IncidentKind
    severity: Severity
    state: IncidentState
    started_at: datetime
    planned_end_at: datetime | None
    your_state: CompanyState
    impacted_at: datetime | None
    restored_at: datetime | None
    outage_seconds: int
    degraded_seconds: int
    in_tail: bool | None
    next_update_at: datetime | None
    next_update_is_late: bool
    is_open_for_you: bool

    @property
    def is_maintenance(self) -> bool:
        return self.kind is IncidentKind.MAINTENANCE


@dataclass(frozen=True, kw_only=True)
class IncidentList:
    rows: tuple[IncidentRow, ...]
    """Newest start first."""
    search: str
    kind: str
    """'', 'incident' or 'maintenance': the filter in force."""
    page_number: int
    has_next: bool
    total_count: int
    as_of: datetime


def _was_late(at: datetime | None, due_at: datetime | None) -> bool:
    return at is not None and _is_past(due_at, at)


def _is_past(due_at: datetime | None, now: datetime) -> bool:
    return due_at is not None and now > due_at


def _seconds(since: datetime, until: datetime | None) -> int | None:
    return None if until is None else int((until - since).total_seconds())
