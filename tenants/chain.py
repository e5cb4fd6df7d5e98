"""The arithmetic of the audit's chain: what the digest of one row is made of. Plain Python, no database."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

NO_DIGEST = "0" * 64
"""What stands before the first row."""


@dataclass(frozen=True, kw_only=True)
class Content:
    """All that one audit row says, as it was stored."""

    id: UUID
    company_id: UUID | None
    actor_id: UUID | None
    actor_kind: str
    actor_name: str
    shown_name: str
    action: str
    object_type: str
    object_id: str
    detail: Mapping[str, Any]
    at: datetime
    about: str = ""


def digest(content: Content, *, previous_digest: str, sealed_at: datetime) -> str:
    """SHA-256, in 64 hexadecimal digits, of `canonical_text` in ASCII.

    Whoever changes one row must change the digest of every later one, and of each that was kept
    elsewhere.
    """
    text = canonical_text(content, previous_digest=previous_digest, sealed_at=sealed_at)
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def canonical_text(content: Content, *, previous_digest: str, sealed_at: datetime) -> str:
    """One JSON array without spaces, names sorted, everything but ASCII escaped: the digest before it,
    when it was sealed, then the columns in the order of `Content`. Instants are UTC with microseconds.
    What the row is about comes last, where there is anything: older rows have no such place.

    An example. Ada of a company asks for a report, and it is the first row of the chain:

        ["0000000000000000000000000000000000000000000000000000000000000000",
        "2026-02-04T21:00:05.000000Z","019c2a00-0000-7000-8000-000000000001",
        "019c2a00-0000-7000-8000-000000000002","019c2a00-0000-7000-8000-000000000003","client",
        "ada@acme.example","Ad\\u00e8le","post_mortem.requested","incidents.postmortemrequest",
        "019c2a00-0000-7000-8000-000000000004",{"incident":"INC-1","words":3},
        "2026-02-04T21:00:00.250000Z"]

    in one line, without the breaks, has the digest
    c075df7d28cd50851aacdd870bbd3f32ec33266fc6355b840279ca2351d11120.
    """
    values = [
        previous_digest,
        _instant(sealed_at),
        str(content.id),
        _id(content.company_id),
        _id(content.actor_id),
        content.actor_kind,
        content.actor_name,
        content.shown_name,
        content.action,
        content.object_type,
        content.object_id,
        content.detail,
        _instant(content.at),
        *((content.about,) if content.about else ()),
    ]
    return json.dumps(values, ensure_ascii=True, sort_keys=True, separators=(",", ":"))


def _id(value: UUID | None) -> str | None:
    return None if value is None else str(value)


def _instant(value: datetime) -> str:
    return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
