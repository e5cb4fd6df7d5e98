"""What is done behind the portal of the founding day, as a program.

`load`: the companies of that day and the people who sign in, and no incident yet. `work`: for each line
that it is sent, what the worker would have done by the instant of the clock, then a line in answer.
"""

import sys

import django

django.setup()

from django.conf import settings  # noqa: E402

from incidents import standings  # noqa: E402
from incidents.demo import load, people, world  # noqa: E402
from incidents.management.commands.load_demo import LOGINS_FILE  # noqa: E402
from incidents.operations import import_work  # noqa: E402
from tenants import scope  # noqa: E402
from tests.journeys import day_clock  # noqa: E402


def write_companies() -> None:
    with scope.as_staff():
        world.write_catalogue()
        world.write_companies(world.affected_companies(load.COMPANIES))
        people.write_logins(settings.DATA_DIR / LOGINS_FILE, people.write())


def work() -> None:
    for _asked in sys.stdin:
        now = day_clock.read()
        for import_id in import_work.waiting(now=now):
            import_work.advance(import_id, now=now)
        with scope.as_staff():
            standings.count_again(now=now)
        print(now, flush=True)


if __name__ == "__main__":
    {"load": write_companies, "work": work}[sys.argv[1]]()
