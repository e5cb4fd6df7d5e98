"""A downtime statement as a document: how it is written down to be signed, and how it is read again.

The page, the PDF, the CSV and the public verification all show what is read of the signed document, so
that no two of them can disagree.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from django.conf import settings

from incidents import availability, clocks
from incidents.choices import CompanyState, StatementKind
from incidents.queries.statements import StatementFacts, Stretch

FORMAT = "downtime-statement/1"
DEFINITION = (
    "Measured from the account's own recoveries, not from what was announced. Each second counts once, over "
    "all components of the account. Outage counts fully, degraded time by its weight in percent; "
    "a maintenance does not count within the window that was announced for it, and does after it. Unknown: "
    "no signal was received; it is not counted. Stretches are clipped to the period. A month is one of the "
    "zone."
)


@dataclass(frozen=True, kw_only=True)
class StatementStretch:
    """One stretch of an incident, clipped to the period."""

    reference: str
    title: str
    state: CompanyState
    is_planned: bool
    from_at: datetime
    until_at: datetime | None
    """None: it still held when the statement was issued."""
    seconds: int


@dataclass(frozen=True, kw_only=True)
class StatementDocument:
    """What a statement says. `month_on` or the incident's `reference` and `title` are set."""

    number: str
    vendor: str
    company: str
    kind: StatementKind
    month_on: date | None
    reference: str
    title: str
    zone: str
    from_at: datetime
    until_at: datetime
    period_seconds: int
    outage_seconds: int
    degraded_seconds: int
    planned_seconds: int
    unknown_seconds: int
    downtime_seconds: int
    availability_percent: str
    """Empty for an incident: availability is that of a month."""
    degraded_weight_percent: int
    stretches: tuple[StatementStretch, ...]
    definition: str
    formula: str
    is_provisional: bool
    record_version: str
    issued_at: datetime
    verify_at: str
    algorithm: str
    key_id: str
    signature: str
    """These three are empty where nothing was signed yet."""


def preview(facts: StatementFacts, *, company_name: str) -> StatementDocument:
    """What would be said of these facts; not issued, so without a number and a signature."""
    return read(written(facts, number="", company_name=company_name, verify_at=""))


def written(facts: StatementFacts, *, number: str, company_name: str, verify_at: str) -> dict[str, Any]:
    """The document before it is signed: texts and whole numbers alone, instants in UTC."""
    measured = facts.measured
    figures = {
        "period_seconds": measured.period_seconds,
        "outage_seconds": measured.outage_seconds,
        "degraded_seconds": measured.degraded_seconds,
        "planned_seconds": measured.planned_seconds,
        "unknown_seconds": measured.unknown_seconds,
        "downtime_seconds": measured.downtime_seconds,
    }
    subject: dict[str, Any]
    if facts.kind is StatementKind.MONTH and facts.month_on is not None:
        subject = {"month": f"{facts.month_on:%Y-%m}"}
        figures["availability_percent"] = measured.availability_percent  # type: ignore[assignment]
    else:
        subject = {"incident": {"reference": facts.reference, "title": facts.title}}
    return {
        "format": FORMAT,
        "number": number,
        "vendor": settings.VENDOR_NAME,
        "company": company_name,
        "kind": str(facts.kind),
        **subject,
        "zone": facts.zone,
        "period": {"from": _utc(measured.from_at), "until": _utc(measured.until_at)},
        "figures": figures,
        "degraded_weight_percent": measured.degraded_weight_percent,
        "stretches": [_written_stretch(each) for each in facts.stretches],
        "definition": DEFINITION,
        "formula": availability.FORMULA,
        "is_provisional": facts.is_provisional,
        "record_version": facts.record_version,
        "issued_at": _utc(facts.as_of),
        "verify_at": verify_at,
    }


def _written_stretch(each: Stretch) -> dict[str, Any]:
    return {
        "incident": each.reference,
        "title": each.title,
        "state": str(CompanyState(each.state)),
        "is_planned": each.is_planned,
        "from": _utc(each.from_at),
        "until": None if each.until_at is None else _utc(each.until_at),
    }


def _utc(instant: datetime) -> str:
    return clocks.as_utc(instant).astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def read(document: Mapping[str, Any]) -> StatementDocument:
    """What a document says that was written here, signed or not."""
    incident = document.get("incident") or {"reference": "", "title": ""}
    month = document.get("month")
    until_at = _instant(document["period"]["until"])
    return StatementDocument(
        number=document["number"],
        vendor=document["vendor"],
        company=document["company"],
        kind=StatementKind(document["kind"]),
        month_on=date.fromisoformat(f"{month}-01") if month else None,
        reference=incident["reference"],
        title=incident["title"],
        zone=document["zone"],
        from_at=_instant(document["period"]["from"]),
        until_at=until_at,
        **{"availability_percent": "", **document["figures"]},
        degraded_weight_percent=document["degraded_weight_percent"],
        stretches=tuple(_stretch(each, until_at) for each in document["stretches"]),
        definition=document["definition"],
        formula=document["formula"],
        is_provisional=document["is_provisional"],
        record_version=document["record_version"],
        issued_at=_instant(document["issued_at"]),
        verify_at=document["verify_at"],
        algorithm=document.get("algorithm", ""),
        key_id=document.get("key_id", ""),
        signature=document.get("signature", ""),
    )


def _stretch(each: Mapping[str, Any], period_until: datetime) -> StatementStretch:
    from_at = _instant(each["from"])
    until_at = None if each["until"] is None else _instant(each["until"])
    return StatementStretch(
        reference=each["incident"],
        title=each["title"],
        state=CompanyState(each["state"]),
        is_planned=each["is_planned"],
        from_at=from_at,
        until_at=until_at,
        seconds=clocks.seconds_between(from_at, until_at or period_until),
    )


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text)
