"""What clients read of the tail, and what they would read after a change, for staff before they decide."""

import hashlib
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Q

from incidents.choices import RosterPolicy
from incidents.models import Incident, Recovery
from incidents.queries.staff_tail import in_tail, restored_share_at
from incidents.standings import SMALLEST_SHOWN_COHORT

NAMED = 24
"""So many companies are named to staff, the others counted."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Told:
    """What the affected companies read of the tail with one policy and one share.

    `share_at` and `tail_count` are what staff know, in a cohort of any size.
    """

    policy: RosterPolicy
    tail_percent: int
    share_at: datetime | None
    tail_count: int
    consenting_count: int
    """Companies of the tail that agreed to be named."""
    is_too_small: bool

    @property
    def first_percent(self) -> int:
        return 100 - self.tail_percent

    @property
    def is_shown(self) -> bool:
        """Whether there is a list at all."""
        is_defined = self.share_at is not None and not self.is_too_small
        return is_defined and self.policy is not RosterPolicy.HIDDEN

    @property
    def named_count(self) -> int:
        return self.consenting_count if self.is_shown and self.policy is RosterPolicy.NAMES else 0

    @property
    def unnamed_count(self) -> int:
        return self.tail_count - self.named_count if self.is_shown else 0

    @property
    def who(self) -> str:
        """What a company reads of who was in the tail: “12 companies: 5 by name, 7 as a number”."""
        if self.is_too_small:
            return "Nothing: fewer than 20 companies, any list would point at single ones"
        if self.policy is RosterPolicy.HIDDEN:
            return "Nothing: the list is not published"
        if self.share_at is None:
            return f"Nothing yet: the first {self.first_percent}% are not restored"
        if self.tail_count == 0:
            return f"Nobody: no company was restored after the first {self.first_percent}%"
        companies = "1 company" if self.tail_count == 1 else f"{self.tail_count} companies"
        if self.policy is RosterPolicy.COUNTS:
            return f"{companies}, none by name"
        return f"{companies}: {self.named_count} by name, {self.unnamed_count} as a number"


@dataclass(frozen=True, kw_only=True, slots=True)
class Moved:
    """Companies that a change touches: all of them counted, the first by name."""

    count: int
    names: tuple[str, ...]

    @property
    def more_count(self) -> int:
        return self.count - len(self.names)


@dataclass(frozen=True, kw_only=True, slots=True)
class RosterChange:
    """A change of the list, before and after."""

    before: Told
    after: Told
    affected_count: int
    entering: Moved
    """Companies that would be in the tail, and are not."""
    leaving: Moved
    newly_named: Moved
    """Companies whose name the others would read, and do not."""
    no_longer_named: Moved

    @property
    def is_none(self) -> bool:
        return (self.before.policy, self.before.tail_percent) == (self.after.policy, self.after.tail_percent)

    @property
    def digest(self) -> str:
        """Tells whether a change is still the one that somebody has looked at."""
        return hashlib.sha256(repr(self).encode()).hexdigest()[:32]


def told(incident: Incident) -> Told:
    """What the affected companies read now. Three statements, staff scope."""
    return _told(incident, RosterPolicy(incident.roster_policy), incident.tail_percent)


def roster_change(incident: Incident, *, policy: RosterPolicy, tail_percent: int) -> RosterChange:
    """What a change would do. Fifteen statements at most, whatever the number of companies."""
    before, after = told(incident), _told(incident, policy, tail_percent)
    was, will = in_tail(before.share_at), in_tail(after.share_at)
    was_named, will_be_named = _named(before), _named(after)
    return RosterChange(
        before=before,
        after=after,
        affected_count=Recovery.objects.filter(incident=incident).count(),
        entering=_moved(incident, will & ~was),
        leaving=_moved(incident, was & ~will),
        newly_named=_moved(incident, will_be_named & ~was_named),
        no_longer_named=_moved(incident, was_named & ~will_be_named),
    )


def _told(incident: Incident, policy: RosterPolicy, tail_percent: int) -> Told:
    share_at = restored_share_at(incident, tail_percent)
    counts = Recovery.objects.filter(incident=incident).aggregate(
        affected=Count("pk"),
        tail=Count("pk", filter=in_tail(share_at)),
        consenting=Count("pk", filter=in_tail(share_at) & _CONSENTS),
    )
    return Told(
        policy=policy,
        tail_percent=tail_percent,
        share_at=share_at,
        tail_count=counts["tail"],
        consenting_count=counts["consenting"],
        is_too_small=counts["affected"] < SMALLEST_SHOWN_COHORT,
    )


_CONSENTS = Q(company__consents_to_be_named=True)


def _named(told: Told) -> Q:
    """Companies whose name the others read."""
    return in_tail(told.share_at) & _CONSENTS if told.named_count else in_tail(None)


def _moved(incident: Incident, who: Q) -> Moved:
    found = Recovery.objects.filter(who, incident=incident).order_by("company__name", "pk")
    return Moved(count=found.count(), names=tuple(found.values_list("company__name", flat=True)[:NAMED]))
