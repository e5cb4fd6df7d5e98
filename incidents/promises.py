"""Promises of a next update: kept when a text comes at or before the promised time, else missed."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from incidents import clocks
from incidents.choices import UpdateKind


@dataclass(frozen=True, kw_only=True)
class Said:
    """A text as far as promises are concerned; `readers` None where everybody affected reads it."""

    kind: UpdateKind
    at: datetime
    promised_at: datetime | None = None
    readers: Collection[UUID] | None = None


@dataclass(frozen=True, kw_only=True)
class Promise:
    """The next word was promised for `due_at`; it came at `came_at`, None while it has not come."""

    due_at: datetime
    came_at: datetime | None
    now: datetime
    is_for_some: bool = False

    @property
    def is_kept(self) -> bool:
        return self.came_at is not None and self.came_at <= self.due_at

    @property
    def is_missed(self) -> bool:
        """Whether it came late, or has not come and should have."""
        return (self.came_at or self.now) > self.due_at

    @property
    def is_late(self) -> bool:
        """Whether readers wait for it past its time."""
        return self.came_at is None and self.is_missed

    @property
    def is_open(self) -> bool:
        return self.came_at is None

    @property
    def late_seconds(self) -> int:
        """By how much it was missed, so far if it has not come; 0 where it was not."""
        return max(0, clocks.seconds_between(self.due_at, self.came_at or self.now))


@dataclass(frozen=True, kw_only=True)
class Tally:
    """An incident's promises counted; one that has not come and is not due yet is neither."""

    kept: int = 0
    missed: int = 0
    late_due_at: datetime | None = None
    """The earliest that readers still wait for past its time."""

    @property
    def made(self) -> int:
        """So many are decided."""
        return self.kept + self.missed

    @property
    def words(self) -> str:
        """ "3 kept, 1 missed"; empty where none is decided."""
        return f"{self.kept} kept, {self.missed} missed" if self.made else ""


def promises(said: Sequence[Said], *, ended_at: datetime | None, now: datetime) -> tuple[Promise | None, ...]:
    """For each text, oldest first, the promise that it makes, None where it makes none.

    The next text that all readers of the first one read is the word that was promised; so is the end
    of the incident. A `resolved` and what is said after the end promise nothing: nothing is announced
    to follow. Of one reader's texts give only those that it reads, all without `readers`.

    "Next update by 14:00", which came at 14:12:

    >>> from datetime import UTC
    >>> def clock(hour, minute):
    ...     return datetime(2026, 2, 4, hour, minute, tzinfo=UTC)
    >>> first, second, third = promises([
    ...     Said(kind=UpdateKind.INVESTIGATING, at=clock(13, 0), promised_at=clock(13, 30)),
    ...     Said(kind=UpdateKind.UPDATE, at=clock(13, 30), promised_at=clock(14, 0)),
    ...     Said(kind=UpdateKind.UPDATE, at=clock(14, 12)),
    ... ], ended_at=None, now=clock(15, 0))
    >>> first.is_kept, second.is_kept, second.late_seconds, third
    (True, False, 720, None)
    """
    found: list[Promise | None] = []
    for place, text in enumerate(said):
        is_after_the_end = ended_at is not None and text.at >= ended_at
        if text.promised_at is None or text.kind is UpdateKind.RESOLVED or is_after_the_end:
            found.append(None)
            continue
        words = (each.at for each in said[place + 1 :] if _is_read_by_all(each, text))
        found.append(
            Promise(
                due_at=text.promised_at,
                came_at=min((*words, *((ended_at,) if ended_at else ())), default=None),
                now=now,
                is_for_some=text.readers is not None,
            )
        )
    return tuple(found)


def tally(made: Iterable[Promise | None]) -> Tally:
    """Promises counted."""
    known = [each for each in made if each is not None]
    return Tally(
        kept=sum(each.is_kept for each in known),
        missed=sum(each.is_missed for each in known),
        late_due_at=min((each.due_at for each in known if each.is_late), default=None),
    )


def _is_read_by_all(later: Said, of: Said) -> bool:
    """Whether everybody who read `of` reads `later`."""
    if later.readers is None:
        return True
    return of.readers is not None and set(of.readers) <= set(later.readers)
