"""One spelling of an SQL condition, so that the declared text and what PostgreSQL prints can be compared.

PostgreSQL prints a policy's condition with parentheses, casts and names of its own. `canonical`
takes away only what cannot change the meaning. Where the two are spelled further apart than that
they count as different: a declaration is then written the way PostgreSQL prints it.
"""

import functools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

Tree: TypeAlias = "str | tuple[Tree, ...]"

_TOKEN = re.compile(r"""\s*('(?:[^']|'')*'|"(?:[^"]|"")*"|::|<=|>=|<>|!=|\|\||[\w.]+|[^\s\w])""")
_CLAUSES = frozenset(
    {"select", "from", "where", "group", "having", "order", "limit", "offset", "union", "except", "intersect"}
    | {"join", "left", "right", "inner", "outer", "cross", "on", "case", "when", "then", "else", "end", ","}
)
"""Words that bind less than OR: on each side of them stands a condition of its own."""
_TEXT_CASTS = (("::", "text"), ("::", "character", "varying"))
"""Casts that change nothing about what is compared."""
_OPERATORS = frozenset(
    {"not", "is", "in", "like", "ilike", "similar", "between", "exists", "any", "all", "some", "distinct"}
)
_WORD = re.compile(r"""[\w.]+|'.*'|".*\"""", re.DOTALL)
_EMPTY_BRACKETS: Tree = ("[", ("clauses",))
_CLOSED_BY = {"(": ")", "[": "]"}


@dataclass
class _Group:
    """What stands in one pair of parentheses or brackets."""

    opener: str = "("
    items: list["str | _Group"] = field(default_factory=list)


_Items: TypeAlias = "Sequence[str | _Group]"


@functools.lru_cache(maxsize=1024)
def canonical(condition: str | None) -> Tree:
    """The condition as a tree: equal trees mean equal conditions, whatever the spelling.

    `a and (b or c)` and `(a and b) or c` differ; `((a) AND (b))` and `a and b` do not.
    """
    return _content(_grouped(condition or ""))


def _grouped(condition: str) -> _Group:
    still_open = [_Group()]
    for token in _tokens(condition):
        if token in _CLOSED_BY:
            still_open.append(_Group(opener=token))
        elif len(still_open) > 1 and token == _CLOSED_BY[still_open[-1].opener]:
            closed = still_open.pop()
            still_open[-1].items.append(closed)
        else:
            still_open[-1].items.append(token)
    if len(still_open) > 1:
        raise ValueError(f"A parenthesis is not closed: {condition}")
    return still_open[0]


def _tokens(condition: str) -> Iterator[str]:
    for word in _TOKEN.findall(condition):
        if re.fullmatch(r'"[a-z_][a-z0-9_]*"', word):
            yield word.strip('"')
        else:
            yield word if word[0] in "'\"" else word.lower()


def _content(group: _Group) -> Tree:
    """Conditions, and the clause words between them."""
    found: list[Tree] = []
    between: list[str | _Group] = []
    for item in _without_casts_and_names(group.items):
        if isinstance(item, str) and item in _CLAUSES:
            found.extend((_condition(between), item) if between else (item,))
            between = []
        else:
            between.append(item)
    if between:
        found.append(_condition(between))
    return found[0] if len(found) == 1 else ("clauses", *found)


def _without_casts_and_names(items: _Items) -> Iterator[str | _Group]:
    """The items without casts between text types and without the names of columns (`as …`)."""
    place = 0
    while place < len(items):
        skipped = 2 if items[place] == "as" else _length_of_text_cast(items[place:])
        if not skipped:
            yield items[place]
        place += skipped or 1


def _length_of_text_cast(items: _Items) -> int:
    for cast in _TEXT_CASTS:
        if tuple(items[: len(cast)]) == cast:
            after = items[len(cast) : len(cast) + 1]
            return len(cast) + (1 if after and after[0] == _Group(opener="[") else 0)
    return 0


def _condition(items: _Items) -> Tree:
    for word in ("or", "and"):
        parts = _split(items, word)
        if len(parts) > 1:
            return _joined(word, [_condition(part) for part in parts])
    return _comparison(items)


def _split(items: _Items, word: str) -> list[_Items]:
    parts: list[list[str | _Group]] = [[]]
    for item in items:
        if item == word:
            parts.append([])
        else:
            parts[-1].append(item)
    return list(parts)


def _joined(word: str, parts: list[Tree]) -> Tree:
    """`a and (b and c)` is `a and b and c`."""
    flat: list[Tree] = []
    for part in parts:
        is_same = isinstance(part, tuple) and part[:1] == (word,)
        flat.extend(part[1:] if is_same else (part,))
    return (word, *flat)


def _comparison(items: _Items) -> Tree:
    """A term without AND and OR: parentheses around all of it, or around one operand, are dropped."""
    if len(items) == 1 and isinstance(items[0], _Group) and items[0].opener == "(":
        content = _content(items[0])
        # A list or a select keeps them: f((a, b)) is not f(a, b).
        return ("(", content) if content[:1] == ("clauses",) else content
    found: list[Tree] = []
    for place, item in enumerate(items):
        if isinstance(item, str):
            found.append(item)
            continue
        content = _content(item)
        is_of_word = place > 0 and isinstance(items[place - 1], str) and _is_word(items[place - 1])
        if item.opener == "(" and not is_of_word and _is_operand(content):
            found.extend((content,) if isinstance(content, str) else content[1:])
        else:
            found.append((item.opener, content))
    return found[0] if len(found) == 1 else ("term", *found)


def _is_operand(content: Tree) -> bool:
    """Whether it is a name, a literal or a call, with or without casts: nothing binds more closely."""
    if isinstance(content, str):
        return _is_word(content)
    if content[:1] != ("term",):
        return False
    rest = list(content[1:])
    if not (isinstance(rest[0], str) and _is_word(rest.pop(0))):
        return False
    if rest and isinstance(rest[0], tuple):
        rest.pop(0)
    while rest[:1] == ["::"] and len(rest) > 1:
        del rest[:2]
        if rest[:1] == [_EMPTY_BRACKETS]:
            rest.pop(0)
    return not rest


def _is_word(item: object) -> bool:
    return isinstance(item, str) and item not in _OPERATORS and bool(_WORD.fullmatch(item))
