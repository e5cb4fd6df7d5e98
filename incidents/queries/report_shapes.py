"""The frozen shapes of a report: what its page, its PDF and its preview render, and no other."""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from incidents.choices import ActionChangeKind, ActionState, CompanyState, PublicationKind
from incidents.differences import Paragraph
from incidents.queries import shapes
from incidents.report_content import Footnote, Text
from incidents.report_facts import Facts


@dataclass(frozen=True, kw_only=True)
class ReportVersion:
    """One published version, as the list of them shows it; `number` counts from 1."""

    number: int
    kind: PublicationKind
    revision: int
    """Which revision it is; 0 for the preliminary and the final one."""
    change_note: str
    published_at: datetime

    @property
    def label(self) -> str:
        return f"Revision {self.revision}" if self.revision else self.kind.label

    @property
    def is_preliminary(self) -> bool:
        return self.kind is PublicationKind.PRELIMINARY


@dataclass(frozen=True, kw_only=True)
class ReportSection:
    """`text` is as this account reads it: fields filled, times in its zone; footnotes are `[^1]`."""

    name: str
    title: str
    text: Text


@dataclass(frozen=True, kw_only=True)
class ReportMoment:
    from_at: datetime
    until_at: datetime | None
    heading: str
    text: Text


@dataclass(frozen=True, kw_only=True)
class ReportAction:
    """A corrective action as it was promised, and how far it is now (`state` None in a preview)."""

    number: int
    title: str
    owner: str
    due_on: date | None
    text: Text
    state: ActionState | None
    due_now_on: date | None
    is_overdue: bool


@dataclass(frozen=True, kw_only=True)
class AnnexTurn:
    """From this instant on these components were in this state."""

    at: datetime
    state: CompanyState
    components: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Annex:
    """*Your account in this incident*: its own record when the version was published."""

    recovery: shapes.OwnRecovery
    turns: tuple[AnnexTurn, ...]
    """Oldest first."""
    claims: tuple[shapes.ClaimRow, ...]
    """Announced against what this account experienced."""


@dataclass(frozen=True, kw_only=True)
class Reading:
    """A person of the company who says to have read the version."""

    name: str
    read_at: datetime
    is_you: bool


@dataclass(frozen=True, kw_only=True)
class ReportPage:
    """One version of the report on one incident, as one company reads it."""

    version_id: UUID | None
    reference: str
    title: str
    version: ReportVersion
    versions: tuple[ReportVersion, ...]
    """All of them, newest first."""
    summary: ReportSection | None
    causes: tuple[ReportSection, ...]
    """Root cause, contributing causes."""
    comes_next: ReportSection | None
    facts: Facts
    cohort: shapes.CohortFacts | None
    """The same facts as the recovery curve draws them."""
    timeline: tuple[ReportMoment, ...]
    actions: tuple[ReportAction, ...]
    footnotes: tuple[Footnote, ...]
    annex: Annex | None
    """None in a preview that is for no company."""
    readings: tuple[Reading, ...]
    record_version: int
    sha256: str
    zone: str
    as_of: datetime

    @property
    def is_newest(self) -> bool:
        return not self.versions or self.version.number == self.versions[0].number

    @property
    def before(self) -> ReportVersion | None:
        """The version before this one."""
        return next((each for each in self.versions if each.number == self.version.number - 1), None)

    @property
    def your_reading(self) -> Reading | None:
        return next((each for each in self.readings if each.is_you), None)


@dataclass(frozen=True, kw_only=True)
class DifferentPart:
    """What became of one part of the report between two versions."""

    title: str
    paragraphs: tuple[Paragraph, ...]
    is_same: bool


@dataclass(frozen=True, kw_only=True)
class DifferencesPage:
    reference: str
    title: str
    old: ReportVersion
    new: ReportVersion
    versions: tuple[ReportVersion, ...]
    parts: tuple[DifferentPart, ...]
    zone: str


@dataclass(frozen=True, kw_only=True)
class ActionTurn:
    """One thing that happened to a corrective action."""

    kind: ActionChangeKind
    state: ActionState
    due_on: date | None
    note: str
    again: tuple[str, str] | None
    """Reference and title of the later incident, where it touched this company."""
    at: datetime


@dataclass(frozen=True, kw_only=True)
class ActionRow:
    """A corrective action as it stands."""

    id: UUID
    number: int
    title: str
    html: str
    """Sanitised."""
    owner: str
    due_on: date | None
    state: ActionState
    note: str
    changed_at: datetime
    is_overdue: bool
    is_followed: bool
    turns: tuple[ActionTurn, ...]
    """Newest first."""

    @property
    def happened_again(self) -> tuple[tuple[str, str], ...]:
        return tuple(turn.again for turn in self.turns if turn.again)


@dataclass(frozen=True, kw_only=True)
class ActionsPage:
    """Everything that was promised in the report on one incident."""

    reference: str
    title: str
    actions: tuple[ActionRow, ...]
    follows_all: bool
    as_of: datetime

    @property
    def overdue_count(self) -> int:
        return sum(action.is_overdue for action in self.actions)

    @property
    def done_count(self) -> int:
        return sum(action.state is ActionState.DONE for action in self.actions)
