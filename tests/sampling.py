"""Which of the many generated cases a run goes through, and how many they were.

A quick run takes a sample, the same each time; PORTAL_TEST_EVERYTHING=1 takes all.
A test that goes through many cases says how many with `record_property(CASES + "of what", number)`;
the end of the run prints the sums.
"""

import os
import random
from collections.abc import Iterable
from typing import TypeVar

T = TypeVar("T")

EVERYTHING = os.environ.get("PORTAL_TEST_EVERYTHING") == "1"
CASES = "cases: "
SEED = 4022026


def sampled(cases: Iterable[T], *, most: int, most_of_all: int | None = None) -> list[T]:
    """All `cases` in their order, or in a quick run at most `most` of them: always the same ones.

    Where even a full run would take too long, it takes at most `most_of_all`.
    """
    found = list(cases)
    limit = most_of_all if EVERYTHING else most
    if limit is None or len(found) <= limit:
        return found
    chosen = random.Random(SEED).sample(range(len(found)), limit)
    return [found[place] for place in sorted(chosen)]
