"""Blocks of an update's text: one text, and each account reads the blocks that are for its state.

::: not restored
We are still working on your account.
:::
"""

import enum
import re
from collections.abc import Mapping

from incidents.choices import Choice, CompanyState


class ReaderState(Choice):
    """What tells apart who reads which blocks, from a company's own recovery."""

    RESTORED = "restored", "Restored"
    AFFECTED = "affected", "Down or degraded"
    UNKNOWN = "unknown", "Not known yet"


class Fault(enum.StrEnum):
    """What can be wrong with the fences of a text."""

    UNKNOWN = "A block is for “affected”, “restored” or “not restored”."
    OPEN = "A block is not closed: end it with a line of three colons."
    NESTED = "A block begins within a block: close the first one before."
    STRAY = "A line of three colons closes a block that was never begun."


READERS: Mapping[str, frozenset[ReaderState]] = {
    "affected": frozenset({ReaderState.AFFECTED, ReaderState.RESTORED}),
    "restored": frozenset({ReaderState.RESTORED}),
    "not restored": frozenset({ReaderState.AFFECTED, ReaderState.UNKNOWN}),
}
"""Name of a block → who reads it. Affected: an impact on the account is recorded, restored or not."""

_FENCE = re.compile(r" {0,3}:::[ \t]*(.*?)[ \t]*")


def reader_state(state: CompanyState) -> ReaderState:
    """Which blocks a company in this state reads.

    >>> str(reader_state(CompanyState.DEGRADED))
    'affected'
    """
    if state is CompanyState.RESTORED:
        return ReaderState.RESTORED
    return ReaderState.UNKNOWN if state is CompanyState.UNKNOWN else ReaderState.AFFECTED


def has_blocks(text: str) -> bool:
    return any(_FENCE.fullmatch(line) for line in text.splitlines())


def fault(text: str) -> Fault | None:
    """The first thing that is wrong with the fences of a text."""
    is_within = False
    for line in text.splitlines():
        fence = _FENCE.fullmatch(line)
        if not fence:
            continue
        if fence[1] and is_within:
            return Fault.NESTED
        if fence[1] and _name(fence[1]) not in READERS:
            return Fault.UNKNOWN
        if not fence[1] and not is_within:
            return Fault.STRAY
        is_within = bool(fence[1])
    return Fault.OPEN if is_within else None


def text_for(text: str, reader: ReaderState) -> str:
    """The text without the blocks that are for others. Its fences must be without fault.

    >>> text_for("Hello.\\n::: restored\\nYou are back.\\n:::\\nBye.", ReaderState.UNKNOWN)
    'Hello.\\n\\nBye.'
    """
    lines, is_for_reader = [], True
    for line in text.splitlines():
        fence = _FENCE.fullmatch(line)
        if fence:
            is_for_reader = not fence[1] or reader in READERS[_name(fence[1])]
            if not fence[1]:
                lines.append("")
        elif is_for_reader:
            lines.append(line)
    return "\n".join(lines)


def outside(text: str) -> str:
    """The lines that everybody reads, whatever the state of the account.

    >>> outside("Hello.\\n::: restored\\nYou are back.\\n:::\\nBye.")
    'Hello.\\n\\nBye.'
    """
    lines, is_within = [], False
    for line in text.splitlines():
        fence = _FENCE.fullmatch(line)
        if fence:
            is_within = bool(fence[1])
            if not is_within:
                lines.append("")
        elif not is_within:
            lines.append(line)
    return "\n".join(lines)


def _name(written: str) -> str:
    return " ".join(written.casefold().split())
