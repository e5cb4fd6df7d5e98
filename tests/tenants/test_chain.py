"""What the digest of an audit row is made of: every column, the place, and nothing twice."""

import inspect
import json
import re
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import pytest

from tenants import chain
from tenants.models import AuditEvent

EXAMPLE = chain.Content(
    id=UUID("019c2a00-0000-7000-8000-000000000001"),
    company_id=UUID("019c2a00-0000-7000-8000-000000000002"),
    actor_id=UUID("019c2a00-0000-7000-8000-000000000003"),
    actor_kind="client",
    actor_name="ada@acme.example",
    shown_name="Adèle",
    action="post_mortem.requested",
    object_type="incidents.postmortemrequest",
    object_id="019c2a00-0000-7000-8000-000000000004",
    detail={"words": 3, "incident": "INC-1"},
    at=datetime(2026, 2, 4, 21, 0, 0, 250_000, UTC),
)
SEALED_AT = datetime(2026, 2, 4, 21, 0, 5, tzinfo=UTC)
OTHERS = {
    UUID: UUID("019c2a00-0000-7000-8000-00000000000f"),
    str: "staff",
    dict: {"words": 3, "incident": "INC-2"},
    datetime: EXAMPLE.at + timedelta(microseconds=1),
}


def digest(
    content: chain.Content, *, previous: str = chain.NO_DIGEST, sealed_at: datetime = SEALED_AT
) -> str:
    return chain.digest(content, previous_digest=previous, sealed_at=sealed_at)


def test_the_example_in_the_explanation_is_right() -> None:
    explained = inspect.getdoc(chain.canonical_text) or ""
    (array,) = re.findall(r"\[\".*\"\]", explained, flags=re.DOTALL)
    text = chain.canonical_text(EXAMPLE, previous_digest=chain.NO_DIGEST, sealed_at=SEALED_AT)
    assert text == re.sub(r"\n\s*", "", array)
    assert re.findall(r"\b[0-9a-f]{64}\b(?!\")", explained) == [digest(EXAMPLE)]


def test_every_column_of_the_audit_is_in_the_digest() -> None:
    columns = [field.attname for field in AuditEvent._meta.concrete_fields]
    assert sorted(field.name for field in fields(chain.Content)) == sorted(columns)


@pytest.mark.parametrize("name", [field.name for field in fields(chain.Content)])
def test_another_value_in_any_column_is_another_digest(name: str) -> None:
    other: Any = OTHERS[type(getattr(EXAMPLE, name))]
    assert digest(replace(EXAMPLE, **{name: other})) != digest(EXAMPLE)


def test_the_row_before_and_the_time_of_sealing_count() -> None:
    assert len({digest(EXAMPLE), digest(EXAMPLE, previous="1" * 64)}) == 2
    assert digest(EXAMPLE, sealed_at=SEALED_AT + timedelta(seconds=1)) != digest(EXAMPLE)


def test_the_same_row_read_in_another_way_has_the_same_digest() -> None:
    """The order of names, and the zone in which an instant is given, are not part of what is said."""
    zone = timezone(timedelta(hours=1))
    turned = {name: EXAMPLE.detail[name] for name in reversed(list(EXAMPLE.detail))}
    same = replace(EXAMPLE, detail=turned, at=EXAMPLE.at.astimezone(zone))
    assert digest(same, sealed_at=SEALED_AT.astimezone(zone)) == digest(EXAMPLE)


def test_text_that_moves_from_one_column_to_the_next_is_another_digest() -> None:
    hostile = replace(EXAMPLE, actor_name='a","b', shown_name="c")
    moved = replace(EXAMPLE, actor_name="a", shown_name='b","c')
    assert digest(hostile) != digest(moved)


def test_what_a_row_is_about_is_sealed_and_no_row_from_before_is_sealed_anew() -> None:
    about = replace(EXAMPLE, about="INC-1")
    said = chain.canonical_text(about, previous_digest=chain.NO_DIGEST, sealed_at=SEALED_AT)
    before = chain.canonical_text(EXAMPLE, previous_digest=chain.NO_DIGEST, sealed_at=SEALED_AT)
    assert json.loads(said) == [*json.loads(before), "INC-1"]
