"""Every text that belongs to somebody in a test's world, and where it is found again.

A mark is a random word that a factory puts into a text, or a text that is its own mark: the name of
a company, an address, an incident's reference, an id. Each has an owner, who says who may read it.
"""

import re
import secrets
import string
from collections import defaultdict
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

_LETTERS = string.ascii_lowercase + string.digits
_WORD = re.compile(r"mk[a-z0-9]{10}")
_ID = re.compile(r"[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}")
SHORTEST_LITERAL = 8
"""A shorter text, or one of letters alone, may stand in a page by chance: it is no mark."""


@dataclass(frozen=True, kw_only=True)
class Owner:
    """Whose a text is. Of an incident: everybody's whom the published incident affects."""

    kind: Literal["staff", "company", "person", "incident"]
    id: UUID | None = None
    name: str = ""

    def __str__(self) -> str:
        return f"{self.kind} {self.name}".strip()


STAFF = Owner(kind="staff")


@dataclass(frozen=True, kw_only=True)
class Mark:
    """One text to be found again, in small letters. `what` says of which text it is the mark."""

    text: str
    owner: Owner
    what: str
    is_name: bool = False
    """The name of a company, which others may read in a roster if it agreed."""
    is_id: bool = False
    """An id, which logs, messages of the queue and keys may hold."""

    def __str__(self) -> str:
        return f"{self.what} of {self.owner} ({self.text})"


@dataclass(frozen=True, kw_only=True)
class Sighting:
    """Marks of one text (it may have several owners), where they were seen and what stands around."""

    marks: tuple[Mark, ...]
    around: str

    @property
    def text(self) -> str:
        return self.marks[0].text


class Marks:
    """The marks of one test."""

    def __init__(self) -> None:
        self._of_text: defaultdict[str, dict[Mark, None]] = defaultdict(dict)
        self._literals: dict[str, None] = {}
        self.companies_of_person: defaultdict[UUID, set[UUID]] = defaultdict(set)
        """Every company that a person was ever a member of: what they did there stays there."""

    def __bool__(self) -> bool:
        return bool(self._of_text)

    def word(self, owner: Owner, what: str, *, is_name: bool = False) -> str:
        """A new random word that is the mark of `what`."""
        word = "mk" + "".join(secrets.choice(_LETTERS) for _ in range(10))
        self._add(Mark(text=word, owner=owner, what=what, is_name=is_name))
        return word

    def literal(self, text: str, owner: Owner, what: str, *, is_name: bool = False) -> None:
        """Take a text itself as a mark, unless it is too plain for one or holds a word already."""
        small = text.lower()
        if len(small) < SHORTEST_LITERAL or small.isalpha() or _WORD.search(small):
            return
        self._literals[small] = None
        self._add(Mark(text=small, owner=owner, what=what, is_name=is_name))

    def id(self, id_: UUID, owner: Owner) -> None:
        self._add(Mark(text=str(id_), owner=owner, what="the id", is_id=True))

    def add(self, others: "Marks") -> None:
        """Take over the marks of a world that was made before."""
        for text, known in others._of_text.items():
            self._of_text[text] |= known
        self._literals |= others._literals
        for person, companies in others.companies_of_person.items():
            self.companies_of_person[person] |= companies

    def find(self, text: str) -> list[Sighting]:
        """Every mark that stands in `text`, in whatever case, each once."""
        small = text.lower()
        seen: dict[str, int] = {}
        for found in _WORD.finditer(small):
            seen.setdefault(found[0], found.start())
        for found in _ID.finditer(small):
            seen.setdefault(_with_hyphens(found[0]), found.start())
        for literal in list(self._literals):
            place = small.find(literal)
            if place >= 0:
                seen.setdefault(literal, place)
        return [
            Sighting(marks=tuple(self._of_text[each]), around=_around(text, place, len(each)))
            for each, place in seen.items()
            if each in self._of_text
        ]

    def _add(self, mark: Mark) -> None:
        self._of_text[mark.text][mark] = None


def _with_hyphens(id_: str) -> str:
    plain = id_.replace("-", "")
    return "-".join((plain[:8], plain[8:12], plain[12:16], plain[16:20], plain[20:]))


def _around(text: str, place: int, length: int) -> str:
    return " ".join(text[max(0, place - 60) : place + length + 40].split())


in_force = Marks()
"""The marks of the test that runs; emptied before each."""


def begin() -> None:
    """Forget the marks of the test before."""
    in_force.__init__()  # type: ignore[misc]  # the same object, which others hold, anew
