"""A condition as it was declared and as PostgreSQL prints it are the same tree, and no others are."""

import itertools
import random
from collections.abc import Callable, Iterator

import pytest
from django.db import connection

from tenants import rls
from tenants.catalogue import conditions, declarations
from tests import sampling

Truth = Callable[[dict[str, bool]], bool]

COLUMNS = {
    "a": "company_id = (select nullif(current_setting('portal.company_id', true), '')::uuid)",
    "b": "state = 'requested'",
    "c": "decline_reason is null",
    "d": "incident_id = any (array(select own.incident_id from incidents_recovery own where own.is_final))",
}
"""Comparisons of the kinds that policies hold, by the letter that stands for each."""


def made(chance: random.Random, depth: int) -> tuple[str, Truth]:
    """A random condition, with exactly the parentheses that it needs, and what it means."""
    if depth == 0 or chance.random() < 0.2:
        letter = chance.choice(sorted(COLUMNS))
        return letter, lambda values: values[letter]
    word = chance.choice(("and", "or"))
    parts = [made(chance, depth - 1) for _ in range(chance.randint(2, 3))]
    text = f" {word} ".join(f"({part})" if " " in part else part for part, _ in parts)
    combine = all if word == "and" else any
    return text, lambda values: combine(truth(values) for _, truth in parts)


def meaning(truth: Truth) -> tuple[bool, ...]:
    """What the condition says of every combination of its comparisons."""
    letters = sorted(COLUMNS)
    return tuple(
        truth(dict(zip(letters, values, strict=True)))
        for values in itertools.product((False, True), repeat=len(letters))
    )


def spelled(text: str) -> str:
    return "".join(COLUMNS.get(letter, letter) if alone else letter for letter, alone in _letters(text))


def _letters(text: str) -> Iterator[tuple[str, bool]]:
    for place, letter in enumerate(text):
        around = text[place - 1 : place] + text[place + 1 : place + 2]
        yield letter, not any(each.isalpha() for each in around)


@pytest.fixture
def printed(superuser: None) -> Callable[[str], str]:
    """What PostgreSQL prints of a condition on the table of requests."""

    def ask(condition: str) -> str:
        table = "incidents_postmortemrequest"
        with connection.cursor() as cursor:
            cursor.execute(f"create policy tried on {table} for select to portal_client using ({condition})")
            cursor.execute(
                "select pg_get_expr(polqual, polrelid) from pg_policy where polname = 'tried' "
                "and polrelid = %s::regclass",
                [table],
            )
            (text,) = cursor.fetchone()
            cursor.execute(f"drop policy tried on {table}")
        return str(text)

    return ask


def test_what_postgresql_prints_is_the_declared_condition(
    printed: Callable[[str], str], record_property: Callable[[str, object], None]
) -> None:
    chance = random.Random(sampling.SEED)
    trees: dict[conditions.Tree, tuple[bool, ...]] = {}
    number = 600 if sampling.EVERYTHING else 120
    for _ in range(number):
        text, truth = made(chance, 3)
        declared = conditions.canonical(spelled(text))
        assert declared == conditions.canonical(printed(spelled(text))), text
        assert trees.setdefault(declared, meaning(truth)) == meaning(truth), f"{text} equals another one"
    record_property(sampling.CASES + "of printed conditions", number)


def test_every_declared_rule_is_told_from_what_gives_way() -> None:
    rules = {
        rule.rows
        for access in declarations.declared().values()
        for rule in access.rules
        if rule.role == rls.CLIENT
    }
    assert len(rules) >= 6
    for rows in rules:
        declared = conditions.canonical(rows)
        for other in (f"{rows} or true", f"({rows}) and (is_final or true)", f"not ({rows})", "true"):
            assert conditions.canonical(other) != declared, other


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("a and b or c", "a and (b or c)"),
        ("not a and b", "not (a and b)"),
        ("not (a) = b", "(not (a)) = b"),
        ("a = 'X'", "a = 'x'"),
        ("a = 'b or c'", "a = 'b' or c"),
        ("a = '('", "a = ')'"),
        ("a = b::uuid", "a = b"),
        ("a = any (array['x', 'y'])", "a = any (array['x', 'z'])"),
        ("a = (select b from c)", "a = any (select b from c)"),
        ("a - (b - c) = 0", "(a - b) - c = 0"),
        ("exists (select 1 from b where c or d)", "exists (select 1 from b where c) or d"),
        ('"A" = b', "a = b"),
        ("f(a, b) = c", "f((a, b)) = c"),
        ("a = (b, c)", "a = b, c"),
        ("", "true"),
    ],
)
def test_conditions_that_mean_something_else_differ(one: str, other: str) -> None:
    assert conditions.canonical(one) != conditions.canonical(other)


@pytest.mark.parametrize(
    ("declared", "as_printed"),
    [
        ("state = 'requested'", "((state)::text = 'requested'::text)"),
        (
            "state = any (array['a', 'b'])",
            "((state)::text = ANY ((ARRAY['a'::character varying, 'b'::character varying])::text[]))",
        ),
        ("a and b and c", "((a AND b) AND c)"),
        ("nullif(a, '')::uuid = b", "((NULLIF(a, ''::text))::uuid = \"b\")"),
    ],
)
def test_a_spelling_of_postgresql_is_the_same_condition(declared: str, as_printed: str) -> None:
    assert conditions.canonical(declared) == conditions.canonical(as_printed)


def test_a_parenthesis_that_is_left_open_is_refused() -> None:
    with pytest.raises(ValueError, match="not closed"):
        conditions.canonical("a and (b")
