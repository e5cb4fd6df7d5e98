"""What a text that is about to be posted says of the facts, held against the record.

Finds lengths, shares, "all", and times of start and restoration in English sentences. Against the
record it errs on the side of asking: what it finds can be changed or acknowledged. What it takes for
a claim, which clients read, it takes only from words that can mean nothing else.
"""

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from incidents import claims, clocks, fields
from incidents.choices import ClaimKind
from incidents.fields import Record


@dataclass(frozen=True, kw_only=True)
class Contradiction:
    """Words of a text that the record does not bear out, and what the record says."""

    kind: ClaimKind
    words: str
    record_says: str

    def __str__(self) -> str:
        return f"“{self.words}”: {self.record_says}"


@dataclass(frozen=True, kw_only=True)
class Statement:
    """Words that say something of the facts, with the value of their kind (see `claims.Claim`).

    `record_says` is what the record has against them, None where it bears them out.
    """

    kind: ClaimKind
    words: str
    record_says: str | None
    at: datetime | None = None
    seconds: int | None = None
    percent: float | None = None
    is_plain: bool = True
    """Whether the words can mean nothing else."""

    @property
    def claim(self) -> claims.Claim:
        return claims.Claim(kind=self.kind, at=self.at, seconds=self.seconds, percent=self.percent)


_SENTENCE = re.compile(r"(?<=[.!?;])\s+|\n+|\s[–—]\s")
_MARKUP = re.compile(r"[*_`#>|]+")
_NOT_OF_THE_RECORD = re.compile(
    r"\b(next update|will|expect\w*|within|every \d+|if|should|plan\w*|goal|target)\b", re.IGNORECASE
)
_LENGTH = re.compile(
    r"\b(?P<hours>\d{1,3}(?:[.,]\d+)?)[ \u00a0-]?h(?:ours?|rs?)?(?![a-z])"
    r"(?:,?\s*(?:and\s+)?(?P<minutes>\d{1,2})(?:\s*m(?:in(?:ute)?s?)?)?(?![\w%:]))?"
    r"|\b(?P<only>\d{1,4})[ \u00a0-]?min(?:ute)?s?\b",
    re.IGNORECASE,
)
_LASTED = re.compile(
    r"\b(lasted|total|duration|took|downtime|outage|interrupt\w*|unavailab\w*|in all"
    r"|(?:restor\w+|resol\w+|recover\w+|back) (?:after|in))\b",
    re.IGNORECASE,
)
_IN_ALL = re.compile(r"\b(lasted|total|duration|in all|altogether|overall)\b", re.IGNORECASE)
_BACK = re.compile(
    r"\b(restored|resolved|recovered|back|operational|fixed|available again|works? again|working again"
    r"|everything works|fully in operation|is over|are over|has ended)\b",
    re.IGNORECASE,
)
_SHARE = re.compile(r"(?<![\w.,])(?P<percent>\d{1,3}(?:[.,]\d+)?)\s?(?:%|per ?cent\b)", re.IGNORECASE)
_COUNT = re.compile(r"\b(?P<part>\d{1,7}) (?:out )?of (?:the |all |our )?(?P<whole>\d{1,7})\b", re.IGNORECASE)
_PLACE_IN_ORDER = re.compile(r"\b(first|last)\s*$", re.IGNORECASE)
_ALL = re.compile(
    r"\b(all(?! the best)|every|everyone|everybody|everything|completely|fully)\b", re.IGNORECASE
)
_NOT_ALL = re.compile(
    r"\b(not|no longer|nobody|none|almost|nearly|most|some|until|once|when|before|until|yet to|but)\b|n't\b",
    re.IGNORECASE,
)
_CLOCK = re.compile(
    r"(?<![\d:.])(?P<hour>[01]?\d|2[0-3]):(?P<minute>[0-5]\d)(?![\d:])(?:\s?(?P<zone>[A-Z]{2,5})\b)?"
)
_RESTORED_AT = re.compile(
    r"\b(?:restored|resolved|recovered|back|over|ended|fixed|operational)\b"
    r"[^.:;]{0,40}?\b(?:at|since|by|as of)\s*$",
    re.IGNORECASE,
)
_STARTED_AT = re.compile(r"\b(?:started|began|begun|starting|beginning)\b[^.:;]{0,30}?\s*$", re.IGNORECASE)
_OFFSETS = {
    "UTC": 0,
    "GMT": 0,
    "WET": 0,
    "CET": 1,
    "BST": 1,
    "CEST": 2,
    "EST": -5,
    "EDT": -4,
    "PST": -8,
    "PDT": -7,
}


def contradictions(text: str, record: Record, *, zone: str) -> tuple[Contradiction, ...]:
    """What the text says and the record contradicts, in the order of the text; each once.

    Fields are left out, because they come from the record. A clock without a zone is read in `zone`.
    """
    found = (
        Contradiction(kind=each.kind, words=each.words, record_says=each.record_says)
        for each in _statements(fields.removed(text), record, zone)
        if each.record_says is not None
    )
    return tuple(dict.fromkeys(found))


def borne_out(text: str, record: Record, *, zone: str) -> str:
    """The text without its lines in which the record contradicts something."""
    kept = (line for line in text.splitlines() if not contradictions(line, record, zone=zone))
    return "\n".join(kept).strip()


def claims_of(text: str, record: Record, *, zone: str) -> tuple[claims.Claim, ...]:
    """What the text, its fields filled in, plainly says of the facts, in its order; each once.

    "Everything is back" is a claim for `record.now`, unless its sentence names a time of its own.
    """
    written = fields.in_words(fields.fill(text, record), zone)
    return tuple(dict.fromkeys(each.claim for each in _statements(written, record, zone) if each.is_plain))


def _statements(text: str, record: Record, zone: str) -> Iterator[Statement]:
    for sentence in _SENTENCE.split(_MARKUP.sub("", text)):
        yield from _of_sentence(" ".join(sentence.split()), record, zone)


def digest(found: Sequence[Contradiction]) -> str:
    """A word that changes with the words that are contradicted: only those shown are acknowledged."""
    words = "\n".join(f"{each.kind}: {each.words}" for each in found)
    return hashlib.sha256(words.encode()).hexdigest()[:16] if found else ""


def _of_sentence(sentence: str, record: Record, zone: str) -> Iterator[Statement]:
    if not sentence or _NOT_OF_THE_RECORD.search(sentence):
        return
    yield from _lengths(sentence, record)
    shares = list(_SHARE.finditer(sentence))
    yield from _shares(sentence, shares, record, zone)
    yield from _counts(sentence, record)
    if not shares:
        yield from _everyone(sentence, record)
        yield from _instants(sentence, record, zone)


def _lengths(sentence: str, record: Record) -> Iterator[Statement]:
    if not _LASTED.search(sentence):
        return
    for found in _LENGTH.finditer(sentence):
        seconds = _seconds(found)
        lengths = [record.seconds_to(95), record.seconds_to(100)]
        if re.search(r"\bhalf\b", sentence, re.IGNORECASE):
            lengths.append(record.seconds_to(50))
        claim = claims.Claim(kind=ClaimKind.TOTAL_DURATION, seconds=seconds)
        ends = [record.reached_at(percent) for percent in (95, 100)]
        agree = any(
            claims.compare(
                claim, claims.Facts(impacted_at=record.started_at, restored_at=end, now=record.now)
            ).agrees
            for end in ends
        )
        is_known = any(
            known is not None and abs(known - seconds) <= claims.TOLERANCE_SECONDS for known in lengths
        )
        yield Statement(
            kind=ClaimKind.TOTAL_DURATION,
            words=found[0].strip(),
            record_says=None if agree or is_known else _lengths_of(record),
            seconds=seconds,
            is_plain=bool(_IN_ALL.search(sentence)),
        )


def _seconds(found: re.Match[str]) -> int:
    if found["only"]:
        return 60 * int(found["only"])
    hours = float(found["hours"].replace(",", "."))
    return round(3600 * hours) + 60 * int(found["minutes"] or 0)


def _lengths_of(record: Record) -> str:
    to_first, to_last = record.seconds_to(95), record.seconds_to(100)
    first = f"{fields.length(to_first)} to the first 95%" if to_first is not None else "95% are not back yet"
    if to_last is not None:
        return f"{first}, {fields.length(to_last)} to the last account"
    so_far = clocks.seconds_between(record.started_at, record.now)
    return (
        f"{first}; {record.open_count} of {record.affected_count} not restored after {fields.length(so_far)}"
    )


def _shares(sentence: str, found: Sequence[re.Match[str]], record: Record, zone: str) -> Iterator[Statement]:
    if not _BACK.search(sentence):
        return
    clock = _CLOCK.search(sentence)
    at = _nearest(clock, record, zone, record.reached_at(95)) if clock else record.now
    for share in found:
        percent = float(share["percent"].replace(",", "."))
        if _PLACE_IN_ORDER.search(sentence[: share.start()]) or not 0 < percent <= 100:
            continue
        compared = claims.compare_share(
            claims.Claim(kind=ClaimKind.RESTORED_SHARE, at=at, percent=percent),
            restored_ats=record.restored_ats,
            affected_count=record.affected_count,
            now=record.now,
        )
        restored = sum(each <= at for each in record.restored_ats)
        when = f" at {fields.instant(at, zone)}" if clock else " now"
        truth = (
            f"{fields.percent(restored, record.affected_count)}{when}, {restored} of {record.affected_count}"
        )
        yield Statement(
            kind=ClaimKind.RESTORED_SHARE,
            words=share[0].strip(),
            record_says=truth if compared.is_contradicted else None,
            at=at,
            percent=percent,
        )


def _counts(sentence: str, record: Record) -> Iterator[Statement]:
    if not _BACK.search(sentence) or _CLOCK.search(sentence) or _NOT_ALL.search(sentence):
        return
    for found in _COUNT.finditer(sentence):
        part, whole = int(found["part"]), int(found["whole"])
        is_true = (part, whole) == (record.restored_count, record.affected_count)
        yield Statement(
            kind=ClaimKind.RESTORED_SHARE,
            words=found[0],
            record_says=None if is_true else f"{record.restored_count} of {record.affected_count} now",
            at=record.now,
            percent=100 * part / whole if whole else 0,
            is_plain=0 < part <= whole,
        )


def _everyone(sentence: str, record: Record) -> Iterator[Statement]:
    all_of, back = _ALL.search(sentence), _BACK.search(sentence)
    if all_of and back and not _NOT_ALL.search(sentence):
        start, end = min(all_of.start(), back.start()), max(all_of.end(), back.end())
        still_open = f"{record.open_count} of {record.affected_count} are not restored"
        yield Statement(
            kind=ClaimKind.RESTORED_AT,
            words=sentence[start:end],
            record_says=still_open if record.open_count else None,
            at=record.now,
            is_plain=not any(
                _RESTORED_AT.search(sentence[: each.start()]) for each in _CLOCK.finditer(sentence)
            ),
        )


def _instants(sentence: str, record: Record, zone: str) -> Iterator[Statement]:
    for found in _CLOCK.finditer(sentence):
        before = sentence[: found.start()]
        if _STARTED_AT.search(before):
            at = _nearest(found, record, zone, record.started_at)
            is_true = abs(clocks.seconds_between(at, record.started_at)) <= claims.TOLERANCE_SECONDS
            yield Statement(
                kind=ClaimKind.STARTED_AT,
                words=found[0].strip(),
                record_says=None if is_true else f"it began {fields.instant(record.started_at, zone)}",
                at=at,
            )
        elif _RESTORED_AT.search(before):
            ends = [record.reached_at(percent) for percent in (95, 100)]
            is_true = any(
                end is not None
                and claims.compare(
                    claims.Claim(kind=ClaimKind.RESTORED_AT, at=_nearest(found, record, zone, end)),
                    claims.Facts(impacted_at=record.started_at, restored_at=end, now=record.now),
                ).agrees
                for end in ends
            )
            yield Statement(
                kind=ClaimKind.RESTORED_AT,
                words=found[0].strip(),
                record_says=None if is_true else _ends_of(ends[0], ends[1], record, zone),
                at=_nearest(found, record, zone, ends[1]),
                is_plain=bool(_ALL.search(sentence)) and not _NOT_ALL.search(sentence),
            )


def _ends_of(first: datetime | None, last: datetime | None, record: Record, zone: str) -> str:
    if last is None:
        return f"{record.open_count} of {record.affected_count} are not restored"
    said = f"the last account was restored {fields.instant(last, zone)}"
    return f"{said}, the first 95% {fields.instant(first, zone)}" if first else said


def _nearest(found: re.Match[str], record: Record, zone: str, wanted: datetime | None) -> datetime:
    """The clock on the day on which it is nearest to what it should be."""
    hours = _OFFSETS.get(found["zone"] or "")
    to = wanted or record.now
    day = to.astimezone(ZoneInfo("UTC" if hours is not None else zone))
    at = day.replace(hour=int(found["hour"]), minute=int(found["minute"]), second=0, microsecond=0)
    if hours is not None:
        at -= timedelta(hours=hours)
    near = [clocks.as_utc(at) + timedelta(days=days) for days in (-1, 0, 1)]
    return min(near, key=lambda each: abs(clocks.seconds_between(each, to)))
