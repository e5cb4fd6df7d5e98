"""The facts block of a report: what the record of an incident says of all, taken at one instant."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db.models import Q

from incidents import beginnings, clocks, fields
from incidents.choices import Audience, ClaimKind, UpdateKind
from incidents.curve import CurvePoint
from incidents.models import AffectedComponent, Claim, Cohort, Incident, Update
from incidents.models.catalogue import IN_CATALOGUE_ORDER
from incidents.report_timeline import Moment

SAID_AT_MOST = 160


@dataclass(frozen=True, kw_only=True)
class Said:
    """What a public text claimed, with the value of its kind."""

    kind: ClaimKind
    source: str
    at: datetime | None
    seconds: int | None
    posted_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class Facts:
    """As it is published to all: without a trace of any single company.

    Below 20 companies the instants of the cohort and the curve are empty.
    """

    as_of: datetime
    started_at: datetime
    detected_at: datetime | None
    first_word_at: datetime | None
    """When everyone affected was first told."""
    components: tuple[str, ...]
    affected_count: int
    restored_count: int
    tail_percent: int
    tail_count: int | None
    """Empty where the tail is not defined, or the roster's policy hides it."""
    restored_half_at: datetime | None
    restored_share_at: datetime | None
    all_restored_at: datetime | None
    curve: tuple[tuple[float, float], ...]
    """(seconds since the start, share restored)."""
    is_final: bool
    said: tuple[Said, ...]

    @property
    def first_percent(self) -> int:
        return 100 - self.tail_percent

    @property
    def detection_seconds(self) -> int | None:
        """Start to detection."""
        return self._since_start(self.detected_at)

    @property
    def first_word_seconds(self) -> int | None:
        """Start to the first word to everyone affected."""
        return self._since_start(self.first_word_at)

    @property
    def half_seconds(self) -> int | None:
        """Start to half of the companies restored."""
        return self._since_start(self.restored_half_at)

    @property
    def share_seconds(self) -> int | None:
        """Start to the first share (95%) of the companies restored."""
        return self._since_start(self.restored_share_at)

    @property
    def all_seconds(self) -> int | None:
        """Start to the last company restored."""
        return self._since_start(self.all_restored_at)

    @property
    def points(self) -> tuple[CurvePoint, ...]:
        return tuple(
            CurvePoint(at=self.started_at + timedelta(seconds=seconds), share=share)
            for seconds, share in self.curve
        )

    def _since_start(self, at: datetime | None) -> int | None:
        return None if at is None else clocks.seconds_between(self.started_at, at)

    def frozen(self) -> dict[str, Any]:
        """As it is stored: a dictionary of what JSON knows."""
        found: dict[str, Any] = json.loads(json.dumps(asdict(self), default=_instant_words))
        return found


def of_incident(incident: Incident, *, now: datetime) -> Facts:
    """The facts as they are now. Four statements, staff scope."""
    cohort = Cohort.objects.filter(incident=incident).first()
    public = Update.objects.filter(incident=incident, audience=Audience.EVERYONE)
    claims = Claim.objects.filter(incident=incident).exclude(kind=ClaimKind.RESTORED_SHARE)
    components = AffectedComponent.objects.filter(incident=incident).order_by(*IN_CATALOGUE_ORDER)
    return Facts(
        as_of=now,
        started_at=incident.started_at,
        detected_at=incident.detected_at,
        first_word_at=public.order_by("published_at").values_list("published_at", flat=True).first(),
        components=tuple(components.values_list("component__name", flat=True)),
        affected_count=cohort.affected_count if cohort else 0,
        restored_count=cohort.restored_count if cohort else 0,
        tail_percent=incident.tail_percent,
        tail_count=cohort.tail_count if cohort else None,
        restored_half_at=cohort.restored_half_at if cohort else None,
        restored_share_at=cohort.restored_share_at if cohort else None,
        all_restored_at=cohort.all_restored_at if cohort else None,
        curve=tuple((seconds, share) for seconds, share in cohort.curve) if cohort else (),
        is_final=bool(cohort and cohort.is_final),
        said=tuple(
            Said(kind=ClaimKind(kind), source=source, at=at, seconds=seconds, posted_at=posted_at)
            for kind, source, at, seconds, posted_at in claims.filter(
                Q(update=None) | Q(update__audience=Audience.EVERYONE)
            )
            .order_by("kind", "claimed_at", "claimed_seconds", "source")
            .values_list("kind", "source", "claimed_at", "claimed_seconds", "posted_at")
        ),
    )


def thawed(stored: Mapping[str, Any]) -> Facts:
    """The facts of a published version, from their dictionary."""
    instants = {
        name: datetime.fromisoformat(stored[name]) if stored[name] else None
        for name in (
            *("as_of", "started_at", "detected_at", "first_word_at"),
            *("restored_half_at", "restored_share_at", "all_restored_at"),
        )
    }
    return Facts(
        **{
            **stored,
            **instants,
            "components": tuple(stored["components"]),
            "curve": tuple((seconds, share) for seconds, share in stored["curve"]),
            "said": tuple(_said(each) for each in stored["said"]),
        }
    )


def _said(stored: Mapping[str, Any]) -> Said:
    return Said(
        kind=ClaimKind(stored["kind"]),
        source=stored["source"],
        at=datetime.fromisoformat(stored["at"]) if stored["at"] else None,
        seconds=stored["seconds"],
        posted_at=datetime.fromisoformat(stored["posted_at"]) if stored["posted_at"] else None,
    )


def moments(incident: Incident, *, now: datetime) -> tuple[Moment, ...]:
    """What the record holds for a timeline, for staff to edit: milestones, and what was said to everyone."""
    facts = of_incident(incident, now=now)
    share = fields.percent(facts.first_percent, 100)
    milestones = (
        (facts.started_at, "First impact", ""),
        (facts.detected_at, "Detected", ""),
        (facts.restored_half_at, "Half restored", "Half of the affected companies are restored."),
        (facts.restored_share_at, f"First {share} restored", ""),
        (facts.all_restored_at, "Last company restored", ""),
    )
    recorded = [
        Moment(from_at=at, until_at=None, heading=heading, text=text)
        for at, heading, text in milestones
        if at
    ]
    public = Update.objects.filter(incident=incident, audience=Audience.EVERYONE)
    said = [
        Moment(
            from_at=update.published_at,
            until_at=None,
            heading=f"Announced: {UpdateKind(update.kind).label.lower()}",
            text=_beginning(update.body_markdown),
        )
        for update in public.exclude(kind=UpdateKind.POST_MORTEM).order_by("published_at")
    ]
    return tuple(sorted((*recorded, *said), key=lambda moment: moment.from_at))


def _beginning(text: str) -> str:
    words = beginnings.typed_by_hand(text).replace("|", "/")
    return words if len(words) <= SAID_AT_MOST else f"{words[:SAID_AT_MOST].rsplit(' ', 1)[0]} …"


def _instant_words(value: Any) -> str:
    if isinstance(value, datetime):
        return f"{value.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f+00:00}"
    raise TypeError(f"Nothing that facts hold: {value!r}")
