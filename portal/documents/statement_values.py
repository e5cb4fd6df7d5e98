"""A downtime statement as the values that its PDF shows: made of the signed document alone."""

import hashlib
import json
from typing import Any

from incidents.choices import CompanyState
from incidents.queries import statement_documents
from incidents.queries.statement_documents import StatementDocument, StatementStretch
from portal.templatetags.portal_states import STATES
from portal.templatetags.portal_time import exact_duration, month, plain_instant, plain_period

_SIGNED = (
    "The JSON is signed with {algorithm} over its canonical form (RFC 8785) without the member “signature”; "
    "the public keys are at the same address."
)


def values(content: str) -> dict[str, Any]:
    """What `statement.typ` shows of the signed JSON."""
    said = statement_documents.read(json.loads(content))
    subject = said.title or (month(said.month_on) if said.month_on else "")
    heading = f"Downtime statement: {subject}"
    issued = plain_instant(said.issued_at, said.zone)
    return {
        "title": f"{heading}, {said.company}",
        "keywords": [said.number],
        "vendor": said.vendor,
        "heading": heading,
        "company": said.company,
        "running": f"{heading} · {said.company}",
        "footer": [
            f"{said.company} · {said.number}",
            f"Issued {issued} · record version {said.record_version} · times in {said.zone}",
        ],
        "is_provisional": said.is_provisional,
        "provisional": f"Provisional, as of {issued}: the period, or an incident in it, was still going on.",
        "figures": _figures(said),
        "facts": _facts(said, issued),
        "nothing": "Nothing is recorded for this account in the period.",
        "zone_note": f"Times in {said.zone}. Each stretch is clipped to the period.",
        "heads": ["From and until", "Incident", "State", "Length"],
        "stretches": [_stretch(each, said.zone) for each in said.stretches],
        "definition": said.definition,
        "formula": said.formula.split("; "),
        "verify": [
            [
                "Anybody can verify this statement, without signing in, at ",
                {"t": "a", "href": said.verify_at, "c": [said.verify_at]},
                ": by its number, or with the JSON that was issued with it.",
            ],
            [_SIGNED.format(algorithm=said.algorithm)],
        ],
        "proofs": [
            ["Number", said.number],
            ["SHA-256 of the JSON", hashlib.sha256(content.encode()).hexdigest()],
            ["Key", said.key_id],
            ["Signature", said.signature],
        ],
    }


def _figures(said: StatementDocument) -> list[dict[str, str]]:
    weight = said.degraded_weight_percent
    shown = [
        ("Downtime", exact_duration(said.downtime_seconds), "outage, and degraded time by its weight"),
        ("Outage", exact_duration(said.outage_seconds), "counted fully"),
        (
            "Degraded",
            exact_duration(said.degraded_seconds),
            f"counted at {weight}%" if weight else "not counted as downtime",
        ),
    ]
    if said.availability_percent:
        of = f"of {exact_duration(said.period_seconds)}"
        shown.insert(1, ("Availability", f"{said.availability_percent}%", of))
    return [{"name": name, "value": value, "means": means} for name, value, means in shown]


def _facts(said: StatementDocument, issued: str) -> list[list[str]]:
    facts = [
        ["Account", said.company],
        ["Period", plain_period(said.from_at, said.until_at, said.zone)],
        ["Planned maintenance", f"{exact_duration(said.planned_seconds)}, not counted"],
        ["Unknown", f"{exact_duration(said.unknown_seconds)}, no signal received, not counted"],
        ["Issued", issued],
        ["Record version", said.record_version],
    ]
    if said.reference:
        facts.insert(1, ["Incident", f"{said.title} ({said.reference})"])
    return facts


def _stretch(each: StatementStretch, zone: str) -> dict[str, str]:
    words = "Unknown" if each.state is CompanyState.UNKNOWN else STATES[each.state].word
    return {
        "when": plain_period(each.from_at, each.until_at, zone)
        if each.until_at
        else f"since {plain_instant(each.from_at, zone)}",
        "title": each.title,
        "reference": each.reference,
        "state": f"{words}, planned" if each.is_planned else words,
        "tone": "plain" if each.is_planned else STATES[each.state].tone,
        "length": exact_duration(each.seconds),
    }
