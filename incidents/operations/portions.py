"""Many values, so many at a time as one statement takes as values of their own."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

T = TypeVar("T")

MOST = 5_000


def portions(values: Iterable[T]) -> Iterator[list[T]]:
    """The values in their order, in lists of at most MOST."""
    left = iter(values)
    while some := list(islice(left, MOST)):
        yield some
