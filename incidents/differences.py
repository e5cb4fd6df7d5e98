"""What is new in a text against an older one: paragraph by paragraph, and word by word inside."""

import difflib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

MOST_PARAGRAPHS = 2_000
"""A longer text is shown as replaced whole: nobody would read its differences."""
MOST_WORDS = 400
"""A longer paragraph that was changed is shown as replaced whole."""

Fate = Literal["same", "added", "removed"]


@dataclass(frozen=True, kw_only=True)
class Piece:
    """Words that stayed, came or went."""

    fate: Fate
    words: str

    @property
    def is_added(self) -> bool:
        return self.fate == "added"

    @property
    def is_removed(self) -> bool:
        return self.fate == "removed"


@dataclass(frozen=True, kw_only=True)
class Paragraph:
    """One paragraph with the fate of its words; `fate` is that of all of them, or "changed"."""

    fate: Fate | Literal["changed"]
    pieces: tuple[Piece, ...]


def compare(old: str, new: str) -> tuple[Paragraph, ...]:
    """The paragraphs of both texts in their order, what went before what came in its place.

    >>> [(piece.fate, piece.words) for piece in compare("It took 4 h.", "It took 6 h.")[0].pieces]
    [('same', 'It took '), ('removed', '4'), ('added', '6'), ('same', ' h.')]
    """
    before, after = _paragraphs(old), _paragraphs(new)
    if max(len(before), len(after)) > MOST_PARAGRAPHS:
        if before == after:
            return tuple(_whole("same", each) for each in after)
        return (*(_whole("removed", each) for each in before), *(_whole("added", each) for each in after))
    found: list[Paragraph] = []
    matcher = difflib.SequenceMatcher(a=before, b=after)
    for turn, old_from, old_to, new_from, new_to in matcher.get_opcodes():
        if turn == "equal":
            found += [_whole("same", each) for each in after[new_from:new_to]]
        else:
            found += _replaced(before[old_from:old_to], after[new_from:new_to])
    return tuple(found)


def is_same(paragraphs: tuple[Paragraph, ...]) -> bool:
    return all(each.fate == "same" for each in paragraphs)


def _replaced(gone: list[str], come: list[str]) -> Iterator[Paragraph]:
    """Paragraphs in the place of others: one against one while both last, then the rest whole."""
    shared = min(len(gone), len(come))
    for old, new in zip(gone[:shared], come[:shared], strict=True):
        yield from _changed(old, new)
    yield from (_whole("removed", each) for each in gone[shared:])
    yield from (_whole("added", each) for each in come[shared:])


def _changed(old: str, new: str) -> Iterator[Paragraph]:
    before, after = (re.findall(r"\s+|\w+|[^\w\s]", text) for text in (old, new))
    matcher = difflib.SequenceMatcher(a=before, b=after, autojunk=False)
    if max(len(before), len(after)) > MOST_WORDS or matcher.ratio() < 0.4:
        yield _whole("removed", old)
        yield _whole("added", new)
        return
    pieces: list[Piece] = []
    for turn, old_from, old_to, new_from, new_to in matcher.get_opcodes():
        if turn == "equal":
            pieces.append(Piece(fate="same", words="".join(after[new_from:new_to])))
            continue
        if old_to > old_from:
            pieces.append(Piece(fate="removed", words="".join(before[old_from:old_to])))
        if new_to > new_from:
            pieces.append(Piece(fate="added", words="".join(after[new_from:new_to])))
    yield Paragraph(fate="changed", pieces=tuple(pieces))


def _whole(fate: Fate, text: str) -> Paragraph:
    return Paragraph(fate=fate, pieces=(Piece(fate=fate, words=text),))


def _paragraphs(text: str) -> list[str]:
    return [each.strip() for each in re.split(r"\n\s*\n", text.strip()) if each.strip()]
