"""The words that a row may hold: each enumeration is one column of states, kinds or policies."""

import enum
from typing import Self


class Choice(enum.StrEnum):
    """A stored word (`value`) with the words that a person reads (`label`).

    >>> CompanyState("outage").label
    'Outage'
    >>> f"{CompanyState.OUTAGE}"
    'outage'
    """

    label: str

    def __new__(cls, value: str, label: str = "") -> Self:
        member = str.__new__(cls, value)
        member._value_ = value
        member.label = label
        return member


def choices(enumeration: type[Choice]) -> list[tuple[str, str]]:
    """Pairs (stored word, label) in the order of declaration, as a model or form field takes them.

    >>> choices(IncidentKind)
    [('incident', 'Incident'), ('maintenance', 'Maintenance')]
    """
    return [(member.value, member.label) for member in enumeration]


class CompanyState(Choice):
    """How a company, or one of its components, is doing in an incident.

    `unknown` means placed on an affected component, extent not known yet: never shown as green.
    """

    UNKNOWN = "unknown", "Not known yet"
    OUTAGE = "outage", "Outage"
    DEGRADED = "degraded", "Degraded"
    RESTORED = "restored", "Restored"


WORST_FIRST = (
    CompanyState.OUTAGE,
    CompanyState.DEGRADED,
    CompanyState.UNKNOWN,
    CompanyState.RESTORED,
)


class IncidentKind(Choice):
    """Whether it went wrong or was planned."""

    INCIDENT = "incident", "Incident"
    MAINTENANCE = "maintenance", "Maintenance"


class Severity(Choice):
    """How bad an incident is for those whom it touches, mildest first."""

    MINOR = "minor", "Minor"
    MAJOR = "major", "Major"
    CRITICAL = "critical", "Critical"


class IncidentState(Choice):
    """Where the work on an incident or a maintenance stands; see `states_of`."""

    INVESTIGATING = "investigating", "Investigating"
    IDENTIFIED = "identified", "Identified"
    MONITORING = "monitoring", "Monitoring"
    RESOLVED = "resolved", "Resolved"
    SCHEDULED = "scheduled", "Scheduled"
    IN_PROGRESS = "in_progress", "In progress"
    VERIFYING = "verifying", "Verifying"
    COMPLETED = "completed", "Completed"
    CANCELLED = "cancelled", "Cancelled"
    FALSE_ALARM = "false_alarm", "False alarm"
    MERGED = "merged", "Merged"

    @classmethod
    def set_aside(cls) -> tuple["IncidentState", ...]:
        """The states of what counts nowhere any more and to which nothing can be added."""
        return (cls.CANCELLED, cls.FALSE_ALARM, cls.MERGED)

    @classmethod
    def over(cls) -> tuple["IncidentState", ...]:
        """The states after which nothing more is announced to follow."""
        return (cls.RESOLVED, cls.COMPLETED, *cls.set_aside())

    @property
    def is_over(self) -> bool:
        """Whether nothing more is announced to follow: the last state of either kind."""
        return self in IncidentState.over()

    @property
    def is_set_aside(self) -> bool:
        """Whether it was cancelled, a false alarm, or became part of another incident."""
        return self in IncidentState.set_aside()


def states_of(kind: IncidentKind) -> tuple[IncidentState, ...]:
    """The states that an incident of this kind passes through, in their usual order.

    >>> [str(state) for state in states_of(IncidentKind.MAINTENANCE)]
    ['scheduled', 'in_progress', 'verifying', 'completed']
    """
    if kind == IncidentKind.MAINTENANCE:
        return (
            IncidentState.SCHEDULED,
            IncidentState.IN_PROGRESS,
            IncidentState.VERIFYING,
            IncidentState.COMPLETED,
        )
    return (
        IncidentState.INVESTIGATING,
        IncidentState.IDENTIFIED,
        IncidentState.MONITORING,
        IncidentState.RESOLVED,
    )


class UpdateKind(Choice):
    """What a public text of an incident is for."""

    INVESTIGATING = "investigating", "Investigating"
    IDENTIFIED = "identified", "Identified"
    UPDATE = "update", "Update"
    MONITORING = "monitoring", "Monitoring"
    RESOLVED = "resolved", "Resolved"
    REOPENED = "reopened", "Reopened"
    CORRECTION = "correction", "Correction"
    POST_MORTEM = "post_mortem", "Post-mortem"


class Audience(Choice):
    """Who may read an update."""

    EVERYONE = "everyone", "Everyone affected"
    COMPONENTS = "components", "Companies on some components"
    DATA_CENTERS = "data_centers", "Companies in some data centers"
    NOT_RESTORED = "not_restored", "Companies not restored yet"
    TAIL = "tail", "The tail: the last to recover"
    COMPANIES = "companies", "Named companies"
    STAFF = "staff", "Staff only"

    @property
    def is_narrow(self) -> bool:
        """Whether its readers are fixed, company by company, when the update is posted."""
        return self not in (Audience.EVERYONE, Audience.STAFF)


class WaitingState(Choice):
    """Where a text stands that staff have sent off and that has not left yet."""

    AWAITING = "awaiting", "Waits for a second person"
    WAITING = "waiting", "About to leave"
    POSTED = "posted", "Posted"
    UNDONE = "undone", "Taken back"
    SENT_BACK = "sent_back", "Sent back"
    STOPPED = "stopped", "Not posted"

    @classmethod
    def on_their_way(cls) -> tuple["WaitingState", ...]:
        """The states from which a text can still be posted as it is."""
        return (cls.AWAITING, cls.WAITING)

    @classmethod
    def come_back(cls) -> tuple["WaitingState", ...]:
        """The states in which a text has come back to its author, who is not done with it."""
        return (cls.SENT_BACK, cls.STOPPED)

    @classmethod
    def unsettled(cls) -> tuple["WaitingState", ...]:
        """The states in which somebody of staff still has something to do or to undo."""
        return (*cls.on_their_way(), *cls.come_back())

    @classmethod
    def given_up(cls) -> tuple["WaitingState", ...]:
        """The states of a text that was not posted and can be written again."""
        return (cls.UNDONE, *cls.come_back())


class RosterPolicy(Choice):
    """What the published list of the tail shows; names only of companies that consented."""

    HIDDEN = "hidden", "Hidden"
    COUNTS = "counts", "Counts only"
    NAMES = "names", "Names of companies that agreed"


class ShownAs(Choice):
    """What the published list of the tail tells the other affected companies of one company."""

    NAMED = "named", "By name"
    COUNTED = "counted", "As a number"
    NOT_SHOWN = "not_shown", "Not at all"


class RecoveryReason(Choice):
    """Why the recovery of one company takes or took long, as staff see it."""

    PROVIDER = "provider", "Provider"
    DATA = "data", "Data"
    MANUAL_WORK = "manual_work", "Manual work"
    CLIENT_SIDE = "client_side", "Client's side"
    OTHER = "other", "Other"
    UNKNOWN = "unknown", "Not known"


class EntrySource(Choice):
    """Where a recovery entry came from."""

    STAFF = "staff", "Staff"
    IMPORT = "import", "Import"
    OPS = "ops", "Operations tool"
    CLIENT = "client", "Client company"
    DEMO = "demo", "Demonstration"


class ClaimKind(Choice):
    """What a published text says of the facts."""

    STARTED_AT = "started_at", "Start"
    RESTORED_AT = "restored_at", "Resolved for everyone"
    TOTAL_DURATION = "total_duration", "Total duration"
    RESTORED_SHARE = "restored_share", "Share restored"


class Verdict(Choice):
    """What the record says of a claim."""

    AGREES = "agrees", "Agrees with the record"
    ANNOUNCED_TOO_EARLY = "announced_too_early", "Announced too early"
    ANNOUNCED_TOO_LATE = "announced_too_late", "Announced too late"
    OVERSTATED = "overstated", "Announced more than the record shows"
    UNDERSTATED = "understated", "Announced less than the record shows"
    NOT_YET_TRUE = "not_yet_true", "Not true yet"
    NOT_COMPARABLE = "not_comparable", "Nothing recorded to compare with"


class RequestState(Choice):
    """Where a company's request for a post-mortem stands."""

    REQUESTED = "requested", "Requested"
    ACCEPTED = "accepted", "Accepted"
    DECLINED = "declined", "Declined"
    PRELIMINARY_DELIVERED = "preliminary_delivered", "Preliminary report delivered"
    FINAL_DELIVERED = "final_delivered", "Final report delivered"
    WITHDRAWN = "withdrawn", "Withdrawn"

    @classmethod
    def standing(cls) -> tuple["RequestState", ...]:
        """All but withdrawn: a company has at most one request in one of these for an incident."""
        return tuple(state for state in cls if state is not cls.WITHDRAWN)

    @classmethod
    def open(cls) -> tuple["RequestState", ...]:
        """The states in which the vendor owes something."""
        return (cls.REQUESTED, cls.ACCEPTED, cls.PRELIMINARY_DELIVERED)

    @classmethod
    def withdrawable(cls) -> tuple["RequestState", ...]:
        """The states from which a company may withdraw: nothing has been delivered yet."""
        return (cls.REQUESTED, cls.ACCEPTED)

    @classmethod
    def answerable(cls, *, is_set_aside: bool) -> tuple["RequestState", ...]:
        """The states that wait for staff's answer; on what was set aside, what was accepted does again."""
        return (cls.REQUESTED, cls.ACCEPTED) if is_set_aside else (cls.REQUESTED,)


class PostMortemKind(Choice):
    """As what a report is published."""

    PRELIMINARY = "preliminary", "Preliminary report"
    FINAL = "final", "Final report"

    @property
    def delivered(self) -> RequestState:
        """Where a request stands that has got this one."""
        is_final = self is PostMortemKind.FINAL
        return RequestState.FINAL_DELIVERED if is_final else RequestState.PRELIMINARY_DELIVERED

    @property
    def moves(self) -> tuple[RequestState, ...]:
        """The states of the requests that its publication serves."""
        is_final = self is PostMortemKind.FINAL
        return (RequestState.ACCEPTED, *((RequestState.PRELIMINARY_DELIVERED,) if is_final else ()))


class RequestPolicy(Choice):
    """How requests for the post-mortem of an incident are answered."""

    APPROVAL = "approval", "Staff approve each request"
    AUTOMATIC = "automatic", "Accepted for every affected company"
    CLOSED = "closed", "No requests"


class ReportKind(Choice):
    """What a company says of its own account, whatever is announced or measured."""

    STILL_BROKEN = "still_broken", "Still broken for us"
    CONFIRMED_BACK = "confirmed_back", "Confirmed back"


class ReportState(Choice):
    """What became of a company's report; `withdrawn` is never stored: it follows from a later word."""

    OPEN = "open", "Not answered yet"
    ACCEPTED = "accepted", "Accepted"
    DISPUTED = "disputed", "Disputed"
    WITHDRAWN = "withdrawn", "Withdrawn"


class ImportState(Choice):
    """Where a file of recoveries stands."""

    UPLOADED = "uploaded", "Columns to be named"
    READING = "reading", "Being read"
    CHECKING = "checking", "Being checked"
    READY = "ready", "Ready to apply"
    APPLYING = "applying", "Being applied"
    APPLIED = "applied", "Applied"
    ROLLING_BACK = "rolling_back", "Being rolled back"
    ROLLED_BACK = "rolled_back", "Rolled back"
    CANCELLED = "cancelled", "Cancelled"
    FAILED = "failed", "Failed"

    @classmethod
    def in_work(cls) -> tuple["ImportState", ...]:
        """The states in which a worker has something to do."""
        return (cls.READING, cls.CHECKING, cls.APPLYING, cls.ROLLING_BACK)


class RowKind(Choice):
    """What a row of a file of recoveries turned out to be."""

    NEW = "new", "New"
    KNOWN = "known", "Same as recorded"
    TWICE = "twice", "Twice in the file"
    UNKNOWN_COMPANY = "unknown_company", "Unknown company"
    AMBIGUOUS_COMPANY = "ambiguous_company", "Name of several companies"
    NOT_AFFECTED = "not_affected", "Not affected"
    UNKNOWN_COMPONENT = "unknown_component", "Unknown component"
    BAD_TIME = "bad_time", "Unreadable time"
    BAD_STATE = "bad_state", "Unreadable state"
    IN_FUTURE = "in_future", "In the future"
    BEFORE_START = "before_start", "Long before the start"
    MALFORMED = "malformed", "Unreadable row"

    @classmethod
    def problems(cls) -> tuple["RowKind", ...]:
        """The kinds that are left out of an import."""
        return tuple(kind for kind in cls if kind not in (cls.NEW, cls.KNOWN, cls.TWICE))


class StatementKind(Choice):
    """What a downtime statement speaks of."""

    INCIDENT = "incident", "One incident"
    MONTH = "month", "One month"


class DocumentKind(Choice):
    """What a PDF shows."""

    STATEMENT = "statement", "Downtime statement"
    REPORT = "report", "Post-mortem"


class DocumentState(Choice):
    """How far the worker is with a PDF."""

    WAITING = "waiting", "Being made"
    MADE = "made", "Made"
    FAILED = "failed", "Could not be made"


class DraftState(Choice):
    """Where the draft of a post-mortem stands."""

    DRAFT = "draft", "Draft"
    IN_REVIEW = "in_review", "In review"
    REVIEWED = "reviewed", "Reviewed"


class PublicationKind(Choice):
    """What a published version of a post-mortem is."""

    PRELIMINARY = "preliminary", "Preliminary"
    FINAL = "final", "Final"
    REVISION = "revision", "Revision"


class ActionState(Choice):
    """How far a corrective action is."""

    OPEN = "open", "Open"
    IN_PROGRESS = "in_progress", "In progress"
    DONE = "done", "Done"
    DROPPED = "dropped", "Dropped"

    @property
    def is_over(self) -> bool:
        """Whether nothing more is promised: then it is never overdue."""
        return self in (ActionState.DONE, ActionState.DROPPED)


class ActionChangeKind(Choice):
    """What happened to a corrective action."""

    PROMISED = "promised", "Promised"
    STATE = "state", "New state"
    DUE = "due", "New due date"
    AGAIN = "again", "It has happened again"
