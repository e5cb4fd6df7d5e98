"""One version of a report, as one reader of one account reads it, as the values that its PDF shows."""

from typing import Any

from incidents.queries.report_shapes import Annex, ReportMoment, ReportPage
from incidents.queries.shapes import ClaimRow
from incidents.report_content import Text
from portal.documents import curve_picture, flow
from portal.templatetags.portal_states import CLAIMS, STATES
from portal.templatetags.portal_time import day, duration, plain_instant, plain_period, signed_duration

NOT_RECORDED = "not recorded"
SHORT = 800
"""A moment of the timeline with fewer characters stays whole; a longer one may go on over the page."""


def values(page: ReportPage, *, vendor: str, account: str, reader: str) -> dict[str, Any]:
    """What `report.typ` shows; `account` is the company's name, `reader` the person's who asked for it."""
    zone = page.zone
    footnotes = {each.number for each in page.footnotes}

    def text(written: Text, under: int = 0) -> list[flow.Part]:
        return flow.blocks(written.html, footnotes=footnotes, under=under)

    published = plain_instant(page.version.published_at, zone)
    heading = f"Post-mortem: {page.title}"
    drawn = None
    if page.cohort and page.annex:
        drawn = curve_picture.picture(page.cohort, page.annex.recovery, zone=zone)
    return {
        "title": f"{heading} ({page.version.label})",
        "keywords": [page.reference],
        "vendor": vendor,
        "label": page.version.label,
        "heading": heading,
        "running": f"{heading} · {page.version.label}",
        "footer": [
            f"For {account}, {reader} · times in {zone}" if reader else f"For {account} · times in {zone}",
            " · ".join(
                (
                    page.reference,
                    f"version {page.version.number}",
                    f"record version {page.record_version}",
                    f"SHA-256 {page.sha256[:16]}…",
                )
            ),
        ],
        "published": f"Version {page.version.number}, published {published}",
        "about": [
            ["Incident", page.reference],
            ["Prepared for", account],
            ["Version", f"{page.version.number} ({page.version.label.lower()})"],
            ["Record version", str(page.record_version)],
            ["Times", f"in {zone}"],
        ],
        "hash_name": "SHA-256 of the version",
        "hash": page.sha256,
        "contents": "Contents",
        "summary": text(page.summary.text, under=1) if page.summary else [],
        "facts_note": _measured(page, zone),
        "facts_heads": ["What", "When", "After the start"],
        "facts_rows": _facts_rows(page, zone),
        "facts_more": [
            [
                "Companies affected",
                f"{page.facts.affected_count}, of them {page.facts.restored_count} restored",
            ],
            ["Components", ", ".join(page.facts.components)],
        ],
        "curve": drawn[0] if drawn else None,
        "curve_words": drawn[1] if drawn else "",
        "curve_caption": "Share of the affected companies that was restored, and your account among them.",
        "zone_note": f"Times in {zone}",
        "timeline_heads": ["When", "What"],
        "timeline": [
            {
                "when": _span(each, zone),
                "heading": each.heading,
                "text": text(each.text),
                "is_short": len(each.text.html) < SHORT,
            }
            for each in page.timeline
        ],
        "causes": [{"title": each.title, "text": text(each.text, under=2)} for each in page.causes],
        "actions_note": "As promised in this version. How far each is now stands on the report's page.",
        "actions": [
            {
                "title": each.title,
                "text": text(each.text),
                "promise": f"{each.owner} · promised by {day(each.due_on)}" if each.due_on else each.owner,
            }
            for each in page.actions
        ],
        "next": text(page.comes_next.text, under=1) if page.comes_next else [],
        "footnotes": [
            {
                "number": str(each.number),
                "says": f"“{each.words}”: the record says {each.record_says}.",
                "reason": each.reason,
            }
            for each in page.footnotes
        ],
        "annex": _annex(page.annex, page, account) if page.annex else None,
    }


def _measured(page: ReportPage, zone: str) -> str:
    as_of = plain_instant(page.facts.as_of, zone)
    return f"Measured. {'As' if page.facts.is_final else 'Provisional, as'} of {as_of}."


def _span(moment: ReportMoment, zone: str) -> str:
    if moment.until_at is None:
        return plain_instant(moment.from_at, zone)
    return plain_period(moment.from_at, moment.until_at, zone)


def _facts_rows(page: ReportPage, zone: str) -> list[list[str]]:
    facts = page.facts
    rows = [
        ("Start: first impact", facts.started_at, None),
        ("Detected: when we noticed", facts.detected_at, facts.detection_seconds),
        ("First word to everyone affected", facts.first_word_at, facts.first_word_seconds),
    ]
    if facts.curve:
        rows += [
            ("Half of the companies restored", facts.restored_half_at, facts.half_seconds),
            (f"First {facts.first_percent}% restored", facts.restored_share_at, facts.share_seconds),
            ("Last company restored", facts.all_restored_at, facts.all_seconds),
        ]
    return [
        [
            what,
            plain_instant(at, zone) if at else NOT_RECORDED,
            "–" if seconds is None and at == facts.started_at else duration(seconds),
        ]
        for what, at, seconds in rows
    ]


def _annex(annex: Annex, page: ReportPage, account: str) -> dict[str, Any]:
    zone, own = page.zone, annex.recovery
    until = "your restoration" if own.is_restored else "the report"
    facts = [
        [
            "Affected from",
            plain_instant(own.impacted_at, zone) if own.impacted_at else "no impact is recorded",
        ],
        ["Restored", plain_instant(own.restored_at, zone) if own.restored_at else "not yet"],
        ["In all", f"{duration(own.total_seconds)}, first impact to {until}"],
        ["Down", f"{duration(own.outage_seconds)}, any component, counted once"],
        ["Degraded", f"{duration(own.degraded_seconds)}, reachable, slow or failing"],
    ]
    if own.rank:
        facts.append(["Place", f"{own.rank} of {page.facts.affected_count}, in order of restoration"])
    if page.facts.curve and own.in_tail is not None:
        facts.append([f"In the last {page.facts.tail_percent}% to recover", "Yes" if own.in_tail else "No"])
    return {
        "account": account,
        "state": STATES[own.state].word,
        "tone": STATES[own.state].tone,
        "facts": facts,
        "turn_heads": ["From", "State", "Components"],
        "turns": [
            {
                "at": plain_instant(each.at, zone),
                "state": STATES[each.state].word,
                "tone": STATES[each.state].tone,
                "components": ", ".join(each.components),
            }
            for each in annex.turns
        ],
        "claim_heads": ["What was said", "Announced", "Measured", "Difference"],
        "claims": [_claim(each, zone) for each in annex.claims],
    }


def _claim(claim: ClaimRow, zone: str) -> dict[str, str]:
    measured = "not yet"
    if claim.experienced_at:
        measured = plain_instant(claim.experienced_at, zone)
    elif claim.experienced_seconds is not None:
        measured = duration(claim.experienced_seconds)
    announced = claim.announced_at
    return {
        "what": CLAIMS[claim.kind],
        "source": claim.source,
        "announced": plain_instant(announced, zone) if announced else duration(claim.announced_seconds),
        "measured": measured,
        "difference": signed_duration(claim.difference_seconds),
    }
