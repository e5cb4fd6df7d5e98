"""Several pieces of work at the same time, each in a thread and on a connection of its own."""

import threading
from collections.abc import Callable

from django.db import connection


def at_once(*work: Callable[[], object]) -> list[object]:
    """What each returned, or the exception that it raised, in the order in which they were given.

    None begins before all have come, so that they are really at work together.
    """
    ended: list[object] = [None] * len(work)
    together = threading.Barrier(len(work))

    def run(place: int) -> None:
        try:
            together.wait(timeout=30)
            ended[place] = work[place]()
        except Exception as error:  # noqa: BLE001 - a thread's failure is the test's to judge
            ended[place] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(place,)) for place in range(len(work))]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    return ended
