"""Rendered parts of pages, kept in the process while their version stands.

A part is kept under company, version and everything else that shaped it, never under a person.
The company stands inside the value too and is compared before it is given out.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from uuid import UUID

from tenants import scope
from tenants.errors import ScopeError

MOST_PARTS = 1_000


@dataclass(frozen=True, kw_only=True)
class Part:
    company_id: UUID
    title: str
    html: str


_parts: OrderedDict[Hashable, Part] = OrderedDict()
_lock = threading.Lock()


def part(key: tuple[Hashable, ...], render: Callable[[], Part]) -> Part:
    """The part kept under `key` for the company of the scope, else the one that `render` makes.

    Raises ScopeError outside of a client scope, and for a part of another company.
    """
    company_id = scope.required().company_id
    if company_id is None:
        raise ScopeError("Parts of client pages are kept for companies only.")
    full_key = (company_id, *key)
    with _lock:
        kept = _parts.get(full_key)
        if kept is not None:
            _parts.move_to_end(full_key)
    if kept is None:
        kept = render()
        with _lock:
            _parts[full_key] = kept
            while len(_parts) > MOST_PARTS:
                _parts.popitem(last=False)
    if kept.company_id != company_id:
        raise ScopeError("A kept part belongs to another company.")
    return kept


def forget_all() -> None:
    """Drop every kept part: for tests."""
    with _lock:
        _parts.clear()
