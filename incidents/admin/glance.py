"""One published incident at a glance: how far it is, and what was said against what was recorded."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.utils import timezone

from incidents import beginnings, claims, cohort, promises
from incidents.choices import Audience, ClaimKind, UpdateKind
from incidents.models import Claim, Cohort, Incident, Recovery, Update
from incidents.promises import Promise, Tally
from incidents.queries import staff_promises
from incidents.standings import SMALLEST_SHOWN_COHORT

NEWEST = 5


@dataclass(frozen=True, kw_only=True, slots=True)
class ClaimAgainstRecord:
    """A claim beside the record of the first companies (all but the tail) and of everyone.

    A share is compared with everyone only.
    """

    id: object
    kind: ClaimKind
    source: str
    at: datetime | None
    seconds: int | None
    percent: Decimal | None
    of_first: claims.ComparedClaim | None
    of_all: claims.ComparedClaim

    @property
    def is_contradicted(self) -> bool:
        return self.of_all.is_contradicted or bool(self.of_first and self.of_first.is_contradicted)


@dataclass(frozen=True, kw_only=True, slots=True)
class PostedUpdate:
    """One of the newest updates, cut to its beginning."""

    id: object
    kind: UpdateKind
    published_at: datetime
    is_public: bool
    beginning: str
    promise: Promise | None
    """Of the next update, and what became of it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Glance:
    """What staff must know before they do anything. Instants are None until they have happened."""

    affected_count: int
    restored_count: int
    restored_percent: float | None
    tail_count: int
    tail_percent: int
    first_percent: int
    restored_half_at: datetime | None
    restored_share_at: datetime | None
    all_restored_at: datetime | None
    is_final: bool
    claims: tuple[ClaimAgainstRecord, ...]
    newest_updates: tuple[PostedUpdate, ...]
    promises: Tally

    @property
    def open_count(self) -> int:
        return self.affected_count - self.restored_count

    @property
    def contradicted_count(self) -> int:
        return sum(claim.is_contradicted for claim in self.claims)


def glance(incident: Incident, *, now: datetime) -> Glance | None:
    """The glance of a published incident, None for a draft. At most seven statements, staff scope."""
    row = Cohort.objects.filter(incident=incident).first()
    if row is None:
        return None
    half_at, share_at, last_at = row.restored_half_at, row.restored_share_at, row.all_restored_at
    if row.affected_count < SMALLEST_SHOWN_COHORT:
        # Too few to be published, so the stored row has no instants; staff may read them.
        few = _small_cohort(incident)
        half_at, share_at, last_at = few.restored_half_at, few.restored_share_at, few.all_restored_at
    made = staff_promises.of_incidents([incident.pk], now=now).get(incident.pk, {})
    return Glance(
        affected_count=row.affected_count,
        restored_count=row.restored_count,
        restored_percent=100 * row.restored_count / row.affected_count if row.affected_count else None,
        tail_count=Recovery.objects.filter(incident=incident, in_tail=True).count(),
        tail_percent=row.tail_percent,
        first_percent=100 - row.tail_percent,
        restored_half_at=half_at,
        restored_share_at=share_at,
        all_restored_at=last_at,
        is_final=row.is_final,
        claims=tuple(_compared(incident, row, share_at=share_at, last_at=last_at, now=now)),
        newest_updates=_newest_updates(incident, made),
        promises=promises.tally(made.values()),
    )


def _newest_updates(incident: Incident, made: Mapping[UUID, Promise]) -> tuple[PostedUpdate, ...]:
    posted, zone = Update.objects.filter(incident=incident), timezone.get_current_timezone_name()
    return tuple(
        PostedUpdate(
            id=update.pk,
            kind=UpdateKind(update.kind),
            published_at=update.published_at,
            is_public=update.audience == Audience.EVERYONE,
            beginning=beginnings.as_posted(update, zone=zone, words=24),
            promise=made.get(update.pk),
        )
        for update in posted.prefetch_related("wordings").order_by("-published_at")[:NEWEST]
    )


def _small_cohort(incident: Incident) -> cohort.Cohort:
    rows = Recovery.objects.filter(incident=incident).values_list("company_id", "restored_at")
    return cohort.standings(
        [cohort.CompanyRecovery(company_id=company_id, restored_at=at) for company_id, at in rows],
        tail_percent=incident.tail_percent,
    )


def _compared(
    incident: Incident, row: Cohort, *, share_at: datetime | None, last_at: datetime | None, now: datetime
) -> Iterator[ClaimAgainstRecord]:
    first = claims.Facts(impacted_at=incident.started_at, restored_at=share_at, now=now)
    everyone = claims.Facts(impacted_at=incident.started_at, restored_at=last_at, now=now)
    rows = list(Claim.objects.filter(incident=incident).order_by("kind", "pk"))
    restored_ats: list[datetime] = []
    if any(each.kind == ClaimKind.RESTORED_SHARE for each in rows):
        restored = Recovery.objects.filter(incident=incident, restored_at__isnull=False)
        restored_ats = [at for at in restored.values_list("restored_at", flat=True) if at]
    for each in rows:
        kind = ClaimKind(each.kind)
        of_first = None
        if kind is ClaimKind.RESTORED_SHARE:
            at = each.claimed_at or each.posted_at
            claim = claims.Claim(kind=kind, at=at, percent=float(each.claimed_percent or 0))
            of_all = claims.compare_share(
                claim, restored_ats=restored_ats, affected_count=row.affected_count, now=now
            )
        else:
            claim = claims.Claim(kind=kind, at=each.claimed_at, seconds=each.claimed_seconds)
            of_all = claims.compare(claim, everyone)
            of_first = None if kind is ClaimKind.STARTED_AT else claims.compare(claim, first)
        yield ClaimAgainstRecord(
            id=each.pk,
            kind=kind,
            source=each.source,
            at=claim.at,
            seconds=claim.seconds,
            percent=each.claimed_percent,
            of_first=of_first,
            of_all=of_all,
        )
