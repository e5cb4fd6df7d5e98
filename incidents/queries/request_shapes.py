"""The frozen shapes of a company's own request for a post-mortem, and of its pages."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from incidents.models.postmortem import MOST_QUESTIONS
from incidents.queries.shapes import IncidentHeader, OwnRecovery, PostMortemStatus


@dataclass(frozen=True, kw_only=True)
class RequestQuestion:
    """One question of either side; names are those of the company's own people."""

    is_from_vendor: bool
    number: int
    text: str
    asked_at: datetime
    asked_by: str
    answer: str
    answered_at: datetime | None
    answered_by: str


@dataclass(frozen=True, kw_only=True)
class RequestRecipient:
    """A colleague for whom the report is."""

    id: UUID
    name: str
    came_by: str
    """"asked" or "joined"; empty for who was chosen by a colleague."""


@dataclass(frozen=True, kw_only=True)
class Withdrawn:
    by: str
    at: datetime


@dataclass(frozen=True, kw_only=True)
class PostMortemPage:
    incident: IncidentHeader
    recovery: OwnRecovery
    status: PostMortemStatus
    as_of: datetime
    questions: tuple[RequestQuestion, ...] = ()
    recipients: tuple[RequestRecipient, ...] = ()
    withdrawn: Withdrawn | None = None
    """The request before, where the company has none now."""
    business_days: int | None = None
    """Until what the vendor owes next is due; negative when it is late."""
    business_days_are: str = ""
    """Which days these are, in words."""

    @property
    def own_questions(self) -> tuple[RequestQuestion, ...]:
        return tuple(each for each in self.questions if not each.is_from_vendor)

    @property
    def vendor_questions(self) -> tuple[RequestQuestion, ...]:
        return tuple(each for each in self.questions if each.is_from_vendor)

    @property
    def questions_left(self) -> int:
        """How many the company can still ask."""
        return MOST_QUESTIONS - len(self.own_questions)


@dataclass(frozen=True, kw_only=True)
class RecipientsPage:
    """For whom the report is to be: everybody in the company, and who is chosen now."""

    incident: IncidentHeader
    colleagues: tuple[tuple[UUID, str], ...]
    chosen: tuple[UUID, ...]
