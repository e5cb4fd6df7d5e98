"""How a text that was posted begins, in plain words on one line."""

import html
import re
from collections.abc import Iterable

from django.utils.html import strip_tags
from django.utils.text import Truncator

from incidents import blocks, fields, markdown
from incidents.models import Update

_SENTENCES = re.compile(r"(?<=[.!?])\s+|\n+")
_DIFFERS = "(differs by account)"
"""Said of a text of which no sentence reads the same for all."""


def as_posted(update: Update, *, zone: str, words: int) -> str:
    """What all of its readers read, with the numbers of then and times in `zone`.

    Reads `update.wordings`: fetch them before where there are many updates. A sentence that says of
    each account its own is left out; where nothing else is said, that is told.
    """
    wordings = [each.body_html.splitlines() for each in update.wordings.all()]
    shared = [line for line in wordings[0] if all(line in other for other in wordings)] if wordings else []
    plain = html.unescape(strip_tags(update.body_html or "\n".join(shared)))
    kept = (each for each in _sentences(plain) if not fields.is_of_reader(each))
    said = fields.in_words(_on_one_line(kept), zone)
    return Truncator(said or _DIFFERS).words(words, truncate="…")


def typed_by_hand(body_markdown: str) -> str:
    """What everybody could read, without each sentence that holds a number or time of the record."""
    plain = html.unescape(strip_tags(markdown.to_html(blocks.outside(body_markdown))))
    return _on_one_line(each for each in _sentences(plain) if fields.removed(each) == each)


def _sentences(plain: str) -> list[str]:
    """A field stays whole, also one that was typed over two lines."""
    return _SENTENCES.split(fields.on_one_line(plain))


def _on_one_line(sentences: Iterable[str]) -> str:
    return " ".join(" ".join(sentences).split())
